//! How far a fleet, or one zone of it, has come: what the scheduler needs, at a cost that does not grow with the fleet.

use serde::{Deserialize, Serialize};

use super::deliberate::{Bug, deliberate};
use super::target::Target;
use crate::model::deployment::TargetStatus;

/// Running totals of a set of targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// All of them.
    pub total: u32,
    /// Targets that are still to start, those to be tried again included.
    pub waiting: u32,
    /// Of these, targets to be tried again.
    pub retries: u32,
    /// Targets in flight.
    pub in_flight: u32,
    /// Targets that succeeded.
    pub succeeded: u32,
    /// Targets whose last attempt failed. One that is tried again counts until it succeeds.
    pub failed: u32,
    /// Of these, targets whose host was not heard of.
    pub unanswered: u32,
    /// Targets that were excluded while unhealthy: they can't become healthy any more.
    pub excluded_unhealthy: u32,
    /// Targets that a stop ended half way.
    pub interrupted: u32,
    /// Healthy targets that are not in flight.
    pub available_healthy: u32,
}

impl Tally {
    /// Targets that none of which was started.
    pub(super) fn add(&mut self, healthy: bool) {
        self.total += 1;
        self.waiting += 1;
        self.available_healthy += u32::from(healthy);
    }

    pub(super) fn start(&mut self, healthy: bool, again: bool) {
        self.waiting -= 1;
        self.retries -= u32::from(again);
        self.in_flight += 1;
        self.available_healthy -= u32::from(healthy);
    }

    /// A target ended. `before` says whether, and how, an earlier attempt had failed.
    pub(super) fn end(&mut self, status: TargetStatus, unanswered: bool, before: Option<Lost>) {
        self.in_flight -= 1;
        // An attempt that was cut short says nothing new.
        if status == TargetStatus::Skipped {
            self.interrupted += 1;
            return;
        }
        if let Some(before) = before {
            self.failed -= 1;
            self.unanswered -= u32::from(before == Lost::Unanswered);
        }
        if matches!(status, TargetStatus::Succeeded | TargetStatus::Ready) {
            self.succeeded += 1;
            self.available_healthy += 1;
        } else {
            self.failed += u32::from(!deliberate(Bug::FailureNotCounted));
            self.unanswered += u32::from(unanswered);
        }
    }

    /// A target will never start here: it did not get through an earlier stage.
    fn forfeit(&mut self, status: TargetStatus, unanswered: bool) {
        self.waiting -= 1;
        if status == TargetStatus::Skipped {
            self.interrupted += 1;
        } else {
            self.failed += 1;
            self.unanswered += u32::from(unanswered);
        }
    }

    /// A target got through an earlier stage after all.
    fn reinstate(&mut self, lost: Lost) {
        self.waiting += 1;
        self.failed -= 1;
        self.unanswered -= u32::from(lost == Lost::Unanswered);
    }

    pub(super) fn exclude(&mut self, healthy: bool) {
        self.waiting -= 1;
        self.excluded_unhealthy += u32::from(!healthy);
    }

    pub(super) fn retry(&mut self) {
        self.waiting += 1;
        self.retries += 1;
    }

    /// Targets that never started yet.
    pub fn fresh(&self) -> u32 {
        self.waiting - self.retries
    }

    /// Targets that are, or can still become, healthy: what is compared with the minimum.
    pub fn can_be_healthy(&self) -> u32 {
        self.total - self.failed - self.excluded_unhealthy
    }

    /// Nothing is in flight and nothing waits.
    pub fn is_done(&self) -> bool {
        self.waiting == 0 && self.in_flight == 0
    }
}

/// The totals of the whole fleet and of each stage.
///
/// A target counts once in each stage that it goes through, and so often in the fleet.
pub(super) struct Totals<'a> {
    pub fleet: &'a mut Tally,
    pub stages: &'a mut [Tally],
}

impl Totals<'_> {
    /// A target ended its part in the stage that it is in. One that failed will not start in later stages; one that had
    /// failed before, and has got through now, will.
    pub fn end(&mut self, target: &Target, status: TargetStatus, unanswered: bool) {
        self.fleet.end(status, unanswered, target.lost);
        self.stages[target.stage].end(status, unanswered, target.lost);
        for stage in target.later_stages() {
            let well = matches!(status, TargetStatus::Succeeded | TargetStatus::Ready);
            match target.lost {
                Some(lost) if well => {
                    self.fleet.reinstate(lost);
                    self.stages[stage].reinstate(lost);
                }
                None if !well => {
                    self.fleet.forfeit(status, unanswered);
                    self.stages[stage].forfeit(status, unanswered);
                }
                _ => {}
            }
        }
    }

    /// A target that has not started is left out of every stage that it has not been through.
    pub fn exclude(&mut self, target: &Target) {
        let healthy = target.is_healthy_untouched();
        self.fleet.exclude(healthy);
        self.stages[target.stage].exclude(healthy);
        for stage in target.later_stages() {
            self.fleet.exclude(false);
            self.stages[stage].exclude(false);
        }
    }
}

/// How the last attempt at a target failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lost {
    /// An event failed.
    Failed,
    /// Its host was not heard of.
    Unanswered,
}
