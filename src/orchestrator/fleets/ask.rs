//! Asking fleets for a deployment, for as long as it wants something of them.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::super::{Orchestrator, Request};
use crate::engine::input::Told;
use crate::engine::pending::WorkId;
use crate::engine::plan::Stage;
use crate::engine::{Deployment, Input};

/// How soon a fleet is asked again that does not answer, or not yet, at first.
const SOON: Duration = Duration::from_millis(250);

/// How soon it is asked again later.
const LATER: Duration = Duration::from_secs(10);

impl Orchestrator {
    /// Sees to it that fleets do what a deployment asks for, and tells it what has come of it. Whoever drops the handle calls
    /// it off: a program that runs is ended.
    pub(in super::super) fn ask_fleets(
        self,
        work: &WorkId,
        state: &Arc<RwLock<Deployment>>,
        deployment: mpsc::Sender<Request>,
    ) -> AbortOnDropHandle<()> {
        let state = Arc::clone(state);
        let provisions = matches!(work, WorkId::Provision(_));
        AbortOnDropHandle::new(tokio::spawn(async move {
            let now = state.read().unwrap_or_else(PoisonError::into_inner).clone();
            if provisions {
                self.provision(&now, &deployment).await;
            } else {
                let told = match now.current_stage() {
                    Some(Stage::DeleteTaskSet { side }) => self.end_task_sets(&now, *side).await,
                    _ => self.terminate(&now).await,
                };
                tell(&deployment, told).await;
            }
        }))
    }
}

/// Tells a deployment's task. One that is over has no ear any more.
pub(super) async fn tell(deployment: &mpsc::Sender<Request>, told: Told) {
    let _over = deployment.send(Request::Input(Input::Fleet(told))).await;
}

/// How long to wait before a fleet is asked again.
pub(super) struct Patience(Duration);

impl Patience {
    /// Nobody has been asked yet.
    pub fn new() -> Self {
        Self(SOON)
    }

    /// Waits until it is time to ask again, longer each time.
    pub async fn wait(&mut self, why: &str) {
        tracing::info!(%why, "a fleet is asked again");
        tokio::time::sleep(self.0).await;
        self.0 = LATER.min(self.0 * 2);
    }
}
