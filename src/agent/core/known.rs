//! What the agent knows: the fold of its log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::queues::Queues;
use super::{Entry, Execution, Head, Note, Record};
use crate::agent::protocol::{ExecutionState, Message, Order};
use crate::engine::deliberate::{Bug, deliberate};
use crate::model::deployment::ExecutionId;
use crate::model::timestamp::Timestamp;

/// How many ended executions are remembered at least.
const REMEMBERED: usize = 2_000;

/// How many stops of unknown executions are remembered. An order that is still under way arrives within seconds.
const TOMBSTONES: usize = 1_000;

/// After the host crashed, messages that were seen may be gone from the disk. Their numbers must not be used again, so
/// the numbers go on from well beyond them.
const CRASH_GAP: u64 = 1_000_000;

/// What the agent knows.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Changes when the agent's disk is new.
    pub agent_id: String,
    /// The sequence number of the newest message.
    pub seq: u64,
    /// By id.
    pub executions: BTreeMap<ExecutionId, Execution>,
    /// Those that have not ended.
    pub(super) queues: Queues,
    /// Those that were stopped before they were ordered: their orders are not carried out.
    stopped: VecDeque<ExecutionId>,
    /// The run of the host's kernel that wrote the newest lines.
    boot: String,
    /// Orders whose acceptance comes with the next line.
    ordered: BTreeMap<ExecutionId, Arc<Order>>,
}

impl Known {
    /// Nothing but who and where.
    pub fn new(agent_id: String, boot: &str) -> Self {
        Self {
            agent_id,
            boot: boot.to_owned(),
            ..Self::default()
        }
    }

    /// An execution's state, as the orchestrator is told.
    pub fn state(&self, execution: &ExecutionId) -> Option<&ExecutionState> {
        self.executions.get(execution).map(|known| &known.state)
    }

    /// The execution of a deployment group whose turn it is: the one that was accepted first of those that have not
    /// ended.
    pub fn first(&self, group: &str) -> Option<&ExecutionId> {
        self.queues.first(group)
    }

    /// The deployment groups with executions that have not ended.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.queues.groups()
    }

    /// The executions that have not ended, in the order in which they were accepted within each deployment group.
    pub fn open(&self) -> impl Iterator<Item = &Execution> {
        let open = self.queues.all();
        open.filter_map(|execution| self.executions.get(execution))
    }

    /// The executions of one deployment group that have not ended, in the order in which they were accepted.
    pub fn open_in(&self, group: &str) -> impl Iterator<Item = &Execution> {
        let open = self.queues.of(group);
        open.filter_map(|execution| self.executions.get(execution))
    }

    /// Whether an event of the execution runs, or was interrupted by a restart of the agent.
    pub fn is_running(&self, execution: &ExecutionId) -> bool {
        let known = self.executions.get(execution);
        known.is_some_and(|known| known.running().is_some())
    }

    /// Whether an execution was stopped before it was ordered.
    pub fn is_stopped(&self, execution: &ExecutionId) -> bool {
        self.stopped.contains(execution)
    }

    /// Appends an entry, and answers the line that it becomes.
    pub fn append(&mut self, entry: Entry, at: Timestamp) -> Record {
        let mut seq = self.seq;
        let record = entry.numbered(&mut seq, at);
        self.fold(&record);
        record
    }

    /// The agent starts in this run of the host's kernel. If it is another one than before, answers the line to write.
    pub fn restarted(&mut self, boot: &str) -> Option<Record> {
        if self.boot == boot {
            return None;
        }
        let record = Record::Boot {
            boot: boot.to_owned(),
            next_seq: self.seq + 1 + CRASH_GAP,
        };
        self.fold(&record);
        Some(record)
    }

    /// Takes one line in.
    pub fn fold(&mut self, record: &Record) {
        match record {
            Record::Head(head) => {
                self.agent_id.clone_from(&head.agent_id);
                self.boot.clone_from(&head.boot);
                self.seq = head.next_seq.saturating_sub(1);
                let by_id =
                    |execution: &Execution| (execution.state.execution.clone(), execution.clone());
                self.executions = head.executions.iter().map(by_id).collect();
                self.queues = Queues::of_executions(&head.executions);
                self.stopped = head.stopped.iter().cloned().collect();
            }
            Record::Boot { boot, next_seq } => {
                self.boot.clone_from(boot);
                self.seq = next_seq.saturating_sub(1);
            }
            Record::Message(message) => self.message(message),
            Record::Note { execution, note } => self.note(execution, note),
        }
    }

    fn message(&mut self, message: &Message) {
        let id = &message.execution;
        self.seq = message.seq;
        if let Some(order) = self.ordered.remove(id) {
            let mut execution = Execution::new(order, id.clone(), message.seq);
            execution.stop_requested = self.is_stopped(id) && !deliberate(Bug::EarlyStopForgotten);
            self.queues.push(&execution);
            self.executions.insert(id.clone(), execution);
        }
        if let Some(execution) = self.executions.get_mut(id) {
            let was_open = execution.is_open();
            execution.state.seq = message.seq;
            execution.message(&message.what, message.at);
            if was_open && !execution.is_open() {
                self.queues.remove(execution);
            }
        }
    }

    fn note(&mut self, id: &ExecutionId, note: &Note) {
        if let Note::Ordered { order } = note {
            self.ordered.insert(id.clone(), Arc::clone(order));
        } else if let Some(execution) = self.executions.get_mut(id) {
            execution.note(note);
        } else if *note == Note::StopRequested && !self.is_stopped(id) {
            self.stopped.push_back(id.clone());
            if self.stopped.len() > TOMBSTONES {
                self.stopped.pop_front();
            }
        }
    }

    /// The first line of a new segment. Forgets the oldest of too many ended executions.
    pub fn head(&mut self) -> Head {
        let mut ended: Vec<_> = self
            .executions
            .values()
            .filter(|execution| !execution.is_open())
            .map(|execution| (execution.state.seq, execution.state.execution.clone()))
            .collect();
        ended.sort();
        let surplus = ended.len().saturating_sub(REMEMBERED);
        for (_, id) in ended.drain(..surplus) {
            self.executions.remove(&id);
        }
        Head {
            agent_id: self.agent_id.clone(),
            boot: self.boot.clone(),
            next_seq: self.seq + 1,
            executions: self.executions.values().cloned().collect(),
            stopped: self.stopped.iter().cloned().collect(),
        }
    }
}
