//! What carries orders out: the parts it needs, its queues, its beginning and its end.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::core::Renewals;
use super::install::place::Place;
use super::layout::Layout;
use super::log::Log;
use super::protocol::Order;
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
    /// When leases are counted from.
    pub(super) started: Instant,
    renewals: Mutex<Renewals>,
    /// Held from looking at what is known until what is decided is durable: one decision at a time.
    pub(super) deciding: tokio::sync::Mutex<()>,
    /// Told when a waiting execution might go on, or must not any more.
    pub(super) changed: watch::Sender<()>,
    /// The deployment groups that a task serves.
    served: Mutex<HashSet<String>>,
    tasks: TaskTracker,
    pub(super) stopping: CancellationToken,
    abandoned: CancellationToken,
    pub(super) interrupted: CancellationToken,
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
            started: Instant::now(),
            renewals: Mutex::default(),
            deciding: tokio::sync::Mutex::default(),
            changed: watch::Sender::default(),
            served: Mutex::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            abandoned: CancellationToken::new(),
            interrupted: CancellationToken::new(),
        }))
    }

    /// Carries on with what an earlier run of the agent left.
    pub fn resume(self: &Arc<Self>) {
        let groups: Vec<_> = self.log.known().groups().map(str::to_owned).collect();
        for group in groups {
            self.serve(&group);
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

    /// Sees to it that a task serves this deployment group.
    pub(super) fn serve(self: &Arc<Self>, group: &str) {
        if !self.served().insert(group.to_owned()) {
            return;
        }
        let (this, group) = (Arc::clone(self), group.to_owned());
        self.tasks.spawn(async move {
            let abandoned = this.abandoned.clone();
            let work = Box::pin(this.serve_group(&group));
            abandoned.run_until_cancelled_owned(work).await;
        });
    }

    async fn serve_group(&self, group: &str) {
        while let Some((id, order)) = self.whose_turn(group) {
            let _held = tokio::select! {
                held = self.layout.hold(group) => held,
                () = self.unneeded(&id) => None,
            };
            if self.stopping.is_cancelled() {
                return;
            }
            if let Err(error) = self.carry_out(&id, &order).await {
                tracing::error!(%error, execution = %id, "the execution cannot go on");
                return;
            }
            if self.stopping.is_cancelled() {
                return;
            }
        }
    }

    /// The execution of a group that comes next; without one, the group is served no more.
    fn whose_turn(&self, group: &str) -> Option<(ExecutionId, Arc<Order>)> {
        // Whoever takes an order comes after this, or sees that the group is not served.
        let mut served = self.served();
        let known = self.log.known();
        let first = known.first(group).and_then(|id| known.executions.get(id));
        if first.is_none() {
            served.remove(group);
        }
        first.map(|execution| {
            let id = execution.state.execution.clone();
            (id, Arc::clone(&execution.order))
        })
    }

    pub(super) fn renewals(&self) -> MutexGuard<'_, Renewals> {
        self.renewals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn served(&self) -> MutexGuard<'_, HashSet<String>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the application's files go, if not where the `AppSpec` says.
    pub(super) fn install_root(&self) -> Option<&Path> {
        self.place.root()
    }
}
