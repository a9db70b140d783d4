//! The lines of the log, and what becomes one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Execution, Process, ScriptResult};
use crate::agent::protocol::{Message, Order, What};
use crate::model::deployment::ExecutionId;
use crate::model::timestamp::Timestamp;

/// What is appended to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Something the orchestrator is told.
    Message(ExecutionId, What),
    /// Something only the agent needs to know.
    Note(ExecutionId, Note),
}

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "record")]
pub enum Record {
    /// The first line of a segment: everything that the segments before it said.
    Head(Box<Head>),
    /// The host has started anew: messages from here on have numbers from this one on.
    #[serde(rename_all = "camelCase")]
    Boot {
        /// The run of the host's kernel that begins.
        boot: String,
        /// The number of the next message.
        next_seq: u64,
    },
    /// Something the orchestrator is told.
    Message(Message),
    /// Something only the agent needs to know.
    Note {
        /// Which execution it is about.
        execution: ExecutionId,
        /// What.
        note: Note,
    },
}

/// Everything that the segments before this one said.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Changes when the agent's disk is new.
    pub agent_id: String,
    /// The run of the host's kernel that wrote the newest lines.
    pub boot: String,
    /// The number of the next message.
    pub next_seq: u64,
    /// Those that are remembered.
    pub executions: Vec<Execution>,
    /// Those that were stopped before they were ordered, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<ExecutionId>,
}

/// Something only the agent needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum Note {
    /// What an execution is to do. Comes just before the message that it was accepted.
    Ordered {
        /// The order as it arrived.
        order: Arc<Order>,
    },
    /// The orchestrator wants no further event. May come before the order itself: then the order is not carried out.
    StopRequested,
    /// A script is about to be started: from here on it counts as started.
    ScriptStarting {
        /// Found in the script's environment.
        mark: String,
    },
    /// The script runs. Without this it is found by its mark.
    ScriptStarted {
        /// Its process, which leads the script's process group.
        process: Process,
    },
    /// The script has ended, and the event need not run it again.
    ScriptEnded {
        /// How; earlier versions did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<ScriptResult>,
    },
}

impl Entry {
    /// The line that it becomes. A message takes the number after `seq`.
    pub fn numbered(self, seq: &mut u64, at: Timestamp) -> Record {
        match self {
            Self::Note(execution, note) => Record::Note { execution, note },
            Self::Message(execution, what) => {
                *seq += 1;
                Record::Message(Message {
                    seq: *seq,
                    at,
                    execution,
                    what,
                })
            }
        }
    }
}

impl Record {
    /// What the orchestrator is told by it, if anything.
    pub fn message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }

    /// Whether the line gives way to facts on a full disk.
    pub fn is_output(&self) -> bool {
        matches!(
            self,
            Self::Message(Message {
                what: What::Output { .. },
                ..
            })
        )
    }

    /// Whether the line may be lost in a crash of the host: output, the process of a script that then is gone too, and
    /// that a script ended, which its event then does not know.
    pub fn is_passing(&self) -> bool {
        let in_passing =
            |note: &Note| matches!(note, Note::ScriptStarted { .. } | Note::ScriptEnded { .. });
        self.is_output() || matches!(self, Self::Note { note, .. } if in_passing(note))
    }
}
