//! The state of a deployment: the fold of its journal, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::deliberate::{Bug, deliberate};
use super::event::{Event, Record};
use super::plan::{Plan, Stage};
use super::spec::Spec;
use super::tally::{Lost, Tally};
pub use super::target::{Target, TargetEvent};
use crate::model::deployment::{
    DeploymentId, DeploymentStatus, ErrorInformation, ExecutionId, InstanceHealth, Overview,
    TargetStatus,
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
    positions: BTreeMap<Name, usize>,
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
    fn new(by: &str, why: Option<&str>, at: Timestamp) -> Self {
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

    /// Folds one entry into the state.
    pub fn evolve(&mut self, record: &Record) {
        let at = record.at;
        self.seq = record.seq;
        if record.event.is_decision() {
            self.decided = record.seq;
        }
        match &record.event {
            // Only ever the first entry, which `created` reads.
            Event::Created { .. } => {}
            Event::Queued { message } => {
                self.status = DeploymentStatus::Queued;
                self.queued = Some(message.clone());
            }
            Event::Started => self.start(at),
            Event::Recovered => self.recover(at),
            Event::StageStarted { stage } => self.start_stage(*stage, at),
            Event::TargetStarted { target, execution } => self.start_target(target, execution, at),
            Event::EventStarted {
                target,
                event,
                host_time,
            } => {
                let limit = self.spec.limits.event();
                if let Some(target) = self.target_mut(target) {
                    let from = if deliberate(Bug::HostClockDecides) {
                        *host_time
                    } else {
                        at
                    };
                    target.event_started(*event, *host_time, from + limit);
                }
            }
            Event::EventEnded {
                target,
                event,
                status,
                host_time,
                diagnostics,
            } => {
                let limit = self.spec.limits.pick_up();
                if let Some(target) = self.target_mut(target) {
                    target.due = Some(at + limit);
                    target.event_ended(*event, *status, *host_time, diagnostics.as_ref());
                }
            }
            Event::TargetEnded {
                target,
                status,
                message,
                unanswered,
            } => self.end_target(target, *status, message.as_deref(), *unanswered, at),
            Event::ContactLost { target } => self.set_silent(target, Some(at)),
            Event::ContactRegained { target } => self.set_silent(target, None),
            Event::Halted { error } => self.halted = Some(error.clone()),
            Event::Held { error } => {
                self.held = Some(error.clone());
                self.freeze(at);
            }
            Event::Released => {
                self.held = None;
                self.thaw(at);
            }
            Event::GivenUp { .. } => {
                self.halted = self.held.take();
                self.thaw(at);
            }
            Event::Paused { by, why } => {
                self.paused = Some(Wish::new(by, why.as_deref(), at));
                self.freeze(at);
            }
            Event::Resumed { .. } => {
                self.paused = None;
                self.thaw(at);
            }
            Event::Retried { target, .. } => self.retry_target(target),
            Event::Excluded { target, by, why } => {
                self.exclude_target(target, by, why.as_deref(), at);
            }
            Event::ChosenNext { target, .. } => {
                if let Some(&position) = self.positions.get(target) {
                    self.chosen.retain(|other| *other != position);
                    self.chosen.insert(0, position);
                }
            }
            Event::StopRequested {
                by,
                why,
                auto_rollback,
            } => self.request_stop(by, why.as_deref(), *auto_rollback, at),
            Event::TimedOut => self.timed_out = true,
            Event::Ended { status, error } => self.end(*status, error.as_ref(), at),
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

    /// A repeated request keeps the first time; the last explicit wish about the rollback wins.
    fn request_stop(
        &mut self,
        by: &str,
        why: Option<&str>,
        auto_rollback: Option<bool>,
        at: Timestamp,
    ) {
        match &mut self.stop {
            Some(stop) => stop.auto_rollback = auto_rollback.or(stop.auto_rollback),
            None => {
                self.stop = Some(StopRequest {
                    by: by.to_owned(),
                    at,
                    why: why.map(str::to_owned),
                    auto_rollback,
                });
            }
        }
    }

    fn set_silent(&mut self, name: &Name, since: Option<Timestamp>) {
        if let Some(target) = self.target_mut(name) {
            target.silent_since = since;
        }
    }

    fn start(&mut self, at: Timestamp) {
        self.status = DeploymentStatus::InProgress;
        self.queued = None;
        self.start_time = Some(at);
        self.stage_time = Some(at);
        self.due = Some(at + self.spec.limits.deployment());
        // Paused before it began: the time counts from now on.
        if self.frozen_since.is_some() {
            self.frozen_since = Some(at);
        }
    }

    /// Nobody was there to hear reports, and deadlines may have passed meanwhile.
    fn recover(&mut self, at: Timestamp) {
        let limits = &self.spec.limits;
        let soonest = at + limits.silence();
        // By another clock, which may be behind the former one: nothing takes longer than it may from now on.
        let latest = at + limits.event().max(limits.pick_up());
        self.due = self.due.map(|due| due.min(at + limits.deployment()));
        self.stage_time = self.stage_time.map(|since| since.min(at));
        self.frozen_since = self.frozen_since.map(|since| since.min(at));
        for &position in &self.in_flight {
            let target = &mut self.targets[position];
            target.silent_since = None;
            target.due = target.due.map(|due| due.min(latest).max(soonest));
        }
    }

    fn start_stage(&mut self, stage: usize, at: Timestamp) {
        self.stage = stage;
        self.stage_time = Some(at);
        self.chosen.clear();
        self.pass_started();
    }

    fn start_target(&mut self, name: &Name, execution: &ExecutionId, at: Timestamp) {
        let Some(&position) = self.positions.get(name) else {
            return;
        };
        let due = at + self.spec.limits.pick_up();
        let target = &mut self.targets[position];
        let healthy = target.is_healthy_untouched();
        let again = target.attempt > 0;
        target.attempt += 1;
        target.status = TargetStatus::InProgress;
        target.execution = Some(execution.clone());
        target.start_time = Some(at);
        target.due = Some(due);
        target.silent_since = None;
        self.stages[target.stage].start(healthy, again);
        self.fleet.start(healthy, again);
        self.in_flight.insert(position);
        self.overview.pending -= 1;
        self.overview.in_progress += 1;
        if again {
            self.retries.retain(|other| *other != position);
        } else {
            self.chosen.retain(|other| *other != position);
            self.pass_started();
        }
    }

    fn end_target(
        &mut self,
        name: &Name,
        status: TargetStatus,
        message: Option<&str>,
        unanswered: bool,
        at: Timestamp,
    ) {
        let Some(&position) = self.positions.get(name) else {
            return;
        };
        let target = &mut self.targets[position];
        self.stages[target.stage].end(status, unanswered, target.lost);
        self.fleet.end(status, unanswered, target.lost);
        target.status = status;
        target.message = message.map(str::to_owned);
        target.due = None;
        target.silent_since = None;
        target.end_time = Some(at);
        target.skip_what_never_started();
        self.in_flight.remove(&position);
        self.overview.in_progress -= 1;
        match status {
            TargetStatus::Succeeded => {
                target.lost = None;
                self.overview.succeeded += 1;
            }
            TargetStatus::Skipped => self.overview.skipped += 1,
            _ => {
                target.lost = Some(if unanswered {
                    Lost::Unanswered
                } else {
                    Lost::Failed
                });
                self.overview.failed += 1;
            }
        }
    }

    fn retry_target(&mut self, name: &Name) {
        let Some(&position) = self.positions.get(name) else {
            return;
        };
        let target = &mut self.targets[position];
        target.wait_again();
        self.stages[target.stage].retry();
        self.fleet.retry();
        self.retries.push(position);
        self.overview.failed -= 1;
        self.overview.pending += 1;
    }

    fn exclude_target(&mut self, name: &Name, by: &str, why: Option<&str>, at: Timestamp) {
        let Some(&position) = self.positions.get(name) else {
            return;
        };
        let target = &mut self.targets[position];
        let healthy = target.is_healthy_untouched();
        self.stages[target.stage].exclude(healthy);
        self.fleet.exclude(healthy);
        target.status = TargetStatus::Skipped;
        target.end_time = Some(at);
        target.message = Some(match why {
            Some(why) => format!("left out by {by}: {why}"),
            None => format!("left out by {by}"),
        });
        target.skip_what_never_started();
        self.chosen.retain(|other| *other != position);
        self.overview.pending -= 1;
        self.overview.skipped += 1;
        self.pass_started();
    }

    /// Moves `next` on to the first target of the stage that waits and never started. It moves over each target once.
    fn pass_started(&mut self) {
        while self.targets.get(self.next).is_some_and(|target| {
            target.stage < self.stage
                || (target.stage == self.stage
                    && (target.attempt > 0 || target.status != TargetStatus::Pending))
        }) {
            self.next += 1;
        }
    }

    fn freeze(&mut self, at: Timestamp) {
        self.frozen_since.get_or_insert(at);
    }

    /// The time in which nothing could happen does not count.
    fn thaw(&mut self, at: Timestamp) {
        if self.paused.is_some() || self.held.is_some() {
            return;
        }
        if let Some(since) = self.frozen_since.take() {
            self.due = self.due.map(|due| due + at.since(since));
        }
    }

    fn end(&mut self, status: DeploymentStatus, error: Option<&ErrorInformation>, at: Timestamp) {
        self.status = status;
        self.error = error.cloned();
        self.complete_time = Some(at);
        self.queued = None;
        self.held = None;
        self.paused = None;
        self.retries.clear();
        self.chosen.clear();
        for target in &mut self.targets {
            if target.status != TargetStatus::Pending || deliberate(Bug::PendingLeftOpen) {
                continue;
            }
            target.status = if target.lost.is_some() {
                // It was to be tried again, and was not.
                self.overview.failed += 1;
                TargetStatus::Failed
            } else {
                self.overview.skipped += 1;
                TargetStatus::Skipped
            };
            self.overview.pending -= 1;
            target.skip_what_never_started();
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

    fn target_mut(&mut self, name: &Name) -> Option<&mut Target> {
        self.positions.get(name).map(|&i| &mut self.targets[i])
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
