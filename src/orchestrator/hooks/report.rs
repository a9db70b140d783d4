//! What hooks report, with the ticket that they were given: `PutLifecycleEventHookExecutionStatus` (lifecycle.md §9).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::command::{Answer, ApiError};
use super::super::{Orchestrator, Request, lock, no_deployment};
use crate::clock;
use crate::engine::Deployment;
use crate::engine::input::{Input, Report};
use crate::model::deployment::{DeploymentId, ErrorCode, ExecutionId};
use crate::model::diagnostics::{Diagnostics, LifecycleErrorCode};
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;

/// How long to wait for the journal before whoever reports is told to do it again.
const PATIENCE: Duration = Duration::from_secs(10);

/// How soon to look again whether it is written.
const AGAIN: Duration = Duration::from_millis(5);

/// How a hook ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HookStatus {
    /// The deployment may go on.
    Succeeded,
    /// It may not.
    Failed,
}

impl HookStatus {
    fn event(self) -> EventStatus {
        match self {
            Self::Succeeded => EventStatus::Succeeded,
            Self::Failed => EventStatus::Failed,
        }
    }
}

/// The event that a ticket is for.
struct Found {
    target: Name,
    event: LifecycleEvent,
    hook: String,
    status: EventStatus,
}

impl Orchestrator {
    /// Takes down how a hook ended; it is in the journal when this returns.
    pub(in super::super) async fn report_hook(
        &self,
        id: &DeploymentId,
        ticket: &str,
        status: HookStatus,
    ) -> Result<Answer, ApiError> {
        let handle = lock(&self.0.active).get(id).cloned();
        let Some(handle) = handle else {
            return Err(match lock(&self.0.summaries).get(id) {
                Some(_) => completed(format!("{id} has already ended")),
                None => no_deployment(id),
            });
        };
        let execution = self.0.hooks.tickets().execution(ticket);
        let state = || {
            let deployment = handle.state.read();
            deployment.unwrap_or_else(std::sync::PoisonError::into_inner)
        };
        let known = execution.and_then(|execution| Some((find(&state(), &execution)?, execution)));
        let Some((found, execution)) = known else {
            return Err(ApiError::new(
                "InvalidLifecycleEventHookExecutionIdException",
                format!("{id} waits for no such hook: the id is what the hook was called with"),
            ));
        };
        let ended = |status: EventStatus| {
            completed(format!("{} of {id} has ended: {status:?}", found.event))
        };
        if found.status.is_terminal() {
            return Err(ended(found.status));
        }
        for report in reports(&found, status) {
            let input = Input::Report {
                execution: execution.clone(),
                target: found.target.clone(),
                report,
            };
            // A deployment that is over has no ear any more: it is found to be, below.
            let _over = handle.requests.send(Request::Input(input)).await;
        }
        let written = tokio::time::timeout(PATIENCE, async {
            // The target may be in its next stage by then, where it is another execution.
            loop {
                let status = state()
                    .target(&found.target)
                    .and_then(|target| Some(target.event(found.event)?.status));
                match status {
                    Some(status) if status.is_terminal() => return status,
                    _ => tokio::time::sleep(AGAIN).await,
                }
            }
        });
        match written.await {
            Ok(now) if now == status.event() => Ok(Answer::Taken {
                pending: false,
                message: format!("{} of {id}: {now:?}", found.event),
            }),
            Ok(now) => Err(ended(now)),
            Err(_) => Err(ApiError::new(
                "ThrottlingException",
                format!("the journal of {id} is behind: report again"),
            )),
        }
    }
}

fn completed(message: String) -> ApiError {
    ApiError::new("LifecycleEventAlreadyCompletedException", message)
}

/// The hook that an execution is, if it is one that this deployment has come to.
fn find(deployment: &Deployment, execution: &ExecutionId) -> Option<Found> {
    let mut targets = deployment.targets.iter();
    targets.find_map(|target| {
        if target.execution.as_ref() != Some(execution) {
            return None;
        }
        let entry = target.leg_events().first()?;
        Some(Found {
            target: target.name.clone(),
            event: entry.event,
            hook: entry.hook.clone()?,
            status: entry.status,
        })
    })
}

fn reports(found: &Found, status: HookStatus) -> [Report; 2] {
    let why = || Diagnostics {
        error_code: LifecycleErrorCode::ScriptFailed,
        script_name: found.hook.clone(),
        ..Diagnostics::ending(
            ErrorCode::HookExecutionFailure,
            format!("{} reported that {} failed", found.hook, found.event),
        )
    };
    let ended = Report::EventEnded {
        event: found.event,
        status: status.event(),
        at: clock::steady(),
        diagnostics: (status == HookStatus::Failed).then(why),
    };
    [ended, Report::Ended]
}
