//! Blue/green: the replacement is installed and tested, then traffic moves, and back.

use std::time::{Duration, Instant};

use cutover::agent::protocol::LEASE;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::each;
use super::front::Kind;
use super::site::{Clients, Site};

async fn there_and_back(kind: Kind) {
    let site = Site::up(kind, 2, 2).await;
    let load = site.load();
    load.all_go_to("blue").await;
    let lab = &site.lab;
    let asked = lab.run(&["deploy", "shop", "swap", "1.0"]);
    let said = String::from_utf8(asked.stderr).unwrap();
    let expected = "which instances are the replacement of shop/swap?";
    assert!(said.contains(expected), "{said}");

    for (side, other) in [("green", "blue"), ("blue", "green")] {
        // The second time it is the side that had the traffic before.
        let replacement = ["--replacement", "side=green"];
        let named = if side == "green" {
            &replacement[..]
        } else {
            &[]
        };
        let id = lab.ok(&[&["deploy", "shop", "swap", "1.0"], named].concat());
        lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
        load.all_go_to(other).await;
        lab.ok(&["reroute", &id]);
        assert_eq!(lab.wait_for_end(&id), "Succeeded");
        load.all_go_to(side).await;
    }
    load.nothing_was_lost();
}

each!(there_and_back:
    haproxy HaProxy, haproxy_through_its_agent HaProxyThroughAgent, nginx Nginx, envoy EnvoyEndpoints, envoy_by_keys EnvoyRuntime, router Router);

/// The orchestrator sleeps for so long, as a laptop does, while requests flow.
async fn sleeps(site: &Site, load: &Clients, time: Duration) {
    let orchestrator = Pid::from_raw(site.lab.orchestrator());
    kill(orchestrator, Signal::SIGSTOP).unwrap();
    let asleep = Instant::now();
    while asleep.elapsed() < time {
        load.all_go_to("blue").await;
    }
    kill(orchestrator, Signal::SIGCONT).unwrap();
}

#[tokio::test]
async fn an_orchestrator_that_sleeps_while_it_waits_for_somebody_knows_what_time_it_is() {
    let site = Site::up(Kind::Router, 1, 1).await;
    let load = site.load();
    load.all_go_to("blue").await;
    let lab = &site.lab;
    // The wait ends while it sleeps: nobody has said that traffic may move, so it does not.
    let path = lab.folder().join("applications/shop/swap.yaml");
    let group = std::fs::read_to_string(&path).unwrap();
    let brief = group.replace("waitTimeInMinutes: 10", "waitTimeInMinutes: 1");
    assert_ne!(brief, group);
    std::fs::write(&path, brief).unwrap();
    let id = site.ready("green", "CodeDeployDefault.AllAtOnce");
    sleeps(&site, &load, Duration::from_secs(62)).await;
    assert_eq!(lab.wait_for_end(&id), "Stopped");
    load.all_go_to("blue").await;

    // What was not over goes on as if nothing had been.
    std::fs::write(&path, group).unwrap();
    let id = site.ready("green", "CodeDeployDefault.AllAtOnce");
    sleeps(&site, &load, LEASE + Duration::from_secs(3)).await;
    assert_eq!(lab.show(&id)["deploymentInfo"]["status"], "Ready");
    lab.ok(&["reroute", &id]);
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    // Answers that were given before are read by and by.
    load.come_to("green").await;
    load.all_go_to("green").await;
    load.nothing_was_lost();
}
