//! Whose turn it is: executions of one deployment group one after the other, those of different groups side by side.

use std::collections::{BTreeMap, VecDeque};

use super::Execution;
use crate::engine::deliberate::{Bug, deliberate};
use crate::model::deployment::ExecutionId;

/// The executions that have not ended, by group, in the order in which they were accepted.
#[derive(Clone, Debug, Default)]
pub(super) struct Queues(BTreeMap<String, VecDeque<ExecutionId>>);

impl Queues {
    /// The queues that executions in any order make.
    pub(super) fn of_executions(executions: &[Execution]) -> Self {
        let mut open: Vec<_> = executions
            .iter()
            .filter(|execution| execution.is_open())
            .collect();
        open.sort_by_key(|execution| execution.state.accepted_seq);
        let mut queues = Self::default();
        for execution in open {
            queues.push(execution);
        }
        queues
    }

    /// Puts an execution at the end of its group's queue.
    pub(super) fn push(&mut self, execution: &Execution) {
        let (id, group) = (&execution.state.execution, execution.group());
        match self.0.get_mut(group) {
            Some(queue) => queue.push_back(id.clone()),
            None => drop(
                self.0
                    .insert(group.to_owned(), VecDeque::from([id.clone()])),
            ),
        }
    }

    /// Takes an execution out: it has ended.
    pub(super) fn remove(&mut self, execution: &Execution) {
        let group = execution.group();
        if let Some(queue) = self.0.get_mut(group) {
            queue.retain(|waiting| *waiting != execution.state.execution);
            if queue.is_empty() {
                self.0.remove(group);
            }
        }
    }

    pub(super) fn first(&self, group: &str) -> Option<&ExecutionId> {
        let queue = self.0.get(group)?;
        if deliberate(Bug::QueueIgnored) {
            return queue.back();
        }
        queue.front()
    }

    /// Whether another execution of its group waits behind this one.
    pub(super) fn is_followed(&self, execution: &Execution) -> bool {
        let last = self.0.get(execution.group()).and_then(VecDeque::back);
        last.is_some_and(|last| *last != execution.state.execution)
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn of(&self, group: &str) -> impl Iterator<Item = &ExecutionId> {
        self.0.get(group).into_iter().flatten()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &ExecutionId> {
        self.0.values().flatten()
    }
}
