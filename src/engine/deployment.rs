//! The state of a deployment: the fold of its journal, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::{Event, Record};
use super::plan::{Plan, Stage};
use super::spec::Spec;
use super::tally::Tally;
pub use super::target::{Target, TargetEvent};
use crate::model::deployment::{
    DeploymentId, DeploymentStatus, ErrorInformation, InstanceHealth, Overview, TargetStatus,
};
use crate::model::group::GroupKey;
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
    /// What it waits for while it is `Queued`.
    pub queued: Option<String>,
    /// Why it did not succeed.
    pub error: Option<ErrorInformation>,
    /// Why no further target starts.
    pub halted: Option<ErrorInformation>,
    /// What would have ended it, while it waits for an operator.
    pub held: Option<ErrorInformation>,
    /// Who paused it, while it is paused.
    pub paused: Option<Wish>,
    /// Who asked to stop it, if somebody did.
    pub stop: Option<StopRequest>,
    /// Whether it took longer than it may.
    pub timed_out: bool,
    /// What became of its rollback.
    pub rollback: Option<Rollback>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When its first work began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub complete_time: Option<Timestamp>,
    /// When it must have ended; moved on by the time in which it is paused or held.
    pub due: Option<Timestamp>,
    /// Since when it is paused or held.
    pub frozen_since: Option<Timestamp>,
    /// The place in the plan of the stage that runs; the number of stages when none is left.
    pub stage: usize,
    /// When that stage began.
    pub stage_time: Option<Timestamp>,
    /// The targets, stage after stage, in the order in which they start.
    pub targets: Vec<Target>,
    /// How far the whole fleet has come.
    pub fleet: Tally,
    /// How far each stage has come.
    pub stages: Vec<Tally>,
    /// Targets by status.
    pub overview: Overview,
    /// Positions in `targets` that are in flight.
    pub in_flight: BTreeSet<usize>,
    /// The first position in `targets` of this stage that may not have been started.
    pub next: usize,
    /// Positions in `targets` that are to be tried again, in the order of the requests.
    pub retries: Vec<usize>,
    /// Positions in `targets` that are to start before the others, the last chosen first.
    pub chosen: Vec<usize>,
    /// The number of the last entry that changed what an operator would decide on.
    pub decided: u64,
    /// The number of the last entry folded.
    pub seq: u64,
    /// Positions in `targets` by name.
    pub(super) positions: BTreeMap<Name, usize>,
}

/// What an operator wanted, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    /// Who asked.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: Option<String>,
}

impl Wish {
    pub(super) fn new(by: &str, why: Option<&str>, at: Timestamp) -> Self {
        Self {
            by: by.to_owned(),
            at,
            why: why.map(str::to_owned),
        }
    }
}

/// A request to stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopRequest {
    /// Who asked.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default)]
    pub why: Option<String>,
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
        let health: BTreeMap<&Name, InstanceHealth> = spec
            .targets
            .iter()
            .map(|target| (&target.name, target.instance_health))
            .collect();
        let mut targets = Vec::with_capacity(spec.targets.len());
        let mut fleet = Tally::default();
        let mut stages = vec![Tally::default(); plan.stages.len()];
        for (place, stage) in plan.stages.iter().enumerate() {
            let Stage::Install {
                targets: names,
                events,
                ..
            } = stage
            else {
                continue;
            };
            for name in names {
                let before = health.get(name).copied().unwrap_or_default();
                let target = Target::new(name.clone(), place, before, events);
                fleet.add(target.is_healthy_untouched());
                stages[place].add(target.is_healthy_untouched());
                targets.push(target);
            }
        }
        let positions = targets.iter().enumerate();
        let positions = positions.map(|(i, t)| (t.name.clone(), i)).collect();
        Some(Self {
            spec: Arc::clone(spec),
            plan: Arc::clone(plan),
            status: DeploymentStatus::Created,
            queued: None,
            error: None,
            halted: None,
            held: None,
            paused: None,
            stop: None,
            timed_out: false,
            rollback: None,
            create_time: record.at,
            start_time: None,
            complete_time: None,
            due: None,
            frozen_since: None,
            stage: 0,
            stage_time: None,
            overview: Overview {
                pending: fleet.total,
                ..Overview::default()
            },
            targets,
            fleet,
            stages,
            in_flight: BTreeSet::new(),
            next: 0,
            retries: Vec::new(),
            chosen: Vec::new(),
            decided: record.seq,
            seq: record.seq,
            positions,
        })
    }

    /// The deployment's id.
    pub fn id(&self) -> &DeploymentId {
        &self.spec.deployment_id
    }

    /// The group's address.
    pub fn group_key(&self) -> GroupKey {
        self.spec.group_key()
    }

    /// Whether running events finish and nothing new starts: a stop was asked for, or the time is over.
    pub fn is_ceasing(&self) -> bool {
        self.stop.is_some() || self.timed_out
    }

    /// The stage that runs; `None` when no stage is left.
    pub fn current_stage(&self) -> Option<&Stage> {
        self.plan.stages.get(self.stage)
    }

    /// When the time to watch a zone ends, while one is watched.
    pub fn monitor_ends(&self) -> Option<Timestamp> {
        match self.current_stage()? {
            Stage::Monitor { seconds, .. } => {
                Some(self.stage_time? + std::time::Duration::from_secs(*seconds))
            }
            Stage::Install { .. } => None,
        }
    }

    /// The target of this name.
    pub fn target(&self, name: &Name) -> Option<&Target> {
        self.positions.get(name).map(|&i| &self.targets[i])
    }

    /// The position of a target in the order of deployment.
    pub fn position(&self, name: &Name) -> Option<usize> {
        self.positions.get(name).copied()
    }

    /// The targets in flight, in the order of deployment.
    pub fn running(&self) -> impl Iterator<Item = &Target> {
        self.in_flight.iter().map(|&i| &self.targets[i])
    }

    /// The positions of targets that never started, in the order in which the scheduler would start them: what was chosen,
    /// then the rest of the stage that runs.
    pub fn upcoming(&self) -> impl Iterator<Item = usize> + '_ {
        let rest = self.targets.iter().enumerate().skip(self.next);
        let rest = rest
            .take_while(|(_, target)| target.stage == self.stage)
            .filter(|(place, target)| {
                target.status == TargetStatus::Pending
                    && target.attempt == 0
                    && !self.chosen.contains(place)
            })
            .map(|(place, _)| place);
        self.chosen.iter().copied().chain(rest)
    }

    /// The time from start to end, or to `now` while it runs.
    pub fn duration(&self, now: Timestamp) -> Option<std::time::Duration> {
        Some(self.complete_time.unwrap_or(now).since(self.start_time?))
    }
}
