//! The state of a deployment: the fold of its journal, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::{Event, Record};
use super::plan::{Before, Plan, Stage};
pub use super::provision::Terminated;
use super::shift::Shift;
use super::spec::{Spec, TargetSpec};
use super::tally::Tally;
pub use super::target::{Target, TargetEvent};
use super::waited::Waited;
use crate::model::approval::Step;
use crate::model::deployment::{
    DeploymentId, DeploymentStatus, ErrorInformation, InstanceHealth, Overview,
};
use crate::model::freeze::Freeze;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::task_set::Task;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Split;

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
    /// Who has approved which steps, in their order.
    #[serde(default)]
    pub approvals: BTreeMap<Step, Vec<Wish>>,
    /// Who said that it need not wait, while it waits for approvals all the same.
    #[serde(default)]
    pub continued: Option<Wish>,
    /// The freeze that it is in.
    #[serde(default)]
    pub frozen: Option<Freeze>,
    /// Who asked to stop it, if somebody did.
    pub stop: Option<StopRequest>,
    /// Which alarms stop it, and what was known of them, if some do.
    #[serde(default)]
    pub alarmed: Option<String>,
    /// Whether it took longer than it may.
    pub timed_out: bool,
    /// Whether the replacement instances that a fleet was asked for are known.
    #[serde(default)]
    pub provisioned: bool,
    /// The tasks of the replacement task set, once they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// What became of what was to be terminated.
    #[serde(default)]
    pub terminated: Option<Terminated>,
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
    /// Since when it is paused, held, in a freeze, or waits for approvals alone.
    pub frozen_since: Option<Timestamp>,
    /// How long of the time since it began it waited.
    #[serde(default)]
    pub waited: Waited,
    /// The place in the plan of the stage that runs; the number of stages when none is left.
    pub stage: usize,
    /// When that stage began.
    pub stage_time: Option<Timestamp>,
    /// The split that load balancers were asked for last, if traffic shifts by weight and has begun to.
    #[serde(default)]
    pub shift: Option<Shift>,
    /// Every split that they were asked for, with its time, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shifts: Vec<(Split, Timestamp)>,
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
    /// The positions in `targets` of each stage's targets, from the first to behind the last.
    pub(super) spans: Vec<(usize, usize)>,
}

/// What an operator wanted, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    /// Who asked.
    pub by: String,
    /// Of which Unix user, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: Option<String>,
}

impl Wish {
    pub(super) fn new(by: &str, why: Option<&str>, at: Timestamp) -> Self {
        Self {
            by: by.to_owned(),
            uid: None,
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
        let known: BTreeMap<&Name, &TargetSpec> =
            spec.targets.iter().map(|t| (&t.name, t)).collect();
        let mut targets: Vec<Target> = Vec::with_capacity(spec.targets.len());
        let mut positions: BTreeMap<Name, usize> = BTreeMap::new();
        let mut fleet = Tally::default();
        let mut stages = vec![Tally::default(); plan.stages.len()];
        let mut spans = vec![(usize::MAX, 0); plan.stages.len()];
        for (place, stage) in plan.stages.iter().enumerate() {
            let Some(work) = stage.work() else { continue };
            for name in work.targets {
                let position = positions.get(name).copied();
                // By the time of a later stage it does not serve as it did before.
                let healthy = position.is_none()
                    && known
                        .get(name)
                        .is_some_and(|t| t.instance_health == InstanceHealth::Healthy);
                fleet.add(healthy);
                stages[place].add(healthy);
                let position = position.unwrap_or_else(|| {
                    let health = known.get(name).map(|t| t.instance_health);
                    let side = known.get(name).and_then(|t| t.side);
                    targets.push(Target::new(
                        name.clone(),
                        side,
                        place,
                        health.unwrap_or_default(),
                    ));
                    positions.insert(name.clone(), targets.len() - 1);
                    targets.len() - 1
                });
                targets[position].add_part(place, &work);
                let (first, end) = spans[place];
                spans[place] = (first.min(position), end.max(position + 1));
            }
        }
        let pending = u32::try_from(targets.len()).unwrap_or(u32::MAX);
        Some(Self {
            spec: Arc::clone(spec),
            plan: Arc::clone(plan),
            status: DeploymentStatus::Created,
            queued: None,
            error: None,
            halted: None,
            held: None,
            paused: None,
            approvals: BTreeMap::new(),
            continued: None,
            frozen: None,
            stop: None,
            alarmed: None,
            timed_out: false,
            provisioned: false,
            tasks: Vec::new(),
            terminated: None,
            rollback: None,
            create_time: record.at,
            start_time: None,
            complete_time: None,
            due: None,
            frozen_since: None,
            waited: Waited::default(),
            stage: 0,
            stage_time: None,
            shift: None,
            shifts: Vec::new(),
            overview: Overview {
                pending,
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
            spans,
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

    /// Whether running events finish and nothing new starts: a stop was asked for, an alarm stops it, or the time is over.
    pub fn is_ceasing(&self) -> bool {
        self.stop.is_some() || self.alarmed.is_some() || self.timed_out
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
            _ => None,
        }
    }

    /// When the wait of this stage is over, and what comes then, while it waits for an operator.
    pub fn wait_ends(&self) -> Option<(Before, Timestamp)> {
        match self.current_stage()? {
            Stage::Wait { before, minutes } => {
                let minutes = std::time::Duration::from_secs(60 * u64::from(*minutes));
                Some((*before, self.stage_time? + minutes))
            }
            _ => None,
        }
    }

    /// When something comes by itself in this stage, besides the end of the deployment's time: a monitored zone was watched
    /// for long enough, a wait is over, a shift is due. While it is paused or held, as if it went on now.
    pub fn next_timer(&self) -> Option<Timestamp> {
        let wait = self.wait_ends().map(|(_, at)| at);
        let shift = self.next_shift().map(|(_, at)| at);
        self.monitor_ends().or(wait).or(shift)
    }

    /// Whether that time runs: a zone is watched also while it is paused or held.
    pub fn timer_runs(&self) -> bool {
        self.frozen_since.is_none() || self.monitor_ends().is_some()
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

    /// The positions in `targets` of a stage's targets; those of others may be among them.
    pub(super) fn span(&self, stage: usize) -> std::ops::Range<usize> {
        let (first, end) = self.spans.get(stage).copied().unwrap_or_default();
        first.min(end)..end
    }

    /// The positions of targets that never started, in the order in which the scheduler would start them: what was chosen,
    /// then the rest of the stage that runs.
    pub fn upcoming(&self) -> impl Iterator<Item = usize> + '_ {
        let rest = self.targets.iter().enumerate().skip(self.next);
        let rest = rest
            .take_while(|(place, _)| *place < self.span(self.stage).end)
            .filter(|(place, target)| {
                target.stage == self.stage && target.is_fresh() && !self.chosen.contains(place)
            })
            .map(|(place, _)| place);
        self.chosen.iter().copied().chain(rest)
    }

    /// The time from start to end, or to `now` while it runs.
    pub fn duration(&self, now: Timestamp) -> Option<std::time::Duration> {
        Some(self.complete_time.unwrap_or(now).since(self.start_time?))
    }
}
