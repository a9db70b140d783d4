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
        let look = |execution: &ExecutionId| {
            let deployment = handle.state.read();
            let deployment = deployment.unwrap_or_else(std::sync::PoisonError::into_inner);
            find(&deployment, execution)
        };
        let known = execution.and_then(|execution| Some((look(&execution)?, execution)));
        let Some((found, execution)) = known else {
            return Err(ApiError::new(
                "InvalidLifecycleEventHookExecutionIdException",
                format!("{id} waits for no such hook: the id is what the hook was called with"),
            ));
        };
        let ended = |found: &Found| {
            completed(format!(
                "{} of {id} has ended: {:?}",
                found.event, found.status
            ))
        };
        if found.status.is_terminal() {
            return Err(ended(&found));
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
            loop {
                match look(&execution) {
                    Some(found) if !found.status.is_terminal() => tokio::time::sleep(AGAIN).await,
                    found => return found,
                }
            }
        });
        match written.await {
            Ok(Some(found)) if found.status == status.event() => Ok(Answer::Taken {
                pending: false,
                message: format!("{} of {id}: {:?}", found.event, found.status),
            }),
            Ok(Some(found)) => Err(ended(&found)),
            Ok(None) => Err(completed(format!("{id} waits for it no more"))),
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
