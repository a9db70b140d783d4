//! Who runs when: executions of one deployment group one after the other, those of different groups side by side.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::deployment::ExecutionId;

/// The waiting executions by group. The first of each group is the one that runs.
#[derive(Debug, Default)]
pub struct Queues {
    groups: Mutex<HashMap<String, VecDeque<ExecutionId>>>,
}

impl Queues {
    /// Puts an execution at the end of its group's queue; true if the group was idle and somebody must run it now.
    pub fn push(&self, group: &str, execution: ExecutionId) -> bool {
        let mut groups = self.lock();
        let queue = groups.entry(group.to_owned()).or_default();
        queue.push_back(execution);
        queue.len() == 1
    }

    /// The execution that runs.
    pub fn running(&self, group: &str) -> Option<ExecutionId> {
        self.lock().get(group)?.front().cloned()
    }

    /// The one that ran has ended; false if the group is idle now.
    pub fn advance(&self, group: &str) -> bool {
        let mut groups = self.lock();
        let Some(queue) = groups.get_mut(group) else {
            return false;
        };
        queue.pop_front();
        if queue.is_empty() {
            groups.remove(group);
            return false;
        }
        true
    }

    /// Takes out an execution that waits behind another; false if it runs, or is not here.
    pub fn withdraw(&self, group: &str, execution: &ExecutionId) -> bool {
        let mut groups = self.lock();
        let Some(queue) = groups.get_mut(group) else {
            return false;
        };
        match queue.iter().position(|waiting| waiting == execution) {
            None | Some(0) => false,
            Some(at) => queue.remove(at).is_some(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, VecDeque<ExecutionId>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_served_in_order() {
        let id = |text: &str| ExecutionId(text.into());
        let queues = Queues::default();
        assert!(queues.push("g", id("1")));
        assert!(!queues.push("g", id("2")));
        assert!(!queues.push("g", id("3")));
        assert!(queues.push("h", id("4")), "another group is independent");
        assert!(!queues.withdraw("g", &id("1")), "it runs");
        assert!(queues.withdraw("g", &id("2")));
        assert!(queues.advance("g"));
        assert_eq!(queues.running("g"), Some(id("3")));
        assert!(!queues.advance("g"));
        assert_eq!(queues.running("g"), None);
    }
}
