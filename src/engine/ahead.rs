//! A copy of a deployment that is run ahead of its time, by the same functions that drive the real one.

use super::decide::{decide, has_failed};
use super::deployment::{Deployment, Target};
use super::event::{Event, Record};
use super::input::Input;
use super::provision;
use super::schedule::Steps;
use crate::model::approval::Step;
use crate::model::deployment::TargetStatus;
use crate::model::lifecycle::EventStatus;
use crate::model::timestamp::Timestamp;

/// How a target in flight ends if its host keeps doing its work well: it succeeds, unless an event has failed already, or
/// nothing new starts any more and events are left after the one that runs.
pub(super) fn expected(deployment: &Deployment, target: &Target) -> TargetStatus {
    let left = || {
        let mut part = target.part();
        part.any(|entry| entry.status == EventStatus::Pending)
    };
    if has_failed(deployment, target) {
        TargetStatus::Failed
    } else if deployment.is_ceasing() && left() {
        TargetStatus::Skipped
    } else if target.later_stages().next().is_some() {
        TargetStatus::Ready
    } else {
        TargetStatus::Succeeded
    }
}

/// The copy.
pub(super) struct Ahead {
    pub deployment: Deployment,
    pub now: Timestamp,
}

impl Ahead {
    pub fn new(deployment: &Deployment, now: Timestamp) -> Self {
        Self {
            deployment: deployment.clone(),
            now,
        }
    }

    /// An input comes: what it causes, which has happened to the copy.
    pub fn input(&mut self, input: &Input) -> Vec<Event> {
        let mut events = decide(&self.deployment, input, self.now);
        self.evolve(&events);
        self.shift(&mut events);
        events
    }

    /// Load balancers do at once what they are asked for.
    fn shift(&mut self, events: &mut Vec<Event>) {
        while let Some(shift) = self.deployment.shift
            && shift.since.is_none()
            && self.deployment.status.is_running()
        {
            let more = decide(&self.deployment, &Input::InEffect(shift.asked), self.now);
            if more.is_empty() {
                return;
            }
            self.evolve(&more);
            events.extend(more);
        }
    }

    /// Everybody approves a step who has to.
    pub fn approve(&mut self, step: Step) {
        while self.deployment.missing(step) > 0 {
            let by = "somebody".to_owned();
            self.evolve(&[Event::Approved {
                step,
                by,
                uid: None,
                why: None,
            }]);
        }
    }

    /// A target in flight ends. What its events did is left out.
    pub fn end(&mut self, position: usize, status: TargetStatus) -> Vec<Event> {
        let mut steps = Steps::new(&self.deployment, self.now);
        let target = &self.deployment.targets[position];
        steps.end_target(target, status, None, false);
        steps.schedule();
        let mut events = steps.events;
        self.evolve(&events);
        self.shift(&mut events);
        events
    }

    fn evolve(&mut self, events: &[Event]) {
        for event in events {
            let record = Record {
                seq: self.deployment.seq + 1,
                at: self.now,
                event: event.clone(),
            };
            self.deployment.evolve(&record);
        }
    }

    /// Runs on until the deployment ends, or nothing happens by itself any more. Hosts do their work well.
    pub fn run(&mut self) {
        use crate::model::deployment::DeploymentStatus::{Created, Queued};
        if matches!(self.deployment.status, Created | Queued) {
            self.input(&Input::Admitted);
        }
        loop {
            while let Some(&position) = self.deployment.in_flight.first() {
                let target = &self.deployment.targets[position];
                let status = expected(&self.deployment, target);
                self.end(position, status);
            }
            if let Some(told) = provision::expected(&self.deployment) {
                if self.input(&told).is_empty() {
                    return;
                }
                continue;
            }
            // What waits for an operator goes on when its time is over, if nobody says anything.
            let runs = self.deployment.timer_runs();
            match self.deployment.next_timer().filter(|_| runs) {
                Some(at) if !self.deployment.status.is_terminal() => {
                    self.now = self.now.max(at);
                    if self.input(&Input::TimerElapsed).is_empty() {
                        return;
                    }
                }
                _ => return,
            }
        }
    }
}
