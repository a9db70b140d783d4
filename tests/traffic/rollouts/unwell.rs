//! Instances that can't serve: a replacement that does not become healthy, hosts that vanish, and what fails half way.

use super::each;
use super::front::Kind;
use super::site::{Site, event};

const ALL: &str = "CodeDeployDefault.AllAtOnce";

async fn a_replacement_that_does_not_become_healthy(kind: Kind) {
    let mut site = Site::up(kind, 2, 1).await;
    site.limits = "{ enterSeconds: 1 }";
    site.begin_again();
    let load = site.load();
    // Load balancers that look at it all the time know by the end of the wait.
    site.apps[2].set_well(false);
    let id = site.ready("green", ALL);
    let shown = site.reroute_fails(&id);
    let (status, said) = event(&shown, "web-3", "AllowTraffic");
    assert_eq!(status, "Failed");
    assert!(said.contains("did not come into service in time"), "{said}");
    let finding = match kind {
        // With the status, unless the next check runs just then.
        Kind::HaProxy => "DOWN: L7STS",
        Kind::Router => "503",
        _ => "its health check fails",
    };
    assert!(said.contains(finding), "{said}");
    assert_eq!(event(&shown, "web-1", "BlockTraffic").0, "Skipped");
    // It gets nothing either when it is well after all.
    site.apps[2].set_well(true);
    load.all_go_to("blue").await;
    load.next(200).await;
    load.all_go_to("blue").await;
    load.nothing_was_lost();
}

each!(a_replacement_that_does_not_become_healthy:
    unwell_behind_haproxy HaProxy, unwell_behind_envoy EnvoyEndpoints,
    unwell_behind_envoy_by_keys EnvoyRuntime, unwell_behind_router Router);

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_vanish_during_the_wait_fail_with_a_reason() {
    let mut site = Site::up(Kind::HaProxy, 2, 1).await;
    site.limits = "{ pickUpSeconds: 3 }";
    site.begin_again();
    let load = site.load();

    let id = site.ready("green", ALL);
    site.list("web-3", false);
    let shown = site.reroute_fails(&id);
    let said = shown["targets"].to_string();
    assert!(said.contains("web-3 is no longer in the project"), "{said}");
    site.list("web-3", true);

    // While it enters.
    site.apps[2].set_well(false);
    let id = site.ready("green", ALL);
    site.lab.ok(&["reroute", &id]);
    site.lab.wait_for(&id, |now| {
        event(now, "web-3", "AllowTraffic").0 == "InProgress"
    });
    site.list("web-3", false);
    assert_eq!(site.lab.wait_for_end(&id), "Failed");
    let shown = site.lab.show(&id);
    let (status, said) = event(&shown, "web-3", "AllowTraffic");
    assert_eq!(status, "Failed");
    assert!(said.contains("nobody knows where it serves"), "{said}");
    site.list("web-3", true);
    site.apps[2].set_well(true);

    // Its agent is gone.
    let id = site.ready("green", ALL);
    load.all_go_to("blue").await;
    let end = nix::sys::signal::Signal::SIGKILL;
    site.lab.signal_agent("web-3", end);
    let shown = site.reroute_fails(&id);
    let said = shown["targets"].to_string();
    assert!(
        said.contains("did not start the next event within 3.0 s"),
        "{said}"
    );
    load.all_go_to("blue").await;
    load.nothing_was_lost();
}

async fn what_fails_between_leaving_and_entering_stays_out(kind: Kind) {
    let site = Site::up(kind, 3, 0).await;
    let load = site.load();
    load.next(30).await;
    let failing = site.lab.root("web-2").join("fail");
    std::fs::write(&failing, "").unwrap();
    let (id, code) = site.lab.deploy(&["rolling", "1.0"]);
    let shown = site.lab.show(&id);
    assert_ne!(code, 0, "{shown}");
    assert_eq!(event(&shown, "web-2", "BlockTraffic").0, "Succeeded");
    assert_eq!(event(&shown, "web-2", "ValidateService").0, "Failed");
    assert_eq!(event(&shown, "web-2", "AllowTraffic").0, "Skipped");
    let said = site.lab.ok(&["show", &id]);
    let told = "out of service at the load balancers, and left so: web-2";
    assert!(said.contains(told), "{said}");
    let messages = shown["deploymentInfo"]["deploymentStatusMessages"].to_string();
    assert!(messages.contains(told), "{messages}");
    let rest = load.next(120).await;
    assert!(!rest.answers.contains_key("blue web-2") || rest.answers["blue web-2"] == 0);

    // The next deployment brings it back.
    std::fs::remove_file(failing).unwrap();
    let (id, code) = site.lab.deploy(&["rolling", "1.0"]);
    assert_eq!(code, 0, "{}", site.lab.show(&id));
    let after = load.next(120).await;
    assert!(after.answers["blue web-2"] > 0, "{after:?}");
    load.nothing_was_lost();
}

each!(what_fails_between_leaving_and_entering_stays_out:
    failed_behind_haproxy HaProxy, failed_behind_nginx Nginx, failed_behind_envoy EnvoyEndpoints,
    failed_behind_router Router);
