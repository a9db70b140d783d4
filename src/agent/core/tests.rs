//! Orders, stops, leases and restarts, without a host.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::agent::protocol::{ExecutionEnd, Order, What};
use crate::model::deployment::{Creator, ExecutionId, FileExistsBehavior};
use crate::model::diagnostics::Diagnostics;
use crate::model::group::DeploymentType;
use crate::model::lifecycle::EventStatus::{self, Failed, Pending, Skipped, Succeeded};
use crate::model::lifecycle::LifecycleEvent as E;
use crate::model::revision::{Digest, Revision};
use crate::model::timestamp::Timestamp;

const LEASE: Control = Control {
    lease_live: true,
    ending: false,
};
const NONE: Control = Control {
    lease_live: false,
    ending: false,
};
const ENDING: Control = Control {
    lease_live: true,
    ending: true,
};

fn an_order() -> Order {
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
        events: vec![E::ApplicationStop, E::DownloadBundle, E::BeforeInstall],
        file_exists_behavior: FileExistsBehavior::Disallow,
        ignore_application_stop_failures: false,
        appspec_filename: None,
        possible_events: None,
    }
}

fn id(text: &str) -> ExecutionId {
    ExecutionId(text.into())
}

/// A host whose scripts are told how they end.
struct Host {
    known: Known,
    log: Vec<Record>,
}

impl Host {
    fn new() -> Self {
        Self {
            known: Known::new("agent".to_owned(), "boot"),
            log: Vec::new(),
        }
    }

    fn with(orders: &[&str]) -> Self {
        let mut host = Self::new();
        for execution in orders {
            host.order(execution);
        }
        host
    }

    fn append(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            self.log.push(self.known.append(entry, Timestamp(0)));
        }
    }

    fn note(&mut self, execution: &str, note: Note) {
        self.append(vec![Entry::Note(id(execution), note)]);
    }

    fn order(&mut self, execution: &str) {
        let entries = order(&self.known, &id(execution), &Arc::new(an_order())).unwrap();
        self.append(entries);
    }

    fn stop(&mut self, execution: &str) {
        let entries = stop(&self.known, &id(execution)).unwrap();
        self.append(entries);
    }

    fn step(&mut self, execution: &str, control: Control, ending: Option<Ending>) -> Then {
        let Step { entries, then } = step(&self.known, &id(execution), control, ending);
        self.append(entries);
        then
    }

    /// What a crash behind so many lines leaves.
    fn after_crash(&self, lines: usize) -> Self {
        let mut known = Known::new("agent".to_owned(), "boot");
        let log = self.log[..lines].to_vec();
        for record in &log {
            known.fold(record);
        }
        Self { known, log }
    }

    /// Carries out everything, each event with two scripts that end well.
    fn drive(&mut self) {
        while let Some(execution) = self.known.first("g").cloned() {
            let ExecutionId(execution) = execution;
            let mut ending = None;
            loop {
                match self.step(&execution, LEASE, ending.take()) {
                    Then::Over => break,
                    Then::Run { event, from } => {
                        for script in from..2 {
                            let mark = mark(&id(&execution), event, script);
                            self.note(&execution, Note::ScriptStarting { mark });
                            let result = ScriptResult {
                                script,
                                failure: None,
                            };
                            let result = Some(result);
                            self.note(&execution, Note::ScriptEnded { result });
                        }
                        ending = Some(Ending::Succeeded);
                    }
                    Then::EndOrphan(_) => ending = Some(Ending::Orphaned),
                    other @ (Then::Wait | Then::Leave) => panic!("{other:?}"),
                }
            }
        }
    }

    fn end(&self, execution: &str) -> Option<ExecutionEnd> {
        self.known.state(&id(execution)).unwrap().ended
    }

    fn statuses(&self, execution: &str) -> Vec<EventStatus> {
        let state = self.known.state(&id(execution)).unwrap();
        state.events.iter().map(|event| event.status).collect()
    }
}

fn run(event: E, from: usize) -> Then {
    Then::Run { event, from }
}

fn failed() -> Ending {
    Ending::Failed(Diagnostics::unknown("broken"))
}

#[test]
fn events_run_one_after_the_other_to_the_end() {
    let mut host = Host::with(&["a"]);
    assert_eq!(host.step("a", LEASE, None), run(E::ApplicationStop, 0));
    let well = || Some(Ending::Succeeded);
    assert_eq!(host.step("a", LEASE, well()), run(E::DownloadBundle, 0));
    assert_eq!(host.step("a", LEASE, well()), run(E::BeforeInstall, 0));
    assert_eq!(host.step("a", LEASE, well()), Then::Over);
    assert_eq!(host.end("a"), Some(ExecutionEnd::Finished));
    assert_eq!(host.known.first("g"), None);
    let numbers: Vec<_> = host
        .log
        .iter()
        .filter_map(|record| record.message().map(|message| message.seq))
        .collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
}

#[test]
fn a_failure_ends_the_execution_unless_it_is_ignored() {
    let mut host = Host::with(&["a"]);
    host.step("a", LEASE, None);
    assert_eq!(host.step("a", LEASE, Some(failed())), Then::Over);
    assert_eq!(host.end("a"), Some(ExecutionEnd::Failed));
    assert_eq!(host.statuses("a"), [Failed, Skipped, Skipped]);

    let ignoring = Order {
        ignore_application_stop_failures: true,
        ..an_order()
    };
    let mut host = Host::new();
    let entries = order(&host.known, &id("a"), &Arc::new(ignoring)).unwrap();
    host.append(entries);
    host.step("a", LEASE, None);
    assert_eq!(host.step("a", NONE, Some(failed())), Then::Wait);
    assert_eq!(host.statuses("a"), [Failed, Pending, Pending]);
    assert_eq!(host.step("a", LEASE, None), run(E::DownloadBundle, 0));
    assert_eq!(host.step("a", LEASE, Some(failed())), Then::Over);
    assert_eq!(host.end("a"), Some(ExecutionEnd::Failed));
}

#[test]
fn an_order_is_taken_once_and_not_for_another() {
    let mut host = Host::with(&["a"]);
    let again = order(&host.known, &id("a"), &Arc::new(an_order()));
    assert_eq!(again, Ok(Vec::new()));
    let other = Order {
        application_name: "other".to_owned(),
        ..an_order()
    };
    let conflict = Err(Refusal::Conflict(id("a")));
    assert_eq!(order(&host.known, &id("a"), &Arc::new(other)), conflict);
    host.drive();
    let late = order(&host.known, &id("a"), &Arc::new(an_order()));
    assert_eq!(late, Ok(Vec::new()), "also when it has ended");
}

#[test]
fn a_stop_that_comes_first_ends_the_order_when_it_comes() {
    let mut host = Host::new();
    host.stop("a");
    assert_eq!(stop(&host.known, &id("a")), Ok(Vec::new()), "said once");
    host.order("a");
    assert_eq!(host.end("a"), Some(ExecutionEnd::Stopped));
    assert_eq!(host.known.first("g"), None);
    // The end was lost with the host.
    let mut torn = host.after_crash(host.log.len() - 1);
    assert_eq!(torn.step("a", LEASE, None), Then::Over);
    assert_eq!(torn.end("a"), Some(ExecutionEnd::Stopped));
}

#[test]
fn a_stop_waits_for_the_event_that_runs_and_for_nothing_else() {
    let mut host = Host::with(&["a", "b", "c"]);
    host.step("a", LEASE, None);
    host.stop("b");
    assert_eq!(host.end("b"), Some(ExecutionEnd::Stopped));
    host.stop("a");
    assert_eq!(host.end("a"), None);
    assert_eq!(host.known.first("g"), Some(&id("a")));
    let well = Some(Ending::Succeeded);
    assert_eq!(host.step("a", LEASE, well), Then::Over);
    assert_eq!(host.end("a"), Some(ExecutionEnd::Stopped));
    assert_eq!(host.statuses("a")[0], Succeeded);
    assert_eq!(host.known.first("g"), Some(&id("c")));
    assert_eq!(stop(&host.known, &id("a")), Ok(Vec::new()), "it has ended");
}

#[test]
fn nothing_starts_without_a_lease_or_when_the_agent_ends() {
    let mut host = Host::with(&["a"]);
    assert_eq!(host.step("a", NONE, None), Then::Wait);
    assert_eq!(host.step("a", ENDING, None), Then::Leave);
    assert_eq!(host.statuses("a")[0], Pending);
    host.step("a", LEASE, None);
    let well = Some(Ending::Succeeded);
    assert_eq!(host.step("a", ENDING, well), Then::Leave);
    assert_eq!(host.statuses("a")[0], Succeeded);
    assert_eq!(host.statuses("a")[1], Pending);
}

#[test]
fn a_newer_order_ends_what_nobody_renews() {
    let mut host = Host::with(&["a", "b"]);
    assert_eq!(host.step("a", LEASE, None), run(E::ApplicationStop, 0));
    assert_eq!(host.end("a"), None, "it has a lease");
    let well = || Some(Ending::Succeeded);
    let mut ending = host.after_crash(host.log.len());
    assert_eq!(ending.step("a", ENDING, well()), Then::Leave);
    assert_eq!(host.step("a", NONE, well()), Then::Over);
    assert_eq!(host.end("a"), Some(ExecutionEnd::Stopped));
    assert_eq!(host.statuses("a"), [Succeeded, Skipped, Skipped]);
    assert_eq!(host.known.first("g"), Some(&id("b")));
    assert_eq!(
        host.step("b", NONE, None),
        Then::Wait,
        "nothing is behind it"
    );
    host.order("c");
    assert_eq!(host.step("b", NONE, None), Then::Over);

    let mut host = Host::with(&["a"]);
    let elsewhere = Order {
        deployment_group_id: "h".to_owned(),
        ..an_order()
    };
    let entries = order(&host.known, &id("x"), &Arc::new(elsewhere)).unwrap();
    host.append(entries);
    assert_eq!(host.step("a", NONE, None), Then::Wait, "another group");
}

#[test]
fn an_interrupted_event_fails_when_it_may_not_start_anew() {
    for stopped in [true, false] {
        let mut host = Host::with(&["a"]);
        host.step("a", LEASE, None);
        let mut host = host.after_crash(host.log.len());
        assert_eq!(host.step("a", NONE, None), Then::Wait);
        if stopped {
            host.stop("a");
        } else {
            host.order("b");
        }
        assert_eq!(host.end("a"), None);
        assert_eq!(host.step("a", NONE, None), Then::Over);
        assert_eq!(host.end("a"), Some(ExecutionEnd::Stopped));
        let state = host.known.state(&id("a")).unwrap();
        let diagnostics = state.events[0].diagnostics.as_ref().unwrap();
        assert_eq!(
            diagnostics.message,
            "the agent was restarted during the event"
        );
        assert_eq!(state.events[1].status, Skipped);
    }
}

#[test]
fn what_a_crash_leaves_of_an_event_decides_how_it_goes_on() {
    let mark = || "m".to_owned();
    let process = Process {
        pid: 1,
        start: None,
        boot: "boot".to_owned(),
    };
    let starting = Note::ScriptStarting { mark: mark() };
    let started = Note::ScriptStarted {
        process: process.clone(),
    };
    let ended = |failure| Note::ScriptEnded {
        result: Some(ScriptResult { script: 3, failure }),
    };
    let orphan = |process| {
        let mark = mark();
        Then::EndOrphan(Orphan { mark, process })
    };
    let failure = Some(Diagnostics::unknown("broken"));
    let cases = [
        (vec![], run(E::ApplicationStop, 0)),
        (vec![starting.clone()], orphan(None)),
        (vec![starting.clone(), started], orphan(Some(process))),
        (
            vec![starting.clone(), ended(None)],
            run(E::ApplicationStop, 4),
        ),
        (vec![starting.clone(), ended(failure)], Then::Over),
        (
            vec![starting, Note::ScriptEnded { result: None }],
            Then::Over,
        ),
    ];
    for (notes, then) in cases {
        let mut host = Host::with(&["a"]);
        host.step("a", LEASE, None);
        for note in notes.clone() {
            host.note("a", note);
        }
        assert_eq!(host.step("a", LEASE, None), then, "{notes:?}");
        if let Then::EndOrphan(_) = then {
            host.step("a", LEASE, Some(Ending::Orphaned));
        }
        let fails = !matches!(then, Then::Run { .. });
        assert_eq!(host.end("a"), fails.then_some(ExecutionEnd::Failed));
    }
}

/// The lines of one decision are written together, but a host can crash within.
#[test]
fn a_failure_counts_although_the_end_behind_it_was_lost() {
    let mut host = Host::with(&["a"]);
    host.step("a", LEASE, None);
    host.step("a", LEASE, Some(failed()));
    let mut torn = host.after_crash(host.log.len() - 1);
    assert_eq!(torn.end("a"), None);
    assert_eq!(torn.step("a", LEASE, None), Then::Over);
    assert_eq!(torn.end("a"), Some(ExecutionEnd::Failed));
}

#[test]
fn a_crash_behind_any_line_ends_well() {
    let mut whole = Host::with(&["a", "b"]);
    whole.drive();
    for lines in 0..=whole.log.len() {
        let mut host = whole.after_crash(lines);
        // The orchestrator orders again what it has no answer for.
        host.order("a");
        host.order("b");
        host.drive();
        for execution in ["a", "b"] {
            assert!(host.end(execution).is_some(), "after {lines} lines");
        }
        let mut started: Vec<_> = host
            .log
            .iter()
            .filter_map(|record| match record {
                Record::Note {
                    note: Note::ScriptStarting { mark },
                    ..
                } => Some(mark),
                _ => None,
            })
            .collect();
        let all = started.len();
        started.sort();
        started.dedup();
        assert_eq!(started.len(), all, "no script starts twice");
        let ends = host.log.iter().filter(|record| {
            let what = record.message().map(|message| &message.what);
            matches!(what, Some(What::Ended { .. }))
        });
        assert_eq!(ends.count(), 2);
    }
}

#[test]
fn a_head_says_what_the_lines_before_it_said() {
    let mut host = Host::with(&["b", "a", "c"]);
    host.step("b", LEASE, None);
    host.stop("late");
    host.stop("a");
    let head = Record::Head(Box::new(host.known.head()));
    let mut known = Known::default();
    known.fold(&head);
    assert_eq!(known.seq, host.known.seq);
    assert_eq!(known.first("g"), Some(&id("b")));
    let open: Vec<_> = known
        .open_in("g")
        .map(|execution| execution.state.execution.0.clone())
        .collect();
    assert_eq!(open, ["b".into(), "c".into()]);
    assert!(known.is_stopped(&id("late")));
    assert_eq!(known.groups().collect::<Vec<_>>(), ["g"]);
}

#[test]
fn numbers_jump_when_the_host_has_started_anew() {
    let mut host = Host::with(&["a"]);
    assert!(host.known.restarted("boot").is_none());
    let record = host.known.restarted("other").unwrap();
    assert!(host.known.seq > 100_000);
    let mut folded = host.after_crash(host.log.len()).known;
    folded.fold(&record);
    assert_eq!(folded.seq, host.known.seq);
    assert!(folded.restarted("other").is_none());
}

#[test]
fn leases_are_for_what_has_not_ended() {
    let mut host = Host::with(&["a"]);
    let mut renewals = Renewals::default();
    let second = Duration::from_secs(1);
    renewals.renew(&host.known, &[id("a"), id("unknown")], second);
    assert!(renewals.is_live(&id("a"), Duration::ZERO));
    assert!(!renewals.is_live(&id("a"), second), "it has run out");
    assert!(!renewals.is_live(&id("unknown"), Duration::ZERO));
    renewals.forget(&id("a"));
    host.stop("a");
    renewals.renew(&host.known, &[id("a")], second);
    assert!(!renewals.is_live(&id("a"), Duration::ZERO));
}
