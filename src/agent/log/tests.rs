//! The log survives what can happen to it.

use std::fs::OpenOptions;
use std::io::Write;

use super::segment::{Limits, segment_path, segments};
use super::*;
use crate::agent::core::{Note, Script};
use crate::agent::protocol::{ExecutionEnd, Message, Order, OutputSource, What};
use crate::model::deployment::{Creator, ExecutionId, FileExistsBehavior};
use crate::model::group::DeploymentType;
use crate::model::lifecycle::{EventStatus, LifecycleEvent as E};
use crate::model::revision::{Digest, Revision};

fn order() -> Order {
    Order {
        deployment_id: "d-000000001".parse().unwrap(),
        application_name: "shop".to_owned(),
        deployment_group_name: "production".to_owned(),
        deployment_group_id: "g".to_owned(),
        creator: Creator::User,
        deployment_type: DeploymentType::InPlace,
        revision: Revision {
            digest: Digest::from_bytes(&[0; 32]),
            label: "1".to_owned(),
            size: 0,
        },
        events: vec![E::ApplicationStop, E::DownloadBundle],
        file_exists_behavior: FileExistsBehavior::Disallow,
        ignore_application_stop_failures: false,
        appspec_filename: None,
        possible_events: None,
    }
}

fn id(text: &str) -> ExecutionId {
    ExecutionId(text.into())
}

fn accept(execution: &str) -> Vec<Entry> {
    let order = Arc::new(order());
    vec![
        Entry::Note(id(execution), Note::Ordered { order }),
        Entry::Message(id(execution), What::Accepted),
    ]
}

fn output(text: &str) -> What {
    What::Output {
        event: E::ApplicationStop,
        source: OutputSource::Stdout,
        text: text.to_owned(),
    }
}

fn messages(lines: &[u8]) -> Vec<Message> {
    let parse = |line: &[u8]| serde_json::from_slice(line).unwrap();
    lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(parse)
        .collect()
}

async fn collect(follower: &mut Follower, upto: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last| *last < upto) {
        seen.extend(
            messages(&follower.next().await.unwrap())
                .iter()
                .map(|message| message.seq),
        );
    }
    seen
}

#[tokio::test]
async fn a_reopened_log_knows_what_it_was_told() {
    let scratch = tempfile::tempdir().unwrap();
    let (log, _failure) = Log::open(scratch.path(), "boot").unwrap();
    let agent = log.known().agent_id.clone();
    log.facts(accept("a")).await.unwrap();
    let line = Entry::Message(id("a"), output("line"));
    log.passing(vec![line]).await.unwrap();
    let started = What::EventStarted {
        event: E::ApplicationStop,
    };
    log.facts(vec![Entry::Message(id("a"), started)])
        .await
        .unwrap();
    drop(log);

    let (log, _failure) = Log::open(scratch.path(), "boot").unwrap();
    let known = log.known().clone();
    assert_eq!((known.agent_id, known.seq), (agent, 3));
    let state = &known.executions[&id("a")].state;
    assert_eq!((state.accepted_seq, state.seq), (1, 3));
    assert_eq!(state.events[0].status, EventStatus::InProgress);
    assert_eq!(*known.executions[&id("a")].order, order());
}

#[tokio::test]
async fn a_torn_line_is_dropped_and_a_damaged_fact_is_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let (log, _failure) = Log::open(scratch.path(), "boot").unwrap();
    log.facts(accept("a")).await.unwrap();
    drop(log);
    let path = segment_path(scratch.path(), 1);
    let append = |bytes: &[u8]| {
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(bytes).unwrap();
    };
    append(b"{\"record\":\"message\",\"se");
    let (log, _failure) = Log::open(scratch.path(), "boot").unwrap();
    assert_eq!(log.known().seq, 1);
    log.facts(accept("b")).await.unwrap();
    drop(log);

    append(b"garbage\n");
    let (log, _failure) = Log::open(scratch.path(), "boot").unwrap();
    assert_eq!(log.known().seq, 2, "nothing durable came after it");
    drop(log);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("accepted", "\0\0\0", 1)).unwrap();
    let refused = Log::open(scratch.path(), "boot");
    assert!(
        matches!(refused, Err(LogError::Damaged { line: 3, .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn numbers_are_not_used_twice_after_the_host_crashed() {
    let scratch = tempfile::tempdir().unwrap();
    let (log, _failure) = Log::open(scratch.path(), "one").unwrap();
    log.facts(accept("a")).await.unwrap();
    drop(log);
    let (log, _failure) = Log::open(scratch.path(), "two").unwrap();
    assert!(log.known().seq > 100_000);
    let seq = log.known().seq;
    drop(log);
    let (log, _failure) = Log::open(scratch.path(), "two").unwrap();
    assert_eq!(log.known().seq, seq, "once per crash");
}

#[tokio::test]
async fn readers_see_every_message_once_across_rotation() {
    let scratch = tempfile::tempdir().unwrap();
    let limits = Limits {
        segment: 2_000,
        segments: 3,
    };
    let (log, _failure) = Log::open_with(scratch.path(), "boot", limits).unwrap();
    let mut early = log.follow(0).unwrap();
    let reader = tokio::spawn(async move { collect(&mut early, 202).await });
    log.facts(accept("a")).await.unwrap();
    for n in 0..100 {
        let line = Entry::Message(id("a"), output(&format!("line {n}")));
        log.passing(vec![line]).await.unwrap();
        let start = What::EventStarted {
            event: E::ApplicationStop,
        };
        log.facts(vec![Entry::Message(id("a"), start)])
            .await
            .unwrap();
    }
    let end = What::Ended {
        end: ExecutionEnd::Stopped,
    };
    log.facts(vec![Entry::Message(id("a"), end)]).await.unwrap();
    assert!(segments(scratch.path()).unwrap().len() <= 3);

    let seen = reader.await.unwrap();
    assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
    assert_eq!(seen.last(), Some(&202));
    let mut resumed = log.follow(190).unwrap();
    assert_eq!(
        collect(&mut resumed, 202).await,
        (191..=202).collect::<Vec<_>>()
    );

    drop((log, resumed));
    let (log, _failure) = Log::open_with(scratch.path(), "boot", limits).unwrap();
    let state = log.known().executions[&id("a")].state.clone();
    assert_eq!(
        state.ended,
        Some(ExecutionEnd::Stopped),
        "rotation keeps results"
    );
    assert_eq!(state.events[1].status, EventStatus::Skipped);
}

#[tokio::test]
async fn a_stop_that_came_first_survives_rotation() {
    let scratch = tempfile::tempdir().unwrap();
    let limits = Limits {
        segment: 500,
        segments: 2,
    };
    let (log, _failure) = Log::open_with(scratch.path(), "boot", limits).unwrap();
    let stop = Entry::Note(id("late"), Note::StopRequested);
    log.facts(vec![stop]).await.unwrap();
    for n in 0..5 {
        log.facts(accept(&format!("other {n}"))).await.unwrap();
    }
    drop(log);
    assert!(!segment_path(scratch.path(), 1).exists());
    let (log, _failure) = Log::open_with(scratch.path(), "boot", limits).unwrap();
    assert!(log.known().is_stopped(&id("late")));
    log.facts(accept("late")).await.unwrap();
    assert!(log.known().executions[&id("late")].stop_requested);
    assert!(!log.known().executions[&id("other 1")].stop_requested);
}

/// Whoever asks what is known shares a thread with everybody else, and must not wait for the disk.
#[test]
fn what_is_known_is_told_while_a_segment_is_replaced() {
    let scratch = tempfile::tempdir().unwrap();
    let limits = Limits {
        segment: 500,
        segments: 2,
    };
    let (log, failure) = Log::open_with(scratch.path(), "boot", limits).unwrap();
    // A disk that takes for ever to make the next segment.
    let next = segment_path(scratch.path(), 2).with_extension("new");
    nix::unistd::mkfifo(&next, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (request, _answer) = oneshot::channel();
    log.requests
        .blocking_send(Request {
            entries: [accept("a"), accept("b"), accept("c")]
                .into_iter()
                .flatten()
                .collect(),
            done: Some(request),
        })
        .unwrap();
    let (told, asked) = std::sync::mpsc::channel();
    let asking = log.clone();
    std::thread::spawn(move || {
        while asking.known().executions.len() < 3 {
            std::thread::yield_now();
        }
        // By now it is about to wait, if it has to.
        std::thread::park_timeout(std::time::Duration::from_millis(200));
        told.send(asking.known().seq).unwrap();
    });
    let seq = asked.recv_timeout(std::time::Duration::from_secs(5));
    let reader = std::fs::File::open(&next).unwrap();
    assert_eq!(seq, Ok(3));
    drop((log, reader, failure));
}

/// What earlier versions wrote can be read.
#[test]
fn old_lines_fold() {
    let old: Note = serde_json::from_str(r#"{"type":"scriptEnded"}"#).unwrap();
    assert_eq!(old, Note::ScriptEnded { result: None });
    let old: Script = serde_json::from_str(r#"{"type":"ended"}"#).unwrap();
    assert_eq!(old, Script::Ended { result: None });
}
