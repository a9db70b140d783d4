//! operations.md §2: the three outcomes of a stop, and what comes after it.

use serde_json::Value;

use crate::lab::Lab;

/// A lab in which `1.0` is on all hosts, and `2.0` is slow.
fn lab(hosts: usize) -> Lab {
    let lab = Lab::up(hosts);
    lab.push("1.0", "0", None);
    lab.push("2.0", "1", None);
    assert_eq!(lab.deploy(&["production", "1.0"]).1, 0);
    lab
}

/// Begins a deployment and waits until a script of its first instance runs.
fn begin(lab: &Lab, options: &[&str]) -> String {
    let id = lab.ok(&[&["deploy", "shop", "production", "2.0"], options].concat());
    lab.wait_for(&id, |now| {
        now["targets"][0]["events"][2]["status"] == "InProgress"
    });
    id
}

fn info(lab: &Lab, id: &str) -> Value {
    lab.show(id)["deploymentInfo"].clone()
}

#[test]
fn a_stop_is_pending_while_a_script_runs_and_refused_when_all_is_over() {
    let lab = lab(2);
    let id = begin(&lab, &[]);
    // Asked again, it says the same; the second person changes nothing.
    for _ in 0..2 {
        let answer = lab.ok(&["stop", &id, "--why", "too loud"]);
        assert!(
            answer.starts_with("Pending: still running: web-1 BeforeInstall"),
            "{answer}"
        );
    }
    assert_eq!(lab.wait_for_end(&id), "Stopped");
    let shown = lab.show(&id);
    let events = shown["targets"][0]["events"].as_array().unwrap();
    let statuses: Vec<&str> = events
        .iter()
        .map(|e| e["status"].as_str().unwrap())
        .collect();
    // The running script finished, nothing after it began, and the next instance did not either.
    assert_eq!(statuses[2], "Succeeded");
    assert!(
        statuses[3..].iter().all(|status| *status == "Skipped"),
        "{statuses:?}"
    );
    assert_eq!(shown["targets"][1]["status"], "Skipped");
    assert_eq!(
        shown["deploymentInfo"]["errorInformation"]["code"],
        "MANUAL_STOP"
    );
    let notes = shown["deploymentInfo"]["deploymentStatusMessages"].to_string();
    assert!(notes.contains("too loud"), "{notes}");

    let late = lab.run(&["stop", &id]);
    assert_eq!(late.status.code(), Some(1), "{late:?}");
    assert!(
        String::from_utf8(late.stderr)
            .unwrap()
            .contains("already ended")
    );
    let nobody = lab.run(&["stop", "d-ZZZZZZZZZ"]);
    assert_eq!(nobody.status.code(), Some(2), "{nobody:?}");
}

#[test]
fn the_last_wish_about_a_rollback_wins_and_the_configuration_decides_without_one() {
    let lab = lab(1);
    let rolled_back = |id: &str| {
        assert_eq!(lab.wait_for_end(id), "Stopped");
        match info(&lab, id)["rolledBackBy"].as_str() {
            Some(rollback) => {
                assert_eq!(lab.wait_for_end(rollback), "Succeeded");
                true
            }
            None => false,
        }
    };
    // Asked for, then called off, then left open: called off.
    let id = begin(&lab, &["--auto-rollback", "stop"]);
    lab.ok(&["stop", &id, "--rollback"]);
    lab.ok(&["stop", &id, "--no-rollback"]);
    lab.ok(&["stop", &id]);
    assert!(!rolled_back(&id));
    // Left open: the configuration of the deployment decides.
    let id = begin(&lab, &["--auto-rollback", "stop"]);
    lab.ok(&["stop", &id]);
    assert!(rolled_back(&id));
    let id = begin(&lab, &["--auto-rollback", "failure"]);
    lab.ok(&["stop", &id]);
    assert!(!rolled_back(&id));
    // Asked for: whatever the configuration says, and across a kill.
    let id = begin(&lab, &["--auto-rollback", "off"]);
    lab.ok(&["stop", &id, "--rollback"]);
    lab.kill_orchestrator();
    assert!(rolled_back(&id));
}

#[test]
fn a_rollback_that_runs_is_stopped_but_not_rolled_back() {
    let lab = Lab::up(1);
    // Its scripts wait for as long as there is a file.
    let waits = "1; while [ -e \"$INSTALL_ROOT/wait\" ]; do sleep 0.1; done";
    lab.push("1.0", waits, None);
    lab.push("2.0", "0", Some("web-1"));
    lab.deploy(&["staging", "1.0"]);
    let failed = lab.ok(&["deploy", "shop", "staging", "2.0"]);
    assert_eq!(lab.wait_for_end(&failed), "Failed");
    let wait = lab.root("web-1").join("wait");
    std::fs::write(&wait, "").unwrap();
    let rollback = info(&lab, &failed)["rolledBackBy"]
        .as_str()
        .unwrap()
        .to_owned();
    let refused = lab.run(&["rollback", &rollback]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let stopped = lab.ok(&["stop", &rollback, "--rollback"]);
    assert!(stopped.starts_with("Pending"), "{stopped}");
    std::fs::remove_file(&wait).unwrap();
    assert_eq!(lab.wait_for_end(&rollback), "Stopped");
    let says = info(&lab, &rollback)["rollbackInfo"]["rollbackMessage"].clone();
    assert!(
        says.as_str()
            .unwrap()
            .contains("never rolled back by itself"),
        "{says}"
    );
}
