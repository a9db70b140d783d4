//! The state of a deployment: the fold of its journal, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::{Event, Record};
use super::limits;
use super::plan::{Plan, Stage};
use super::spec::Spec;
pub use super::target::{Target, TargetEvent};
use crate::model::deployment::{
    DeploymentId, DeploymentStatus, ErrorInformation, ExecutionId, InstanceHealth, Overview,
    TargetStatus,
};
use crate::model::group::GroupKey;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// A deployment as its journal tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// What was asked for.
    pub spec: Arc<Spec>,
    /// What will be done.
    pub plan: Arc<Plan>,
    /// Where it stands.
    pub status: DeploymentStatus,
    /// Why it did not succeed.
    pub error: Option<ErrorInformation>,
    /// Why no further target starts.
    pub halted: Option<ErrorInformation>,
    /// Who asked to stop it, if somebody did.
    pub stop: Option<StopRequest>,
    /// What became of its rollback.
    pub rollback: Option<Rollback>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When its first work began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub complete_time: Option<Timestamp>,
    /// The targets, in the order in which they start.
    pub targets: Vec<Target>,
    /// How far it has come: what the scheduler needs, at a cost that does not grow with the fleet.
    pub progress: Progress,
    /// Targets by status.
    pub overview: Overview,
    /// Positions in `targets` that are in flight.
    pub in_flight: BTreeSet<usize>,
    /// The number of the last entry folded.
    pub seq: u64,
    /// Positions in `targets` by name.
    positions: BTreeMap<Name, usize>,
}

/// A request to stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopRequest {
    /// Who asked.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Whether to roll back: `None` leaves it to the configuration.
    pub auto_rollback: Option<bool>,
}

/// `RollbackInfo` of a deployment that was, or could not be, rolled back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// The deployment that rolls it back.
    pub deployment: Option<DeploymentId>,
    /// What an operator should know about it.
    pub message: String,
}

/// Running totals for the scheduler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The position of the next target to start.
    pub next: usize,
    /// Targets in flight.
    pub in_flight: u32,
    /// Targets that succeeded.
    pub succeeded: u32,
    /// Targets that failed.
    pub failed: u32,
    /// Healthy targets that are not in flight.
    pub available_healthy: u32,
}

/// The state after all these entries; `None` if they do not begin with a creation.
pub fn fold<'a>(records: impl IntoIterator<Item = &'a Record>) -> Option<Deployment> {
    let mut records = records.into_iter();
    let mut deployment = Deployment::created(records.next()?)?;
    for record in records {
        deployment.evolve(record);
    }
    Some(deployment)
}

impl Deployment {
    /// The state after the first entry of a journal; `None` if that is not a creation.
    pub fn created(record: &Record) -> Option<Self> {
        let Event::Created { spec, plan } = &record.event else {
            return None;
        };
        let (order, events): (&[Name], &[LifecycleEvent]) = match plan.stages.first() {
            Some(Stage::Install {
                targets, events, ..
            }) => (targets, events),
            None => (&[], &[]),
        };
        let health: BTreeMap<&Name, InstanceHealth> = spec
            .targets
            .iter()
            .map(|target| (&target.name, target.instance_health))
            .collect();
        let targets: Vec<Target> = order
            .iter()
            .map(|name| {
                Target::new(
                    name.clone(),
                    health.get(name).copied().unwrap_or_default(),
                    events,
                )
            })
            .collect();
        let healthy = targets
            .iter()
            .filter(|t| t.health_before == InstanceHealth::Healthy)
            .count();
        Some(Self {
            spec: Arc::clone(spec),
            plan: Arc::clone(plan),
            status: DeploymentStatus::Created,
            error: None,
            halted: None,
            stop: None,
            rollback: None,
            create_time: record.at,
            start_time: None,
            complete_time: None,
            progress: Progress {
                available_healthy: u32::try_from(healthy).unwrap_or(u32::MAX),
                ..Progress::default()
            },
            overview: Overview {
                pending: u32::try_from(targets.len()).unwrap_or(u32::MAX),
                ..Overview::default()
            },
            in_flight: BTreeSet::new(),
            seq: record.seq,
            positions: targets
                .iter()
                .enumerate()
                .map(|(i, t)| (t.name.clone(), i))
                .collect(),
            targets,
        })
    }

    /// Folds one entry into the state.
    pub fn evolve(&mut self, record: &Record) {
        self.seq = record.seq;
        match &record.event {
            // Only ever the first entry, which `created` reads.
            Event::Created { .. } => {}
            Event::Started => {
                self.status = DeploymentStatus::InProgress;
                self.start_time = Some(record.at);
            }
            Event::TargetStarted { target, execution } => {
                self.start_target(target, execution, record.at);
            }
            Event::EventStarted {
                target,
                event,
                host_time,
            } => {
                if let Some(target) = self.target_mut(target) {
                    target.deadline = Some(record.at + limits::EVENT);
                    if let Some(entry) = target.event_mut(*event) {
                        entry.status = EventStatus::InProgress;
                        entry.start_time = Some(*host_time);
                    }
                }
            }
            Event::EventEnded {
                target,
                event,
                status,
                host_time,
                diagnostics,
            } => {
                if let Some(target) = self.target_mut(target) {
                    target.deadline = Some(record.at + limits::PICK_UP);
                    if let Some(entry) = target.event_mut(*event) {
                        entry.status = *status;
                        entry.end_time = Some(*host_time);
                        entry.diagnostics.clone_from(diagnostics);
                    }
                }
            }
            Event::TargetEnded {
                target,
                status,
                message,
            } => self.end_target(target, *status, message.as_deref(), record.at),
            Event::Halted { error } => self.halted = Some(error.clone()),
            Event::StopRequested { by, auto_rollback } => {
                // A repeated request keeps the first time; the last explicit wish about the rollback wins.
                let earlier = self.stop.take();
                self.stop = Some(StopRequest {
                    by: earlier
                        .as_ref()
                        .map_or_else(|| by.clone(), |s| s.by.clone()),
                    at: earlier.as_ref().map_or(record.at, |s| s.at),
                    auto_rollback: auto_rollback.or(earlier.and_then(|s| s.auto_rollback)),
                });
            }
            Event::Ended { status, error } => self.end(*status, error.as_ref(), record.at),
            Event::RolledBack {
                deployment,
                message,
            } => {
                self.rollback = Some(Rollback {
                    deployment: deployment.clone(),
                    message: message.clone(),
                });
            }
        }
    }

    fn start_target(&mut self, name: &Name, execution: &ExecutionId, at: Timestamp) {
        let Some(&position) = self.positions.get(name) else {
            return;
        };
        let target = &mut self.targets[position];
        target.status = TargetStatus::InProgress;
        target.execution = Some(execution.clone());
        target.start_time = Some(at);
        target.deadline = Some(at + limits::PICK_UP);
        let was_healthy = target.health_before == InstanceHealth::Healthy;
        self.progress.next = position + 1;
        self.progress.in_flight += 1;
        self.progress.available_healthy -= u32::from(was_healthy);
        self.in_flight.insert(position);
        self.overview.pending -= 1;
        self.overview.in_progress += 1;
    }

    fn end_target(
        &mut self,
        name: &Name,
        status: TargetStatus,
        message: Option<&str>,
        at: Timestamp,
    ) {
        let Some(&position) = self.positions.get(name) else {
            return;
        };
        let target = &mut self.targets[position];
        target.status = status;
        target.message = message.map(str::to_owned);
        target.deadline = None;
        target.end_time = Some(at);
        target.skip_what_never_started();
        self.in_flight.remove(&position);
        self.progress.in_flight -= 1;
        self.overview.in_progress -= 1;
        match status {
            TargetStatus::Succeeded => {
                self.progress.succeeded += 1;
                self.progress.available_healthy += 1;
                self.overview.succeeded += 1;
            }
            TargetStatus::Skipped => self.overview.skipped += 1,
            _ => {
                self.progress.failed += 1;
                self.overview.failed += 1;
            }
        }
    }

    fn end(&mut self, status: DeploymentStatus, error: Option<&ErrorInformation>, at: Timestamp) {
        self.status = status;
        self.error = error.cloned();
        self.complete_time = Some(at);
        for target in &mut self.targets {
            if target.status == TargetStatus::Pending {
                target.status = TargetStatus::Skipped;
                target.skip_what_never_started();
                self.overview.pending -= 1;
                self.overview.skipped += 1;
            }
        }
    }

    /// The deployment's id.
    pub fn id(&self) -> &DeploymentId {
        &self.spec.deployment_id
    }

    /// The group's address.
    pub fn group_key(&self) -> GroupKey {
        self.spec.group_key()
    }

    /// The target of this name.
    pub fn target(&self, name: &Name) -> Option<&Target> {
        self.positions.get(name).map(|&i| &self.targets[i])
    }

    /// The position of a target in the order of deployment.
    pub fn position(&self, name: &Name) -> Option<usize> {
        self.positions.get(name).copied()
    }

    fn target_mut(&mut self, name: &Name) -> Option<&mut Target> {
        self.positions.get(name).map(|&i| &mut self.targets[i])
    }

    /// The time from start to end, or to `now` while it runs.
    pub fn duration(&self, now: Timestamp) -> Option<std::time::Duration> {
        Some(self.complete_time.unwrap_or(now).since(self.start_time?))
    }
}
