//! How far a fleet, or one zone of it, has come: what the scheduler needs, at a cost that does not grow with the fleet.

use serde::{Deserialize, Serialize};

use super::deliberate::{Bug, deliberate};
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
        if status == TargetStatus::Succeeded {
            self.succeeded += 1;
            self.available_healthy += 1;
        } else {
            self.failed += u32::from(!deliberate(Bug::FailureNotCounted));
            self.unanswered += u32::from(unanswered);
        }
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

/// How the last attempt at a target failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lost {
    /// An event failed.
    Failed,
    /// Its host was not heard of.
    Unanswered,
}
