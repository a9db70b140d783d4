//! operations.md §4: rolling back, its links, and when there is nothing to roll back to.

use serde_json::{Value, json};

use crate::lab::Lab;

fn info(lab: &Lab, id: &str) -> Value {
    lab.show(id)["deploymentInfo"].clone()
}

/// §4.4.
#[test]
fn without_an_earlier_success_the_failed_one_says_why_nothing_follows() {
    let lab = Lab::up(1);
    lab.push("1.0", "0", Some("web-1"));
    let (id, code) = lab.deploy(&["staging", "1.0"]);
    assert_eq!(code, 1);
    let info = info(&lab, &id);
    assert_eq!(info["status"], "Failed");
    assert_eq!(info["errorInformation"]["code"], "HEALTH_CONSTRAINTS");
    let rollback = &info["rollbackInfo"];
    assert_eq!(rollback["rollbackDeploymentId"], Value::Null);
    let says = rollback["rollbackMessage"].as_str().unwrap();
    assert!(says.contains("no revision to go back to"), "{says}");
    assert_eq!(lab.list(&[]).len(), 1);
}

/// §4.3 and §4.5.
#[test]
fn a_rollback_is_linked_both_ways_and_does_as_the_last_success_did() {
    let lab = Lab::up(2);
    lab.push("1.0", "0", None);
    lab.push("2.0", "0", Some("web-1"));
    let first = ["staging", "1.0", "--file-exists-behavior", "overwrite"];
    lab.deploy(&first);
    let failing = [
        "staging",
        "2.0",
        "--config",
        "CodeDeployDefault.AllAtOnce",
        "--file-exists-behavior",
        "retain",
        "--ignore-application-stop-failures",
    ];
    let zonal = "deploymentConfigName: Zonal\ncomputePlatform: Server\nminimumHealthyHosts: { type: HOST_COUNT, value: 1 }\nzonalConfig: { minimumHealthyHostsPerZone: { type: HOST_COUNT, value: 0 } }\n";
    std::fs::write(lab.folder().join("configurations/Zonal.yaml"), zonal).unwrap();
    crate::lab::until("the configuration is known", || {
        let again = [
            "deploy", "shop", "staging", "1.0", "--config", "Zonal", "--wait",
        ];
        lab.run(&again).status.code() == Some(0)
    });
    let failing = failing.map(|word| {
        if word.ends_with("AllAtOnce") {
            "Zonal"
        } else {
            word
        }
    });
    let overwrite = lab.ok(&[
        "deploy",
        "shop",
        "staging",
        "1.0",
        "--file-exists-behavior",
        "overwrite",
        "--wait",
    ]);
    let (failed, code) = lab.deploy(&failing);
    assert_eq!(code, 3, "it was rolled back");
    let failed_info = info(&lab, &failed);
    assert_eq!(failed_info["status"], "Failed");
    assert!(lab.show(&failed)["plan"]["stages"][0]["zone"].is_string());
    let rollback = failed_info["rollbackInfo"]["rollbackDeploymentId"]
        .as_str()
        .unwrap();
    let rolled = lab.show(rollback);
    let info = &rolled["deploymentInfo"];
    assert_eq!(info["creator"], "codeDeployRollback");
    assert_eq!(
        info["rollbackInfo"]["rollbackTriggeringDeploymentId"],
        failed.as_str()
    );
    assert_eq!(info["revision"]["label"], "1.0");
    assert_eq!(info["fileExistsBehavior"], "OVERWRITE");
    assert_eq!(info["ignoreApplicationStopFailures"], true);
    assert_eq!(info["deploymentConfigName"], "Zonal");
    assert_eq!(rolled["plan"]["stages"].as_array().unwrap().len(), 1);
    assert!(
        rolled["plan"]["stages"][0]["zone"].is_null(),
        "it goes by no zone"
    );
    assert_eq!(
        rolled["targets"].as_array().unwrap().len(),
        2,
        "all members"
    );
    // Waits for nobody: the slot passed to it.
    assert_ne!(overwrite, rollback);
    // The rollback is the group's last success now, so that a further failure goes back to its revision.
    let (_, code) = lab.deploy(&["staging", "2.0"]);
    assert_eq!(code, 3);
    let version = std::fs::read_to_string(lab.root("web-1").join("srv/app/version")).unwrap();
    assert_eq!(version, "1.0");
}

#[test]
fn a_rollback_that_fails_is_not_rolled_back_and_can_go_to_what_was_attempted_only() {
    let lab = Lab::up(3);
    let path = lab.revision("1.0", "0", None);
    let hook = std::fs::read_to_string(path.join("hook.sh")).unwrap();
    let hook = hook.replace(
        "exit 0",
        "[ -e \"$INSTALL_ROOT/broken\" ] && exit 1\nexit 0",
    );
    std::fs::write(path.join("hook.sh"), hook).unwrap();
    lab.ok(&["push", "shop", path.to_str().unwrap(), "--label", "1.0"]);
    lab.push("2.0", "0", Some("web-2"));
    lab.deploy(&["production", "1.0"]);

    // web-1 succeeds, web-2 fails, web-3 is not started.
    let attempted = [
        "production",
        "2.0",
        "--auto-rollback",
        "failure",
        "--rollback-attempted-only",
    ];
    let all = ["web-1", "web-2", "web-3"];
    let (failed, code) = lab.deploy(
        &[
            &attempted[..],
            &["--config", "CodeDeployDefault.HalfAtATime"],
        ]
        .concat(),
    );
    let rollback = info(&lab, &failed)["rolledBackBy"].clone();
    assert_eq!(code, 3);
    let shown = lab.show(rollback.as_str().unwrap());
    let names: Vec<&Value> = shown["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["name"])
        .collect();
    let started: Vec<Value> = lab.show(&failed)["targets"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|t| t["attempt"] != 0)
        .map(|t| t["name"].clone())
        .collect();
    assert!(started.len() < all.len());
    let mut sorted = names.clone();
    sorted.sort_by_key(|name| name.as_str());
    let mut expected: Vec<&Value> = started.iter().collect();
    expected.sort_by_key(|name| name.as_str());
    assert_eq!(sorted, expected);

    for host in all {
        std::fs::write(lab.root(host).join("broken"), "").unwrap();
    }
    let (failed, code) = lab.deploy(&[
        "production",
        "2.0",
        "--auto-rollback",
        "failure",
        "--ignore-application-stop-failures",
    ]);
    assert_eq!(code, 1, "the rollback failed, too");
    let rollback = info(&lab, &failed)["rolledBackBy"].clone();
    let rolled = info(&lab, rollback.as_str().unwrap());
    assert_eq!(rolled["status"], "Failed");
    assert_eq!(rolled["rollbackInfo"]["rollbackDeploymentId"], Value::Null);
    assert_eq!(lab.list(&["--limit", "1"])[0]["deploymentId"], rollback);
}

/// §5: by hand it is an ordinary deployment by a person.
#[test]
fn going_back_by_hand_is_a_persons_deployment() {
    let lab = Lab::up(1);
    lab.push("1.0", "0", None);
    lab.push("2.0", "0", None);
    lab.deploy(&["production", "1.0"]);
    let (second, _) = lab.deploy(&["production", "2.0"]);
    let back = lab.ok(&["rollback", &second, "--wait"]);
    let info = info(&lab, &back);
    assert_eq!(
        (&info["creator"], &info["revision"]["label"]),
        (&json!("user"), &json!("1.0"))
    );
    assert_eq!(info["previousRevision"]["label"], "2.0");
}
