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
