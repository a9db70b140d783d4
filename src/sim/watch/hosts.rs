//! What is seen on hosts: their process tables and logs, not what their agents say.

use super::super::cast::Cast;
use super::super::disk::Disk;
use super::super::shape::Millis;
use super::{Invariant, Watch};
use crate::agent::core::Execution;
use crate::agent::protocol::{LEASE, Order};
use crate::model::deployment::ExecutionId;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};

/// A script starts.
pub struct ScriptStart<'a> {
    /// Where.
    pub host: usize,
    /// For which group.
    pub group: usize,
    /// For which execution.
    pub execution: &'a ExecutionId,
    /// For which event.
    pub event: LifecycleEvent,
    /// Which of the event's scripts.
    pub script: usize,
    /// What the agent was told to do.
    pub order: &'a Order,
    /// Whether another script of the group runs.
    pub other: bool,
}

/// An event starts.
pub struct EventStart<'a> {
    /// Where.
    pub host: usize,
    /// For which execution.
    pub execution: &'a ExecutionId,
    /// Which.
    pub event: LifecycleEvent,
    /// When the agent was last told to go on with it.
    pub heard: Option<Millis>,
    /// What the agent knew.
    pub known: Option<&'a Execution>,
    /// Whether another execution of the group is in the middle of an event.
    pub other: bool,
}

/// A number for an event: those of every deployment first, in their order.
pub fn ordinal(event: LifecycleEvent) -> usize {
    let all = LifecycleEvent::IN_PLACE.iter();
    all.chain(&LifecycleEvent::BLOCK)
        .chain(&LifecycleEvent::ALLOW)
        .position(|other| *other == event)
        .unwrap_or(0)
}

impl Watch {
    /// A script starts on a host.
    pub fn script_starts(&mut self, _disk: &Disk, start: &ScriptStart<'_>) {
        let ScriptStart {
            host,
            group,
            execution,
            event,
            script,
            order,
            other,
        } = start;
        let number = Cast::deployment_of(execution);
        let attempt = execution
            .as_str()
            .split('~')
            .nth(3)
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        let first = self.scripts[*host].insert((number, attempt, ordinal(*event), *script));
        self.check(first, Invariant::ScriptOnce, || {
            format!("script {script} of {event} of {execution} started twice on h{host:03}")
        });
        self.check(!other, Invariant::OneAtATime, || {
            format!("{execution} started a script on h{host:03} while another of g{group} ran")
        });
        let Some(deployment) = self.deployment(number) else {
            self.violated(Invariant::DurableFirst, || {
                format!("{execution} runs, and its deployment is not durable")
            });
            return;
        };
        let right =
            deployment.spec.revision == order.revision && deployment.spec.creator == order.creator;
        self.check(right, Invariant::RightRevision, || {
            format!(
                "{execution} runs {} on h{host:03}, which its deployment does not say",
                order.revision.label
            )
        });
    }

    /// A host has taken the stop of an execution, known to it or not.
    pub fn stopped(&mut self, host: usize, execution: &ExecutionId) {
        self.stopped.insert((host, execution.clone()));
    }

    /// A host has taken an order.
    pub fn taken(&mut self, host: usize, execution: &ExecutionId, known: Option<&Execution>) {
        let stopped = self.stopped.contains(&(host, execution.clone()));
        let idle = known.is_some_and(|known| known.is_open() && known.running().is_none());
        self.check(!(stopped && idle), Invariant::StopHolds, || {
            format!("h{host:03} keeps {execution} waiting, and was told to stop it")
        });
    }

    /// An event starts on a host.
    pub fn event_starts(&mut self, now: Millis, start: &EventStart<'_>) {
        let EventStart {
            host,
            execution,
            event,
            heard,
            known,
            other,
        } = start;
        self.now = now;
        self.touches(Cast::deployment_of(execution), *host, *event);
        let lease = i64::try_from(LEASE.as_millis()).unwrap_or(0);
        let live = heard.is_some_and(|at| now - at <= lease);
        self.check(live, Invariant::StopHolds, || {
            format!("{event} of {execution} started on h{host:03} without a lease")
        });
        self.check(!other, Invariant::OneAtATime, || {
            format!("{event} of {execution} started on h{host:03} in the middle of another execution of its group")
        });
        let Some(known) = known else { return };
        let stopped = known.stop_requested || self.stopped.contains(&(*host, (*execution).clone()));
        self.check(!stopped, Invariant::StopHolds, || {
            format!(
                "{event} of {execution} started on h{host:03} after the host had been told to stop"
            )
        });
        let before = known
            .state
            .events
            .iter()
            .take_while(|entry| entry.event != *event);
        let ignores = known.order.ignore_application_stop_failures;
        let in_order = before.clone().all(|entry| match entry.status {
            EventStatus::Succeeded => true,
            EventStatus::Failed => ignores && entry.event.failure_may_be_ignored(),
            _ => false,
        });
        let fresh = known
            .state
            .events
            .iter()
            .any(|entry| entry.event == *event && entry.status == EventStatus::Pending);
        self.check(in_order && fresh, Invariant::EventOrder, || {
            format!("{event} of {execution} started on h{host:03} out of order")
        });
    }

    /// An execution that the journal says succeeded, as its host knows it.
    pub fn claimed(
        &mut self,
        host: usize,
        execution: &ExecutionId,
        known: Option<&Execution>,
        installed: bool,
    ) {
        let good = known.is_some_and(|known| {
            let ignores = known.order.ignore_application_stop_failures;
            known.state.events.iter().all(|entry| match entry.status {
                EventStatus::Succeeded => true,
                EventStatus::Failed => ignores && entry.event.failure_may_be_ignored(),
                _ => false,
            })
        });
        self.check(good && installed, Invariant::Verdict, || {
            format!("{execution} is said to have succeeded, and h{host:03} knows better")
        });
    }
}
