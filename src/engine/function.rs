//! The plan of a deployment of a function, and of its rollback (lifecycle.md §4): hooks, and the weights of an alias between.

use super::blue_green;
use super::deliberate::{Bug, deliberate};
use super::plan::{Plan, Stage};
use super::single;
use super::spec::Spec;
use crate::appspec::lambda::AppSpec;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::traffic::Split;

/// What will be done.
pub(super) fn plan(spec: &Spec, appspec: &AppSpec) -> Plan {
    if spec.goes_back() {
        back(spec)
    } else {
        forth(spec, appspec)
    }
}

/// The first hook has nothing to look at that gets traffic, the last one all of it.
fn forth(spec: &Spec, appspec: &AppSpec) -> Plan {
    let hook = |event| single::hook(spec, &appspec.hooks, event);
    let mut stages = [
        hook(LifecycleEvent::BeforeAllowTraffic),
        blue_green::approval(spec),
        Some(single::enter(spec)),
        Some(single::shift(spec)),
        hook(LifecycleEvent::AfterAllowTraffic),
    ];
    if deliberate(Bug::HookComesLate) {
        stages.rotate_left(1);
        stages.swap(3, 4);
    }
    single::plan(stages)
}

/// The former version gets everything at once, whatever else is wrong with the alias, and no hook is called.
fn back(spec: &Spec) -> Plan {
    let from = spec.from_split.unwrap_or(Split::REPLACEMENT);
    let mut shift = single::shift_back(from);
    if deliberate(Bug::WayBackKeepsShare)
        && let Stage::Shift { steps, .. } = &mut shift
    {
        *steps = Split::new(1).into_iter().collect();
    }
    single::plan([Some(shift), Some(single::enter(spec))])
}
