//! A lifecycle event that no host carries out, and how its deployment hears of it: a hook that is called, or a task set that is
//! created.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::Request;
use super::hooks::due::status;
use crate::clock;
use crate::engine::Deployment;
use crate::engine::input::{Input, Report};
use crate::model::deployment::ExecutionId;
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;

/// How long to wait at most for the journal.
const WRITTEN: Duration = Duration::from_millis(5);

/// An event that is to be carried out.
#[derive(Clone, Debug)]
pub(super) struct Duty {
    /// The run that it is.
    pub execution: ExecutionId,
    /// Whose.
    pub target: Name,
    /// Which.
    pub event: LifecycleEvent,
    /// The deployment as far as it is durable.
    pub state: Arc<RwLock<Deployment>>,
    /// Where reports go.
    pub reports: mpsc::Sender<Request>,
}

impl Duty {
    /// The deployment as far as it is durable.
    pub fn deployment(&self) -> RwLockReadGuard<'_, Deployment> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it stands by the journal; `None` if its target is at something else by now.
    pub fn status(&self) -> Option<EventStatus> {
        let deployment = self.deployment();
        status(&deployment, &self.target, self.event, &self.execution)
    }

    /// Whether nobody waits for it any more.
    pub fn is_over(&self) -> bool {
        self.reports.is_closed() || self.status().is_none_or(EventStatus::is_terminal)
    }

    /// Says that it begins.
    pub async fn starts(&self) {
        let (event, at) = (self.event, clock::steady());
        self.report(Report::EventStarted { event, at }).await;
    }

    /// Waits until the journal says that it has begun; answers whether anybody waits for it then.
    pub async fn is_written(&self) -> bool {
        while self.status() != Some(EventStatus::InProgress) {
            if self.is_over() {
                return false;
            }
            sleep(WRITTEN).await;
        }
        true
    }

    /// Says how it has ended.
    pub async fn ends(&self, status: EventStatus, diagnostics: Option<Diagnostics>) {
        let ended = Report::EventEnded {
            event: self.event,
            status,
            at: clock::steady(),
            diagnostics,
        };
        self.report(ended).await;
        self.over().await;
    }

    /// Says that nothing more is to be heard of it.
    pub async fn over(&self) {
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

    /// Tells the deployment something.
    pub async fn tell(&self, input: Input) {
        // A deployment that is over has no ear any more.
        let _over = self.reports.send(Request::Input(input)).await;
    }
}
