//! `kill -9` of the real program, and its next start.

use std::fs;
use std::time::Duration;

use cutover::agent::protocol::{ExecutionEnd, Order, What};
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};
use nix::sys::signal::killpg;
use nix::unistd::Pid;

use tokio::time::timeout;

use crate::support::{DEADLINE, Host, appspec, execution, hook, order, until};

#[tokio::test]
async fn a_script_is_not_run_again_after_its_agent_was_killed() {
    let mut host = Host::new();
    host.start_binary().await;
    let pids = host.path("pids");
    let script = format!(
        "#!/bin/sh\necho $$ >> {}\nwhile :; do sleep 0.05; done\n",
        pids.display()
    );
    let spec = appspec("hooks:\n  AfterInstall: [{location: run.sh}]");
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("run.sh", &script, 0o755),
        ("files/a", "1", 0o644),
    ];
    let revision = host.push("1", &members).await;
    let order = order(1, &revision);
    let id = execution(&order);
    host.order(&id, &order).await;
    let read = || fs::read_to_string(&pids).unwrap_or_default();
    until("the script runs", || read().ends_with('\n')).await;
    let group = Pid::from_raw(read().trim().parse().unwrap());
    let before = host.info().await;
    host.kill();
    assert!(killpg(group, None).is_ok(), "the script outlives its agent");

    host.start_binary().await;
    let mut stream = host.stream(before.seq).await;
    let event = stream.next().await;
    assert_eq!(event.seq, before.seq + 1, "no message is lost or repeated");
    assert!(matches!(
        event.what,
        What::EventEnded {
            event: E::AfterInstall,
            status: EventStatus::Failed,
            ..
        }
    ));
    let run = host.finish(&id, &order, 0).await;
    assert_eq!(run.end(), ExecutionEnd::Failed);
    let message = run.diagnostics(E::AfterInstall).message;
    assert_eq!(message, "the agent was restarted during the event");
    assert_eq!(host.info().await.agent_id, before.agent_id);
    until("the orphan is gone", || killpg(group, None).is_err()).await;
    assert_eq!(read().lines().count(), 1, "the script ran once");
}

/// Cuts the agent's log behind a line that tells this, as if the agent had been killed right then.
fn cut_log(host: &Host, behind: &str) {
    let log = host.config.root.join("log/000000000001.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    let at = text.find(behind).unwrap();
    let end = at + text[at..].find('\n').unwrap() + 1;
    fs::write(&log, &text[..end]).unwrap();
}

/// A script whose end is in the journal is not run again, and the event goes on behind it.
#[tokio::test]
async fn scripts_that_had_ended_count_after_a_crash() {
    for (first, status) in [(0, EventStatus::Succeeded), (3, EventStatus::Failed)] {
        let mut host = Host::new();
        host.start_binary().await;
        let ran = host.path("ran");
        let script = |name: &str, exit: i32| {
            format!("#!/bin/sh\necho {name} >> {}\nexit {exit}\n", ran.display())
        };
        let spec = appspec("hooks:\n  BeforeInstall: [{location: one.sh}, {location: two.sh}]");
        let (one, two) = (script("one", first), script("two", 0));
        let members = [
            ("appspec.yml", spec.as_str(), 0o644),
            ("one.sh", &one, 0o755),
            ("two.sh", &two, 0o755),
            ("files/a", "1", 0o644),
        ];
        let revision = host.push("1", &members).await;
        let order = order(1, &revision);
        let id = execution(&order);
        host.run(&order).await;
        host.kill();
        cut_log(&host, "\"type\":\"scriptEnded\"");
        fs::write(&ran, "one\n").unwrap();
        fs::remove_dir_all(host.path("root")).unwrap();
        let _ = fs::remove_file(host.config.root.join(format!(
            "deployment-instructions/{}-cleanup",
            order.deployment_group_id
        )));

        host.start_binary().await;
        let run = host.finish(&id, &order, 0).await;
        assert_eq!(run.status(E::BeforeInstall), status, "{:#?}", run.state);
        let ran = fs::read_to_string(&ran).unwrap();
        if first == 0 {
            run.succeeded();
            assert_eq!(ran, "one\ntwo\n", "each script ran once");
            let said = run.text(cutover::agent::protocol::OutputSource::Agent);
            assert!(said.contains("1 of 2 scripts had ended well"), "{said}");
        } else {
            let diagnostics = run.diagnostics(E::BeforeInstall);
            assert_eq!(
                diagnostics.message,
                "the script one.sh failed with exit code 3"
            );
            assert_eq!(diagnostics.script_name, "one.sh");
            assert!(diagnostics.log_tail.contains("[exit] code=3"));
            assert_eq!(ran, "one\n");
        }
    }
}

/// An event that no script had started in starts anew if it may. If the orchestrator has given it up, it has failed.
#[tokio::test]
async fn a_newer_order_ends_an_event_that_a_crash_interrupted() {
    let mut host = Host::new();
    host.start_binary().await;
    let members = [
        ("appspec.yml", &*hook(E::BeforeInstall, ""), 0o644),
        ("run.sh", "#!/bin/sh\n", 0o755),
    ];
    let revision = host.push("1", &members).await;
    let (given_up, newer) = (order(1, &revision), order(2, &revision));
    host.run(&given_up).await.succeeded();
    host.kill();
    cut_log(
        &host,
        "\"type\":\"eventStarted\",\"event\":\"BeforeInstall\"",
    );

    host.start_binary().await;
    let run = timeout(DEADLINE, host.run(&newer)).await;
    run.expect("the newer one has its turn").succeeded();
    let state = host.order(&execution(&given_up), &given_up).await;
    assert_eq!(state.ended, Some(ExecutionEnd::Stopped));
    let at = state
        .events
        .iter()
        .position(|state| state.event == E::BeforeInstall)
        .unwrap();
    assert_eq!(state.events[at].status, EventStatus::Failed);
    let diagnostics = state.events[at].diagnostics.as_ref().unwrap();
    assert_eq!(
        diagnostics.message,
        "the agent was restarted during the event"
    );
    assert_eq!(state.events[at + 1].status, EventStatus::Skipped);
}

/// Every event that was running is reported, not only one, and those that only waited are carried out.
#[tokio::test]
async fn all_running_events_are_reported_after_a_crash() {
    let mut host = Host::new();
    host.start_binary().await;
    let ran = host.path("ran");
    let script = format!(
        "#!/bin/sh\necho $DEPLOYMENT_ID >> {}\n[ $DEPLOYMENT_ID = d-000000003 ] || sleep 1000\n",
        ran.display()
    );
    let revision = host
        .push(
            "1",
            &[
                ("appspec.yml", &hook(E::BeforeInstall, ""), 0o644),
                ("run.sh", &script, 0o755),
            ],
        )
        .await;
    let in_group = |number: u32, group: &str| Order {
        deployment_group_id: group.to_owned(),
        ..order(number, &revision)
    };
    let orders = [in_group(1, "a"), in_group(2, "b"), in_group(3, "a")];
    for order in &orders {
        host.order(&execution(order), order).await;
    }
    let read = || fs::read_to_string(&ran).unwrap_or_default();
    until("two scripts run", || read().lines().count() == 2).await;
    host.kill();
    host.start_binary().await;
    for (order, end) in orders.iter().zip([
        ExecutionEnd::Failed,
        ExecutionEnd::Failed,
        ExecutionEnd::Finished,
    ]) {
        let run = host.finish(&execution(order), order, 0).await;
        assert_eq!(run.end(), end);
        if end == ExecutionEnd::Failed {
            let message = run.diagnostics(E::BeforeInstall).message;
            assert_eq!(message, "the agent was restarted during the event");
        }
    }
    let mut lines: Vec<_> = read().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["d-000000001", "d-000000002", "d-000000003"]);
}

#[tokio::test]
async fn an_execution_goes_on_after_a_crash_between_events() {
    let mut host = Host::new();
    host.start_binary().await;
    let gate = host.path("gate");
    let ran = host.path("ran");
    let script = format!("#!/bin/sh\necho $LIFECYCLE_EVENT >> {}\n", ran.display());
    let waits = format!(
        "#!/bin/sh\nuntil [ -e {} ]; do sleep 0.02; done\n",
        gate.display()
    );
    let spec = appspec(
        "hooks:\n  BeforeInstall: [{location: run.sh}, {location: wait.sh}]\n  AfterInstall: [{location: run.sh}]",
    );
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("run.sh", &script, 0o755),
        ("wait.sh", &waits, 0o755),
        ("files/a", "1", 0o644),
    ];
    let revision = host.push("1", &members).await;
    let order = order(1, &revision);
    let id = execution(&order);
    host.order(&id, &order).await;
    until("the script runs", || ran.exists()).await;
    // The lease is not renewed, so it has ended when the event does, and the agent is killed between two events.
    tokio::time::sleep(cutover::agent::protocol::LEASE + Duration::from_millis(100)).await;
    fs::write(&gate, "").unwrap();
    let mut stream = host.stream(0).await;
    stream
        .wait_for(|what| {
            matches!(
                what,
                What::EventEnded {
                    event: E::BeforeInstall,
                    ..
                }
            )
        })
        .await;
    host.kill();
    host.start_binary().await;
    let run = host.finish(&id, &order, 0).await;
    run.succeeded();
    assert_eq!(
        fs::read_to_string(&ran).unwrap(),
        "BeforeInstall\nAfterInstall\n"
    );
    assert_eq!(host.read("/srv/app/a"), "1");
    let numbers: Vec<_> = run.messages.iter().map(|message| message.seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_crash_at_any_moment_ends_well() {
    let mut host = Host::new();
    host.start_binary().await;
    let ran = host.path("ran");
    let script = format!(
        "#!/bin/sh\necho $DEPLOYMENT_ID $LIFECYCLE_EVENT >> {}\n",
        ran.display()
    );
    let spec = appspec(
        "hooks:\n  BeforeInstall: [{location: run.sh}]\n  AfterInstall: [{location: run.sh}]",
    );
    let mut members = vec![
        ("appspec.yml".to_owned(), spec, 0o644),
        ("run.sh".to_owned(), script, 0o755),
    ];
    members.extend((0..300).map(|n| (format!("files/{}/{n}", n % 7), "x".to_owned(), 0o644)));
    let members: Vec<_> = members
        .iter()
        .map(|(name, text, mode)| (name.as_str(), text.as_str(), *mode))
        .collect();
    let revision = host.push("1", &members).await;
    for number in 1..=12 {
        let order = order(number, &revision);
        let id = execution(&order);
        let accepted = host.order(&id, &order).await;
        // Each time at another moment.
        tokio::time::sleep(Duration::from_millis(u64::from(number) * 7)).await;
        host.kill();
        host.start_binary().await;
        let run = host.finish(&id, &order, accepted.accepted_seq).await;
        if run.end() == ExecutionEnd::Failed {
            let failed = run
                .state
                .events
                .iter()
                .find_map(|state| state.diagnostics.clone())
                .unwrap();
            assert_eq!(failed.message, "the agent was restarted during the event");
        }
    }
    let text = fs::read_to_string(&ran).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    let all = lines.len();
    lines.dedup();
    assert_eq!(lines.len(), all, "no script ran twice: {text}");

    let last = order(99, &revision);
    host.run(&last).await.succeeded();
    assert_eq!(host.read("/srv/app/3/3"), "x");
}

#[tokio::test]
async fn an_agent_that_is_told_to_end_lets_its_event_finish() {
    let mut host = Host::started().await;
    let (gate, ran) = (host.path("gate"), host.path("ran"));
    let script = format!(
        "#!/bin/sh\necho $LIFECYCLE_EVENT >> {}\nuntil [ -e {} ]; do sleep 0.02; done\n",
        ran.display(),
        gate.display()
    );
    let spec = appspec(
        "hooks:\n  BeforeInstall: [{location: run.sh}]\n  AfterInstall: [{location: run.sh}]",
    );
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("run.sh", &script, 0o755),
        ("files/a", "1", 0o644),
    ];
    let revision = host.push("1", &members).await;
    let order = order(1, &revision);
    let id = execution(&order);
    host.order(&id, &order).await;
    until("the script runs", || ran.exists()).await;
    let opening = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        fs::write(&gate, "").unwrap();
    };
    tokio::join!(host.shut_down(), opening);
    assert_eq!(
        fs::read_to_string(&ran).unwrap(),
        "BeforeInstall\n",
        "no further event started"
    );
    host.start().await;
    host.finish(&id, &order, 0).await.succeeded();
    assert_eq!(
        fs::read_to_string(&ran).unwrap(),
        "BeforeInstall\nAfterInstall\n"
    );
}
