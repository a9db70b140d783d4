//! The plan of a deployment of a container service, and of its rollback (lifecycle.md §5): a second task set, hooks, the
//! listeners of production and test traffic, and the end of the task set that lost the traffic.

use super::blue_green;
use super::deliberate::{Bug, deliberate};
use super::plan::{Plan, Stage};
use super::single::{self, ONE};
use super::spec::Spec;
use crate::appspec::ecs::AppSpec;
use crate::model::deployment::{ErrorCode, ErrorInformation};
use crate::model::group::TargetGroupPairInfo;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::traffic::{Side, Split};

/// What will be done.
///
/// # Errors
/// Why it can't start.
pub(super) fn plan(spec: &Spec, appspec: &AppSpec) -> Result<Plan, ErrorInformation> {
    let pair = spec.group.target_group_pair();
    let pair = pair.ok_or_else(|| ErrorInformation {
        code: ErrorCode::MissingElbInformation,
        message: format!(
            "{} names no two target groups: write loadBalancerInfo.targetGroupPairInfoList",
            spec.group_key()
        ),
    })?;
    if spec.goes_back() {
        Ok(back(spec, pair))
    } else {
        forth(spec, appspec, pair)
    }
}

/// Nobody waits for a hook that has nothing to look at: that of test traffic is called only where there is some.
fn forth(
    spec: &Spec,
    appspec: &AppSpec,
    pair: &TargetGroupPairInfo,
) -> Result<Plan, ErrorInformation> {
    let options = blue_green::options(spec)?;
    let hook = |event| single::hook(spec, &appspec.hooks, event);
    let test = test(spec, pair);
    let after_test = test
        .is_some()
        .then(|| hook(LifecycleEvent::AfterAllowTestTraffic))
        .flatten();
    // Whoever says that it need not wait says so together with those who approve it.
    let wait = blue_green::ready_wait(options);
    let approval = wait.is_none().then(|| blue_green::approval(spec)).flatten();
    let minutes = blue_green::termination(options);
    let mut stages = [
        hook(LifecycleEvent::BeforeInstall),
        Some(Stage::CreateTaskSet {
            targets: single::targets(spec),
            window: ONE,
        }),
        hook(LifecycleEvent::AfterInstall),
        test,
        after_test,
        wait,
        hook(LifecycleEvent::BeforeAllowTraffic),
        approval,
        Some(single::enter(spec)),
        Some(shift(spec)),
        hook(LifecycleEvent::AfterAllowTraffic),
        minutes
            .filter(|_| spec.has_original())
            .and_then(blue_green::keep),
        minutes
            .filter(|_| spec.has_former())
            .map(|_| Stage::DeleteTaskSet { side: Side::Blue }),
    ];
    if deliberate(Bug::TestsBeforeSteady) {
        stages.swap(1, 3);
    }
    Ok(single::plan(stages))
}

/// Where nothing has the traffic, there is nobody to share it with.
fn shift(spec: &Spec) -> Stage {
    if spec.has_original() {
        return single::shift(spec);
    }
    Stage::Shift {
        from: Split::ORIGINAL,
        steps: vec![Split::REPLACEMENT],
        minutes: 0,
    }
}

/// The original task set, which is still there, gets the traffic back at once, and no hook is called. The replacement is
/// deleted when it is certain that nothing goes to it.
fn back(spec: &Spec, pair: &TargetGroupPairInfo) -> Plan {
    let moved = spec.from_split.filter(|from| *from != Split::ORIGINAL);
    // What others have left may have a share.
    let left = spec
        .task_sets
        .as_ref()
        .is_some_and(|sets| !sets.left.is_empty());
    let moved = moved.or(left.then_some(Split::REPLACEMENT));
    single::plan([
        moved.map(single::shift_back),
        test(spec, pair),
        Some(single::enter(spec)),
        (!deliberate(Bug::WayBackLeavesTasks))
            .then_some(Stage::DeleteTaskSet { side: Side::Green }),
    ])
}

/// The test listener leads to the replacement, or to the original again.
fn test(spec: &Spec, pair: &TargetGroupPairInfo) -> Option<Stage> {
    pair.is_tested().then(|| Stage::TestTraffic {
        targets: single::targets(spec),
        window: ONE,
    })
}
