//! Deployments that wait, and deployments that are ended.

use std::fs::{self, File};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::host::{Host, events};

const DEADLINE: Duration = Duration::from_secs(30);

#[test]
fn a_deployment_waits_for_another_one_of_its_group() {
    let host = Host::new();
    host.bundle("", &[]);
    assert_eq!(host.json(&["-l", "bundle"]).0, 0);
    let lock = host.path("state/deployment-instructions/default-local-deployment-group.lock");
    let held = File::options().write(true).open(lock).unwrap();
    held.lock().unwrap();
    let mut waiting = host
        .command(&["-l", "bundle"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(
        host.json(&["-l", "bundle", "-g", "another"]).0,
        0,
        "another group need not wait"
    );
    assert!(waiting.try_wait().unwrap().is_none());
    drop(held);
    assert!(end(waiting).success());
}

/// Waits for a condition.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

fn end(mut child: Child) -> ExitStatus {
    until("the program ends", || child.try_wait().unwrap().is_some());
    child.wait().unwrap()
}

fn ends_the_deployment(signal: Signal) {
    let host = Host::new();
    host.bundle(
        "hooks: {BeforeInstall: [{location: x.sh}], AfterInstall: [{location: x.sh}]}\n",
        &[(
            "x.sh",
            "#!/bin/sh\ntouch \"$INSTALL_ROOT/$LIFECYCLE_EVENT\"\nexec sleep 600\n",
        )],
    );
    fs::create_dir_all(host.path("root")).unwrap();
    let child = host
        .command(&["-l", "bundle", "--output", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until("the script starts", || {
        host.installed("/BeforeInstall").exists()
    });
    send(&child, signal);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["error"]["kind"], "interrupted", "{result}");
    assert_eq!(result["error"]["event"], "BeforeInstall");
    let skipped = events(&result)
        .into_iter()
        .filter(|(_, status)| status == "Skipped");
    assert_eq!(skipped.count(), 6);
    assert!(!host.installed("/AfterInstall").exists());
}

#[test]
fn an_interrupt_ends_the_script_and_the_deployment() {
    ends_the_deployment(Signal::SIGINT);
}

#[test]
fn a_terminal_that_goes_away_ends_them_too() {
    ends_the_deployment(Signal::SIGHUP);
}

fn interrupt(child: &Child) {
    send(child, Signal::SIGINT);
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    kill(pid, signal).unwrap();
}

#[test]
fn an_interrupt_starts_no_further_script() {
    let host = Host::new();
    host.bundle(
        "hooks: {BeforeInstall: [{location: polite.sh}, {location: next.sh}]}\n",
        &[
            (
                "polite.sh",
                "#!/bin/sh\ntrap 'exit 0' TERM\ntouch \"$INSTALL_ROOT/ready\"\nwhile :; do sleep 0.1; done\n",
            ),
            ("next.sh", "#!/bin/sh\ntouch \"$INSTALL_ROOT/next\"\n"),
        ],
    );
    fs::create_dir_all(host.path("root")).unwrap();
    let child = host
        .command(&["-l", "bundle", "--output", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until("the script starts", || host.installed("/ready").exists());
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["error"]["kind"], "interrupted", "{result}");
    assert_eq!(result["error"]["script"], "polite.sh", "{result}");
    assert!(!host.installed("/next").exists(), "{result}");
}

#[test]
fn a_deployment_that_waits_can_be_interrupted() {
    let host = Host::new();
    host.bundle("", &[]);
    assert_eq!(host.json(&["-l", "bundle"]).0, 0);
    let lock = host.path("state/deployment-instructions/default-local-deployment-group.lock");
    let held = File::options().write(true).open(lock).unwrap();
    held.lock().unwrap();
    let mut waiting = host
        .command(&["-l", "bundle", "--output", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let log = host.path("log/codedeploy-local.log");
    until("it waits", || {
        fs::read_to_string(&log)
            .unwrap()
            .contains("waiting for another deployment")
    });
    interrupt(&waiting);
    until("it ends", || waiting.try_wait().unwrap().is_some());
    let output = waiting.wait_with_output().unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["error"]["kind"], "interrupted", "{result}");
    drop(held);
}
