//! Legs: a target's lifecycle events in runs that one actor carries out without asking back.

use super::deliberate::{Bug, deliberate};
use super::spec::Spec;
use super::target::{Target, TargetEvent};
use crate::model::lifecycle::{EventStatus, LifecycleEvent};

/// Who carries out a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The agent on the target's host.
    Host,
    /// The orchestrator, where requests are shared out: at the load balancers of the group, at a function's alias, or at the
    /// listeners of a service.
    Balancer,
    /// The orchestrator, where task sets of a service are made.
    TaskSets,
    /// A function, an endpoint or a command that the orchestrator calls, and that tells how it ended.
    Hook,
}

impl TargetEvent {
    /// Who carries it out.
    pub fn actor(&self) -> Actor {
        if self.hook.is_some() {
            Actor::Hook
        } else if self.task_set {
            Actor::TaskSets
        } else if self.event.is_on_host() {
            Actor::Host
        } else {
            Actor::Balancer
        }
    }
}

impl Target {
    /// The events of the leg that it is in.
    pub fn leg_events(&self) -> &[TargetEvent] {
        let mut legs = legs(&self.events);
        legs.nth(self.leg).unwrap_or_default()
    }

    /// Who carries out the leg that it is in.
    pub fn actor(&self) -> Actor {
        let first = self.leg_events().first();
        first.map_or(Actor::Host, TargetEvent::actor)
    }

    /// The place of the first leg of the stage that it is in.
    pub(super) fn first_leg(&self) -> usize {
        let before = |leg: &&[TargetEvent]| leg.first().is_some_and(|e| e.stage < self.stage);
        legs(&self.events).filter(before).count()
    }

    /// Whether another leg begins when this event of its leg has ended so.
    pub(super) fn goes_on(&self, event: LifecycleEvent, status: EventStatus, spec: &Spec) -> bool {
        let ignores = spec.options.ignore_application_stop_failures;
        let well = match status {
            EventStatus::Succeeded => true,
            EventStatus::Failed => {
                let block = event == LifecycleEvent::BlockTraffic;
                ignores && event.failure_may_be_ignored()
                    || block && deliberate(Bug::BlockFailureIgnored)
            }
            _ => false,
        };
        let last = self.leg_events().last().map(|entry| entry.event);
        let next = legs(&self.events).nth(self.leg + 1);
        let next = next.and_then(<[_]>::first);
        well && last == Some(event) && next.is_some_and(|entry| entry.stage == self.stage)
    }
}

fn legs(events: &[TargetEvent]) -> impl Iterator<Item = &[TargetEvent]> {
    events.chunk_by(|a, b| a.stage == b.stage && a.actor() == b.actor())
}
