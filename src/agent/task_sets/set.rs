//! A task set as this agent knows it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::folder::{Found, SetFolder};
use crate::agent::protocol::{TaskSetOrder, TaskSetState, TaskState, TaskStatus};
use crate::clock;
use crate::model::deployment::DeploymentId;
use crate::model::timestamp::Timestamp;

/// A task set.
#[derive(Debug)]
pub struct Set {
    /// Which one.
    pub id: DeploymentId,
    /// Where it is kept.
    pub folder: SetFolder,
    /// What was ordered; none if only its end has come, or all but that is forgotten.
    pub order: Option<Arc<TaskSetOrder>>,
    /// Cancelled when it was ended, which is written down by then.
    pub ended: CancellationToken,
    tasks: Mutex<Vec<TaskState>>,
}

impl TaskState {
    /// It comes to this status, if it was at another one.
    pub(super) fn is_now(&mut self, status: TaskStatus, since: Timestamp) {
        if self.status != status {
            (self.status, self.since) = (status, since);
        }
    }
}

impl Set {
    /// A task set that was just ordered, or of which only the end is known.
    pub fn new(id: DeploymentId, folder: SetFolder, order: Option<TaskSetOrder>) -> Self {
        let now = clock::now();
        let count = order.as_ref().map_or(0, |order| order.count);
        let pending = |number| TaskState {
            number,
            port: 0,
            status: TaskStatus::Pending,
            healthy: false,
            restarts: 0,
            since: now,
            trouble: None,
        };
        Self {
            id,
            folder,
            order: order.map(Arc::new),
            ended: CancellationToken::new(),
            tasks: Mutex::new((1..=count).map(pending).collect()),
        }
    }

    /// A task set that an earlier run of the agent left, as it is now. None if there is no trace of it.
    ///
    /// # Errors
    ///
    /// When its folder cannot be read.
    pub fn recall(id: DeploymentId, folder: SetFolder, boot: &str) -> io::Result<Option<Self>> {
        let (order, ended) = (folder.order()?, folder.ended().is_some());
        if order.is_none() && !ended {
            return Ok(None);
        }
        let set = Self::new(id, folder, order);
        if ended {
            set.ended.cancel();
        }
        for state in set.tasks().iter_mut() {
            let task = set.folder.task(state.number);
            let memory = task.memory().unwrap_or_default();
            (state.port, state.restarts) = (memory.port, memory.restarts);
            if let Ok(Found::Lives(run)) = task.look(boot) {
                state.is_now(TaskStatus::Running, run.since);
                state.port = run.port;
                // What it answered last is not written down, but that it was well.
                state.healthy = memory.settled && run.restarts == memory.restarts;
            }
        }
        Ok(Some(set))
    }

    /// How it is.
    pub fn state(&self) -> TaskSetState {
        let order = self.order.as_deref();
        TaskSetState {
            id: self.id.clone(),
            service: order.map_or(String::new(), |order| order.service.clone()),
            task_definition: order.map_or(String::new(), |order| order.task_definition.clone()),
            tasks: self.tasks().clone(),
        }
    }

    /// How many tasks of it are here or to be here.
    pub fn count(&self) -> usize {
        self.tasks().len()
    }

    /// Whether it was ended and nothing of it is left.
    pub fn is_over(&self) -> bool {
        self.ended.is_cancelled() && self.tasks().is_empty()
    }

    /// Something about a task has changed.
    pub fn update(&self, number: u32, change: impl FnOnce(&mut TaskState)) {
        let mut tasks = self.tasks();
        if let Some(state) = tasks.iter_mut().find(|state| state.number == number) {
            change(state);
        }
    }

    /// A task has gone for good.
    pub fn is_gone(&self, number: u32) {
        self.tasks().retain(|state| state.number != number);
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<TaskState>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
