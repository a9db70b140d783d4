//! Task sets: the processes of container services on this host, which the agent starts, watches, starts again and ends.
//!
//! Tasks outlive the agent. What keeps them apart from a second copy is a lock that the task's own processes hold, and not
//! what the agent knows: an agent that comes back finds its tasks by it. An order is durable before anything is started, and
//! an end before anything is ended: the rest can be done again at any time.

mod folder;
mod health;
mod order;
mod ports;
mod said;
mod set;
pub mod shim;
mod start;
mod stop;
mod supervise;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::folder::SetFolder;
use self::order::{SETS, TASKS};
use self::ports::Ports;
use self::set::Set;
use super::config::{Config, HookSecrets, Scripts};
use super::layout::Layout;
use super::protocol::{TaskSetOrder, TaskSetState};
use crate::model::deployment::DeploymentId;

/// So many task sets that were ended are remembered, the newest: an order for one of them starts nothing.
const REMEMBERED: usize = 1000;

/// Why a task set is not told, begun or ended.
#[derive(Debug, thiserror::Error)]
pub enum TaskSetError {
    /// It has no tasks here.
    #[error("the task set {0} has no tasks on this host")]
    Unknown(DeploymentId),
    /// The order makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// There is another order under its id.
    #[error("the task set {0} was ordered otherwise before: another one needs another id")]
    Conflict(DeploymentId),
    /// It was ended.
    #[error("the task set {0} was ended, and does not begin again")]
    Over(DeploymentId),
    /// There are too many.
    #[error("this host takes {SETS} task sets and {TASKS} tasks: end some, or use more hosts")]
    Full,
    /// It cannot be written down.
    #[error("writing down {what} of the task set {id}: {source}")]
    Unkept {
        /// What.
        what: &'static str,
        /// Of which one.
        id: DeploymentId,
        /// Why.
        source: io::Error,
    },
}

/// What tasks run on.
#[derive(Debug)]
struct Host {
    root: PathBuf,
    boot: String,
    scripts: Scripts,
    secrets: HookSecrets,
    /// A log is cut back when it is longer.
    log_bytes: u64,
    /// So many of the task sets that were ended last keep their logs.
    kept: usize,
    ports: Ports,
    stopping: CancellationToken,
}

/// The task sets of this host.
#[derive(Debug)]
pub struct TaskSets {
    host: Arc<Host>,
    sets: Mutex<BTreeMap<DeploymentId, Arc<Set>>>,
    /// Held from looking at what is known until what is decided is durable: one decision at a time.
    deciding: tokio::sync::Mutex<()>,
    supervisors: TaskTracker,
}

impl TaskSets {
    /// Finds out what an earlier run of the agent left. Nothing is started, ended or started again before [`Self::resume`].
    ///
    /// # Errors
    ///
    /// When that cannot be read.
    pub fn open(
        config: &Config,
        layout: &Layout,
        boot: &str,
        stopping: CancellationToken,
    ) -> io::Result<Arc<Self>> {
        let host = Host {
            root: layout.task_sets(),
            boot: boot.to_owned(),
            scripts: config.scripts.clone(),
            secrets: config.secrets.clone(),
            log_bytes: config.output.log_bytes,
            kept: config.max_revisions.get(),
            ports: Ports::default(),
            stopping,
        };
        let mut sets = BTreeMap::new();
        for entry in fs::read_dir(&host.root)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let id: DeploymentId = id;
            match Set::recall(id.clone(), SetFolder::of(entry.path()), boot) {
                Ok(Some(set)) => {
                    // Nobody else gets their ports, also while they are down.
                    for task in set.state().tasks.iter().filter(|task| task.port > 0) {
                        let folder = SetFolder::of(entry.path()).task(task.number);
                        host.ports.keep(folder.path(), task.port);
                    }
                    sets.insert(id, Arc::new(set));
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, task_set = %id, "a task set cannot be read: its tasks are left alone");
                }
            }
        }
        Ok(Arc::new(Self {
            host: Arc::new(host),
            sets: Mutex::new(sets),
            deciding: tokio::sync::Mutex::default(),
            supervisors: TaskTracker::new(),
        }))
    }

    /// Goes on with what an earlier run of the agent left.
    pub fn resume(self: &Arc<Self>) {
        let sets: Vec<_> = self.sets().values().cloned().collect();
        for set in sets {
            self.supervise(set);
        }
    }

    /// Waits until nothing is done any more, once the agent is told to end. The tasks stay.
    pub async fn left(&self) {
        self.supervisors.close();
        self.supervisors.wait().await;
    }

    /// The task sets that have tasks here.
    pub fn states(&self) -> Vec<TaskSetState> {
        let sets = self.sets();
        let there = sets.values().filter(|set| !set.is_over());
        there.map(|set| set.state()).collect()
    }

    /// How a task set is.
    pub fn state(&self, id: &DeploymentId) -> Result<TaskSetState, TaskSetError> {
        let set = self.sets().get(id).cloned();
        let there = set.filter(|set| !set.is_over());
        there
            .map(|set| set.state())
            .ok_or_else(|| TaskSetError::Unknown(id.clone()))
    }

    /// Begins a task set. Answers when its order is durable.
    pub async fn order(
        self: &Arc<Self>,
        id: &DeploymentId,
        order: TaskSetOrder,
    ) -> Result<TaskSetState, TaskSetError> {
        let _deciding = self.deciding.lock().await;
        if let Some(known) = self.sets().get(id) {
            return if known.ended.is_cancelled() {
                Err(TaskSetError::Over(id.clone()))
            } else if known.order.as_deref() == Some(&order) {
                Ok(known.state())
            } else {
                Err(TaskSetError::Conflict(id.clone()))
            };
        }
        order::check(&order).map_err(TaskSetError::Invalid)?;
        self.has_room(&order)?;
        let folder = self.folder(id);
        crate::crash_point::here!("task-set.before-order");
        let (kept, wanted) = (folder.clone(), order.clone());
        self.durable("the order", id, move || kept.keep_order(&wanted))
            .await?;
        crate::crash_point::here!("task-set.ordered");
        let set = Arc::new(Set::new(id.clone(), folder, Some(order)));
        self.sets().insert(id.clone(), Arc::clone(&set));
        self.supervise(Arc::clone(&set));
        Ok(set.state())
    }

    /// Ends a task set, also one whose order has not come. Answers when that is durable.
    pub async fn end(self: &Arc<Self>, id: &DeploymentId) -> Result<TaskSetState, TaskSetError> {
        let _deciding = self.deciding.lock().await;
        let known = self.sets().get(id).cloned();
        if let Some(known) = known.as_ref().filter(|set| set.ended.is_cancelled()) {
            return Ok(known.state());
        }
        let folder = self.folder(id);
        crate::crash_point::here!("task-set.before-end");
        let kept = folder.clone();
        self.durable("the end", id, move || kept.end()).await?;
        crate::crash_point::here!("task-set.ended");
        let set = known.unwrap_or_else(|| Arc::new(Set::new(id.clone(), folder, None)));
        self.sets().insert(id.clone(), Arc::clone(&set));
        set.ended.cancel();
        if set.order.is_none() {
            self.forget().await;
        }
        Ok(set.state())
    }

    fn has_room(&self, order: &TaskSetOrder) -> Result<(), TaskSetError> {
        let sets = self.sets();
        let there: Vec<_> = sets.values().filter(|set| !set.is_over()).collect();
        let tasks: usize = there.iter().map(|set| set.count()).sum();
        let more = usize::try_from(order.count).unwrap_or(usize::MAX);
        if there.len() >= SETS || tasks.saturating_add(more) > TASKS {
            return Err(TaskSetError::Full);
        }
        Ok(())
    }

    async fn durable(
        &self,
        what: &'static str,
        id: &DeploymentId,
        write: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> Result<(), TaskSetError> {
        let written = tokio::task::spawn_blocking(write).await;
        let written = written.map_err(io::Error::other).flatten();
        written.map_err(|source| TaskSetError::Unkept {
            what,
            id: id.clone(),
            source,
        })
    }

    /// One task supervises all tasks of a set.
    fn supervise(self: &Arc<Self>, set: Arc<Set>) {
        let Some(order) = set.order.clone() else {
            return;
        };
        let this = Arc::clone(self);
        self.supervisors.spawn(async move {
            let stopping = this.host.stopping.clone();
            let supervised = async {
                supervise::supervise(Arc::clone(&this.host), set, order).await;
                this.forget().await;
            };
            stopping.run_until_cancelled(supervised).await;
        });
    }

    /// Removes what is no longer needed of task sets that are over.
    async fn forget(&self) {
        let over: Vec<_> = {
            let sets = self.sets();
            let over = sets.values().filter(|set| set.is_over());
            over.cloned().collect()
        };
        let kept = self.host.kept;
        let gone = tokio::task::spawn_blocking(move || forget(over, kept)).await;
        let mut sets = self.sets();
        for id in gone.unwrap_or_default() {
            sets.remove(&id);
        }
    }

    fn folder(&self, id: &DeploymentId) -> SetFolder {
        SetFolder::of(self.host.root.join(id.as_str()))
    }

    fn sets(&self) -> MutexGuard<'_, BTreeMap<DeploymentId, Arc<Set>>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of these task sets, the newest keep all and others only that they were ended. Answers which are forgotten altogether.
fn forget(over: Vec<Arc<Set>>, kept: usize) -> Vec<DeploymentId> {
    let mut over: Vec<_> = over
        .into_iter()
        .map(|set| (set.folder.ended(), set))
        .collect();
    over.sort_by_key(|(ended, _)| std::cmp::Reverse(*ended));
    let mut gone = Vec::new();
    for (place, (_, set)) in over.iter().enumerate().skip(kept) {
        let removed = if place < REMEMBERED {
            set.folder.strip()
        } else {
            gone.push(set.id.clone());
            set.folder.remove()
        };
        if let Err(error) = removed {
            tracing::error!(%error, task_set = %set.id, "what is left of a task set cannot be removed");
        }
    }
    gone
}
