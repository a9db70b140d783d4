//! `cutover doctor`, the real program: what it finds, with its exit code, and nothing that is secret.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::{PROJECT, project};

fn doctor(folder: &Path, home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cutover"))
        .env("HOME", home)
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_RUNTIME_DIR", home)
        .env("TERM", "xterm-256color")
        .env("LC_ALL", "C.UTF-8")
        .env("SOME_TOKEN", "very-secret-token")
        .stdin(Stdio::null())
        .arg("-C")
        .arg(folder)
        .arg("doctor")
        .args(arguments)
        .output()
        .unwrap()
}

fn checks(output: &Output) -> Vec<(String, String)> {
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = value["checks"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    checks
        .map(|one| (text(&one["check"]), text(&one["state"])))
        .collect()
}

#[test]
fn what_is_well_is_ok_and_no_orchestrator_is_started_for_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let document = format!(
        "{PROJECT}connections:\n  loadBalancers:\n    - name: edge\n      provider: {{ haproxy: {{ address: \"{address}\", backend: shop }} }}\n"
    );
    let folder = project(&[("cutover.yaml", &document)]);
    let home = tempfile::tempdir().unwrap();
    let output = doctor(folder.path(), home.path(), &["--output", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let checks = checks(&output);
    let state = |check: &str| {
        let mut all = checks.iter();
        let found = all.find(|(name, _)| name == check);
        found
            .unwrap_or_else(|| panic!("no {check}: {checks:?}"))
            .1
            .clone()
    };
    for check in [
        "terminal",
        "locale",
        "project",
        "state",
        "free space",
        "load balancer edge",
    ] {
        assert_eq!(state(check), "ok", "{check}");
    }
    assert_eq!(state("orchestrator"), "warning");
    let text = doctor(folder.path(), home.path(), &[]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("none runs"), "{text}");
    assert!(!text.contains(home.path().to_str().unwrap()), "{text}");
}

#[test]
fn a_problem_has_a_remedy_and_an_exit_code_and_no_secret() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let document = format!(
        "{PROJECT}connections:\n  receivers:\n    - name: hooks\n      via: {{ webhook: {{ url: \"http://{address}/very-secret-token\" }} }}\n"
    );
    let folder = project(&[("cutover.yaml", &document)]);
    let home = tempfile::tempdir().unwrap();
    let output = doctor(folder.path(), home.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains(&format!("nobody answers at {address}")),
        "{text}"
    );
    assert!(text.contains("see that it runs"), "{text}");
    assert!(!text.contains("very-secret"), "{text}");
    assert!(text.contains("1 problem, "), "{text}");

    let broken = project(&[("cutover.yaml", "nmae: demo\n")]);
    let output = doctor(broken.path(), home.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    // What can't be known without them is no second problem.
    assert!(text.contains("1 problem, "), "{text}");
    assert!(text.contains("in the documents: `cutover check`"), "{text}");
}

#[test]
fn without_a_project_the_terminal_is_looked_at_all_the_same() {
    let empty = tempfile::tempdir().unwrap();
    let output = doctor(empty.path(), empty.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("xterm-256color") && text.contains("no cutover.yaml"),
        "{text}"
    );
}
