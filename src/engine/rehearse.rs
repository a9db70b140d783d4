//! A deployment in virtual time: how long it would take, what would start when, and what would become of it if some hosts
//! failed. The same functions that drive the real one run it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::ahead::{Ahead, expected};
use super::availability::{Refusal, refusal};
use super::deployment::Deployment;
use super::event::Event;
use super::foresee::{End, end};
use super::input::{Command, Input};
use super::plan::Plan;
use super::provision;
use crate::model::approval::Step;
use crate::model::deployment::{DeploymentStatus, TargetStatus};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// What is taken for granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumptions {
    /// How long targets take.
    pub durations: Durations,
    /// Targets that fail, as late as they would have succeeded.
    pub fails: BTreeSet<Name>,
}

/// How long targets take from their start to their end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// Where it is known.
    pub each: BTreeMap<Name, Duration>,
    /// Otherwise, in stages of the plan, by their place in it.
    pub stages: BTreeMap<usize, Duration>,
    /// All others.
    pub otherwise: Duration,
    /// What becomes of one that has taken longer already.
    pub overdue: Overdue,
}

/// When a target ends that has been in flight for longer than it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overdue {
    /// Now.
    #[default]
    EndsNow,
    /// After as long again: what nobody knows is not soon over.
    AsLongAgain,
}

impl Durations {
    /// How long this one takes in this stage.
    pub fn of(&self, target: &Name, stage: usize) -> Duration {
        let known = self.each.get(target).or_else(|| self.stages.get(&stage));
        known.copied().unwrap_or(self.otherwise)
    }
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsed {
    /// Every moment at which something happens, in order.
    pub moments: Vec<Moment>,
    /// How many instances must stay healthy.
    pub minimum: u32,
    /// How it ends.
    pub end: End,
    /// How long it takes, in milliseconds, or until it waits for an operator.
    #[serde(serialize_with = "milliseconds")]
    pub took: Duration,
    /// The plan as it was in the end: one whose instances a fleet provisions is made again on the way.
    #[serde(skip)]
    pub plan: Arc<Plan>,
}

/// What happens at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// How long after the beginning of the rehearsal, in milliseconds.
    #[serde(serialize_with = "milliseconds")]
    pub after: Duration,
    /// Targets that end.
    pub ended: Vec<(Name, TargetStatus)>,
    /// Targets that start then.
    pub started: Vec<Name>,
    /// What else is decided.
    pub events: Vec<Event>,
    /// How many are in flight afterwards.
    pub in_flight: u32,
    /// How many healthy instances are available afterwards.
    pub healthy: u32,
}

pub(super) fn milliseconds<S: serde::Serializer>(
    span: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

/// Runs a copy of the deployment ahead, from where it stands to its end, or to where it waits for an operator. What is in
/// flight has been so since its start, and one that has not begun has the approvals to begin. A rollback goes back to the revision that the group had when it was created.
pub fn rehearse(deployment: &Deployment, assumptions: &Assumptions, now: Timestamp) -> Rehearsed {
    run_after(deployment, None, assumptions, now)
}

/// The same, after this command.
///
/// # Errors
/// Why the command is refused.
pub fn rehearse_after(
    deployment: &Deployment,
    command: &Command,
    assumptions: &Assumptions,
    now: Timestamp,
) -> Result<Rehearsed, Refusal> {
    match refusal(deployment, command) {
        Some(refusal) => Err(refusal),
        None => Ok(run_after(deployment, Some(command), assumptions, now)),
    }
}

fn run_after(
    deployment: &Deployment,
    command: Option<&Command>,
    assumptions: &Assumptions,
    now: Timestamp,
) -> Rehearsed {
    use DeploymentStatus::{Created, Queued};
    let mut stage = Rehearsal {
        ahead: Ahead::new(deployment, now),
        assumptions,
        begun: now,
        ends: BinaryHeap::new(),
        moments: Vec::new(),
    };
    for &position in &deployment.in_flight {
        stage.will_end(position);
    }
    if let Some(command) = command {
        let events = stage.ahead.input(&Input::Command(command.clone()));
        stage.note(events);
    }
    if matches!(stage.ahead.deployment.status, Created | Queued) {
        stage.ahead.approve(Step::Start);
        let events = stage.ahead.input(&Input::Admitted);
        stage.note(events);
    }
    stage.run();
    let previous = deployment.spec.previous_revision.as_ref();
    let ahead = &stage.ahead;
    Rehearsed {
        minimum: deployment.plan.window.map_or(0, |w| w.minimum_healthy),
        end: end(ahead, previous),
        took: stage.moments.last().map_or(Duration::ZERO, |m| m.after),
        plan: Arc::clone(&ahead.deployment.plan),
        moments: stage.moments,
    }
}

struct Rehearsal<'a> {
    ahead: Ahead,
    assumptions: &'a Assumptions,
    begun: Timestamp,
    /// When targets in flight end, the soonest first.
    ends: BinaryHeap<Reverse<(Timestamp, usize)>>,
    moments: Vec<Moment>,
}

impl Rehearsal<'_> {
    fn run(&mut self) {
        let mut rung = None;
        while !self.ahead.deployment.status.is_terminal() {
            if let Some(told) = provision::expected(&self.ahead.deployment) {
                let events = self.ahead.input(&told);
                if events.is_empty() {
                    return;
                }
                self.note(events);
                continue;
            }
            let target = self.ends.peek().map(|Reverse((at, _))| *at);
            let timer = self.timer().filter(|at| Some(*at) > rung);
            let events = match (target, timer) {
                (Some(at), timer) if timer.is_none_or(|timer| at <= timer) => {
                    self.ahead.now = self.ahead.now.max(at);
                    let Some(Reverse((_, position))) = self.ends.pop() else {
                        return;
                    };
                    self.ahead.end(position, self.status(position))
                }
                (_, Some(at)) => {
                    rung = Some(at);
                    self.ahead.now = self.ahead.now.max(at);
                    self.ahead.input(&Input::TimerElapsed)
                }
                (_, None) => return,
            };
            self.note(events);
        }
    }

    /// The next time of the deployment's own.
    fn timer(&self) -> Option<Timestamp> {
        let deployment = &self.ahead.deployment;
        if deployment.is_ceasing() {
            return None;
        }
        let due = deployment.due.filter(|_| deployment.frozen_since.is_none());
        let own = deployment.next_timer().filter(|_| deployment.timer_runs());
        due.into_iter().chain(own).min()
    }

    fn status(&self, position: usize) -> TargetStatus {
        let deployment = &self.ahead.deployment;
        let target = &deployment.targets[position];
        match expected(deployment, target) {
            TargetStatus::Succeeded | TargetStatus::Ready
                if self.assumptions.fails.contains(&target.name) =>
            {
                TargetStatus::Failed
            }
            status => status,
        }
    }

    fn will_end(&mut self, position: usize) {
        let target = &self.ahead.deployment.targets[position];
        let now = self.ahead.now;
        let start = target.start_time.unwrap_or(now);
        let durations = &self.assumptions.durations;
        let mut end = start + durations.of(&target.name, target.stage);
        if end < now && durations.overdue == Overdue::AsLongAgain {
            end = now + now.since(start);
        }
        self.ends.push(Reverse((end.max(now), position)));
    }

    /// Keeps what has happened now.
    fn note(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let after = self.ahead.now.since(self.begun);
        let mut moment = match self.moments.pop_if(|last| last.after == after) {
            Some(moment) => moment,
            None => Moment {
                after,
                ..Moment::default()
            },
        };
        for event in events {
            match event {
                Event::TargetStarted { target, .. } => {
                    if let Some(position) = self.ahead.deployment.position(&target) {
                        self.will_end(position);
                    }
                    moment.started.push(target);
                }
                Event::TargetEnded { target, status, .. } => moment.ended.push((target, status)),
                other => moment.events.push(other),
            }
        }
        moment.in_flight = self.ahead.deployment.fleet.in_flight;
        moment.healthy = self.ahead.deployment.fleet.available_healthy;
        self.moments.push(moment);
    }
}
