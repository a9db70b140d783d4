//! Folding an entry of the journal into the state of a deployment. Nothing else changes it.

use std::sync::Arc;
use std::time::Duration;

use super::deliberate::{Bug, deliberate};
use super::deployment::{Deployment, Rollback, StopRequest, Target, Wish};
use super::event::{Event, Record};
use super::plan::{Before, Stage};
use super::shift::Shift;
use super::tally::{Lost, Totals};
use crate::model::deployment::{DeploymentStatus, ErrorInformation, ExecutionId, TargetStatus};
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Split;

impl Deployment {
    /// Folds one entry into the state.
    pub fn evolve(&mut self, record: &Record) {
        let at = record.at;
        self.seq = record.seq;
        if record.event.is_decision() {
            self.decided = record.seq;
        }
        self.fold_event(record);
        let waits = self.waits();
        self.waited.observe(waits, at);
    }

    fn fold_event(&mut self, record: &Record) {
        let at = record.at;
        match &record.event {
            // Only ever the first entry, which `created` reads.
            Event::Created { .. } => {}
            Event::Continued { by, why, .. } => {
                self.continued = Some(Wish::new(by, why.as_deref(), at));
            }
            Event::Approved { step, by, uid, why } => {
                let wish = Wish::new(by, why.as_deref(), at);
                self.approve(*step, Wish { uid: *uid, ..wish });
            }
            Event::Queued { message } => {
                self.status = DeploymentStatus::Queued;
                self.queued = Some(message.clone());
            }
            Event::Started => self.start(at),
            Event::Recovered => self.recover(at),
            Event::StageStarted { stage } => self.start_stage(*stage, at),
            Event::Provisioned { hosts, plan } => self.meet(hosts, plan),
            Event::TaskSetCreated { tasks } => self.tasks.clone_from(tasks),
            Event::Terminated { targets, trouble } => self.part_with(targets, trouble.as_deref()),
            Event::TargetStarted { target, execution } => self.start_target(target, execution, at),
            Event::EventStarted {
                target,
                event,
                host_time,
            } => self.start_event(target, *event, *host_time, at),
            Event::EventEnded {
                target,
                event,
                status,
                host_time,
                diagnostics,
            } => self.end_event(
                target,
                *event,
                *status,
                *host_time,
                diagnostics.as_ref(),
                at,
            ),
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
            Event::Frozen { freeze } => self.refreeze(Some(freeze), at),
            Event::Thawed => self.refreeze(None, at),
            Event::Retried { target, .. } => self.retry_target(target),
            Event::Excluded { target, by, why } => {
                self.exclude_target(target, by, why.as_deref(), at);
            }
            Event::ChosenNext { target, .. } => self.choose(target),
            Event::Shifted { split, .. } => self.ask_for(*split, at),
            Event::InEffect { .. } => self.shift = self.shift.map(|shift| shift.in_effect(at)),
            Event::StopRequested {
                by,
                why,
                auto_rollback,
            } => self.request_stop(by, why.as_deref(), *auto_rollback, at),
            Event::Alarmed { message } => self.alarmed = Some(message.clone()),
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

    fn start_event(
        &mut self,
        name: &Name,
        event: LifecycleEvent,
        host_time: Timestamp,
        at: Timestamp,
    ) {
        let limits = self.spec.limits;
        if let Some(target) = self.target_mut(name) {
            let limit = target.event_limit(&limits);
            let hosts = deliberate(Bug::HostClockDecides);
            let from = if hosts { host_time } else { at };
            target.event_started(event, host_time, from + limit);
        }
    }

    fn end_event(
        &mut self,
        name: &Name,
        event: LifecycleEvent,
        status: EventStatus,
        host_time: Timestamp,
        diagnostics: Option<&Diagnostics>,
        at: Timestamp,
    ) {
        let spec = Arc::clone(&self.spec);
        if let Some(target) = self.target_mut(name) {
            let goes_on = target.goes_on(event, status, &spec);
            target.due = Some(at + spec.limits.pick_up());
            target.event_ended(event, status, host_time, diagnostics);
            if goes_on {
                target.begin_next_leg(&spec.deployment_id);
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
        self.due = Some(at + self.longest());
        // Paused before it began: the time counts from now on.
        if self.frozen_since.is_some() {
            self.frozen_since = Some(at);
        }
        if self.stands_for_approval() {
            self.status = DeploymentStatus::Ready;
            self.freeze(at);
        }
    }

    /// How long the whole of it may take: waiting for an operator does not count.
    fn longest(&self) -> Duration {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let waits = self.plan.stages.iter().map(|stage| match stage {
            Stage::Wait { minutes: long, .. } => minutes(u64::from(*long)),
            Stage::Shift {
                steps,
                minutes: long,
                ..
            } => {
                let steps = u32::try_from(steps.len()).unwrap_or(u32::MAX);
                self.spec.limits.shift_minutes(*long) * steps
            }
            Stage::Hook { .. } => self.spec.limits.hook(),
            Stage::Provision { .. } | Stage::Terminate { .. } | Stage::DeleteTaskSet { .. } => {
                self.spec.limits.provisioning()
            }
            _ => Duration::ZERO,
        });
        self.spec.limits.deployment() + waits.sum::<Duration>()
    }

    /// Nobody was there to hear reports, and deadlines may have passed meanwhile.
    fn recover(&mut self, at: Timestamp) {
        let limits = &self.spec.limits;
        let soonest = at + limits.silence();
        // By another clock, which may be behind the former one: nothing takes longer than it may from now on.
        let latest = at + limits.event().max(limits.pick_up());
        let longest = self.longest();
        self.due = self.due.map(|due| due.min(at + longest));
        self.stage_time = self.stage_time.map(|since| since.min(at));
        self.frozen_since = self.frozen_since.map(|since| since.min(at));
        if let Some(shift) = &mut self.shift {
            shift.since = shift.since.map(|since| since.min(at));
        }
        for &position in &self.in_flight {
            let target = &mut self.targets[position];
            target.silent_since = None;
            target.due = target.due.map(|due| due.min(latest).max(soonest));
        }
    }

    fn start_stage(&mut self, stage: usize, at: Timestamp) {
        let stood = self.stands_for_approval();
        self.stage = stage;
        self.stage_time = Some(at);
        self.continued = None;
        self.status = match self.current_stage() {
            Some(
                Stage::Wait {
                    before: Before::Reroute,
                    ..
                }
                | Stage::Approval,
            ) => DeploymentStatus::Ready,
            _ => DeploymentStatus::InProgress,
        };
        if self.stands_for_approval() {
            self.freeze(at);
        } else if stood {
            self.thaw(at);
        }
        self.chosen.clear();
        self.next = self.span(stage).start;
        self.pass_started();
    }

    fn start_target(&mut self, name: &Name, execution: &ExecutionId, at: Timestamp) {
        let Some(&position) = self.positions.get(name) else {
            return;
        };
        let due = at + self.spec.limits.pick_up();
        let target = &mut self.targets[position];
        let healthy = target.is_healthy_untouched();
        let again = !target.is_fresh();
        let waited = match target.status {
            TargetStatus::Ready => &mut self.overview.ready,
            _ => &mut self.overview.pending,
        };
        *waited -= 1;
        target.attempt += 1;
        target.status = TargetStatus::InProgress;
        target.execution = Some(execution.clone());
        target.start_time = Some(at);
        target.end_time = None;
        target.due = Some(due);
        target.silent_since = None;
        self.stages[target.stage].start(healthy, again);
        self.fleet.start(healthy, again);
        self.in_flight.insert(position);
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
        let mut totals = Totals {
            fleet: &mut self.fleet,
            stages: &mut self.stages,
        };
        totals.end(target, status, unanswered);
        target.status = status;
        target.message = message.map(str::to_owned);
        target.due = None;
        target.silent_since = None;
        target.end_time = Some(at);
        if status == TargetStatus::Ready {
            target.begin_next_part();
        } else {
            target.skip_what_never_started();
        }
        self.in_flight.remove(&position);
        self.overview.in_progress -= 1;
        match status {
            TargetStatus::Ready => {
                target.lost = None;
                self.overview.ready += 1;
            }
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

    fn ask_for(&mut self, split: Split, at: Timestamp) {
        self.shift = Some(Shift::asked(split, at));
        self.shifts.push((split, at));
    }

    fn choose(&mut self, name: &Name) {
        if let Some(&position) = self.positions.get(name) {
            self.chosen.retain(|other| *other != position);
            self.chosen.insert(0, position);
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

    pub(super) fn exclude_target(
        &mut self,
        name: &Name,
        by: &str,
        why: Option<&str>,
        at: Timestamp,
    ) {
        let Some(&position) = self.positions.get(name) else {
            return;
        };
        let target = &mut self.targets[position];
        let mut totals = Totals {
            fleet: &mut self.fleet,
            stages: &mut self.stages,
        };
        totals.exclude(target);
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

    /// Moves `next` on to the first target of the stage that waits and never started. It moves over each target once a stage.
    fn pass_started(&mut self) {
        let end = self.span(self.stage).end;
        while self.next < end {
            let target = &self.targets[self.next];
            if target.stage == self.stage && target.is_fresh() {
                return;
            }
            self.next += 1;
        }
    }

    pub(super) fn freeze(&mut self, at: Timestamp) {
        self.frozen_since.get_or_insert(at);
    }

    /// The time in which nothing could happen does not count.
    pub(super) fn thaw(&mut self, at: Timestamp) {
        let waits = self.paused.is_some() || self.held.is_some() || self.frozen.is_some();
        if waits || self.stands_for_approval() {
            return;
        }
        if let Some(since) = self.frozen_since.take() {
            let span = at.since(since);
            self.due = self.due.map(|due| due + span);
            if let Some(shift) = &mut self.shift {
                shift.thaw(since, at);
            }
            if self.wait_ends().is_some() {
                self.stage_time = self.stage_time.map(|time| time + span);
            }
        }
    }

    fn end(&mut self, status: DeploymentStatus, error: Option<&ErrorInformation>, at: Timestamp) {
        self.status = status;
        self.error = error.cloned();
        self.complete_time = Some(at);
        self.queued = None;
        self.held = None;
        self.paused = None;
        self.frozen = None;
        self.continued = None;
        self.retries.clear();
        self.chosen.clear();
        for target in &mut self.targets {
            let open = matches!(target.status, TargetStatus::Pending | TargetStatus::Ready);
            if !open || deliberate(Bug::PendingLeftOpen) {
                continue;
            }
            let waited = match target.status {
                TargetStatus::Ready => &mut self.overview.ready,
                _ => &mut self.overview.pending,
            };
            *waited -= 1;
            target.status = if target.lost.is_some() {
                // It was to be tried again, and was not.
                self.overview.failed += 1;
                TargetStatus::Failed
            } else {
                self.overview.skipped += 1;
                TargetStatus::Skipped
            };
            target.skip_what_never_started();
        }
    }

    fn target_mut(&mut self, name: &Name) -> Option<&mut Target> {
        self.positions.get(name).map(|&i| &mut self.targets[i])
    }
}
