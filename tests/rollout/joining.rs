//! operations.md §7 and domain.md §12: hosts that join a group, and those that were outdated meanwhile.

use cutover::api::command::Command;
use cutover::engine::input::{Command as Control, What};
use serde_json::{Value, json};

use crate::lab::{Lab, until};

const NONE: &str = "{}";

fn targets(shown: &Value) -> Vec<&str> {
    let targets = shown["targets"].as_array().unwrap();
    targets
        .iter()
        .map(|t| t["name"].as_str().unwrap())
        .collect()
}

/// The launch deployments of a host.
fn launches(lab: &Lab, host: &str) -> Vec<String> {
    let mut all = lab.created_by("autoscaling");
    all.retain(|id| targets(&lab.show(id)) == [host]);
    all
}

fn version(lab: &Lab, host: &str) -> String {
    std::fs::read_to_string(lab.root(host).join("srv/app/version")).unwrap_or_default()
}

#[test]
fn a_host_that_joins_gets_the_groups_revision_once() {
    let lab = Lab::up(3);
    lab.project(&["web-1"], NONE);
    lab.group("all", "role", "web", "");
    lab.group("idle", "role", "web", "outdatedInstancesStrategy: IGNORE\n");
    lab.push("1.0", "0", None);
    let (asked, _) = lab.deploy(&["all", "1.0"]);
    assert_eq!(
        lab.deploy(&["idle", "1.0", "--file-exists-behavior", "overwrite"])
            .1,
        0
    );

    lab.project(&["web-1", "web-2"], NONE);
    until("web-2 is launched", || !launches(&lab, "web-2").is_empty());
    let launch = launches(&lab, "web-2").remove(0);
    assert_eq!(lab.wait_for_end(&launch), "Succeeded");
    assert_eq!(version(&lab, "web-2"), "1.0");
    let info = lab.show(&launch)["deploymentInfo"].clone();
    assert_eq!(
        (&info["group"], &info["by"]),
        (
            &json!({"application": "shop", "group": "all"}),
            &json!("web-2")
        )
    );

    // Nothing is launched twice, by another orchestrator either; a host without an answer waits for its agent.
    lab.signal_agent("web-3", nix::sys::signal::Signal::SIGSTOP);
    lab.kill_orchestrator();
    lab.project(&["web-1", "web-2", "web-3"], NONE);
    until("web-3 is known not to answer", || {
        let hosts = lab.ok(&["hosts"]);
        hosts
            .lines()
            .any(|line| line.contains("web-3") && line.contains("unreachable"))
    });
    assert!(launches(&lab, "web-3").is_empty());
    lab.signal_agent("web-3", nix::sys::signal::Signal::SIGCONT);
    until("web-3 is launched", || version(&lab, "web-3") == "1.0");
    assert_eq!(lab.created_by("autoscaling").len(), 2);
    // The group remembers what a person asked for.
    let again = lab.ok(&["redeploy", "shop", "all"]);
    let says = format!("{asked} again");
    assert_eq!(
        lab.show(&again)["deploymentInfo"]["description"],
        says.as_str()
    );
}

#[test]
fn a_launch_that_fails_is_not_repeated() {
    let lab = Lab::up(3);
    lab.project(&["web-1"], NONE);
    lab.group("all", "role", "web", "");
    lab.push("1.0", "0", Some("web-2"));
    assert_eq!(lab.deploy(&["all", "1.0"]).1, 0);
    lab.project(&["web-1", "web-2"], NONE);
    until("web-2 is launched", || !launches(&lab, "web-2").is_empty());
    let launch = launches(&lab, "web-2").remove(0);
    assert_eq!(lab.wait_for_end(&launch), "Failed");
    lab.kill_orchestrator();
    // Whoever joins after it is launched; it is not again.
    lab.project(&["web-1", "web-2", "web-3"], NONE);
    until("web-3 is launched", || !launches(&lab, "web-3").is_empty());
    lab.wait_for_end(&launches(&lab, "web-3").remove(0));
    assert_eq!(launches(&lab, "web-2"), [launch]);
}

/// A host joins while the group is deployed to: it gets the former revision beside that, and then the new one.
#[test]
fn who_joined_with_the_former_revision_is_updated_afterwards() {
    let lab = Lab::up(3);
    lab.project(&["web-1", "web-2"], NONE);
    lab.group("all", "role", "web", "");
    lab.push("1.0", "0", None);
    lab.push("2.0", "1.6", None);
    assert_eq!(lab.deploy(&["all", "1.0"]).1, 0);
    let root = lab.ok(&["deploy", "shop", "all", "2.0"]);
    lab.project(&["web-1", "web-2", "web-3"], NONE);
    until("web-3 is launched", || !launches(&lab, "web-3").is_empty());
    let launch = launches(&lab, "web-3").remove(0);
    assert_eq!(lab.wait_for_end(&launch), "Succeeded");
    let shown = lab.show(&launch);
    assert_eq!(shown["deploymentInfo"]["revision"]["label"], "1.0");
    assert_eq!(lab.status(&root), "InProgress", "it ran beside the other");
    lab.kill_orchestrator();
    assert_eq!(lab.wait_for_end(&root), "Succeeded");

    let related = |id: &str| lab.show(id)["deploymentInfo"]["relatedDeployments"].clone();
    let field = "autoUpdateOutdatedInstancesDeploymentIds";
    let updates = related(&root)[field].clone();
    let [update] = updates.as_array().unwrap().as_slice() else {
        panic!("{updates}");
    };
    let update = update.as_str().unwrap();
    // The group's slot passed to it without a gap.
    let busy = lab.run(&["deploy", "shop", "all", "1.0"]);
    assert_eq!(busy.status.code(), Some(1), "{busy:?}");
    assert_eq!(lab.wait_for_end(update), "Succeeded");
    let shown = lab.show(update);
    assert_eq!(shown["deploymentInfo"]["creator"], "CodeDeployAutoUpdate");
    assert_eq!(targets(&shown), ["web-3"]);
    assert_eq!(
        related(update)["autoUpdateOutdatedInstancesRootDeploymentId"],
        root.as_str()
    );
    assert_eq!(version(&lab, "web-3"), "2.0");
    assert_eq!(lab.created_by("CodeDeployAutoUpdate").len(), 1);
    assert_eq!(lab.created_by("autoscaling").len(), 1);
}

/// The deployment ends before the launch beside it does: the host is updated all the same.
#[test]
fn a_launch_that_ends_too_late_is_followed_by_its_update() {
    let lab = Lab::up(2);
    lab.project(&["web-1"], NONE);
    lab.group("all", "role", "web", "");
    lab.push("1.0", "1.5", None);
    lab.push("2.0", "1", None);
    assert_eq!(lab.deploy(&["all", "1.0"]).1, 0);
    // ApplicationStop is the former revision's; it holds until web-2 is being launched.
    let root = lab.ok(&["deploy", "shop", "all", "2.0"]);
    lab.project(&["web-1", "web-2"], NONE);
    until("web-2 is launched", || !launches(&lab, "web-2").is_empty());
    let launch = launches(&lab, "web-2").remove(0);
    if lab.show(&launch)["deploymentInfo"]["revision"]["label"] == "1.0" {
        until("web-2 is updated", || version(&lab, "web-2") == "2.0");
        assert_eq!(lab.created_by("CodeDeployAutoUpdate").len(), 1);
    }
    assert_eq!(lab.wait_for_end(&root), "Succeeded");
    until("both have the same", || version(&lab, "web-2") == "2.0");
}

#[test]
fn a_host_that_an_operator_left_out_does_not_join() {
    let lab = Lab::up(3);
    lab.project(&["web-1", "web-2"], NONE);
    lab.group("all", "role", "web", "");
    lab.push("1.0", "0.5", None);
    let id = lab.ok(&["deploy", "shop", "all", "1.0"]);
    let skip = What::Skip {
        target: "web-2".parse().unwrap(),
    };
    lab.send(&Command::Control {
        deployment: id.parse().unwrap(),
        control: Control::new(skip, "ana"),
    })
    .unwrap();
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    lab.project(&["web-1", "web-2", "web-3"], NONE);
    until("web-3 is launched", || version(&lab, "web-3") == "1.0");
    assert!(launches(&lab, "web-2").is_empty());
    assert!(lab.trace("web-2").is_empty());
}
