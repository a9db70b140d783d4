//! What an execution does next.

use super::{Entry, Execution, Known, Orphan, Script};
use crate::agent::protocol::{ExecutionEnd, What};
use crate::engine::deliberate::{Bug, deliberate};
use crate::model::deployment::ExecutionId;
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};

/// What a failed event says in which the agent was restarted.
const RESTARTED: &str = "the agent was restarted during the event";

/// What decides, besides the log, whether an event may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// Whether the orchestrator has renewed the execution's lease in time.
    pub lease_live: bool,
    /// Whether the agent was told to end.
    pub ending: bool,
}

/// How an event ended that this run of the agent was busy with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It did what it was to do.
    Succeeded,
    /// Why it failed.
    Failed(Diagnostics),
    /// An earlier run of the agent did not end it, and what was left of its script is ended now.
    Orphaned,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// These become durable first, all or none of them.
    pub entries: Vec<Entry>,
    /// Comes after.
    pub then: Then,
}

/// What comes after the entries of a [`Step`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Ask again when a lease is renewed, a stop or another order comes, or the agent is told to end.
    Wait,
    /// Run this event, and ask again when it has ended.
    Run {
        /// Which.
        event: LifecycleEvent,
        /// So many of its scripts have ended well already.
        from: usize,
    },
    /// End what an earlier run of the agent left, and ask again.
    EndOrphan(Orphan),
    /// The next run of the agent carries on.
    Leave,
    /// The execution has ended; it is the next one's turn.
    Over,
}

/// What an execution does next, whose turn it is. `ending` is how the event ended that the step before said to run (or
/// whose orphan it said to end); an event that runs without one was interrupted when the agent ended.
pub fn step(known: &Known, id: &ExecutionId, now: Control, ending: Option<Ending>) -> Step {
    let Some(execution) = known.executions.get(id).filter(|known| known.is_open()) else {
        return then(Then::Over);
    };
    if let Some(end) = execution.bound_to_end() {
        return over(execution, Vec::new(), end);
    }
    match (execution.running(), ending, execution.next()) {
        (Some(event), Some(ending), _) => after(known, execution, event, now, ending),
        (Some(event), None, _) => resume(known, execution, event, now),
        (None, _, Some(event)) => begin(known, execution, event, now, Vec::new()),
        (None, _, None) => over(execution, Vec::new(), ExecutionEnd::Finished),
    }
}

/// Goes on with an event that an earlier run of the agent did not end.
fn resume(known: &Known, execution: &Execution, event: LifecycleEvent, now: Control) -> Step {
    match &execution.script {
        // It starts anew, if it still may.
        Script::None => match permission(known, execution, now) {
            Permission::Granted => then(Then::Run { event, from: 0 }),
            Permission::Later(later) => then(later),
            Permission::Denied => {
                let ended = vec![ended(execution, event, Ending::Orphaned).0];
                over(execution, ended, ExecutionEnd::Stopped)
            }
        },
        Script::Starting { .. } | Script::Running { .. } => match execution.script.orphan() {
            Some(_) if deliberate(Bug::OrphanRunsAgain) => then(Then::Run { event, from: 0 }),
            Some(_) if deliberate(Bug::OrphanNotEnded) => {
                after(known, execution, event, now, Ending::Orphaned)
            }
            Some(orphan) => then(Then::EndOrphan(orphan)),
            None => after(known, execution, event, now, Ending::Orphaned),
        },
        Script::Ended { result: None } => after(known, execution, event, now, Ending::Orphaned),
        Script::Ended {
            result: Some(result),
        } => match &result.failure {
            Some(failure) => {
                let ending = Ending::Failed(failure.clone());
                after(known, execution, event, now, ending)
            }
            None => then(Then::Run {
                event,
                from: result.script + usize::from(!deliberate(Bug::ScriptRunsAgain)),
            }),
        },
    }
}

/// Goes on behind an event that has just ended.
fn after(
    known: &Known,
    execution: &Execution,
    event: LifecycleEvent,
    now: Control,
    ending: Ending,
) -> Step {
    let (ended, failed) = ended(execution, event, ending);
    if failed && !execution.may_ignore(event) {
        return over(execution, vec![ended], ExecutionEnd::Failed);
    }
    let mut rest = execution
        .order
        .events
        .iter()
        .skip_while(|other| **other != event);
    match rest.nth(1 + usize::from(deliberate(Bug::EventSkipped))) {
        Some(next) => begin(known, execution, *next, now, vec![ended]),
        None => over(execution, vec![ended], ExecutionEnd::Finished),
    }
}

/// Starts an event, if it may.
fn begin(
    known: &Known,
    execution: &Execution,
    event: LifecycleEvent,
    now: Control,
    mut entries: Vec<Entry>,
) -> Step {
    let then = match permission(known, execution, now) {
        Permission::Denied => return over(execution, entries, ExecutionEnd::Stopped),
        Permission::Later(later) => later,
        Permission::Granted => {
            entries.push(message(execution, What::EventStarted { event }));
            Then::Run { event, from: 0 }
        }
    };
    Step { entries, then }
}

/// Whether an event may start.
enum Permission {
    Granted,
    /// No event of the execution starts any more.
    Denied,
    Later(Then),
}

fn permission(known: &Known, execution: &Execution, now: Control) -> Permission {
    if now.ending {
        Permission::Later(Then::Leave)
    } else if execution.stop_requested && !deliberate(Bug::StopNotObeyed) {
        Permission::Denied
    } else if now.lease_live || deliberate(Bug::LeaseIgnored) {
        Permission::Granted
    } else if known.queues.is_followed(execution) {
        // The orchestrator has given it up: it orders one deployment of a group at a time.
        Permission::Denied
    } else {
        Permission::Later(Then::Wait)
    }
}

fn then(then: Then) -> Step {
    let entries = Vec::new();
    Step { entries, then }
}

fn over(execution: &Execution, mut entries: Vec<Entry>, end: ExecutionEnd) -> Step {
    entries.push(message(execution, What::Ended { end }));
    let then = Then::Over;
    Step { entries, then }
}

/// That an event ended, and whether it failed.
fn ended(execution: &Execution, event: LifecycleEvent, ending: Ending) -> (Entry, bool) {
    let diagnostics = match ending {
        Ending::Succeeded => None,
        Ending::Failed(diagnostics) => Some(diagnostics),
        Ending::Orphaned => Some(Diagnostics::unknown(RESTARTED)),
    };
    let failed = diagnostics.is_some();
    let status = if failed {
        EventStatus::Failed
    } else {
        EventStatus::Succeeded
    };
    let what = What::EventEnded {
        event,
        status,
        diagnostics,
    };
    (message(execution, what), failed)
}

fn message(execution: &Execution, what: What) -> Entry {
    Entry::Message(execution.state.execution.clone(), what)
}
