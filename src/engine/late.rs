//! Targets whose deadline has passed: whoever was to act for them did not begin, or did not end, in time, or is gone.

use super::leg::Actor;
use super::schedule::Steps;
use super::target::Target;
use crate::model::deployment::{ErrorCode, TargetStatus};
use crate::model::diagnostics::{Diagnostics, LifecycleErrorCode};
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::timestamp::Short;

/// Gives a target up. `deregistered` says that its host is no longer in the project.
pub(super) fn give_up(steps: &mut Steps<'_>, target: &Target, deregistered: bool) {
    let running = target.running().map(|entry| entry.event);
    let deregistered = deregistered && steps.deployment.spec.is_on_hosts();
    let why = if deregistered {
        Diagnostics::unknown(format!(
            "{} is no longer in the project, and nobody knows what became of it",
            target.name
        ))
    } else {
        match target.actor() {
            Actor::Host => silent_host(steps, target, running),
            Actor::Balancer => idle_balancers(steps, target, running),
            Actor::TaskSets => idle_service(steps, target, running),
            Actor::Hook => silent_hook(steps, target, running),
        }
    };
    let message = why.message.clone();
    let lost = deregistered && running.is_some();
    // What never began is said of the event that did not, where a deployment ends with it.
    let next = target.leg_events().iter().find(|e| !e.status.is_terminal());
    let blamed = next.filter(|_| why.ends_with.is_some());
    if let Some(event) = running.or(blamed.map(|entry| entry.event)) {
        let status = if lost {
            EventStatus::Unknown
        } else {
            EventStatus::Failed
        };
        steps.end_event(target, event, status, steps.now, Some(why));
    }
    let status = if lost {
        TargetStatus::Unknown
    } else {
        TargetStatus::Failed
    };
    let silent = target.silent_since.is_some() || running.is_none();
    let unanswered = silent && target.actor() == Actor::Host;
    steps.end_target(target, status, Some(message), unanswered);
    steps.schedule();
}

fn silent_host(steps: &Steps<'_>, target: &Target, running: Option<LifecycleEvent>) -> Diagnostics {
    let limits = &steps.deployment.spec.limits;
    let name = &target.name;
    match (running, target.silent_since) {
        (Some(event), Some(since)) => Diagnostics::unknown(format!(
            "nothing was heard of {name} for {} while {event} ran",
            Short(steps.now.since(since))
        )),
        (Some(_), None) => Diagnostics {
            error_code: LifecycleErrorCode::ScriptTimedOut,
            ..Diagnostics::unknown(format!(
                "no result from {name} within {}",
                Short(limits.event())
            ))
        },
        (None, _) => Diagnostics::unknown(format!(
            "the agent on {name} did not start the next event within {}: is it running?",
            Short(limits.pick_up())
        )),
    }
}

fn idle_balancers(
    steps: &Steps<'_>,
    target: &Target,
    running: Option<LifecycleEvent>,
) -> Diagnostics {
    let limits = &steps.deployment.spec.limits;
    let name = &target.name;
    let message = match running {
        Some(event) => format!(
            "{event} of {name} did not end within {}: look at the load balancers of the group",
            Short(limits.event())
        ),
        None => format!(
            "nothing was done at the load balancers for {name} within {}: do they answer?",
            Short(limits.pick_up())
        ),
    };
    match steps.deployment.spec.without_traffic() {
        Some(code) => Diagnostics::ending(code, message),
        None => Diagnostics::unknown(message),
    }
}

/// Operations.md §10: what never became steady is the application's matter, what never began is the service's.
fn idle_service(
    steps: &Steps<'_>,
    target: &Target,
    running: Option<LifecycleEvent>,
) -> Diagnostics {
    let limits = &steps.deployment.spec.limits;
    let name = &target.name;
    let (code, message) = match running {
        Some(_) => (
            ErrorCode::CustomerApplicationUnhealthy,
            format!(
                "timed out: the replacement task set of {name} was not steady within {}: look at why its tasks do not start, or are not well",
                Short(limits.event())
            ),
        ),
        None => (
            ErrorCode::EcsUpdateError,
            format!(
                "nothing was done about the replacement task set of {name} within {}: does the service answer?",
                Short(limits.pick_up())
            ),
        ),
    };
    Diagnostics::ending(code, message)
}

/// Lifecycle.md §9: whoever does not call back in time has failed.
fn silent_hook(steps: &Steps<'_>, target: &Target, running: Option<LifecycleEvent>) -> Diagnostics {
    let limits = &steps.deployment.spec.limits;
    let first = target.leg_events().first();
    let hook = first
        .and_then(|entry| entry.hook.as_deref())
        .unwrap_or("it");
    let message = match running {
        Some(event) => format!(
            "timed out: {hook} did not report how {event} ended within {}",
            Short(limits.hook())
        ),
        None => format!(
            "{hook} could not be called within {}: `connections.hooks` of cutover.yaml says where it is",
            Short(limits.pick_up())
        ),
    };
    Diagnostics {
        error_code: LifecycleErrorCode::ScriptTimedOut,
        ..Diagnostics::ending(ErrorCode::HookExecutionFailure, message)
    }
}
