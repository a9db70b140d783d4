//! Which events an input causes. Pure: the clock comes in as a value.

use super::availability::refusal;
use super::deliberate::{Bug, deliberate};
use super::deployment::{Deployment, Target};
use super::event::Event;
use super::freeze;
use super::input::{Command, Input, Report, What};
use super::late;
use super::provision;
use super::schedule::Steps;
use super::task_sets;
use crate::model::approval::Step;
use crate::model::deployment::{DeploymentStatus, ErrorInformation, TargetStatus};
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::timestamp::Timestamp;

/// The events that an input causes, in order; none if it changes nothing (a repeated or late report, a refused command).
pub fn decide(deployment: &Deployment, input: &Input, now: Timestamp) -> Vec<Event> {
    use DeploymentStatus::{Created, Queued};
    let status = deployment.status;
    if status.is_terminal() {
        return Vec::new();
    }
    let waits = matches!(status, Created | Queued);
    let mut steps = Steps::new(deployment, now);
    match input {
        Input::Admitted if waits => {
            if deployment.frozen.is_none() && deployment.is_approved(Step::Start) {
                admit(&mut steps);
            }
        }
        Input::Queued { message } if waits => {
            if deployment.queued.as_ref() != Some(message) {
                let message = message.clone();
                steps.events.push(Event::Queued { message });
            }
        }
        Input::Missing(error) if waits => missing(&mut steps, error),
        Input::Recovered if status.is_running() => steps.events.push(Event::Recovered),
        Input::Admitted | Input::Queued { .. } | Input::Missing(_) | Input::Recovered => {}
        Input::Command(command) => {
            if refusal(deployment, command).is_none() {
                obey(&mut steps, command);
            }
        }
        Input::Report {
            execution,
            target,
            report,
        } => {
            let current = deployment.target(target).filter(|t| {
                t.execution.as_ref() == Some(execution)
                    && (t.status == TargetStatus::InProgress || deliberate(Bug::ReportAfterEnd))
            });
            if let Some(target) = current {
                hear(&mut steps, target, report);
            }
        }
        Input::DeadlinePassed {
            target,
            deregistered,
        } => {
            let limits = &deployment.spec.limits;
            let late = deployment
                .target(target)
                .filter(|t| t.deadline(limits).is_some_and(|deadline| deadline <= now));
            if let Some(target) = late {
                late::give_up(&mut steps, target, *deregistered);
            }
        }
        Input::InEffect(split) => {
            steps.in_effect(*split);
            if status.is_running() {
                steps.schedule();
            }
        }
        Input::Alarm { message } => alarm(&mut steps, message),
        Input::Fleet(told) => return provision::hear(deployment, told, now),
        Input::TaskSet(tasks) => return task_sets::hear(deployment, tasks),
        Input::Freeze(freeze) => freeze::hear(&mut steps, freeze.as_ref()),
        Input::TimerElapsed => elapse(&mut steps),
    }
    steps.events
}

pub(super) fn admit(steps: &mut Steps<'_>) {
    steps.events.push(Event::Started);
    let plan = &steps.deployment.plan;
    if let Some(error) = plan.impossible.clone() {
        steps.end(DeploymentStatus::Failed, Some(error));
    } else if plan.stages.is_empty() {
        // Every instance has the revision already.
        steps.end(DeploymentStatus::Succeeded, None);
    } else {
        steps.schedule();
    }
}

fn missing(steps: &mut Steps<'_>, error: &ErrorInformation) {
    steps.end(DeploymentStatus::Failed, Some(error.clone()));
}

fn elapse(steps: &mut Steps<'_>) {
    let deployment = steps.deployment;
    if let Some(told) = provision::late(deployment, steps.now) {
        steps.events = provision::hear(deployment, &told, steps.now);
        return;
    }
    let over = deployment.frozen_since.is_none()
        && deployment.due.is_some_and(|due| due <= steps.now)
        && !deployment.is_ceasing();
    if over {
        steps.events.push(Event::TimedOut);
        steps.timed_out = true;
    }
    if deployment.status.is_running() {
        steps.schedule();
    }
}

/// Whoever stops it already says how it ends.
fn alarm(steps: &mut Steps<'_>, message: &str) {
    if steps.is_ceasing() || deliberate(Bug::AlarmForgotten) {
        return;
    }
    steps.alarmed = Some(message.to_owned());
    steps.events.push(Event::Alarmed {
        message: message.to_owned(),
    });
    if steps.deployment.status.is_running() {
        steps.schedule();
    } else {
        steps.cease();
    }
}

fn obey(steps: &mut Steps<'_>, command: &Command) {
    let (by, why) = (command.by.clone(), command.why.clone());
    let deployment = steps.deployment;
    let position = |name| deployment.position(name).unwrap_or_default();
    match &command.what {
        What::Stop { auto_rollback } => {
            // Asking again changes something only if it says something new about the rollback.
            let news = deployment
                .stop
                .as_ref()
                .is_none_or(|stop| auto_rollback.is_some() && stop.auto_rollback != *auto_rollback);
            if !news {
                return;
            }
            steps.stopped_by.get_or_insert_with(|| by.clone());
            steps.events.push(Event::StopRequested {
                by,
                why,
                auto_rollback: *auto_rollback,
            });
        }
        What::Pause => {
            steps.paused = true;
            steps.events.push(Event::Paused { by, why });
        }
        What::Resume => {
            steps.paused = false;
            steps.events.push(Event::Resumed { by, why });
        }
        What::Retry { target } => {
            steps.retry(position(target));
            let target = target.clone();
            steps.events.push(Event::Retried { target, by, why });
        }
        What::Skip { target } => {
            steps.exclude(position(target));
            let target = target.clone();
            steps.events.push(Event::Excluded { target, by, why });
        }
        What::StartNext { target } => {
            steps.choose(position(target));
            let target = target.clone();
            steps.events.push(Event::ChosenNext { target, by, why });
        }
        What::Weight { split } => {
            if !steps.paused {
                steps.paused = true;
                let why = Some(format!(
                    "set the replacement's share to {} %",
                    split.replacement()
                ));
                let by = by.clone();
                steps.events.push(Event::Paused { by, why });
            }
            steps.ask(*split, Some((by, why)));
        }
        What::Continue { before } => {
            steps.continued = true;
            let before = *before;
            steps.events.push(Event::Continued { before, by, why });
        }
        What::Approve { step } => {
            if let Some(step) = step.or_else(|| deployment.next_approval()) {
                let uid = command.uid;
                steps.events.push(Event::Approved { step, by, uid, why });
                if step == Step::Reroute {
                    steps.unapproved = steps.unapproved.saturating_sub(1);
                }
            }
        }
        What::GiveUp => {
            steps.halted = steps.held.take();
            steps.events.push(Event::GivenUp { by, why });
        }
    }
    if deployment.status.is_running() {
        steps.schedule();
    } else if steps.stopped_by.is_some() {
        steps.cease();
    }
}

fn hear(steps: &mut Steps<'_>, target: &Target, report: &Report) {
    if matches!(report, Report::Lost) {
        if target.silent_since.is_none() {
            let target = target.name.clone();
            steps.events.push(Event::ContactLost { target });
        }
        return;
    }
    if target.silent_since.is_some() {
        let target = target.name.clone();
        steps.events.push(Event::ContactRegained { target });
    }
    match report {
        Report::Lost | Report::Heard => {}
        Report::EventStarted { event, at } => event_started(steps, target, *event, *at),
        Report::EventEnded {
            event,
            status,
            at,
            diagnostics,
        } => {
            let open = target.event(*event).filter(|e| !e.status.is_terminal());
            if let Some(entry) = open {
                if entry.status == EventStatus::Pending {
                    event_started(steps, target, *event, *at);
                }
                steps.end_event(target, *event, *status, *at, diagnostics.clone());
                // Nothing new starts, the next leg neither.
                if steps.is_ceasing() && target.goes_on(*event, *status, &steps.deployment.spec) {
                    steps.end_target(target, TargetStatus::Skipped, None, false);
                    steps.schedule();
                }
            }
        }
        Report::Ended => {
            let status = outcome(steps.deployment, target, steps.is_ceasing());
            let unexplained =
                status == TargetStatus::Failed && !has_failed(steps.deployment, target);
            let message = unexplained.then(|| {
                format!(
                    "the agent on {} ended it before all its events had run, and nobody here had asked for that",
                    target.name
                )
            });
            steps.end_target(target, status, message, false);
            steps.schedule();
        }
        Report::Refused { message } => {
            if let Some(first) = target.events.iter().find(|e| !e.status.is_terminal()) {
                let why = Some(Diagnostics::unknown(message.clone()));
                steps.end_event(target, first.event, EventStatus::Failed, steps.now, why);
            }
            steps.end_target(target, TargetStatus::Failed, Some(message.clone()), false);
            steps.schedule();
        }
    }
}

fn event_started(steps: &mut Steps<'_>, target: &Target, event: LifecycleEvent, at: Timestamp) {
    let news = target
        .event(event)
        .is_some_and(|entry| entry.status == EventStatus::Pending);
    if news {
        steps.events.push(Event::EventStarted {
            target: target.name.clone(),
            event,
            host_time: at,
        });
    }
}

/// Whether an event of the target has failed, so that its host goes no further.
pub(super) fn has_failed(deployment: &Deployment, target: &Target) -> bool {
    let options = &deployment.spec.options;
    let ignore = options.ignore_application_stop_failures;
    target.events.iter().any(|entry| {
        let hook = entry.hook.is_some() && deliberate(Bug::HookFailureIgnored);
        entry.status == EventStatus::Failed
            && !hook
            && !(ignore && entry.event.failure_may_be_ignored())
    })
}

/// How a target ends whose host has nothing more to do for it.
fn outcome(deployment: &Deployment, target: &Target, ceasing: bool) -> TargetStatus {
    if has_failed(deployment, target) {
        TargetStatus::Failed
    } else if target.part().all(|entry| entry.status.is_terminal()) {
        match target.later_stages().next() {
            Some(_) => TargetStatus::Ready,
            None => TargetStatus::Succeeded,
        }
    } else if ceasing {
        TargetStatus::Skipped
    } else {
        TargetStatus::Failed
    }
}
