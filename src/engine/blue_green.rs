//! The plan of a blue/green deployment on hosts, and of its rollback (lifecycle.md §3).

use super::deliberate::{Bug, deliberate};
use super::order::deployment_order;
use super::plan::{Before, Plan, Stage, acceptable, fleet_window};
use super::spec::{Spec, TargetSpec};
use super::window::Window;
use crate::model::approval::Step;
use crate::model::deployment::{ErrorCode, ErrorInformation};
use crate::model::group::{
    BlueGreenDeploymentConfiguration, DeploymentReadyAction, InstanceAction,
};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::routing::TrafficRoutingConfig;
use crate::model::traffic::{Side, Split};

/// Both sides, in the order of deployment.
struct Sides {
    original: Vec<Name>,
    replacement: Vec<Name>,
}

/// What will be done.
///
/// # Errors
/// Why it can't start.
pub(super) fn plan(spec: &Spec) -> Result<Plan, ErrorInformation> {
    let options = options(spec)?;
    let sides = Sides {
        original: side(spec, Side::Blue),
        replacement: side(spec, Side::Green),
    };
    if spec.goes_back() {
        back(spec, sides)
    } else {
        forth(spec, sides, options)
    }
}

/// What its group says about original and replacement.
///
/// # Errors
/// It says nothing.
pub(super) fn options(spec: &Spec) -> Result<&BlueGreenDeploymentConfiguration, ErrorInformation> {
    let options = spec.group.blue_green_deployment_configuration.as_ref();
    options.ok_or_else(|| ErrorInformation {
        code: ErrorCode::MissingBlueGreenDeploymentConfiguration,
        message: format!(
            "{} is blue/green and has no blueGreenDeploymentConfiguration",
            spec.group_key()
        ),
    })
}

/// The wait for somebody who reroutes, if there is one.
pub(super) fn ready_wait(options: &BlueGreenDeploymentConfiguration) -> Option<Stage> {
    let ready = options.deployment_ready_option.unwrap_or_default();
    let waits = ready.action_on_timeout == DeploymentReadyAction::StopDeployment;
    waits.then_some(Stage::Wait {
        before: Before::Reroute,
        minutes: ready.wait_time_in_minutes,
    })
}

/// What waits for the approvals of the reroute, where some are demanded.
pub(super) fn approval(spec: &Spec) -> Option<Stage> {
    let demanded = spec.approvals.contains_key(&Step::Reroute);
    demanded.then_some(Stage::Approval)
}

/// For how many minutes the original is a way back before it is terminated; `None` if it is kept.
pub(super) fn termination(options: &BlueGreenDeploymentConfiguration) -> Option<u32> {
    let termination = options
        .terminate_blue_instances_on_deployment_success
        .unwrap_or_default();
    let terminates = termination.action == InstanceAction::Terminate;
    terminates.then_some(termination.termination_wait_time_in_minutes)
}

/// The wait for which the original is a way back; none where there are no minutes.
pub(super) fn keep(minutes: u32) -> Option<Stage> {
    (minutes > 0).then_some(Stage::Wait {
        before: Before::Termination,
        minutes,
    })
}

/// The configuration and the minimum apply to the replacement (configurations.md §6).
fn forth(
    spec: &Spec,
    Sides {
        original,
        replacement,
    }: Sides,
    options: &BlueGreenDeploymentConfiguration,
) -> Result<Plan, ErrorInformation> {
    // Before it is provisioned, only its number is known.
    let asked = spec.provision.as_ref();
    let n = match asked {
        Some(asked) if replacement.is_empty() => asked.count,
        _ => count(&replacement),
    };
    if n == 0 {
        let message = if spec.up_to_date > 0 {
            "every replacement instance has the revision already, and only outdated ones were asked for: deploy without that"
        } else {
            "no host has the tags of the replacement: run `cutover check`, or tag a host"
        };
        return Err(no_instances(message));
    }
    acceptable(spec, n)?;
    let window = fleet_window(spec, n)?;
    let mut stages: Vec<Stage> = asked.map(Stage::provision).into_iter().collect();
    stages.push(Stage::Install {
        zone: None,
        targets: replacement.clone(),
        events: LifecycleEvent::REPLACEMENT.to_vec(),
        window,
    });
    stages.extend(ready_wait(options).or_else(|| approval(spec)));
    let kept = !original.is_empty();
    match spec.configuration.traffic_routing_config.filter(|_| kept) {
        None => stages.push(Stage::Enter {
            targets: replacement,
            events: LifecycleEvent::ALLOW.to_vec(),
            window,
        }),
        Some(routing) => stages.extend(shift(replacement, routing, window)),
    }
    let first = stages.len() - usize::from(deliberate(Bug::OriginalLeavesFirst));
    stages.splice(first..first, leave(original));
    if let Some(minutes) = termination(options).filter(|_| kept) {
        stages.extend(keep(minutes));
        stages.extend(Stage::terminate(spec));
    }
    Ok(Plan {
        stages,
        window: Some(window),
        impossible: None,
    })
}

/// All of the replacement goes into service without a share, then it gets one after the other. What is to come behind
/// `AllowTraffic` comes when it has all of the traffic, as on the other platforms.
fn shift(targets: Vec<Name>, routing: TrafficRoutingConfig, window: Window) -> [Stage; 3] {
    let (enter, after) = LifecycleEvent::ALLOW.split_at(LifecycleEvent::ALLOW.len() - 1);
    [
        Stage::Enter {
            targets: targets.clone(),
            events: enter.to_vec(),
            window,
        },
        Stage::Shift {
            from: Split::ORIGINAL,
            steps: routing.steps(),
            minutes: routing.interval(),
        },
        Stage::Validate {
            targets,
            events: after.to_vec(),
            window,
        },
    ]
}

/// Nothing is installed: the original gets its traffic back, then the replacement loses it.
fn back(
    spec: &Spec,
    Sides {
        original,
        replacement,
    }: Sides,
) -> Result<Plan, ErrorInformation> {
    let n = count(&original);
    if n == 0 {
        return Err(no_instances(
            "there was no original that could get the traffic back: the replacement keeps it",
        ));
    }
    acceptable(spec, n)?;
    let window = fleet_window(spec, n)?;
    let mut stages = vec![Stage::Enter {
        targets: original,
        events: LifecycleEvent::ALLOW.to_vec(),
        window,
    }];
    if let Some(from) = spec.from_split {
        let shift = Stage::Shift {
            from,
            steps: vec![Split::ORIGINAL],
            minutes: 0,
        };
        // The original has left only if the replacement had everything. Otherwise it serves, and takes over at once.
        let left = from == Split::REPLACEMENT;
        stages.insert(usize::from(left), shift);
    }
    stages.extend(leave(replacement).filter(|_| !deliberate(Bug::ReplacementStays)));
    Ok(Plan {
        stages,
        window: Some(window),
        impossible: None,
    })
}

fn no_instances(message: &str) -> ErrorInformation {
    ErrorInformation {
        code: ErrorCode::NoInstances,
        message: message.to_owned(),
    }
}

/// All at once, and all of them or the deployment fails.
fn leave(targets: Vec<Name>) -> Option<Stage> {
    let n = count(&targets);
    (n > 0).then(|| Stage::Leave {
        targets,
        events: LifecycleEvent::BLOCK.to_vec(),
        window: Window {
            minimum_healthy: n,
            concurrency: n,
            floor: 0,
        },
    })
}

fn side(spec: &Spec, side: Side) -> Vec<Name> {
    let targets = spec.targets.iter();
    let targets: Vec<TargetSpec> = targets.filter(|t| t.side == Some(side)).cloned().collect();
    deployment_order(&targets)
}

fn count(names: &[Name]) -> u32 {
    u32::try_from(names.len()).unwrap_or(u32::MAX)
}
