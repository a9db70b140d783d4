//! One target of a deployment and its lifecycle events: a part of the fold.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::deliberate::{Bug, deliberate};
use super::leg::Actor;
use super::plan::Work;
use super::tally::Lost;
use crate::model::deployment::{DeploymentId, ExecutionId, InstanceHealth, TargetStatus};
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::limits::Limits;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Side;

/// One target of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The host's name.
    pub name: Name,
    /// Where it stands.
    pub status: TargetStatus,
    /// Its side, in a blue/green deployment.
    #[serde(default)]
    pub side: Option<Side>,
    /// The place in the plan of the stage that it is in, or comes to next.
    pub stage: usize,
    /// Its health before the deployment.
    pub health_before: InstanceHealth,
    /// How often it was started.
    pub attempt: u32,
    /// How its last attempt failed, until another succeeds.
    pub lost: Option<Lost>,
    /// Its lifecycle events, in order.
    pub events: Vec<TargetEvent>,
    /// The place of its leg among those of its events.
    #[serde(default)]
    pub leg: usize,
    /// The run of that leg.
    pub execution: Option<ExecutionId>,
    /// When it is given up if nothing is heard of it.
    pub due: Option<Timestamp>,
    /// Since when its host can't be reached.
    pub silent_since: Option<Timestamp>,
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
    /// The function that is called for it, as the `AppSpec` names it, where no host and no load balancer acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    /// Whether it is about the task sets of a service, so that no host acts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub task_set: bool,
    /// The place of its stage in the plan.
    pub stage: usize,
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
        side: Option<Side>,
        stage: usize,
        health_before: InstanceHealth,
    ) -> Self {
        Self {
            name,
            status: TargetStatus::Pending,
            side,
            stage,
            health_before,
            attempt: 0,
            lost: None,
            events: Vec::new(),
            leg: 0,
            execution: None,
            due: None,
            silent_since: None,
            start_time: None,
            end_time: None,
            message: None,
        }
    }

    /// What it goes through in a stage. Stages come in order.
    pub(super) fn add_part(&mut self, stage: usize, work: &Work<'_>) {
        let pending = |event: &LifecycleEvent| TargetEvent {
            event: *event,
            hook: work.hook.map(ToOwned::to_owned),
            task_set: work.task_set,
            stage,
            status: EventStatus::Pending,
            start_time: None,
            end_time: None,
            diagnostics: None,
        };
        self.events.extend(work.events.iter().map(pending));
    }

    /// The stages that it comes to after the one that it is in.
    pub(super) fn later_stages(&self) -> impl Iterator<Item = usize> {
        let mut last = self.stage;
        let stages = self.events.iter().map(|entry| entry.stage);
        stages.filter(move |stage| {
            let later = *stage > last;
            last = last.max(*stage);
            later
        })
    }

    /// How often it was started for the same: each stage that it comes to is a start of its own.
    pub fn tries(&self) -> u32 {
        let earlier = self.events.iter().map(|entry| entry.stage);
        let earlier: BTreeSet<usize> = earlier.filter(|stage| *stage < self.stage).collect();
        let stages = u32::try_from(earlier.len()).unwrap_or(u32::MAX);
        self.attempt.saturating_sub(stages)
    }

    /// Its events in the stage that it is in.
    pub fn part(&self) -> impl Iterator<Item = &TargetEvent> {
        let stage = self.stage;
        self.events.iter().filter(move |entry| entry.stage == stage)
    }

    /// Whether it waits to start in its stage, for the first time.
    pub fn is_fresh(&self) -> bool {
        match self.status {
            TargetStatus::Pending => self.attempt == 0,
            TargetStatus::Ready => true,
            _ => false,
        }
    }

    /// Whether it serves as it did before the deployment, in good health: taking it away costs.
    pub fn is_healthy_untouched(&self) -> bool {
        self.attempt == 0 && self.health_before == InstanceHealth::Healthy
    }

    /// When it is given up: a host that falls silent while an event runs is not waited for as long as the event may take. A
    /// load balancer is: nothing is lost while it is away, and whoever watches can stop.
    pub fn deadline(&self, limits: &Limits) -> Option<Timestamp> {
        let due = self.due?;
        Some(match self.silent_since {
            Some(since) if self.running().is_some() && self.actor() == Actor::Host => {
                due.min(since + limits.silence())
            }
            _ => due,
        })
    }

    /// How long an event of the leg that it is in may take.
    pub fn event_limit(&self, limits: &Limits) -> Duration {
        match self.actor() {
            Actor::Hook => limits.hook(),
            Actor::Host | Actor::Balancer | Actor::TaskSets => limits.event(),
        }
    }

    /// Makes it as if it had never been started, but for the count of attempts and how the last one failed.
    pub(super) fn wait_again(&mut self) {
        self.status = TargetStatus::Pending;
        let again = self.events.iter_mut();
        for entry in again.filter(|entry| entry.stage >= self.stage) {
            entry.wait_again();
        }
        self.leg = self.first_leg();
        self.execution = None;
        self.start_time = None;
        self.end_time = None;
        self.message = None;
    }

    /// The entry of a lifecycle event.
    pub fn event(&self, event: LifecycleEvent) -> Option<&TargetEvent> {
        self.events.iter().find(|entry| entry.event == event)
    }

    pub(super) fn event_started(&mut self, event: LifecycleEvent, at: Timestamp, due: Timestamp) {
        if deliberate(Bug::DeadlineForgotten) {
            self.due = None;
        } else if !deliberate(Bug::DeadlineNotExtended) {
            self.due = Some(due);
        }
        if let Some(entry) = self.event_mut(event) {
            entry.status = EventStatus::InProgress;
            entry.start_time = Some(at);
        }
    }

    pub(super) fn event_ended(
        &mut self,
        event: LifecycleEvent,
        status: EventStatus,
        at: Timestamp,
        diagnostics: Option<&Diagnostics>,
    ) {
        if let Some(entry) = self.event_mut(event) {
            entry.status = status;
            entry.end_time = Some(at);
            entry.diagnostics = diagnostics.cloned();
        }
    }

    /// Whoever carries out the next leg has not been heard of yet.
    pub(super) fn begin_next_leg(&mut self, deployment: &DeploymentId) {
        self.leg += 1;
        self.silent_since = None;
        let first = ExecutionId::new(deployment, &self.name, self.stage, self.attempt);
        self.execution = Some(first.leg(self.leg - self.first_leg()));
    }

    /// Its part in its stage is done: it waits for the next, if there is one.
    pub(super) fn begin_next_part(&mut self) {
        let next = self.later_stages().next();
        if let Some(stage) = next {
            self.stage = stage;
            self.leg = self.first_leg();
            self.execution = None;
        }
    }

    fn event_mut(&mut self, event: LifecycleEvent) -> Option<&mut TargetEvent> {
        self.events.iter_mut().find(|entry| entry.event == event)
    }

    /// How long it has worked by now; `None` before it began. Where it waits between stages, that is what its events took.
    pub fn worked(&self, now: Timestamp) -> Option<Duration> {
        let stages: BTreeSet<usize> = self.events.iter().map(|entry| entry.stage).collect();
        if stages.len() < 2 {
            return Some(self.end_time.unwrap_or(now).since(self.start_time?));
        }
        let spans = self.events.iter().filter_map(|entry| {
            let start = entry.start_time?;
            Some(entry.end_time.unwrap_or(now).since(start))
        });
        spans.reduce(|a, b| a + b)
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

impl TargetEvent {
    fn wait_again(&mut self) {
        self.status = EventStatus::Pending;
        self.start_time = None;
        self.end_time = None;
        self.diagnostics = None;
    }
}
