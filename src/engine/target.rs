//! One target of a deployment and its lifecycle events: a part of the fold.

use serde::{Deserialize, Serialize};

use crate::model::deployment::{ExecutionId, InstanceHealth, TargetStatus};
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// One target of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The host's name.
    pub name: Name,
    /// Where it stands.
    pub status: TargetStatus,
    /// Its health before the deployment.
    pub health_before: InstanceHealth,
    /// Its lifecycle events, in order.
    pub events: Vec<TargetEvent>,
    /// The run it was told to do.
    pub execution: Option<ExecutionId>,
    /// When it is given up if nothing is heard of it.
    pub deadline: Option<Timestamp>,
    /// When it was told to start.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// Why it ended as it did, where the events do not say it.
    pub message: Option<String>,
}

/// One lifecycle event of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetEvent {
    /// Which event.
    pub event: LifecycleEvent,
    /// Where it stands.
    pub status: EventStatus,
    /// When it started, by the host's clock.
    pub start_time: Option<Timestamp>,
    /// When it ended, by the host's clock.
    pub end_time: Option<Timestamp>,
    /// Why it failed.
    pub diagnostics: Option<Diagnostics>,
}

impl Target {
    pub(super) fn new(
        name: Name,
        health_before: InstanceHealth,
        events: &[LifecycleEvent],
    ) -> Self {
        Self {
            name,
            status: TargetStatus::Pending,
            health_before,
            events: events
                .iter()
                .map(|&event| TargetEvent {
                    event,
                    status: EventStatus::Pending,
                    start_time: None,
                    end_time: None,
                    diagnostics: None,
                })
                .collect(),
            execution: None,
            deadline: None,
            start_time: None,
            end_time: None,
            message: None,
        }
    }

    /// The entry of a lifecycle event.
    pub fn event(&self, event: LifecycleEvent) -> Option<&TargetEvent> {
        self.events.iter().find(|entry| entry.event == event)
    }

    pub(super) fn event_mut(&mut self, event: LifecycleEvent) -> Option<&mut TargetEvent> {
        self.events.iter_mut().find(|entry| entry.event == event)
    }

    /// The event that runs now.
    pub fn running(&self) -> Option<&TargetEvent> {
        self.events
            .iter()
            .find(|entry| entry.status == EventStatus::InProgress)
    }

    /// The first event that failed.
    pub fn failure(&self) -> Option<&TargetEvent> {
        self.events
            .iter()
            .find(|entry| entry.status == EventStatus::Failed)
    }

    pub(super) fn skip_what_never_started(&mut self) {
        for entry in &mut self.events {
            if entry.status == EventStatus::Pending {
                entry.status = EventStatus::Skipped;
            }
        }
    }
}
