//! What carries orders out: the parts it needs, its queues, its beginning and its end.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::install::place::Place;
use super::layout::Layout;
use super::log::{Execution, Log};
use super::protocol::Order;
use super::queue::Queues;
use super::report::SharedLog;
use super::script_log::ScriptLog;
use super::{AgentError, Config, io_error};
use crate::model::deployment::ExecutionId;
use crate::store::bundles::Bundles;

/// Carries out orders.
#[derive(Debug)]
pub struct Executor {
    pub(super) config: Config,
    pub(super) layout: Layout,
    pub(super) log: Log,
    pub(super) bundles: Bundles,
    pub(super) place: Place,
    pub(super) boot: String,
    pub(super) shared_log: SharedLog,
    /// Held while an order is checked and taken, so that two requests with the same id cannot both take it.
    pub(super) accepting: tokio::sync::Mutex<()>,
    controls: Mutex<HashMap<ExecutionId, watch::Sender<Control>>>,
    pub(super) queues: Queues,
    tasks: TaskTracker,
    pub(super) stopping: CancellationToken,
    abandoned: CancellationToken,
    pub(super) interrupted: CancellationToken,
}

/// What the orchestrator wants of an execution that has not ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Control {
    pub stop: bool,
    /// Events are started until then.
    pub lease: Option<Instant>,
}

impl Executor {
    /// Prepares to carry out orders.
    pub fn new(
        config: Config,
        layout: Layout,
        bundles: Bundles,
        log: Log,
        boot: String,
    ) -> Result<Arc<Self>, AgentError> {
        let place = Place::new(config.install_root.as_deref())
            .map_err(io_error("making the installation root"))?;
        let output = &config.output;
        let shared_log = output.deployments_log.then(|| {
            let log = ScriptLog::new(layout.deployments_log(), output);
            Arc::new(Mutex::new(log))
        });
        Ok(Arc::new(Self {
            config,
            layout,
            log,
            bundles,
            place,
            boot,
            shared_log,
            accepting: tokio::sync::Mutex::default(),
            controls: Mutex::default(),
            queues: Queues::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            abandoned: CancellationToken::new(),
            interrupted: CancellationToken::new(),
        }))
    }

    /// Carries on with what an earlier run of the agent left.
    pub fn resume(self: &Arc<Self>) {
        let open: Vec<Execution> = {
            let known = self.log.known();
            let open = known.open_executions();
            open.iter()
                .filter_map(|id| known.executions.get(id).cloned())
                .collect()
        };
        for execution in open {
            let control = Control {
                stop: execution.stop_requested,
                lease: None,
            };
            self.enqueue(&execution.state.execution, &execution.order, control);
        }
    }

    /// Cancelled when the agent is told to end.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Waits for running events, but not longer than this.
    pub async fn drained(&self, limit: Duration) {
        self.tasks.close();
        if timeout(limit, self.tasks.wait()).await.is_err() {
            self.abandon();
            self.tasks.wait().await;
        }
    }

    /// Leaves running events to the next run of the agent.
    pub fn abandon(&self) {
        self.abandoned.cancel();
    }

    /// Ends the scripts that are running, and with them their events; no further script is started.
    pub fn interrupt(&self) {
        self.interrupted.cancel();
    }

    pub(super) fn enqueue(self: &Arc<Self>, id: &ExecutionId, order: &Order, control: Control) {
        self.controls()
            .insert(id.clone(), watch::Sender::new(control));
        let group = order.deployment_group_id.clone();
        if self.queues.push(&group, id.clone()) {
            let this = Arc::clone(self);
            self.tasks.spawn(async move {
                let abandoned = this.abandoned.clone();
                let work = Box::pin(this.serve_group(&group));
                abandoned.run_until_cancelled_owned(work).await;
            });
        }
    }

    async fn serve_group(&self, group: &str) {
        while let Some(id) = self.queues.running(group) {
            let _held = tokio::select! {
                held = self.layout.hold(group) => held,
                () = self.unwanted(&id) => None,
            };
            if self.stopping.is_cancelled() {
                return;
            }
            if let Err(error) = self.carry_out(&id).await {
                tracing::error!(%error, execution = %id, "the execution cannot go on");
                return;
            }
            if self.stopping.is_cancelled() || !self.queues.advance(group) {
                return;
            }
        }
    }

    pub(super) fn controls(&self) -> MutexGuard<'_, HashMap<ExecutionId, watch::Sender<Control>>> {
        self.controls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the application's files go, if not where the `AppSpec` says.
    pub(super) fn install_root(&self) -> Option<&Path> {
        self.place.root()
    }
}
