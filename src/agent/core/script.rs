//! What is known of the scripts of an event.

use serde::{Deserialize, Serialize};

use crate::model::deployment::ExecutionId;
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::LifecycleEvent;

/// A process, as told apart from all others on this host, ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its number, which others may have used and will use again.
    pub pid: i32,
    /// When it started, in the kernel's clock ticks; absent if it had ended before anybody could look.
    pub start: Option<u64>,
    /// The run of the kernel that it belongs to.
    pub boot: String,
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

/// How one of an event's scripts ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptResult {
    /// Its place among the event's scripts, from zero.
    pub script: usize,
    /// Why it fails the event, if it does.
    pub failure: Option<Diagnostics>,
}

/// A script that may still run although nobody waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Found in its environment.
    pub mark: String,
    /// Its process; without it, it is found by its mark.
    pub process: Option<Process>,
}

/// Tells a script from all others: it is put into the script's environment.
pub fn mark(execution: &ExecutionId, event: LifecycleEvent, script: usize) -> String {
    format!("{execution}/{event}/{script}")
}

impl Script {
    /// What may still run of it.
    pub fn orphan(&self) -> Option<Orphan> {
        let (mark, process) = match self {
            Self::None | Self::Ended { .. } => return None,
            Self::Starting { mark } => (mark, None),
            Self::Running { mark, process } => (mark, Some(process)),
        };
        Some(Orphan {
            mark: mark.clone(),
            process: process.cloned(),
        })
    }
}

impl ScriptResult {
    /// Whether it must be durable before anything else happens. Else it becomes so with the end of the event, which comes
    /// at once.
    pub fn must_be_durable(&self, is_last: bool) -> bool {
        self.failure.is_none() && !is_last
    }
}
