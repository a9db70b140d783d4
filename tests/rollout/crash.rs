//! `kill -9` in the middle: the rollout goes on, and no script runs twice.

use std::collections::BTreeMap;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::Lab;

/// How often each script of a deployment noted that it ran on a host.
fn runs(lab: &Lab, host: &str) -> BTreeMap<String, usize> {
    let mut runs = BTreeMap::new();
    for line in lab.trace(host) {
        *runs.entry(line).or_default() += 1;
    }
    runs
}

#[test]
fn an_orchestrator_killed_in_mid_rollout_is_followed_by_the_next() {
    let lab = Lab::up(3);
    let path = lab.revision("1.0", "0.2", None);
    lab.ok(&["push", "shop", path.to_str().unwrap(), "--label", "1.0"]);
    let id = lab.ok(&["deploy", "shop", "production", "1.0"]);
    let mut killed = Vec::new();
    for done in 0..3 {
        lab.wait_for(&id, |now| {
            now["deploymentInfo"]["deploymentOverview"]["Succeeded"].as_u64() >= Some(done)
        });
        let orchestrator = lab.orchestrator();
        kill(Pid::from_raw(orchestrator), Signal::SIGKILL).unwrap();
        killed.push(orchestrator);
    }
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    assert!(!killed.contains(&lab.orchestrator()));
    for host in ["web-1", "web-2", "web-3"] {
        let runs = runs(&lab, host);
        assert_eq!(runs.len(), 4, "{runs:?}");
        assert!(runs.values().all(|times| *times == 1), "{host}: {runs:?}");
        // Every line of output is there once.
        let logs = lab.ok(&["logs", &id, host]);
        assert_eq!(logs.matches("1.0 runs AfterInstall").count(), 1, "{logs}");
    }
}

#[test]
fn documents_with_errors_do_not_stand_between_an_operator_and_a_rollout() {
    let lab = Lab::up(2);
    let path = lab.revision("1.0", "0.3", None);
    lab.ok(&["push", "shop", path.to_str().unwrap(), "--label", "1.0"]);
    let id = lab.ok(&["deploy", "shop", "production", "1.0"]);
    let group = lab.folder().join("applications/shop/production.yaml");
    let good = std::fs::read_to_string(&group).unwrap();
    std::fs::write(
        &group,
        good.replace("deploymentConfigName", "deploymentConfgName"),
    )
    .unwrap();
    kill(Pid::from_raw(lab.orchestrator()), Signal::SIGKILL).unwrap();
    assert_eq!(lab.status(&id), "InProgress");

    // The running one is reached even if the project's root document can't be read.
    let root = lab.folder().join("cutover.yaml");
    std::fs::write(&root, "name: [").unwrap();
    let stopped = lab.run(&["stop", &id, "--wait"]);
    assert_eq!(stopped.status.code(), Some(3), "{stopped:?}");
    // Nor between a lab and its end.
    let orchestrator = format!("/proc/{}/cmdline", lab.orchestrator());
    drop(lab);
    // One that has ended and was not taken note of has no command line.
    let command = std::fs::read(orchestrator).unwrap_or_default();
    assert!(command.is_empty());
}

/// Two addresses mixed up in the project: nothing runs on the wrong host.
#[test]
fn a_mixed_up_address_runs_nothing() {
    let lab = Lab::up(2);
    let path = lab.revision("1.0", "0", None);
    lab.ok(&["push", "shop", path.to_str().unwrap(), "--label", "1.0"]);
    let root = lab.folder().join("cutover.yaml");
    let good = std::fs::read_to_string(&root).unwrap();
    let mixed = good
        .replace("name: web-1", "name: web-x")
        .replace("name: web-2", "name: web-1")
        .replace("name: web-x", "name: web-2");
    std::fs::write(&root, mixed).unwrap();
    // A new orchestrator has surely read it.
    kill(Pid::from_raw(lab.orchestrator()), Signal::SIGKILL).unwrap();
    let id = lab.ok(&["deploy", "shop", "production", "1.0"]);
    lab.wait_for(&id, |_| lab.ok(&["hosts"]).contains("the agent there is"));
    lab.run(&["stop", &id]);
    assert!(lab.trace("web-1").is_empty() && lab.trace("web-2").is_empty());
    // Put right, the hosts are found again, and the stop reaches them.
    std::fs::write(&root, good).unwrap();
    kill(Pid::from_raw(lab.orchestrator()), Signal::SIGKILL).unwrap();
    assert_eq!(lab.wait_for_end(&id), "Stopped");
}
