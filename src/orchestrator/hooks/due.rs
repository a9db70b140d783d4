//! What is to be done about a hook, by what the journal says of it. Pure.

use crate::engine::Deployment;
use crate::engine::deliberate::{Bug, deliberate};
use crate::model::connections::HookKind;
use crate::model::deployment::{ErrorCode, ExecutionId};
use crate::model::diagnostics::{Diagnostics, LifecycleErrorCode};
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;

/// What is to be done about a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nobody waits for it any more: say that it is over.
    Over,
    /// It has taken the call, and reports when it likes.
    Wait,
    /// It has failed, for this reason.
    Fail(String),
    /// Call it until it has taken the call.
    Post,
    /// Run it once.
    Run,
}

/// What is to be done about a hook of this name, of which the journal says this. `halts` says that it is not to be called if it
/// has not been, and `via` what it stands for, if anything says so.
pub fn due(status: Option<EventStatus>, halts: bool, name: &str, via: Option<&HookKind>) -> Due {
    // Whoever was to say so is gone.
    if status.is_some_and(EventStatus::is_terminal) {
        return Due::Over;
    }
    let begun = status == Some(EventStatus::InProgress) && !deliberate(Bug::HookCalledTwice);
    if halts && !begun {
        return Due::Over;
    }
    match via {
        // What was called may have another name by now, and reports all the same.
        None | Some(HookKind::Webhook(_) | HookKind::Lambda(_)) if begun => Due::Wait,
        None => Due::Fail(format!(
            "nothing says what {name} stands for: `connections.hooks` of cutover.yaml does, with `via: {{ lambda: {{}} }}` for a function of AWS"
        )),
        Some(HookKind::Webhook(_) | HookKind::Lambda(_)) => Due::Post,
        Some(HookKind::Command(_)) if begun => Due::Fail(
            "the orchestrator was started anew while it ran, and nobody knows how it ended"
                .to_owned(),
        ),
        Some(HookKind::Command(_)) => Due::Run,
    }
}

/// Where a hook stands by the journal; `None` if its target is at something else by now.
pub fn status(
    deployment: &Deployment,
    target: &Name,
    event: LifecycleEvent,
    execution: &ExecutionId,
) -> Option<EventStatus> {
    let target = deployment.target(target)?;
    let ours = target.execution.as_ref() == Some(execution);
    Some(target.event(event).filter(|_| ours)?.status)
}

/// What is to be known of a hook that failed.
pub fn failure(name: &str, why: String) -> Diagnostics {
    Diagnostics {
        error_code: LifecycleErrorCode::ScriptFailed,
        script_name: name.to_owned(),
        ..Diagnostics::ending(ErrorCode::HookExecutionFailure, why)
    }
}
