//! The scheduler of configurations.md §4.7 and §7: stop early, start what may start, go on to the next stage, end when
//! nothing is left. It builds events, with the totals as they will be after them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::deliberate::{Bug, deliberate};
use super::deployment::{Deployment, Target};
use super::event::Event;
use super::leg::Actor;
use super::plan::{Before, Stage};
use super::shift::Shift;
use super::spec::{OnFailure, Spec};
use super::tally::{Tally, Totals};
use super::target::TargetEvent;
use super::verdict;
use super::window::Window;
use crate::model::approval::Step;
use crate::model::deployment::{
    DeploymentStatus, ErrorCode, ErrorInformation, ExecutionId, TargetStatus,
};
use crate::model::diagnostics::Diagnostics;
use crate::model::freeze::Freeze;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::timestamp::Timestamp;

/// Events under construction, and what matters of the state as it will be after them.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own"
)]
pub(super) struct Steps<'a> {
    pub deployment: &'a Deployment,
    pub now: Timestamp,
    pub events: Vec<Event>,
    pub halted: Option<ErrorInformation>,
    pub held: Option<ErrorInformation>,
    pub paused: bool,
    /// The freeze that it is in.
    pub freeze: Option<Freeze>,
    /// Who asked to stop.
    pub stopped_by: Option<String>,
    /// Which alarms stop it.
    pub alarmed: Option<String>,
    pub timed_out: bool,
    fleet: Tally,
    stages: Vec<Tally>,
    pub(super) stage: usize,
    /// Since when the stage runs.
    stage_time: Timestamp,
    /// Where to look for the next target that never started.
    cursor: usize,
    chosen: Vec<usize>,
    retries: Vec<usize>,
    /// Targets that these events start or exclude.
    gone: BTreeSet<usize>,
    /// Targets that these events make ready for their next stage.
    ready: BTreeMap<usize, usize>,
    /// Whether an operator has said that what the stage waits for need not be waited for.
    pub continued: bool,
    /// Whether fleets have answered what the stage asks of them.
    pub answered: bool,
    /// How many approvals are missing before traffic may move.
    pub unapproved: u32,
    /// The split that was asked for last.
    pub(super) shift: Option<Shift>,
    /// A failure that ends the deployment by itself.
    cause: Option<ErrorInformation>,
}

/// Whether a target that never started may start now.
enum Gate {
    Open,
    /// As many as may be are in flight.
    Full,
    /// It is healthy, and taking it away would leave too few.
    Needed(Needed),
}

/// Targets that have a minimum of their own.
#[derive(Clone, Copy)]
pub(super) struct Set<'a> {
    pub tally: &'a Tally,
    pub window: &'a Window,
    /// Their zone, if it is that of one.
    pub zone: Option<&'a String>,
}

/// A minimum that can't be kept.
pub(super) struct Broken<'a> {
    pub error: ErrorInformation,
    pub set: Set<'a>,
}

/// Why a healthy target has to wait: of the healthy instances that are available, every one must stay so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Needed {
    /// Healthy instances that are not in flight.
    pub available: u32,
    /// How many must stay so.
    pub floor: u32,
}

/// The error of a deployment that ends with this failure. What a host says ends nobody's but its own part.
fn cause(spec: &Spec, entry: &TargetEvent, diagnostics: &Diagnostics) -> Option<ErrorInformation> {
    let at_listeners = || {
        let traffic = entry.actor() == Actor::Balancer;
        spec.without_traffic().filter(|_| traffic)
    };
    let code = diagnostics.ends_with.or_else(at_listeners)?;
    let message = diagnostics.message.clone();
    (entry.actor() != Actor::Host).then_some(ErrorInformation { code, message })
}

impl<'a> Steps<'a> {
    pub fn new(deployment: &'a Deployment, now: Timestamp) -> Self {
        Self {
            deployment,
            now,
            events: Vec::new(),
            halted: deployment.halted.clone(),
            held: deployment.held.clone(),
            paused: deployment.paused.is_some(),
            freeze: deployment.frozen.clone(),
            stopped_by: deployment.stop.as_ref().map(|stop| stop.by.clone()),
            alarmed: deployment.alarmed.clone(),
            timed_out: deployment.timed_out,
            fleet: deployment.fleet,
            stages: deployment.stages.clone(),
            stage: deployment.stage,
            stage_time: deployment.stage_time.unwrap_or(now),
            cursor: deployment.next,
            chosen: deployment.chosen.clone(),
            retries: deployment.retries.clone(),
            gone: BTreeSet::new(),
            ready: BTreeMap::new(),
            continued: deployment.continued.is_some(),
            answered: false,
            unapproved: if deployment.is_approved(Step::Reroute) {
                0
            } else {
                deployment.missing(Step::Reroute)
            },
            shift: deployment.shift,
            cause: None,
        }
    }

    fn totals(&mut self) -> Totals<'_> {
        Totals {
            fleet: &mut self.fleet,
            stages: &mut self.stages,
        }
    }

    /// The stage that a target is in, and whether it waits to start there for the first time.
    fn stands(&self, position: usize) -> (usize, bool) {
        let target = &self.deployment.targets[position];
        match self.ready.get(&position) {
            Some(stage) => (*stage, !self.gone.contains(&position)),
            None => (
                target.stage,
                target.is_fresh() && !self.gone.contains(&position),
            ),
        }
    }

    pub fn is_ceasing(&self) -> bool {
        self.stopped_by.is_some() || self.alarmed.is_some() || self.timed_out
    }

    /// Whether somebody keeps it where it is: it is paused or in a freeze.
    pub fn waits_for_people(&self) -> bool {
        self.paused || self.freeze.is_some()
    }

    /// Whether for that reason no instance starts.
    fn stands_still(&self) -> bool {
        (self.freeze.is_some() && !deliberate(Bug::FreezeForgotten))
            || (self.paused && !deliberate(Bug::PauseStartsNext))
    }

    /// A target is to be tried again.
    pub fn retry(&mut self, position: usize) {
        let stage = self.deployment.targets[position].stage;
        self.fleet.retry();
        self.stages[stage].retry();
        self.retries.push(position);
    }

    /// A target is left out.
    pub fn exclude(&mut self, position: usize) {
        let target = &self.deployment.targets[position];
        self.totals().exclude(target);
        self.chosen.retain(|other| *other != position);
        self.gone.insert(position);
    }

    /// A target is to start before the others.
    pub fn choose(&mut self, position: usize) {
        self.chosen.retain(|other| *other != position);
        self.chosen.insert(0, position);
    }

    /// An event of a target has ended.
    pub fn end_event(
        &mut self,
        target: &Target,
        event: LifecycleEvent,
        status: EventStatus,
        host_time: Timestamp,
        diagnostics: Option<Diagnostics>,
    ) {
        let entry = target.event(event);
        let cause =
            entry.and_then(|entry| cause(&self.deployment.spec, entry, diagnostics.as_ref()?));
        self.cause = cause.or(self.cause.take());
        self.events.push(Event::EventEnded {
            target: target.name.clone(),
            event,
            status,
            host_time,
            diagnostics,
        });
    }

    /// What ends the deployment by itself in a stage, whatever the numbers are.
    fn cause(&self, stage: usize) -> Option<ErrorInformation> {
        let known = || {
            let targets = self.deployment.targets.get(self.deployment.span(stage))?;
            let mut failures = targets.iter().filter_map(Target::failure);
            failures.find_map(|entry| {
                let diagnostics = entry.diagnostics.as_ref()?;
                cause(&self.deployment.spec, entry, diagnostics).filter(|_| entry.stage == stage)
            })
        };
        self.cause.clone().or_else(known)
    }

    /// A target is done.
    pub fn end_target(
        &mut self,
        target: &Target,
        status: TargetStatus,
        message: Option<String>,
        unanswered: bool,
    ) {
        self.totals().end(target, status, unanswered);
        if status == TargetStatus::Ready
            && let Some(stage) = target.later_stages().next()
            && let Some(position) = self.deployment.position(&target.name)
        {
            self.ready.insert(position, stage);
        }
        self.events.push(Event::TargetEnded {
            target: target.name.clone(),
            status,
            message,
            unanswered,
        });
    }

    /// Does everything that is due now.
    pub fn schedule(&mut self) {
        loop {
            if !self.is_ceasing() || deliberate(Bug::StopStartsNext) {
                self.review();
                self.start_retries();
                self.start_fresh();
            }
            if self.fleet.in_flight > 0 || !self.go_on() {
                return;
            }
        }
    }

    /// Halts or holds if too much has failed, and lets go of a hold that a retry has resolved.
    fn review(&mut self) {
        if self.halted.is_some() || deliberate(Bug::NoEarlyStop) {
            return;
        }
        let broken = self.broken();
        match (&self.held, broken) {
            (Some(_), None) => {
                self.events.push(Event::Released);
                self.held = None;
            }
            (None, Some(error)) => self.fail(error),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    /// Too much has failed.
    fn fail(&mut self, error: ErrorInformation) {
        if self.deployment.spec.options.on_failure == OnFailure::Hold && self.fleet.failed > 0 {
            self.events.push(Event::Held {
                error: error.clone(),
            });
            self.held = Some(error);
        } else {
            // Where nothing is left to start, nothing needs to be kept from it.
            if self.fleet.fresh() > 0 {
                self.events.push(Event::Halted {
                    error: error.clone(),
                });
            }
            self.halted = Some(error);
        }
    }

    fn stage_has_fresh(&self) -> bool {
        self.stages.get(self.stage).is_some_and(|t| t.fresh() > 0)
    }

    /// Why the deployment can't succeed any more, if so: by the rules of the stage that runs, of the whole fleet, or because
    /// nothing can start any more.
    fn broken(&mut self) -> Option<ErrorInformation> {
        self.constraints(self.stage).or_else(|| {
            let quiet = self.fleet.in_flight == 0 && self.fleet.retries == 0;
            let stuck = (quiet || self.held.is_some())
                && self.stage_has_fresh()
                && self.candidate().is_none();
            let set = self.sets(self.stage).last().filter(|_| stuck)?;
            Some(verdict::stuck(set.tally, set.window))
        })
    }

    /// Why a minimum can't be kept, that of a stage's zone or that of the fleet.
    pub fn constraints(&self, stage: usize) -> Option<ErrorInformation> {
        self.broken_minimum(stage).map(|broken| broken.error)
    }

    /// Which minimum can't be kept, that of a stage's zone or that of the fleet.
    pub fn broken_minimum(&self, stage: usize) -> Option<Broken<'_>> {
        let held = self.held.is_some();
        let leaves = matches!(
            self.deployment.plan.stages.get(stage),
            Some(Stage::Leave { .. })
        );
        self.sets(stage).find_map(|set| {
            let mut error = verdict::broken(set.tally, set.window, held, set.zone)?;
            if leaves {
                error.message = verdict::still_in_service(set.tally);
            }
            if let Some(cause) = self.cause(stage) {
                error = cause;
            }
            Some(Broken { error, set })
        })
    }

    /// The sets of targets whose minimum counts in a stage: the stage's own, and that of the whole fleet where the stage is
    /// one zone of several.
    fn sets(&self, stage: usize) -> impl Iterator<Item = Set<'_>> {
        let plan = &self.deployment.plan;
        let work = plan.stages.get(stage).and_then(Stage::work);
        let own = work.map(|work| Set {
            tally: &self.stages[stage],
            window: work.window,
            zone: work.zone,
        });
        let zoned = work.is_some_and(|work| work.zone.is_some());
        let fleet = plan.window.as_ref().filter(|_| zoned).map(|window| Set {
            tally: &self.fleet,
            window,
            zone: None,
        });
        own.into_iter().chain(fleet)
    }

    /// What an operator wants to be tried again starts first, also while the rest waits: it costs nothing.
    fn start_retries(&mut self) {
        if self.halted.is_some() || self.freeze.is_some() {
            return;
        }
        let mut waiting = std::mem::take(&mut self.retries).into_iter();
        for position in waiting.by_ref() {
            if matches!(self.gate(&self.deployment.targets[position]), Gate::Full) {
                self.retries.push(position);
                break;
            }
            self.start(position);
        }
        self.retries.extend(waiting);
    }

    fn start_fresh(&mut self) {
        while self.halted.is_none()
            && (self.held.is_none() || deliberate(Bug::HoldForgotten))
            && !self.stands_still()
        {
            match self.candidate() {
                Some(position) => self.start(position),
                None => return,
            }
        }
    }

    /// The next target that may start now. A chosen one that is still needed lets others pass; behind one of the rest that
    /// is needed, all are.
    fn candidate(&mut self) -> Option<usize> {
        let targets = &self.deployment.targets;
        for &position in &self.chosen {
            match self.gate(&targets[position]) {
                Gate::Open => return Some(position),
                Gate::Full => return None,
                Gate::Needed(_) => {}
            }
        }
        let end = self.deployment.span(self.stage).end;
        while self.cursor < end {
            let fresh = self.stands(self.cursor) == (self.stage, true);
            if fresh && !self.chosen.contains(&self.cursor) {
                let target = &targets[self.cursor];
                return matches!(self.gate(target), Gate::Open).then_some(self.cursor);
            }
            self.cursor += 1;
        }
        None
    }

    fn gate(&self, target: &Target) -> Gate {
        let healthy = target.is_healthy_untouched();
        let stage = match self.deployment.position(&target.name) {
            Some(position) => self.stands(position).0,
            None => target.stage,
        };
        for Set {
            tally,
            window,
            zone,
        } in self.sets(stage)
        {
            if zone.is_some() && deliberate(Bug::ZoneFloorIgnored) {
                continue;
            }
            if tally.in_flight >= window.concurrency {
                return Gate::Full;
            }
            if healthy && tally.available_healthy <= window.floor && !deliberate(Bug::FloorIgnored)
            {
                return Gate::Needed(Needed {
                    available: tally.available_healthy,
                    floor: window.floor,
                });
            }
        }
        Gate::Open
    }

    fn start(&mut self, position: usize) {
        let target = &self.deployment.targets[position];
        let healthy = target.is_healthy_untouched();
        let (stage, fresh) = self.stands(position);
        let again = !fresh;
        self.fleet.start(healthy, again);
        self.stages[stage].start(healthy, again);
        self.chosen.retain(|other| *other != position);
        self.gone.insert(position);
        let reused = u32::from(again && deliberate(Bug::AttemptReused));
        let (id, attempt) = (self.deployment.id(), target.attempt + 1 - reused);
        self.events.push(Event::TargetStarted {
            target: target.name.clone(),
            execution: ExecutionId::new(id, &target.name, stage, attempt),
        });
    }

    /// Nothing is in flight: ends the deployment, or begins its next stage and answers true.
    fn go_on(&mut self) -> bool {
        if self.asks_a_fleet() {
            return false;
        }
        if self.is_ceasing() && self.is_cut_short() {
            self.cease();
            return false;
        }
        if let Some(error) = self.halted.clone() {
            self.end(DeploymentStatus::Failed, Some(error));
            return false;
        }
        // Whoever asked to stop after the last target had finished changes nothing.
        if self.is_ceasing() {
            match self.constraints(self.stage) {
                Some(error) => self.end(DeploymentStatus::Failed, Some(error)),
                None => self.end(DeploymentStatus::Succeeded, None),
            }
            return false;
        }
        if self.held.is_some() || self.fleet.retries > 0 || self.stage_has_fresh() {
            return false;
        }
        self.next_stage()
    }

    fn next_stage(&mut self) -> bool {
        if self.awaits_agents() {
            return false;
        }
        let stages = &self.deployment.plan.stages;
        if let Some(Stage::Monitor { seconds, .. }) = stages.get(self.stage)
            && !deliberate(Bug::MonitorSkipped)
            && self.now < self.stage_time + Duration::from_secs(*seconds)
        {
            return false;
        }
        if let Some((before, until)) = self.deployment.wait_ends()
            && self.stage == self.deployment.stage
            && !self.may_continue(before)
        {
            // Time in which it was paused, or is until now, does not count.
            let frozen = self.deployment.frozen_since;
            let until = until + frozen.map_or(Duration::ZERO, |since| self.now.since(since));
            let early = before == Before::Termination && deliberate(Bug::TerminatedEarly);
            let over = !self.waits_for_people() && (self.now >= until || early);
            let asked = before == Before::Reroute && !deliberate(Bug::ReroutedUnasked);
            if over && asked {
                let error = match self.deployment.continued {
                    Some(_) => verdict::not_approved(self.deployment.missing(Step::Reroute)),
                    None => verdict::not_continued(),
                };
                self.end(DeploymentStatus::Stopped, Some(error));
            }
            if !over || asked {
                return false;
            }
        }
        if matches!(stages.get(self.stage), Some(Stage::Wait { .. }))
            && self.stage != self.deployment.stage
        {
            // It has only just begun.
            return false;
        }
        // An approval ends no pause and no freeze.
        if matches!(stages.get(self.stage), Some(Stage::Approval))
            && (self.unapproved > 0 || self.waits_for_people())
        {
            return false;
        }
        if let Some(schedule) = stages.get(self.stage).and_then(Stage::shift)
            && !self.shift_on(schedule)
        {
            return false;
        }
        // What can't be taken back does not begin while somebody keeps the deployment where it is.
        let next = stages.get(self.stage + 1);
        if next.is_some_and(Stage::is_an_end) && self.waits_for_people() {
            return false;
        }
        self.stage += 1;
        if self.stage >= stages.len() {
            self.end(DeploymentStatus::Succeeded, None);
            return false;
        }
        self.stage_time = self.now;
        self.cursor = self.deployment.span(self.stage).start;
        self.chosen.clear();
        self.events.push(Event::StageStarted { stage: self.stage });
        true
    }

    /// Whether somebody has said that it need not wait, and nobody else has anything to say about that.
    fn may_continue(&self, before: Before) -> bool {
        let free = self.unapproved == 0 && !self.waits_for_people();
        self.continued && (free || before == Before::Termination)
    }

    /// Whether a stop leaves something undone. What its alarms say against is never done.
    fn is_cut_short(&self) -> bool {
        let later = self.deployment.plan.stages.iter().enumerate();
        let mut waits = later.skip(self.stage).filter(|(place, stage)| match stage {
            Stage::Wait { .. } | Stage::Approval | Stage::Shift { .. } => true,
            stage => stage.is_an_end() && *place > self.stage,
        });
        (self.alarmed.is_some() && !deliberate(Bug::AlarmSucceeds))
            || self.fleet.waiting > 0
            || self.fleet.interrupted > 0
            || self.held.is_some()
            || waits.next().is_some()
    }

    /// Ends what was stopped, or took too long.
    pub fn cease(&mut self) {
        if let Some(message) = &self.alarmed {
            let error = ErrorInformation {
                code: ErrorCode::AlarmActive,
                message: message.clone(),
            };
            self.end(DeploymentStatus::Stopped, Some(error));
        } else if let Some(by) = &self.stopped_by {
            let error = ErrorInformation {
                code: ErrorCode::ManualStop,
                message: format!("stopped by {by}"),
            };
            self.end(DeploymentStatus::Stopped, Some(error));
        } else {
            let limit = self.deployment.spec.limits.deployment();
            self.end(DeploymentStatus::Failed, Some(verdict::timed_out(limit)));
        }
    }

    pub fn end(&mut self, status: DeploymentStatus, error: Option<ErrorInformation>) {
        self.events.push(Event::Ended { status, error });
    }

    /// Why a target would have to wait, if it is healthy and needed.
    pub fn needed_for(&self, target: &Target) -> Option<Needed> {
        match self.gate(target) {
            Gate::Needed(needed) => Some(needed),
            Gate::Open | Gate::Full => None,
        }
    }

    /// Why nothing starts although more could be in flight: the next target is healthy, and needed.
    pub fn needed(&mut self) -> Option<Needed> {
        if self.candidate().is_some() {
            return None;
        }
        let next = self.chosen.iter().copied().chain([self.cursor]);
        next.filter_map(|position| self.deployment.targets.get(position))
            .filter(|target| target.stage == self.stage)
            .find_map(|target| self.needed_for(target))
    }

    /// The totals of the fleet as they would be.
    pub fn fleet(&self) -> &Tally {
        &self.fleet
    }
}
