//! The lines of the log.

use serde::{Deserialize, Serialize};

use super::known::Execution;
use crate::agent::process::Process;
use crate::agent::protocol::{Message, Order, What};
use crate::model::deployment::ExecutionId;
use crate::model::diagnostics::Diagnostics;

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "record")]
pub(super) enum Record {
    /// The first line of a segment: everything that the segments before it said.
    Head(Box<Head>),
    /// The host has started anew: messages from here on have numbers from this one on.
    #[serde(rename_all = "camelCase")]
    Boot { boot: String, next_seq: u64 },
    /// Something the orchestrator is told.
    Message(Message),
    /// Something only the agent needs to know.
    Note { execution: ExecutionId, note: Note },
}

/// Everything that the segments before this one said.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    pub agent_id: String,
    pub boot: String,
    pub next_seq: u64,
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
        order: Box<Order>,
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

/// How one of an event's scripts ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptResult {
    /// Its place among the event's scripts, from zero.
    pub script: usize,
    /// Why it fails the event, if it does.
    pub failure: Option<Diagnostics>,
}

impl Record {
    /// Whether the line gives way to facts on a full disk.
    pub(super) fn is_output(&self) -> bool {
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
    pub(super) fn is_passing(&self) -> bool {
        let in_passing =
            |note: &Note| matches!(note, Note::ScriptStarted { .. } | Note::ScriptEnded { .. });
        self.is_output() || matches!(self, Self::Note { note, .. } if in_passing(note))
    }
}
