//! The lab's function: its traffic shifts by schedule between processes, in the cockpit of a newcomer.

use std::sync::Arc;

use serde_json::Value;

use crate::terminal::Terminal;

impl Terminal {
    /// The newest deployment of the function by this creator, as it is listed.
    fn of_function(&self, creator: &str) -> Value {
        let listed = self.json(&["list", "--group", "thumbs/live"]);
        let all = listed["deployments"].as_array().unwrap().clone();
        let mut ours = all.into_iter().filter(|one| one["creator"] == creator);
        ours.next().unwrap_or_default()
    }

    /// What became of the calls of the function, by the version that answered.
    fn calls(&self) -> Value {
        let file = self.folder().join("thumbs.json");
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
    }
}

#[test]
fn a_function_shifts_step_by_step_and_comes_back_when_a_check_objects() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let arguments = ["--hosts", "2", "--speed", "60"];
    let mut terminal = Terminal::open(folder, &arguments, &[]);
    terminal.go_to("thumbs/live");
    terminal.wait_for("version 1 to 2");
    let id = terminal.of_function("user")["deploymentId"].clone();
    let id = id.as_str().unwrap();
    terminal.until_it_is(id, "Succeeded");
    terminal.wait_for("AfterAllowTraffic");

    terminal.ok(&["deploy", "thumbs", "live", "thumbs-3-broken"]);
    let bad = terminal.of_function("user")["deploymentId"].clone();
    terminal.until_it_is(bad.as_str().unwrap(), "Failed");
    let back = || terminal.of_function("codeDeployRollback");
    while back()["status"] != "Succeeded" {
        assert_ne!(back()["status"], "Failed");
    }
    // Every call was answered, by all three of them.
    let calls = terminal.calls();
    assert_eq!(calls["failed"], serde_json::json!({}), "{calls:#}");
    for version in ["1", "2", "3"] {
        assert!(calls["answered"][version].as_u64() > Some(0), "{calls:#}");
    }
}
