//! How scripts run, and what is reported when they do not.

use std::fs;
use std::time::Duration;

use cutover::agent::protocol::{ExecutionEnd, Order, OutputSource};
use cutover::model::deployment::Creator;
use cutover::model::diagnostics::LifecycleErrorCode as Code;
use cutover::model::group::DeploymentType;
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};
use tokio::time::Instant;

use crate::support::{Host, hook, order, until};

#[tokio::test]
async fn a_failing_script_says_what_happened() {
    let host = Host::started().await;
    let spec = hook(E::AfterInstall, "    - location: never.sh\n");
    let script = "#!/bin/sh\nseq 1 2000\necho the last words >&2\nexit 3\n";
    let revision = host
        .push(
            "1",
            &[("appspec.yml", &spec, 0o644), ("run.sh", script, 0o755)],
        )
        .await;
    let run = host.run(&order(1, &revision)).await;
    assert_eq!(run.end(), ExecutionEnd::Failed);
    let diagnostics = run.diagnostics(E::AfterInstall);
    assert_eq!(
        (diagnostics.error_code, diagnostics.script_name.as_str()),
        (Code::ScriptFailed, "run.sh")
    );
    assert_eq!(
        diagnostics.message,
        "the script run.sh failed with exit code 3"
    );
    assert!(diagnostics.log_tail.len() <= 2048 && diagnostics.log_tail.len() > 1000);
    assert!(diagnostics.log_tail.contains("[stderr]the last words\n"));
    assert!(
        run.lines(OutputSource::Agent)
            .iter()
            .any(|line| line.starts_with("[exit] code=3 duration="))
    );
    assert_eq!(run.lines(OutputSource::Stdout).len(), 2000);
    assert_eq!(run.status(E::ApplicationStart), EventStatus::Skipped);
}

#[tokio::test]
async fn scripts_that_cannot_run_are_told_apart() {
    let host = Host::started().await;
    let cases: [(&str, Option<&str>, Code, &str); 7] = [
        ("", None, Code::ScriptMissing, "is not in the revision"),
        (
            "",
            Some("#!/no/such/interpreter -x\n"),
            Code::ScriptFailed,
            "its interpreter /no/such/interpreter is not on this host",
        ),
        (
            "",
            Some("#!/bin/sh\r\necho never\r\n"),
            Code::ScriptFailed,
            "its first line ends in CR LF",
        ),
        (
            "",
            Some("#!/usr/bin/env sh\r\necho never\r\n"),
            Code::ScriptFailed,
            "failed with exit code 127: its first line ends in CR LF",
        ),
        (
            "    - location: folder\n",
            Some("#!/bin/sh\n"),
            Code::ScriptFailed,
            "the script folder is a folder",
        ),
        (
            "",
            Some("#!/bin/sh\nkill -9 $$\n"),
            Code::ScriptFailed,
            "was ended by signal 9",
        ),
        (
            "      runas: nobody-here\n",
            Some("#!/bin/sh\n"),
            Code::ScriptFailed,
            "no user nobody-here",
        ),
    ];
    for (number, (more, script, code, message)) in (1..).zip(cases) {
        let spec = hook(E::BeforeInstall, more);
        let mut members = vec![("appspec.yml", spec.as_str(), 0o644)];
        members.extend(script.map(|script| ("run.sh", script, 0o755)));
        members.push(("folder/x", "", 0o644));
        let revision = host.push("bad", &members).await;
        let diagnostics = host
            .run(&order(number, &revision))
            .await
            .diagnostics(E::BeforeInstall);
        assert_eq!(diagnostics.error_code, code, "{diagnostics:?}");
        assert!(diagnostics.message.contains(message), "{diagnostics:?}");
    }
}

#[tokio::test]
async fn a_script_has_the_promised_environment() {
    let host = Host::started().await;
    let spec = hook(E::BeforeInstall, "");
    // No interpreter named, not executable, and asking for what is not there.
    let script =
        "pwd; cat; env | sort\nprintf '\\377 raw'; ps -o pgid= -p $$ | tr -d ' '; echo $$\n";
    let revision = host
        .push(
            "1",
            &[("appspec.yml", &spec, 0o644), ("run.sh", script, 0o644)],
        )
        .await;
    let run = host.run(&order(1, &revision)).await;
    run.succeeded();
    let lines = run.lines(OutputSource::Stdout);
    assert_eq!(lines[0], "/");
    for expected in [
        "APPLICATION_NAME=shop",
        "DEPLOYMENT_ID=d-000000001",
        "DEPLOYMENT_GROUP_NAME=production",
        "DEPLOYMENT_GROUP_ID=0d1f3c1e-6a5e-4a0e-9a37-2f6d7b1c9e11",
        "LIFECYCLE_EVENT=BeforeInstall",
        "DEPLOYMENT_CREATOR=user",
        "DEPLOYMENT_TYPE=IN_PLACE",
    ] {
        assert!(lines.contains(&expected), "{expected}: {lines:#?}");
    }
    let value = |name: &str| {
        lines
            .iter()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
    };
    assert!(value("BUNDLE_DIR=").ends_with("/d-000000001/deployment-archive"));
    assert!(value("INSTALL_ROOT=").ends_with("/root"));
    assert!(
        lines.iter().all(|line| !line.starts_with("CARGO")),
        "nothing else is handed on"
    );
    assert!(
        lines[lines.len() - 2].starts_with("\u{fffd} raw"),
        "{lines:?}"
    );
    let group = lines[lines.len() - 2].trim_start_matches("\u{fffd} raw");
    assert_eq!(
        group,
        lines[lines.len() - 1],
        "it leads its own process group"
    );
}

#[tokio::test]
async fn a_timeout_ends_the_whole_group() {
    let host = Host::started().await;
    let pid = host.path("pid");
    let spec = hook(E::BeforeInstall, "      timeout: 1\n");
    let script = format!(
        "#!/bin/sh\n(trap 'echo asked; exit' TERM; echo $$ > {}; while :; do sleep 0.05; done) &\nwait\n",
        pid.display()
    );
    let revision = host
        .push(
            "1",
            &[("appspec.yml", &spec, 0o644), ("run.sh", &script, 0o755)],
        )
        .await;
    let run = host.run(&order(1, &revision)).await;
    let diagnostics = run.diagnostics(E::BeforeInstall);
    assert_eq!(diagnostics.error_code, Code::ScriptTimedOut);
    assert_eq!(
        run.lines(OutputSource::Stdout),
        ["asked"],
        "TERM comes first, and what it causes is heard"
    );
    let group = fs::read_to_string(pid).unwrap();
    let group = nix::unistd::Pid::from_raw(group.trim().parse().unwrap());
    until("the group is gone", || {
        nix::sys::signal::killpg(group, None).is_err()
    })
    .await;
}

#[tokio::test]
async fn a_script_that_ignores_its_timeout_is_killed() {
    let host = Host::started().await;
    let spec = hook(E::BeforeInstall, "      timeout: 1\n");
    let script = "#!/bin/sh\ntrap '' TERM\necho deaf\nwhile :; do sleep 0.05; done\n";
    let revision = host
        .push(
            "1",
            &[("appspec.yml", &spec, 0o644), ("run.sh", script, 0o755)],
        )
        .await;
    let before = Instant::now();
    let run = host.run(&order(1, &revision)).await;
    assert_eq!(
        run.diagnostics(E::BeforeInstall).error_code,
        Code::ScriptTimedOut
    );
    let grace = host.config.scripts.grace;
    assert!(
        before.elapsed() > Duration::from_secs(1) + grace,
        "it had its grace time"
    );
}

#[tokio::test]
async fn a_program_that_holds_the_output_is_named() {
    let host = Host::started().await;
    let pid = host.path("pid");
    let spec = hook(E::ApplicationStart, "      timeout: 2\n");
    let script = format!("#!/bin/sh\nsleep 1000 &\necho $! > {}\n", pid.display());
    let revision = host
        .push(
            "1",
            &[("appspec.yml", &spec, 0o644), ("run.sh", &script, 0o755)],
        )
        .await;
    let run = host.run(&order(1, &revision)).await;
    let diagnostics = run.diagnostics(E::ApplicationStart);
    assert_eq!(diagnostics.error_code, Code::ScriptTimedOut);
    assert!(
        diagnostics
            .message
            .contains("did not close its STDOUT and STDERR"),
        "{diagnostics:?}"
    );
    let hint = run
        .lines(OutputSource::Agent)
        .into_iter()
        .find(|line| line.contains("still held open"));
    assert!(hint.unwrap().contains("sleep (process"));
    let pid = nix::unistd::Pid::from_raw(fs::read_to_string(pid).unwrap().trim().parse().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn the_installed_revision_stops_itself() {
    let host = Host::started().await;
    let spec = |fails: bool| {
        let after = if fails {
            "  AfterInstall:\n    - location: fail.sh\n"
        } else {
            ""
        };
        hook(E::ApplicationStop, after)
    };
    let script = |label: &str| format!("#!/bin/sh\necho {label} $DEPLOYMENT_ID\n");
    let push = async |label: &str, fails| {
        let members = [
            ("appspec.yml", spec(fails), 0o644),
            ("run.sh", script(label), 0o755),
            ("fail.sh", "#!/bin/sh\nexit 1\n".to_owned(), 0o755),
        ];
        let members: Vec<_> = members
            .iter()
            .map(|(name, text, mode)| (*name, text.as_str(), *mode))
            .collect();
        host.push(label, &members).await
    };
    let (one, two, three) = (
        push("one", false).await,
        push("two", true).await,
        push("three", false).await,
    );
    let run = host.run(&order(1, &one)).await;
    assert!(run.lines(OutputSource::Stdout).is_empty());
    let run = host.run(&order(2, &two)).await;
    assert_eq!(
        run.lines(OutputSource::Stdout),
        ["one d-000000002"],
        "old script, new deployment"
    );
    assert_eq!(run.end(), ExecutionEnd::Failed);
    let run = host.run(&order(3, &three)).await;
    assert_eq!(
        run.lines(OutputSource::Stdout),
        ["two d-000000003"],
        "what is installed is what counts"
    );
    run.succeeded();

    let rollback = Order {
        creator: Creator::CodeDeployRollback,
        deployment_type: DeploymentType::BlueGreen,
        events: vec![E::BeforeAllowTraffic, E::AfterAllowTraffic],
        ..order(4, &three)
    };
    host.run(&rollback).await.succeeded();
}

#[tokio::test]
async fn a_failed_stop_can_be_ignored() {
    let host = Host::started().await;
    let spec = hook(E::ApplicationStop, "");
    let failing = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("run.sh", "#!/bin/sh\nexit 1\n", 0o755),
    ];
    let revision = host.push("1", &failing).await;
    host.run(&order(1, &revision)).await.succeeded();
    let run = host.run(&order(2, &revision)).await;
    assert_eq!(run.end(), ExecutionEnd::Failed);
    let ignoring = Order {
        ignore_application_stop_failures: true,
        ..order(3, &revision)
    };
    let run = host.run(&ignoring).await;
    run.succeeded();
    assert_eq!(run.status(E::ApplicationStop), EventStatus::Failed);
    assert_eq!(
        run.diagnostics(E::ApplicationStop).error_code,
        Code::ScriptFailed
    );
}
