//! What can make a deployment move: commands from operators, reports from the world, and the clock.

use serde::{Deserialize, Serialize};

use crate::model::deployment::ExecutionId;
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// An input to [`decide`](super::decide()).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The deployment may begin.
    Admitted,
    /// An operator wants something.
    Command(Command),
    /// A host says what became of an execution.
    Report {
        /// Which execution; reports about any other than the target's current one are ignored.
        execution: ExecutionId,
        /// Which target.
        target: Name,
        /// What it says.
        report: Report,
    },
    /// A deadline that `pending` named has passed.
    DeadlinePassed {
        /// Whose.
        target: Name,
    },
}

/// What an operator can do to a deployment that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    tag = "type",
    rename_all_fields = "camelCase"
)]
pub enum Command {
    /// Start nothing more; running events finish.
    Stop {
        /// Who asks.
        by: String,
        /// Roll back afterwards: `None` leaves it to the configuration.
        auto_rollback: Option<bool>,
    },
}

/// What a host says about an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// An event started.
    EventStarted {
        /// Which.
        event: LifecycleEvent,
        /// By the host's clock.
        at: Timestamp,
    },
    /// An event ended.
    EventEnded {
        /// Which.
        event: LifecycleEvent,
        /// `Succeeded` or `Failed`.
        status: EventStatus,
        /// By the host's clock.
        at: Timestamp,
        /// Why it failed.
        diagnostics: Option<Diagnostics>,
    },
    /// Nothing of the execution will run any more.
    Ended,
    /// The host will not run it at all.
    Refused {
        /// Why.
        message: String,
    },
}
