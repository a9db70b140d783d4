//! Stages of a deployment with one target, of which the former version and the new one share the traffic: what functions and
//! services have in common.

use std::collections::BTreeMap;

use super::plan::{Plan, Stage};
use super::spec::Spec;
use super::window::Window;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::traffic::Split;

/// There is one target, and it has to succeed.
pub(super) const ONE: Window = Window {
    minimum_healthy: 1,
    concurrency: 1,
    floor: 0,
};

/// The plan of these stages.
pub(super) fn plan(stages: impl IntoIterator<Item = Option<Stage>>) -> Plan {
    Plan {
        stages: stages.into_iter().flatten().collect(),
        window: None,
        impossible: None,
    }
}

/// The one target.
pub(super) fn targets(spec: &Spec) -> Vec<Name> {
    spec.targets.iter().map(|it| it.name.clone()).collect()
}

/// The call of the function that checks the deployment at an event, if the `AppSpec` names one.
pub(super) fn hook(
    spec: &Spec,
    hooks: &BTreeMap<LifecycleEvent, String>,
    event: LifecycleEvent,
) -> Option<Stage> {
    hooks.get(&event).map(|hook| Stage::Hook {
        targets: targets(spec),
        event,
        hook: hook.clone(),
        window: ONE,
    })
}

/// Whether traffic goes where the deployment takes it to go, and can be moved.
pub(super) fn enter(spec: &Spec) -> Stage {
    Stage::Enter {
        targets: targets(spec),
        events: vec![LifecycleEvent::AllowTraffic],
        window: ONE,
    }
}

/// The new version gets its shares by the configuration.
pub(super) fn shift(spec: &Spec) -> Stage {
    let routing = spec.configuration.traffic_routing_config;
    Stage::Shift {
        from: Split::ORIGINAL,
        steps: routing.map_or_else(|| vec![Split::REPLACEMENT], |it| it.steps()),
        minutes: routing.map_or(0, |it| it.interval()),
    }
}

/// The former version gets everything at once.
pub(super) fn shift_back(from: Split) -> Stage {
    Stage::Shift {
        from,
        steps: vec![Split::ORIGINAL],
        minutes: 0,
    }
}
