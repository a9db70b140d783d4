//! Task sets: the replacement of a service is created on its hosts, and what has lost the traffic is ended there.
//!
//! Agents know a task set by the deployment that it is for, and asking for one again changes nothing: so nobody has to remember here what
//! has been asked for.

mod create;
pub(crate) mod end;
pub(crate) mod steady;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::hooks::due::status;
use super::hosts::Mode;
use super::{Orchestrator, Request};
use crate::clock;
use crate::engine::Deployment;
use crate::engine::input::{Input, Report};
use crate::model::deployment::{ErrorCode, ExecutionId};
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::providers::hosts::{AgentClient, HostError};

/// How soon agents are asked again how tasks are.
const LOOK: Duration = Duration::from_millis(250);

/// How long to wait at most for the journal.
const WRITTEN: Duration = Duration::from_millis(5);

/// How soon an agent is asked again that does not answer.
const AGAIN: Duration = Duration::from_millis(500);

/// A replacement that is to be created.
pub(super) struct Creation {
    /// The run that it is.
    pub execution: ExecutionId,
    /// The service.
    pub target: Name,
    /// Create it, or only finish it if that has begun.
    pub mode: Mode,
    /// The deployment as far as it is durable.
    pub state: Arc<RwLock<Deployment>>,
    /// Where reports go.
    pub reports: mpsc::Sender<Request>,
}

impl Orchestrator {
    /// Creates the replacement of a service. Whoever drops the handle waits for it no longer.
    pub(super) fn create_task_set(&self, creation: Creation) -> AbortOnDropHandle<()> {
        let orchestrator = self.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            creation.carry_out(&orchestrator).await;
        }))
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
        let begun = match self.status() {
            // Whoever was to say so is gone.
            Some(status) if status.is_terminal() => return self.report(Report::Ended).await,
            status => status == Some(EventStatus::InProgress),
        };
        if !begun && self.mode == Mode::Halt {
            return self.report(Report::Ended).await;
        }
        if !begun {
            let (event, at) = (LifecycleEvent::Install, clock::steady());
            self.report(Report::EventStarted { event, at }).await;
        }
        // Nothing is ordered of which the journal does not know.
        while self.status() != Some(EventStatus::InProgress) {
            if self.reports.is_closed() || self.status().is_none_or(EventStatus::is_terminal) {
                return;
            }
            sleep(WRITTEN).await;
        }
        let deployment = self.read().clone();
        match orchestrator.until_steady(&deployment).await {
            Ok(tasks) => {
                self.tell(Input::TaskSet(tasks)).await;
                self.ends(EventStatus::Succeeded, None).await;
            }
            Err((code, why)) => {
                let why = Diagnostics::ending(code, why);
                self.ends(EventStatus::Failed, Some(why)).await;
            }
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Deployment> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self) -> Option<EventStatus> {
        status(
            &self.read(),
            &self.target,
            LifecycleEvent::Install,
            &self.execution,
        )
    }

    async fn ends(&self, status: EventStatus, diagnostics: Option<Diagnostics>) {
        let ended = Report::EventEnded {
            event: LifecycleEvent::Install,
            status,
            at: clock::steady(),
            diagnostics,
        };
        self.report(ended).await;
        self.report(Report::Ended).await;
    }

    async fn report(&self, report: Report) {
        let input = Input::Report {
            execution: self.execution.clone(),
            target: self.target.clone(),
            report,
        };
        self.tell(input).await;
    }

    async fn tell(&self, input: Input) {
        // A deployment that is over has no ear any more.
        let _over = self.reports.send(Request::Input(input)).await;
    }
}

/// Why no task set has come of it.
type Failure = (ErrorCode, String);
