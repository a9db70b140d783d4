//! What happened to a deployment in the order of time: decisions, turns of the whole and failures, a sentence each.

use crate::engine::event::{Event, Record};
use crate::engine::plan::{Before, Plan};
use crate::model::deployment::TargetStatus;
use crate::model::lifecycle::EventStatus;
use crate::model::timestamp::Timestamp;

/// Something that is worth being told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What, in a sentence without a full stop. It may hold text from outside.
    pub what: String,
}

/// Whether somebody who looks for what went wrong, or for who decided what, would stop here.
pub fn is_turn(event: &Event) -> bool {
    event.is_decision() || is_failure(event)
}

/// Whether something failed by it.
pub fn is_failure(event: &Event) -> bool {
    matches!(
        event,
        Event::EventEnded {
            status: EventStatus::Failed,
            ..
        } | Event::TargetEnded {
            status: TargetStatus::Failed,
            ..
        } | Event::ContactLost { .. }
    )
}

/// The main facts of a journal.
pub fn timeline(records: &[Record]) -> Vec<Moment> {
    let mut plan = None;
    let mut moments = Vec::new();
    for record in records {
        if let Event::Created { plan: made, .. } | Event::Provisioned { plan: made, .. } =
            &record.event
        {
            plan = Some(made);
        }
        let what = told(&record.event, plan.map(|plan| &**plan));
        moments.extend(what.map(|what| Moment {
            at: record.at,
            what,
        }));
    }
    moments
}

/// What an entry says, if it is one of the main facts. Stages are named as the plan names them.
pub fn told(event: &Event, plan: Option<&Plan>) -> Option<String> {
    let by = |who: &str, did: &str, why: Option<&str>| {
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        format!("{who} {did}{why}")
    };
    Some(match event {
        Event::Created { spec, .. } => format!(
            "{} created it: {} to {}",
            spec.by,
            spec.revision.label,
            spec.group_key()
        ),
        Event::Queued { message } => format!("it waits: {message}"),
        Event::Started => "it began".to_owned(),
        Event::Recovered => "another orchestrator took it up".to_owned(),
        Event::StageStarted { stage } => {
            format!("stage {}: {}", stage + 1, plan?.stages.get(*stage)?.label())
        }
        Event::Provisioned { hosts, .. } => format!("{} instances were provisioned", hosts.len()),
        Event::Terminated { targets, trouble } => match trouble {
            Some(trouble) => format!(
                "{} instances were terminated, others not: {trouble}",
                targets.len()
            ),
            None => format!("{} instances were terminated", targets.len()),
        },
        Event::ContactLost { target } => format!("{target} was not heard of any more"),
        Event::ContactRegained { target } => format!("{target} answered again"),
        Event::Halted { error } => format!("nothing more starts: {}", error.message),
        Event::Held { error } => format!("it holds for a decision: {}", error.message),
        Event::Released => "it goes on: a retry has saved it".to_owned(),
        Event::GivenUp { by: who, why } => by(who, "gave it up", why.as_deref()),
        Event::Paused { by: who, why } => by(who, "paused it", why.as_deref()),
        Event::Resumed { by: who, why } => by(who, "let it go on", why.as_deref()),
        Event::Frozen { freeze } => format!("it is frozen by {}: {}", freeze.by, freeze.why),
        Event::Thawed => "it is frozen no more".to_owned(),
        Event::Continued {
            before,
            by: who,
            why,
        } => {
            let what = match before {
                Before::Reroute => "ended the wait for the reroute",
                Before::Termination => "ended the time in which the original is kept",
            };
            by(who, what, why.as_deref())
        }
        Event::Approved {
            step, by: who, why, ..
        } => by(who, &format!("approved the {step}"), why.as_deref()),
        Event::Shifted {
            split,
            by: who,
            why,
        } => match who {
            Some(who) => by(who, &format!("set the traffic to {split}"), why.as_deref()),
            None => format!("traffic is to be {split}"),
        },
        Event::InEffect { split } => format!("traffic is {split}"),
        Event::StopRequested { by: who, why, .. } => by(who, "asked to stop it", why.as_deref()),
        Event::Alarmed { message } => format!("alarms stop it: {message}"),
        Event::TimedOut => "it took longer than it may".to_owned(),
        Event::Ended { status, error } => match error {
            Some(error) => format!("{status}: {}: {}", error.code.name(), error.message),
            None => status.to_string(),
        },
        Event::RolledBack {
            deployment,
            message,
        } => match deployment {
            Some(id) => format!("{id} rolls it back"),
            None => format!("it is not rolled back: {message}"),
        },
        Event::TaskSetCreated { .. } => "the replacement task set is there".to_owned(),
        _ => return of_target(event),
    })
}

/// What an entry says about one instance.
fn of_target(event: &Event) -> Option<String> {
    let because = |why: &Option<String>| {
        why.as_ref()
            .map_or_else(String::new, |why| format!(": {why}"))
    };
    Some(match event {
        Event::EventEnded {
            target,
            event,
            status: EventStatus::Failed,
            diagnostics,
            ..
        } => {
            let why = diagnostics.as_ref().map(|told| told.message.clone());
            format!("{target}: {event} failed{}", because(&why))
        }
        Event::TargetEnded {
            target,
            status: TargetStatus::Failed,
            message: Some(message),
            ..
        } => format!("{target} failed: {message}"),
        Event::Retried { target, by, why } => {
            format!("{by} asked to try {target} again{}", because(why))
        }
        Event::Excluded { target, by, why } => format!("{by} left {target} out{}", because(why)),
        Event::ChosenNext { target, by, why } => {
            format!("{by} chose {target} to start next{}", because(why))
        }
        _ => return None,
    })
}
