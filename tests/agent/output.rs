//! What scripts write: streamed, kept on the host, bounded.

use std::fs;
use std::time::Duration;

use cutover::agent::protocol::OutputSource::{Agent, Stderr, Stdout};
use cutover::model::diagnostics::LifecycleErrorCode as Code;
use cutover::model::lifecycle::LifecycleEvent as E;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::Instant;

use crate::support::{Host, execution, hook, order, until};

#[tokio::test]
async fn the_hosts_logs_are_codedeploys() {
    let host = Host::started().await;
    let script = "#!/bin/sh\necho one\nsleep 0.1\necho two >&2\nsleep 0.1\nprintf 'no end'\n";
    let run = host.script(1, E::BeforeInstall, "", script).await;
    run.succeeded();
    let order = order(1, &run_revision());
    let own = host.deployment(&order).join("logs/scripts.log");
    let text = fs::read_to_string(&own).unwrap();
    let lines: Vec<_> = text.lines().map(|line| line.split_at(20)).collect();
    let entries: Vec<_> = lines.iter().map(|(_, entry)| *entry).collect();
    assert_eq!(
        entries[..5],
        [
            "LifecycleEvent - BeforeInstall",
            "Script - run.sh",
            "[stdout]one",
            "[stderr]two",
            "[stdout]no end"
        ]
    );
    assert!(
        entries[5].starts_with("[exit] code=0 duration=0."),
        "{text}"
    );
    assert_eq!(entries.len(), 6, "{text}");
    for (time, _) in &lines {
        let is_time = time.replace(|c: char| c.is_ascii_digit(), "9");
        assert_eq!(is_time, "9999-99-99 99:99:99 ");
    }

    let shared = host
        .config
        .root
        .join("deployment-logs/codedeploy-agent-deployments.log");
    let text = fs::read_to_string(&shared).unwrap();
    let line = text.lines().nth(2).unwrap();
    let (time, rest) = line.split_at(26);
    let is_time = time.replace(|c: char| c.is_ascii_digit(), "9");
    assert_eq!(is_time, "[9999-99-99 99:99:99.999] ");
    assert_eq!(rest, "[d-000000001][stdout]one");

    // Somebody deletes the folder while the agent runs.
    fs::remove_dir_all(shared.parent().unwrap()).unwrap();
    let run = host.script(2, E::BeforeInstall, "", script).await;
    run.succeeded();
    let text = fs::read_to_string(&shared).unwrap();
    assert!(text.contains("[d-000000002][stdout]one\n"), "{text}");
}

/// Logs are found by the deployment; which revision an order names does not matter for that.
fn run_revision() -> cutover::model::revision::Revision {
    cutover::model::revision::Revision {
        digest: cutover::model::revision::Digest::from_bytes(&[0; 32]),
        label: String::new(),
        size: 0,
    }
}

#[tokio::test]
async fn what_is_sent_is_bounded_and_the_host_has_the_whole() {
    let mut host = Host::new();
    host.config.output.stream_bytes = 20_000;
    host.config.output.log_bytes = 1024 * 1024;
    host.config.output.log_files = 2;
    host.start().await;
    let script = "#!/bin/sh\nyes 0123456789 | head -c 8000000\necho bye >&2\n";
    let run = host.script(1, E::BeforeInstall, "", script).await;
    run.succeeded();
    let sent = run.lines(Stdout).len();
    assert_eq!(
        sent,
        20_000 / 110,
        "a line costs its ten bytes and a hundred"
    );
    let agent = run.text(Agent);
    assert_eq!(
        agent
            .matches("no more of this event's output is sent")
            .count(),
        1
    );
    assert!(agent.contains("scripts.log on the host"), "{agent}");
    assert!(
        agent.contains("[exit] code=0"),
        "how it ended is told all the same"
    );

    let logs = host.deployment(&order(1, &run_revision())).join("logs");
    let mut sizes: Vec<_> = fs::read_dir(&logs)
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes.len(), 2, "two files are kept");
    assert!(sizes.iter().sum::<u64>() < 2 * 1024 * 1024 + 1024 * 1024);
    let newest = fs::read_to_string(logs.join("scripts.log")).unwrap();
    assert!(newest.contains("[stderr]bye\n"));
}

#[tokio::test]
async fn any_bytes_are_kept_as_they_are() {
    let host = Host::started().await;
    let script = "#!/bin/sh\nprintf 'a\\000b\\377\\n'\nprintf '10%%\\r20%%\\r\\n'\n\
        head -c 100000 /dev/zero | tr '\\0' x\necho\nprintf '\\033[31mred'\n";
    let run = host.script(1, E::BeforeInstall, "", script).await;
    run.succeeded();
    let lines = run.lines(Stdout);
    assert_eq!(lines[0], "a\0b\u{fffd}");
    assert_eq!(lines[1], "10%\r20%");
    let pieces = lines[2..lines.len() - 1].concat();
    assert_eq!(pieces.len(), 100_000);
    assert!(lines[2..].iter().all(|line| line.len() <= 8192));
    assert_eq!(lines[lines.len() - 1], "\u{1b}[31mred");
    let log = host
        .deployment(&order(1, &run_revision()))
        .join("logs/scripts.log");
    let bytes = fs::read(log).unwrap();
    assert!(
        bytes
            .windows(12)
            .any(|window| window == b"[stdout]a\0b\xff")
    );
}

/// The tail is what was said last, whatever came before, and only a failure has one.
#[tokio::test]
async fn one_long_line_does_not_empty_the_tail() {
    let host = Host::started().await;
    let script = "#!/bin/sh\nhead -c 5000 /dev/zero | tr '\\0' x\necho\necho é\nexit 1\n";
    let run = host.script(1, E::BeforeInstall, "", script).await;
    let tail = run.diagnostics(E::BeforeInstall).log_tail;
    assert!(tail.len() <= 2048 && tail.len() > 2000, "{}", tail.len());
    assert!(tail.contains("xx\n[stdout]é\n[exit] code=1"), "{tail}");
}

#[tokio::test]
async fn a_detached_program_may_be_let_go() {
    let mut host = Host::new();
    host.config.scripts.detach_grace = Some(Duration::from_millis(400));
    host.start().await;
    let pid = host.path("pid");
    // It writes long after it was let go, and must not be ended by that.
    let script = format!(
        "#!/bin/sh\nsetsid sh -c 'echo $$ > {0}; sleep 1; echo still; echo there; touch {0}.wrote; sleep 1000' &\nexit 0\n",
        pid.display()
    );
    let started = Instant::now();
    let run = host
        .script(1, E::ApplicationStart, "      timeout: 60\n", script)
        .await;
    run.succeeded();
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "not the timeout"
    );
    let agent = run.text(Agent);
    assert!(agent.contains("is still held open by s"), "{agent}");
    assert!(agent.contains("detach_grace_seconds"), "{agent}");
    let wrote = host.path("pid.wrote");
    until("the program wrote", || wrote.exists()).await;
    let pid: i32 = fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    nix::sys::signal::killpg(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn a_grace_may_be_as_long_as_anybody_writes() {
    let mut host = Host::new();
    host.config.scripts.detach_grace = Some(Duration::from_secs(u64::MAX));
    host.start().await;
    let run = host.script(
        1,
        E::ApplicationStart,
        "",
        "#!/bin/sh\nsleep 0.3 &\nexit 0\n",
    );
    let run = tokio::time::timeout(crate::support::DEADLINE, run).await;
    run.unwrap().succeeded();
}

/// A fault of the agent's own, here a time that no clock can show, fails the event; the script is ended, and what waits
/// behind it runs.
#[tokio::test]
async fn a_fault_of_the_agent_ends_the_event_and_nothing_else() {
    let mut host = Host::new();
    host.config.scripts.hint = Duration::MAX;
    host.start().await;
    let run = host.script(
        1,
        E::ApplicationStart,
        "",
        "#!/bin/sh\nsleep 0.3 &\nexit 0\n",
    );
    let run = tokio::time::timeout(crate::support::DEADLINE, run)
        .await
        .unwrap();
    let diagnostics = run.diagnostics(E::ApplicationStart);
    assert!(
        diagnostics.message.contains("a fault of its own"),
        "{diagnostics:?}"
    );
    let run = host
        .script(2, E::ApplicationStart, "", "#!/bin/sh\nexit 3\n")
        .await;
    assert_eq!(
        run.diagnostics(E::ApplicationStart).error_code,
        Code::ScriptFailed
    );
}

/// A program in a process group of its own survives the script's timeout, and is named.
#[tokio::test]
async fn who_left_the_group_survives_and_is_named() {
    let host = Host::started().await;
    let pid = host.path("pid");
    let script = format!(
        "#!/bin/sh\nsetsid sleep 1000 >/dev/null 2>&1 &\necho $! > {}\nwhile :; do sleep 0.05; done\n",
        pid.display()
    );
    let run = host
        .script(1, E::ApplicationStart, "      timeout: 1\n", script)
        .await;
    let diagnostics = run.diagnostics(E::ApplicationStart);
    assert_eq!(diagnostics.error_code, Code::ScriptTimedOut);
    let agent = run.text(Agent);
    let pid: i32 = fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    assert!(
        agent.contains(&format!(
            "left the script's process group: sleep (process {pid})"
        )),
        "{agent}"
    );
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

/// A script that floods its output is slowed down, not stored: the agent's memory stays small.
#[tokio::test]
async fn a_flood_costs_no_memory() {
    let mut host = Host::new();
    fs::write(
        host.path("agent.yml"),
        "script_log_bytes: 1000000\nscript_log_files: 2\n",
    )
    .unwrap();
    host.start_binary().await;
    let spec = hook(E::BeforeInstall, "");
    let script = "#!/bin/sh\nyes 'a line of output as programs write it, eighty characters long or so, on average' | \
        head -c 200000000\nhead -c 50000000 /dev/zero\n";
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("run.sh", script, 0o755),
    ];
    let revision = host.push("1", &members).await;
    let order = order(1, &revision);
    let accepted = host.order(&execution(&order), &order).await;
    let run = host
        .finish(&execution(&order), &order, accepted.accepted_seq - 1)
        .await;
    run.succeeded();
    assert!(run.lines(Stderr).is_empty());
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 100_000, "the agent needed {peak} kB");
}
