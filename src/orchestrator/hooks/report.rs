//! What hooks report, with the ticket that they were given: `PutLifecycleEventHookExecutionStatus` (lifecycle.md §9).

use std::sync::PoisonError;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::command::{Answer, ApiError};
use super::super::{Handle, Orchestrator, Request, lock, no_deployment};
use super::due::failure;
use crate::clock;
use crate::engine::Deployment;
use crate::engine::input::{Input, Report};
use crate::model::application::ComputePlatform;
use crate::model::deployment::{DeploymentId, ExecutionId};
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

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
#[derive(Debug)]
pub struct Found {
    /// The run that it is.
    pub execution: ExecutionId,
    /// Whose it is.
    pub target: Name,
    /// Which.
    pub event: LifecycleEvent,
    /// The function's name, as the `AppSpec` has it.
    pub hook: String,
    /// Where it stands.
    pub status: EventStatus,
}

impl Orchestrator {
    /// The hook that a ticket is of, while this deployment waits for it.
    ///
    /// # Errors
    /// If it does not, or the ticket was not made here.
    pub fn reporting_hook(&self, id: &DeploymentId, ticket: &str) -> Result<String, ApiError> {
        Ok(self.waiting(id, ticket)?.1.hook)
    }

    fn waiting(&self, id: &DeploymentId, ticket: &str) -> Result<(Handle, Found), ApiError> {
        let execution = self.0.hooks.tickets().execution(ticket);
        let execution = execution.filter(|execution| execution.is_of(id));
        let unknown = || {
            ApiError::new(
                "InvalidLifecycleEventHookExecutionIdException",
                format!("{id} waits for no such hook: the id is what the hook was called with"),
            )
        };
        let handle = lock(&self.0.active).get(id).cloned();
        let Some(handle) = handle else {
            return Err(match lock(&self.0.summaries).get(id) {
                Some(_) if execution.is_some() => completed(format!("{id} has already ended")),
                Some(_) => unknown(),
                None => no_deployment(id),
            });
        };
        let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.spec.configuration.compute_platform == ComputePlatform::Server {
            return Err(ApiError::new(
                "UnsupportedActionForDeploymentTypeException",
                format!("{id} deploys to hosts, whose agents report: it calls no hooks"),
            ));
        }
        let Some(execution) = execution else {
            return Err(unknown());
        };
        let Some(found) = find(&state, &execution) else {
            // It was made here, and for this deployment, which has gone on since.
            return Err(completed(format!("{id} waits for this hook no longer")));
        };
        drop(state);
        if found.status.is_terminal() {
            return Err(ended(id, &found, found.status));
        }
        Ok((handle, found))
    }

    /// Takes down how a hook ended; it is in the journal when this returns.
    pub(in super::super) async fn report_hook(
        &self,
        id: &DeploymentId,
        ticket: &str,
        status: HookStatus,
    ) -> Result<Answer, ApiError> {
        let (handle, found) = self.waiting(id, ticket)?;
        for report in reports(&found, status, clock::steady()) {
            let input = Input::Report {
                execution: found.execution.clone(),
                target: found.target.clone(),
                report,
            };
            // A deployment that is over has no ear any more: it is found to be, below.
            let _over = handle.requests.send(Request::Input(input)).await;
        }
        let written = tokio::time::timeout(PATIENCE, async {
            // The target may be in its next stage by then, where it is another execution.
            loop {
                let status = {
                    let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
                    let target = state.target(&found.target);
                    target.and_then(|target| Some(target.event(found.event)?.status))
                };
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
            Ok(now) => Err(ended(id, &found, now)),
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

fn ended(id: &DeploymentId, found: &Found, status: EventStatus) -> ApiError {
    completed(format!("{} of {id} has ended: {status:?}", found.event))
}

/// The hook that an execution is, if it is one that this deployment has come to.
pub fn find(deployment: &Deployment, execution: &ExecutionId) -> Option<Found> {
    let mut targets = deployment.targets.iter();
    targets.find_map(|target| {
        if target.execution.as_ref() != Some(execution) {
            return None;
        }
        let entry = target.leg_events().first()?;
        Some(Found {
            execution: execution.clone(),
            target: target.name.clone(),
            event: entry.event,
            hook: entry.hook.clone()?,
            status: entry.status,
        })
    })
}

/// What a deployment is told of a report.
pub fn reports(found: &Found, status: HookStatus, at: Timestamp) -> [Report; 2] {
    let why = || {
        failure(
            &found.hook,
            format!("{} reported that {} failed", found.hook, found.event),
        )
    };
    let ended = Report::EventEnded {
        event: found.event,
        status: status.event(),
        at,
        diagnostics: (status == HookStatus::Failed).then(why),
    };
    [ended, Report::Ended]
}
