//! The facts of a deployment, as its journal holds them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::spec::Spec;
use crate::model::deployment::{
    DeploymentId, DeploymentStatus, ErrorInformation, ExecutionId, TargetStatus,
};
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

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
    /// It started.
    Started,
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
    },
    /// No further target starts; those in flight finish.
    Halted {
        /// Why.
        error: ErrorInformation,
    },
    /// Somebody asked to stop. Running events finish, nothing new starts.
    StopRequested {
        /// Who.
        by: String,
        /// Whether to roll back: `None` leaves it to the configuration.
        auto_rollback: Option<bool>,
    },
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
