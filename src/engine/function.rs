//! The plan of a deployment of a function, and of its rollback (lifecycle.md §4): hooks, and the weights of an alias between.

use super::plan::{Plan, Stage};
use super::spec::Spec;
use super::window::Window;
use crate::appspec::lambda::AppSpec;
use crate::model::approval::Step;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::traffic::Split;

/// There is one target, and it has to succeed.
const ONE: Window = Window {
    minimum_healthy: 1,
    concurrency: 1,
    floor: 0,
};

/// What will be done.
pub(super) fn plan(spec: &Spec, appspec: &AppSpec) -> Plan {
    let targets: Vec<Name> = spec.targets.iter().map(|it| it.name.clone()).collect();
    let stages = if spec.goes_back() {
        back(spec, targets)
    } else {
        forth(spec, appspec, &targets)
    };
    Plan {
        stages,
        window: None,
        impossible: None,
    }
}

/// The first hook has nothing to look at that gets traffic, the last one all of it.
fn forth(spec: &Spec, appspec: &AppSpec, targets: &[Name]) -> Vec<Stage> {
    let hook = |event| {
        appspec.hooks.get(&event).map(|hook| Stage::Hook {
            targets: targets.to_vec(),
            event,
            hook: hook.clone(),
            window: ONE,
        })
    };
    let demanded = spec.approvals.contains_key(&Step::Reroute);
    let approval = demanded.then_some(Stage::Approval);
    let routing = spec.configuration.traffic_routing_config;
    let shift = Stage::Shift {
        from: Split::ORIGINAL,
        steps: routing.map_or_else(|| vec![Split::REPLACEMENT], |it| it.steps()),
        minutes: routing.map_or(0, |it| it.interval()),
    };
    let stages = [
        hook(LifecycleEvent::BeforeAllowTraffic),
        approval,
        Some(enter(targets.to_vec())),
        Some(shift),
        hook(LifecycleEvent::AfterAllowTraffic),
    ];
    stages.into_iter().flatten().collect()
}

/// The former version gets everything at once, whatever else is wrong with the alias, and no hook is called.
fn back(spec: &Spec, targets: Vec<Name>) -> Vec<Stage> {
    let shift = Stage::Shift {
        from: spec.from_split.unwrap_or(Split::REPLACEMENT),
        steps: vec![Split::ORIGINAL],
        minutes: 0,
    };
    vec![shift, enter(targets)]
}

/// Whether the alias is as the deployment takes it to be, before anything of it changes.
fn enter(targets: Vec<Name>) -> Stage {
    Stage::Enter {
        targets,
        events: vec![LifecycleEvent::AllowTraffic],
        window: ONE,
    }
}
