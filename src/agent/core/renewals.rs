//! How long executions may go on without a word of the orchestrator.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Known;
use crate::model::deployment::ExecutionId;

/// The leases of this run of the agent. Times are spans since a moment of the agent's choice, by a clock that never runs
/// backwards. After a restart there are none: the orchestrator renews those it still wants.
#[derive(Clone, Debug, Default)]
pub struct Renewals(BTreeMap<ExecutionId, Duration>);

impl Renewals {
    /// Lets these executions start events until then, as far as they have not ended.
    pub fn renew<'a>(
        &mut self,
        known: &Known,
        executions: impl IntoIterator<Item = &'a ExecutionId>,
        until: Duration,
    ) {
        for id in executions {
            if known
                .executions
                .get(id)
                .is_some_and(super::Execution::is_open)
            {
                self.0.insert(id.clone(), until);
            }
        }
    }

    /// Whether an execution may start an event now.
    pub fn is_live(&self, execution: &ExecutionId, now: Duration) -> bool {
        self.0.get(execution).is_some_and(|until| *until > now)
    }

    /// Forgets an execution that has ended.
    pub fn forget(&mut self, execution: &ExecutionId) {
        self.0.remove(execution);
    }
}
