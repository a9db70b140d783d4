//! The facts of a deployment, as its journal holds them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::plan::{Before, Plan};
use super::spec::Spec;
use crate::model::approval::Step;
use crate::model::deployment::{
    DeploymentId, DeploymentStatus, ErrorInformation, ExecutionId, TargetStatus,
};
use crate::model::diagnostics::Diagnostics;
use crate::model::freeze::Freeze;
use crate::model::host::Host;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::task_set::Task;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Split;

/// The form of the events below. A journal of a released version still folds.
pub const VERSION: u32 = 1;

/// One entry of a deployment's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Grows by one with each entry of the deployment, from 1.
    pub seq: u64,
    /// When it was decided, by the orchestrator's clock.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// Something that happened to a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    tag = "type",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// It was created, from this snapshot, with this plan.
    Created {
        /// What was asked for.
        spec: Arc<Spec>,
        /// What will be done.
        plan: Arc<Plan>,
    },
    /// It waits for other deployments of the project to end.
    Queued {
        /// What for, in a sentence.
        message: String,
    },
    /// It started.
    Started,
    /// Another orchestrator took it up: hosts that could not report in between get time to do so.
    Recovered,
    /// The stage at this place of the plan began.
    StageStarted {
        /// Counted from zero.
        stage: usize,
    },
    /// A fleet has provisioned the replacement instances.
    Provisioned {
        /// Which.
        hosts: Vec<Host>,
        /// What will be done, now that they are known; its first stage is the one that runs.
        plan: Arc<Plan>,
    },
    /// The tasks of the replacement task set are there and well.
    TaskSetCreated {
        /// Which.
        tasks: Vec<Task>,
    },
    /// Fleets have terminated original instances, or a service has deleted a task set; or they could not.
    Terminated {
        /// The instances that are gone.
        targets: Vec<Name>,
        /// Why others are left, or the task set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<String>,
    },
    /// A target was told to run its events.
    TargetStarted {
        /// Which.
        target: Name,
        /// The run's id.
        execution: ExecutionId,
    },
    /// A lifecycle event started on a target.
    EventStarted {
        /// Which target.
        target: Name,
        /// Which event.
        event: LifecycleEvent,
        /// By the host's clock.
        host_time: Timestamp,
    },
    /// A lifecycle event ended on a target.
    EventEnded {
        /// Which target.
        target: Name,
        /// Which event.
        event: LifecycleEvent,
        /// How.
        status: EventStatus,
        /// By the host's clock; the orchestrator's where the host did not answer.
        host_time: Timestamp,
        /// Why it failed.
        diagnostics: Option<Diagnostics>,
    },
    /// A target is done; its events that never started are skipped.
    TargetEnded {
        /// Which.
        target: Name,
        /// How.
        status: TargetStatus,
        /// Why, where the events do not say it.
        message: Option<String>,
        /// Whether it failed because its host was not heard of.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unanswered: bool,
    },
    /// The connection to a target's host was lost.
    ContactLost {
        /// Which target.
        target: Name,
    },
    /// The connection to a target's host is back.
    ContactRegained {
        /// Which target.
        target: Name,
    },
    /// No further target starts; those in flight finish.
    Halted {
        /// Why.
        error: ErrorInformation,
    },
    /// Failures would have ended it; it waits for an operator instead (`onFailure: hold`).
    Held {
        /// What would have ended it.
        error: ErrorInformation,
    },
    /// A retry has saved it: it goes on.
    Released,
    /// Somebody ended the wait: it fails.
    GivenUp {
        /// Who.
        by: String,
        /// Why.
        why: Option<String>,
    },
    /// Nothing new starts until somebody says so.
    Paused {
        /// Who.
        by: String,
        /// Why.
        why: Option<String>,
    },
    /// It goes on.
    Resumed {
        /// Who.
        by: String,
        /// Why.
        why: Option<String>,
    },
    /// It is in a freeze: no further instance starts, and no traffic moves.
    Frozen {
        /// Which.
        freeze: Freeze,
    },
    /// It is in no freeze any more.
    Thawed,
    /// A failed target is to be tried again, before any other starts.
    Retried {
        /// Which.
        target: Name,
        /// Who.
        by: String,
        /// Why.
        why: Option<String>,
    },
    /// A target that has not started is left out.
    Excluded {
        /// Which.
        target: Name,
        /// Who.
        by: String,
        /// Why.
        why: Option<String>,
    },
    /// A target that has not started is to start before the others.
    ChosenNext {
        /// Which.
        target: Name,
        /// Who.
        by: String,
        /// Why.
        why: Option<String>,
    },
    /// Somebody said that it need not wait any longer.
    Continued {
        /// What it waited to do.
        before: Before,
        /// Who.
        by: String,
        /// Why.
        why: Option<String>,
    },
    /// Somebody other than its creator has approved a step.
    Approved {
        /// Which.
        step: Step,
        /// Who.
        by: String,
        /// Of which Unix user, where the door told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uid: Option<u32>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// The load balancers are asked for a split: it was its turn, or somebody set it.
    Shifted {
        /// The split.
        split: Split,
        /// Who, if somebody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// All load balancers have the split that they were asked for.
    InEffect {
        /// The split.
        split: Split,
    },
    /// Somebody asked to stop. Running events finish, nothing new starts.
    StopRequested {
        /// Who.
        by: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// Whether to roll back: `None` leaves it to the configuration.
        auto_rollback: Option<bool>,
    },
    /// Its alarms stop it (operations.md §6). Running events finish, nothing new starts.
    Alarmed {
        /// Which alarms, and what is known of each.
        message: String,
    },
    /// It took longer than a whole deployment may. Running events finish, nothing new starts.
    TimedOut,
    /// It is over; targets that never started are skipped.
    Ended {
        /// `Succeeded`, `Failed` or `Stopped`.
        status: DeploymentStatus,
        /// Why, unless it succeeded.
        error: Option<ErrorInformation>,
    },
    /// A rollback was created, or it could not be.
    RolledBack {
        /// The deployment that rolls this one back.
        deployment: Option<DeploymentId>,
        /// What an operator should know about it.
        message: String,
    },
}

impl Event {
    /// Whether it changes what an operator would decide on: somebody's command, or a turn of the whole deployment. What
    /// single instances do is not, or nobody could decide anything while a rollout runs.
    pub fn is_decision(&self) -> bool {
        match self {
            Self::Created { .. }
            | Self::Halted { .. }
            | Self::Held { .. }
            | Self::Released
            | Self::GivenUp { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::Frozen { .. }
            | Self::Thawed
            | Self::Retried { .. }
            | Self::Excluded { .. }
            | Self::ChosenNext { .. }
            | Self::Continued { .. }
            | Self::Approved { .. }
            | Self::Shifted { .. }
            | Self::StopRequested { .. }
            | Self::Alarmed { .. }
            | Self::TimedOut
            | Self::Ended { .. } => true,
            Self::Queued { .. }
            | Self::Started
            | Self::Recovered
            | Self::StageStarted { .. }
            | Self::Provisioned { .. }
            | Self::TaskSetCreated { .. }
            | Self::Terminated { .. }
            | Self::TargetStarted { .. }
            | Self::EventStarted { .. }
            | Self::EventEnded { .. }
            | Self::TargetEnded { .. }
            | Self::ContactLost { .. }
            | Self::ContactRegained { .. }
            | Self::InEffect { .. }
            | Self::RolledBack { .. } => false,
        }
    }
}
