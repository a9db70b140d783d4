//! Task sets: the replacement of a service is created on its hosts, or at AWS ECS, and what has lost the traffic is ended there. How many
//! tasks there are is looked at meanwhile.
//!
//! Agents and ECS know a task set by the deployment that it is for, and asking for one again changes nothing: so nobody has to remember
//! here what has been asked for.

mod create;
mod ecs;
pub(crate) mod end;
pub(crate) mod steady;
mod watch;

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

pub(super) use self::ecs::place;
use super::Orchestrator;
use super::duty::Duty;
use super::hosts::Mode;
use crate::engine::Deployment;
use crate::engine::input::Input;
use crate::model::deployment::ErrorCode;
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::EventStatus;
use crate::model::name::Name;
use crate::model::task_set::Task;
use crate::model::traffic::Side;
use crate::providers::hosts::{AgentClient, HostError};

/// How soon agents are asked again how tasks are.
const LOOK: Duration = Duration::from_millis(250);

/// How soon an agent is asked again that does not answer.
const AGAIN: Duration = Duration::from_millis(500);

/// A replacement that is to be created.
pub(super) struct Creation {
    /// The event that it is.
    pub duty: Duty,
    /// Create it, or only finish it if that has begun.
    pub mode: Mode,
}

impl Orchestrator {
    /// Creates the replacement of a service. Whoever drops the handle waits for it no longer.
    pub(super) fn create_task_set(&self, creation: Creation) -> AbortOnDropHandle<()> {
        let orchestrator = self.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            creation.carry_out(&orchestrator).await;
        }))
    }

    /// Where the tasks of the replacement serve, once all of them are well; ECS places them where nobody has to know.
    /// Nobody waits there for long once it is `stopped`.
    async fn until_steady(
        &self,
        deployment: &Deployment,
        stopped: impl Future<Output = ()>,
    ) -> Result<Vec<Task>, Failure> {
        let set = deployment.task_sets(Side::Green).pop();
        let set = set.ok_or_else(|| {
            let why = "nothing says what the tasks of the replacement are".to_owned();
            (ErrorCode::EcsUpdateError, why)
        })?;
        if set.definition.is_some() {
            return self.until_well_on_hosts(deployment).await;
        }
        let steady = self.until_steady_at_ecs(deployment, &set, stopped);
        steady.await.map(|()| Vec::new())
    }

    /// The agent of a host, if it is still in the project.
    fn agent_of(&self, host: &Name) -> Option<AgentClient> {
        let (project, _) = self.0.documents.current();
        let host = project.host(host)?;
        Some(self.0.hosts.network().agent(&host.name, &host.address))
    }
}

/// Whether asking again may be answered otherwise.
fn may_pass(error: &HostError) -> bool {
    matches!(
        error,
        HostError::Unreachable { .. } | HostError::Untrusted { .. }
    )
}

impl Creation {
    async fn carry_out(&self, orchestrator: &Orchestrator) {
        let duty = &self.duty;
        let begun = match duty.status() {
            // Whoever was to say so is gone.
            Some(status) if status.is_terminal() => return duty.over().await,
            status => status == Some(EventStatus::InProgress),
        };
        if !begun && self.mode == Mode::Halt {
            return duty.over().await;
        }
        if !begun {
            duty.starts().await;
        }
        // Nothing is ordered of which the journal does not know.
        if !duty.is_written().await {
            return;
        }
        let deployment = duty.deployment().clone();
        match orchestrator.until_steady(&deployment, self.stopped()).await {
            Ok(tasks) => {
                duty.tell(Input::TaskSet(tasks)).await;
                duty.ends(EventStatus::Succeeded, None).await;
            }
            Err((code, why)) => {
                let why = Diagnostics::ending(code, why);
                duty.ends(EventStatus::Failed, Some(why)).await;
            }
        }
    }

    /// Until the deployment ends early: somebody has asked for that, an alarm, or its time is over.
    async fn stopped(&self) {
        while !self.duty.deployment().is_ceasing() {
            sleep(LOOK).await;
        }
    }
}

/// Why no task set has come of it.
type Failure = (ErrorCode, String);
