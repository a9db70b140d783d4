//! What the agent knows: the fold of its log.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::record::{Head, Note, Record, ScriptResult};
use crate::agent::process::Process;
use crate::agent::protocol::{EventState, ExecutionState, Message, Order, What};
use crate::model::deployment::ExecutionId;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::timestamp::Timestamp;

/// How many ended executions are remembered at least.
const REMEMBERED: usize = 2_000;

/// How many stops of unknown executions are remembered. An order that is still under way arrives within seconds.
const TOMBSTONES: usize = 1_000;

/// What the agent knows.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Changes when the agent's disk is new.
    pub agent_id: String,
    /// The sequence number of the newest message.
    pub seq: u64,
    /// By id.
    pub executions: BTreeMap<ExecutionId, Execution>,
    /// Those that were stopped before they were ordered: their orders are not carried out.
    stopped: VecDeque<ExecutionId>,
    /// The run of the host's kernel that wrote the newest lines.
    pub(super) boot: String,
    /// Orders whose acceptance comes with the next line.
    ordered: BTreeMap<ExecutionId, Order>,
}

/// An execution and how far it has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// What it is to do.
    pub order: Order,
    /// How far it is, as the orchestrator is told.
    pub state: ExecutionState,
    /// Whether it must not start a further event.
    pub stop_requested: bool,
    /// The newest script of the event that is running.
    pub script: Script,
}

/// The newest script of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum Script {
    /// The event has started none.
    #[default]
    None,
    /// It may run; nobody knows its process.
    Starting {
        /// Found in its environment.
        mark: String,
    },
    /// It runs.
    Running {
        /// Found in its environment.
        mark: String,
        /// Its process.
        process: Process,
    },
    /// It ran.
    Ended {
        /// How it ended; earlier versions did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<ScriptResult>,
    },
}

impl Execution {
    fn new(order: Order, id: ExecutionId, seq: u64) -> Self {
        let events = order.events.iter().map(|event| EventState {
            event: *event,
            status: EventStatus::Pending,
            start_time: None,
            end_time: None,
            diagnostics: None,
        });
        let state = ExecutionState {
            execution: id,
            accepted_seq: seq,
            seq,
            events: events.collect(),
            ended: None,
        };
        Self {
            order,
            state,
            stop_requested: false,
            script: Script::None,
        }
    }

    /// The event that is running.
    pub fn running(&self) -> Option<LifecycleEvent> {
        let running = |state: &&EventState| state.status == EventStatus::InProgress;
        self.state
            .events
            .iter()
            .find(running)
            .map(|state| state.event)
    }

    /// The first event that has not ended.
    pub fn next(&self) -> Option<LifecycleEvent> {
        let open = |state: &&EventState| !state.status.is_terminal();
        self.state.events.iter().find(open).map(|state| state.event)
    }

    fn event(&mut self, event: LifecycleEvent) -> Option<&mut EventState> {
        self.state
            .events
            .iter_mut()
            .find(|state| state.event == event)
    }

    fn message(&mut self, what: What, at: Timestamp) {
        match what {
            What::Accepted | What::Output { .. } => {}
            What::EventStarted { event } => {
                self.script = Script::None;
                if let Some(state) = self.event(event) {
                    state.status = EventStatus::InProgress;
                    state.start_time = Some(at);
                }
            }
            What::EventEnded {
                event,
                status,
                diagnostics,
            } => {
                self.script = Script::None;
                if let Some(state) = self.event(event) {
                    state.status = status;
                    state.end_time = Some(at);
                    state.diagnostics = diagnostics;
                }
            }
            What::Ended { end } => {
                self.state.ended = Some(end);
                let open = |state: &&mut EventState| state.status == EventStatus::Pending;
                for state in self.state.events.iter_mut().filter(open) {
                    state.status = EventStatus::Skipped;
                }
            }
        }
    }

    fn note(&mut self, note: Note) {
        match note {
            Note::Ordered { .. } => {}
            Note::StopRequested => self.stop_requested = true,
            Note::ScriptStarting { mark } => self.script = Script::Starting { mark },
            Note::ScriptStarted { process } => {
                let mark = match std::mem::take(&mut self.script) {
                    Script::Starting { mark } | Script::Running { mark, .. } => mark,
                    Script::None | Script::Ended { .. } => String::new(),
                };
                self.script = Script::Running { mark, process };
            }
            Note::ScriptEnded { result } => self.script = Script::Ended { result },
        }
    }
}

impl Known {
    /// Nothing but who and where.
    pub(super) fn new(agent_id: String, boot: &str) -> Self {
        Self {
            agent_id,
            boot: boot.to_owned(),
            ..Self::default()
        }
    }

    /// Those that have not ended, in the order in which they were accepted.
    pub fn open_executions(&self) -> Vec<ExecutionId> {
        let mut open: Vec<_> = self
            .executions
            .values()
            .filter(|execution| execution.state.ended.is_none())
            .collect();
        open.sort_by_key(|execution| execution.state.accepted_seq);
        open.iter()
            .map(|execution| execution.state.execution.clone())
            .collect()
    }

    /// Whether an execution was stopped before it was ordered.
    pub fn is_stopped(&self, execution: &ExecutionId) -> bool {
        self.stopped.contains(execution)
    }

    /// Takes one line in.
    pub(super) fn fold(&mut self, record: Record) {
        match record {
            Record::Head(head) => {
                self.agent_id = head.agent_id;
                self.boot = head.boot;
                self.seq = head.next_seq.saturating_sub(1);
                let by_id = |execution: Execution| (execution.state.execution.clone(), execution);
                self.executions = head.executions.into_iter().map(by_id).collect();
                self.stopped = head.stopped.into();
            }
            Record::Boot { boot, next_seq } => {
                self.boot = boot;
                self.seq = next_seq.saturating_sub(1);
            }
            Record::Message(message) => self.message(message),
            Record::Note { execution, note } => {
                if let Note::Ordered { order } = note {
                    self.ordered.insert(execution, *order);
                } else if let Some(execution) = self.executions.get_mut(&execution) {
                    execution.note(note);
                } else if note == Note::StopRequested && !self.stopped.contains(&execution) {
                    self.stopped.push_back(execution);
                    if self.stopped.len() > TOMBSTONES {
                        self.stopped.pop_front();
                    }
                }
            }
        }
    }

    fn message(&mut self, message: Message) {
        self.seq = message.seq;
        if let Some(order) = self.ordered.remove(&message.execution) {
            let id = message.execution.clone();
            let mut execution = Execution::new(order, id.clone(), message.seq);
            execution.stop_requested = self.is_stopped(&id);
            self.executions.insert(id, execution);
        }
        if let Some(execution) = self.executions.get_mut(&message.execution) {
            execution.state.seq = message.seq;
            execution.message(message.what, message.at);
        }
    }

    /// The first line of a new segment. Forgets the oldest of too many ended executions.
    pub(super) fn head(&mut self) -> Head {
        let mut ended: Vec<_> = self
            .executions
            .values()
            .filter(|execution| execution.state.ended.is_some())
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
