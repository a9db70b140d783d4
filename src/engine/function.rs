//! The plan of a deployment of a function, and of its rollback (lifecycle.md §4): hooks, and the weights of an alias between.

use super::blue_green;
use super::plan::Plan;
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
    single::plan([
        hook(LifecycleEvent::BeforeAllowTraffic),
        blue_green::approval(spec),
        Some(single::enter(spec)),
        Some(single::shift(spec)),
        hook(LifecycleEvent::AfterAllowTraffic),
    ])
}

/// The former version gets everything at once, whatever else is wrong with the alias, and no hook is called.
fn back(spec: &Spec) -> Plan {
    let from = spec.from_split.unwrap_or(Split::REPLACEMENT);
    single::plan([Some(single::shift_back(from)), Some(single::enter(spec))])
}
