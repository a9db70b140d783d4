//! What can make a deployment move: commands from operators, reports from the world, and the clock.

use serde::{Deserialize, Serialize};

use super::plan::Before;
use crate::model::approval::Step;
use crate::model::deployment::{ErrorInformation, ExecutionId};
use crate::model::diagnostics::Diagnostics;
use crate::model::freeze::Freeze;
use crate::model::host::Host;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::task_set::Task;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Split;

/// An input to [`decide`](super::decide()).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The deployment may begin.
    Admitted,
    /// It has to wait before it begins.
    Queued {
        /// What for, in a sentence.
        message: String,
    },
    /// What it needs is gone: it can't begin.
    Missing(ErrorInformation),
    /// An orchestrator has read it from its journal and takes it up.
    Recovered,
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
    /// All load balancers have this split in effect.
    InEffect(Split),
    /// A deadline of a target that `pending` named has passed.
    DeadlinePassed {
        /// Whose.
        target: Name,
        /// Whether the host is no longer in the project: nobody will ever know what became of it.
        deregistered: bool,
    },
    /// Its alarms stop it: one is active, or can't be read although that matters.
    Alarm {
        /// Which alarms, and what is known of each.
        message: String,
    },
    /// This freeze holds in its group now, or none does.
    Freeze(Option<Freeze>),
    /// A fleet has answered, or the instances that it provisioned, or a service whose task set was to be deleted.
    Fleet(Told),
    /// The tasks of the replacement task set are there and well.
    TaskSet(Vec<Task>),
    /// A time of the deployment's own that `pending` named has come.
    TimerElapsed,
}

/// What fleets, the instances that they provisioned, and services say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// These are the replacement instances.
    Provisioned(Vec<Host>),
    /// There will be none.
    Refused(ErrorInformation),
    /// The agents of all of them report.
    Report,
    /// Original instances are gone, or a task set is.
    Terminated {
        /// Which instances.
        targets: Vec<Name>,
        /// Why others are left, or the task set.
        trouble: Option<String>,
    },
}

/// What an operator wants of a deployment that exists: one entry of its journal if it is carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    /// What.
    #[serde(flatten)]
    pub what: What,
    /// Who asks.
    pub by: String,
    /// Of which Unix user. The door says so; it is never read from what a client sends.
    #[serde(skip)]
    pub uid: Option<u32>,
    /// Why, in the operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The newest decision that the operator saw ([`Deployment::decided`](super::Deployment::decided)). If there is a
    /// newer one, the command is refused, but for a stop. `None` does not look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
}

impl Command {
    /// A command without a reason, which does not look at what changed.
    pub fn new(what: What, by: impl Into<String>) -> Self {
        Self {
            what,
            by: by.into(),
            uid: None,
            why: None,
            seen: None,
        }
    }
}

/// What an operator can want.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    tag = "what",
    rename_all_fields = "camelCase"
)]
pub enum What {
    /// Start nothing more; running events finish.
    Stop {
        /// Roll back afterwards: `None` leaves it to the configuration.
        auto_rollback: Option<bool>,
    },
    /// Start nothing new until told to go on; what runs goes on.
    Pause,
    /// Go on.
    Resume,
    /// Try a failed target again, before any other starts; also while paused or held.
    Retry {
        /// Which.
        target: Name,
    },
    /// Leave a target out that has not started.
    Skip {
        /// Which.
        target: Name,
    },
    /// Start a target before the others.
    StartNext {
        /// Which.
        target: Name,
    },
    /// End a hold: the deployment fails.
    GiveUp,
    /// Split the traffic like this, and go on with the schedule only when told to resume.
    Weight {
        /// The split.
        split: Split,
    },
    /// Wait no longer (`ContinueDeployment`).
    Continue {
        /// What it waits to do.
        before: Before,
    },
    /// Approve what somebody else has created.
    Approve {
        /// Which step; the one that waits when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<Step>,
    },
}

impl What {
    /// The target it is about.
    pub fn target(&self) -> Option<&Name> {
        match self {
            Self::Retry { target } | Self::Skip { target } | Self::StartNext { target } => {
                Some(target)
            }
            Self::Stop { .. }
            | Self::Pause
            | Self::Resume
            | Self::GiveUp
            | Self::Weight { .. }
            | Self::Continue { .. }
            | Self::Approve { .. } => None,
        }
    }

    /// As people call it.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Stop { .. } => "stop",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Retry { .. } => "retry",
            Self::Skip { .. } => "skip",
            Self::StartNext { .. } => "start next",
            Self::GiveUp => "give up",
            Self::Weight { .. } => "weight",
            Self::Continue {
                before: Before::Reroute,
            } => "reroute",
            Self::Continue {
                before: Before::Termination,
            } => "end the wait",
            Self::Approve { .. } => "approve",
        }
    }
}

/// What a host says about an execution, or what is heard of the host.
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
    /// The connection to the host was lost.
    Lost,
    /// The connection to the host is back.
    Heard,
}
