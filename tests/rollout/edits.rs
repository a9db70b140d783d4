//! operations.md §8: what edits of documents do to deployments that run.

use crate::lab::{Lab, until};

#[test]
fn a_deployment_keeps_its_snapshot_and_the_next_takes_the_edit() {
    let lab = Lab::up(2);
    lab.project(&["web-1", "web-2"], "{}");
    let one = "deploymentConfigName: CodeDeployDefault.OneAtATime\n";
    lab.group("all", "role", "web", one);
    lab.push("1.0", "0.6", None);
    let id = lab.ok(&["deploy", "shop", "all", "1.0"]);
    let other = "deploymentConfigName: CodeDeployDefault.AllAtOnce\nautoRollbackConfiguration: { enabled: true, events: [DEPLOYMENT_FAILURE] }\n";
    // Tags too: web-2 is no longer selected, and is deployed to all the same.
    lab.group("all", "name", "web-1", other);
    until("the edit is noticed", || {
        lab.ok(&["list", "groups"]).contains("AllAtOnce")
    });
    assert_eq!(lab.status(&id), "InProgress");
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    let shown = lab.show(&id);
    let info = &shown["deploymentInfo"];
    assert_eq!(info["deploymentConfigName"], "CodeDeployDefault.OneAtATime");
    assert!(info["autoRollbackConfiguration"].is_null());
    assert_eq!(info["deploymentOverview"]["Succeeded"], 2);
    // What left the group keeps what was installed.
    let version = lab.root("web-2").join("srv/app/version");
    assert_eq!(std::fs::read_to_string(version).unwrap(), "1.0");

    let (next, _) = lab.deploy(&["all", "1.0"]);
    let shown = lab.show(&next);
    assert_eq!(
        shown["deploymentInfo"]["deploymentConfigName"],
        "CodeDeployDefault.AllAtOnce"
    );
    assert_eq!(shown["targets"].as_array().unwrap().len(), 1);
}

/// Nobody waits between an edit and what rests on it.
#[test]
fn whoever_deploys_right_after_an_edit_means_the_edit() {
    let lab = Lab::up(1);
    lab.push("1.0", "0", None);
    for configuration in ["OneAtATime", "AllAtOnce", "HalfAtATime"] {
        let configuration = format!("CodeDeployDefault.{configuration}");
        let line = format!("deploymentConfigName: {configuration}\n");
        lab.group("all", "role", "web", &line);
        let (id, _) = lab.deploy(&["all", "1.0"]);
        let shown = lab.show(&id);
        assert_eq!(
            shown["deploymentInfo"]["deploymentConfigName"],
            configuration.as_str()
        );
    }
}

#[test]
fn a_host_that_leaves_the_project_while_a_script_runs_is_unknown() {
    let lab = Lab::up(2);
    let all = ["web-1", "web-2"];
    let limits = "{ silenceSeconds: 3, pickUpSeconds: 60 }";
    lab.project(&all, limits);
    lab.group("all", "role", "web", "");
    lab.push("1.0", "4", None);
    let id = lab.ok(&[
        "deploy",
        "shop",
        "all",
        "1.0",
        "--config",
        "CodeDeployDefault.AllAtOnce",
    ]);
    lab.wait_for(&id, |now| {
        let targets = now["targets"].as_array().unwrap();
        targets
            .iter()
            .all(|t| t["events"][2]["status"] == "InProgress")
    });
    lab.project(&all[..1], limits);
    let ended = lab.wait_for(&id, |now| now["targets"][1]["status"] == "Unknown");
    let target = &ended["targets"][1];
    let running = target["events"].as_array().unwrap();
    assert!(
        running.iter().any(|event| event["status"] == "Unknown"),
        "{target}"
    );
    let says = target["message"].as_str().unwrap();
    assert!(says.contains("no longer in the project"), "{says}");
    assert_eq!(ended["targets"][0]["status"], "InProgress");
    lab.wait_for_end(&id);
    assert_eq!(
        lab.show(&id)["deploymentInfo"]["deploymentOverview"]["Failed"],
        1
    );
}

#[test]
fn a_host_that_comes_back_in_time_goes_on() {
    let lab = Lab::up(1);
    lab.project(&["web-1"], "{}");
    lab.group("all", "role", "web", "");
    lab.push("1.0", "2", None);
    let id = lab.ok(&["deploy", "shop", "all", "1.0"]);
    lab.wait_for(&id, |now| {
        now["targets"][0]["events"][2]["status"] == "InProgress"
    });
    lab.project(&[], "{}");
    lab.wait_for(&id, |now| now["targets"][0]["silentSince"].is_i64());
    lab.project(&["web-1"], "{}");
    lab.wait_for(&id, |now| now["targets"][0]["silentSince"].is_null());
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    assert_eq!(lab.trace("web-1").len(), 4, "no script ran twice");
}
