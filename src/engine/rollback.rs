//! Rolling back: a new deployment of the revision that was good before.

use super::deliberate::{Bug, deliberate};
use super::deployment::{Deployment, Target, TargetEvent};
use super::ledger::Ledger;
use super::leg::Actor;
use super::members::targets;
use super::plan::Stage;
use super::spec::{Options, RollbackTargets, Spec};
use super::task_sets::TaskSets;
use crate::model::approval::Demanded;
use crate::model::configuration::DeploymentConfiguration;
use crate::model::deployment::{Creator, DeploymentId, DeploymentStatus};
use crate::model::group::AutoRollbackEvent;
use crate::model::host::Host;
use crate::model::lifecycle::EventStatus;
use crate::model::name::Name;
use crate::model::revision::Revision;
use crate::model::traffic::Side;

/// Whether a deployment that has ended is to be rolled back without anybody asking again (operations.md §2, §4.2).
pub fn wanted(deployment: &Deployment) -> bool {
    follows(deployment, deployment.status)
}

/// Whether a rollback follows when a deployment ends in this status as it stands.
pub fn follows(deployment: &Deployment, status: DeploymentStatus) -> bool {
    let spec = &deployment.spec;
    // A rollback is never rolled back: a failed one needs an operator. What the program begins by itself to bring hosts
    // up to the group's revision has nothing to go back to.
    let returns = spec.rolls_back.is_some();
    if (!spec.creator.is_choice() || returns) && !deliberate(Bug::RollbackOfRollback) {
        return false;
    }
    let configured = |event| {
        spec.auto_rollback()
            .is_some_and(|rollback| rollback.enabled && rollback.events.contains(&event))
    };
    let otherwise = match status {
        DeploymentStatus::Failed => configured(AutoRollbackEvent::DeploymentFailure),
        DeploymentStatus::Stopped if deliberate(Bug::RollbackForgotten) => return false,
        // One that was failing when the alarm went off would have been rolled back without it, too.
        DeploymentStatus::Stopped if deployment.alarmed.is_some() => {
            let failing = deployment.halted.is_some();
            configured(AutoRollbackEvent::DeploymentStopOnAlarm)
                || failing && configured(AutoRollbackEvent::DeploymentFailure)
        }
        DeploymentStatus::Stopped => configured(AutoRollbackEvent::DeploymentStopOnRequest),
        _ => return false,
    };
    // What somebody said about it also holds where the last instance failed before the stop took effect.
    let asked = deployment.stop.as_ref().and_then(|stop| stop.auto_rollback);
    asked.unwrap_or(otherwise)
}

/// The revision a rollback of this deployment would deploy: the group's last successful one, unless that is this very
/// deployment's; then the one before it.
pub fn revision(deployment: &Deployment, ledger: &Ledger) -> Option<Revision> {
    if deliberate(Bug::RollbackToItself) {
        Some(deployment.spec.revision.clone())
    } else if deployment.status == DeploymentStatus::Succeeded {
        deployment.spec.previous_revision.clone()
    } else {
        ledger.target_revision.clone()
    }
}

/// What the rollback of a deployment asks for (operations.md §4.3): the former revision, on all current members, under
/// the same configuration.
///
/// # Errors
/// A sentence for the operator if there is nothing to roll back to.
pub fn spec(
    deployment: &Deployment,
    ledger: &Ledger,
    members: &[Host],
    id: DeploymentId,
) -> Result<Spec, String> {
    let failed = &deployment.spec;
    if failed.is_blue_green() {
        return back(deployment, id);
    }
    let revision = revision(deployment, ledger).ok_or(
        "no earlier deployment of this group succeeded, so there is no revision to go back to",
    )?;
    let attempted = |name: &_| deployment.target(name).is_some_and(|t| t.attempt > 0);
    let mut targets = targets(members, ledger);
    if failed.options.rollback_targets == RollbackTargets::Attempted {
        targets.retain(|target| attempted(&target.name));
        if targets.is_empty() {
            return Err(
                "it had started on no instance, so there is nothing to roll back".to_owned(),
            );
        }
    }
    if deployment.start_time.is_none() {
        return Err("it had not begun, so there is nothing to roll back".to_owned());
    }
    Ok(Spec {
        deployment_id: id,
        group: failed.group.clone(),
        // A rollback does not go zone by zone.
        configuration: DeploymentConfiguration {
            zonal_config: None,
            ..failed.configuration.clone()
        },
        previous_revision: ledger.target_revision.clone(),
        revision,
        targets,
        up_to_date: 0,
        creator: Creator::CodeDeployRollback,
        by: deployment.id().to_string(),
        uid: None,
        description: format!("rollback of {}", deployment.id()),
        sides: None,
        function: None,
        service: None,
        task_sets: None,
        provision: None,
        rolls_back: Some(deployment.id().clone()),
        way_back: false,
        // Going back waits for nobody.
        approvals: Demanded::new(),
        from_split: None,
        updates: None,
        token: None,
        limits: failed.limits,
        options: Options {
            file_exists_behavior: ledger.file_exists_behavior,
            ignore_application_stop_failures: failed.options.ignore_application_stop_failures,
            ..Options::default()
        },
    })
}

/// What a blue/green deployment is rolled back to, in a sentence.
pub const ORIGINAL: &str = "the original";

/// Whether a blue/green deployment has a way back, on which its original gets the traffic again, and a service loses the
/// task set that was made for it.
///
/// # Errors
/// A sentence for the operator if no traffic had moved and no task set was made, if the way back has been gone already, or if
/// there is nothing to go back to.
pub fn way_back(deployment: &Deployment) -> Result<(), String> {
    // What the replacement had before it was installed is not the original's.
    let reroutes = |stage: usize| {
        let stage = deployment.plan.stages.get(stage);
        matches!(stage, Some(Stage::Enter { .. } | Stage::Leave { .. }))
    };
    // What is to be tried again looks as if it had never begun.
    let tried = |target: &Target, entry: &TargetEvent| {
        let first = target.part().next().map(|first| first.event);
        target.lost.is_some() && first == Some(entry.event)
    };
    let moved = |target: &Target| {
        target.events.iter().any(|entry| {
            let undone = match entry.actor() {
                Actor::Balancer => reroutes(entry.stage),
                Actor::TaskSets => true,
                Actor::Host | Actor::Hook => false,
            };
            let begun = !matches!(entry.status, EventStatus::Pending | EventStatus::Skipped);
            undone && (begun || tried(target, entry))
        })
    };
    if !(has_changed_something(deployment) && deployment.targets.iter().any(moved)) {
        return Err("no traffic had moved, so the original has all of it".to_owned());
    }
    if deployment.spec.rolls_back.is_some() {
        return Err(
            "it was the way back itself: an operator has to decide what comes now".to_owned(),
        );
    }
    if !deployment.spec.has_original() {
        return Err(
            "nothing was deployed before it, so there is no task set to go back to".to_owned(),
        );
    }
    if !keeps_task_set(deployment) {
        return Err(
            "its original task set is deleted, so there is nothing to go back to: deploy the former revision again"
                .to_owned(),
        );
    }
    Ok(())
}

/// Whether a deployment has changed something that there can be a way back from. Versions of a function come and go without it:
/// of that it is the traffic alone.
pub fn has_changed_something(deployment: &Deployment) -> bool {
    match &deployment.spec.function {
        Some(_) => deployment.shift.is_some(),
        None => deployment.start_time.is_some(),
    }
}

/// Whether nobody has been asked to delete the original task set. Where one is being deleted, nobody knows for how long it
/// serves.
fn keeps_task_set(deployment: &Deployment) -> bool {
    let stage = deployment.current_stage();
    !matches!(stage, Some(Stage::DeleteTaskSet { side: Side::Blue }))
}

/// Why a deployment that is over is not rolled back at all, if it is not: a function's goes back to the version before it or
/// nowhere, for to deploy an older one anew would begin where the alias does not lead any more.
pub fn refusal(deployment: &Deployment, ledger: &Ledger) -> Option<String> {
    deployment.spec.function.as_ref()?;
    if let Err(why) = way_back(deployment) {
        return Some(why);
    }
    let newest = ledger.last_begun.as_ref()?;
    (newest != deployment.id()).then(|| {
        format!(
            "{newest} has moved the traffic since: roll that back, or deploy the version that is to have it"
        )
    })
}

/// Whether a deployment that is over is rolled back by giving its original the traffic back: it is blue/green, none has begun
/// in its group since, and all its instances are still
/// there, or its task set.
pub fn reroutes(
    deployment: &Deployment,
    ledger: &Ledger,
    is_there: impl Fn(&Name) -> bool,
) -> bool {
    // To undo a way back is to go forward: that is installed anew, with all that stands in the way of a deployment.
    !deployment.spec.way_back
        && deployment.spec.is_blue_green()
        && ledger.active.is_none()
        && ledger.last_begun.as_ref() == Some(deployment.id())
        && keeps_task_set(deployment)
        && (!deployment.spec.is_on_hosts()
            || deployment
                .targets
                .iter()
                .all(|target| is_there(&target.name)))
}

/// The way back of a blue/green deployment: nothing is installed (lifecycle.md §3.3).
///
/// # Errors
/// As [`way_back`].
fn back(deployment: &Deployment, id: DeploymentId) -> Result<Spec, String> {
    way_back(deployment)?;
    let failed = &deployment.spec;
    let revision = failed.previous_revision.clone();
    Ok(Spec {
        deployment_id: id,
        // What the original has.
        revision: revision.clone().unwrap_or_else(|| failed.revision.clone()),
        creator: Creator::CodeDeployRollback,
        by: deployment.id().to_string(),
        uid: None,
        description: format!("rollback of {}", deployment.id()),
        provision: None,
        rolls_back: Some(deployment.id().clone()),
        way_back: false,
        // Going back waits for nobody.
        approvals: Demanded::new(),
        from_split: deployment.split(),
        task_sets: task_sets(deployment),
        updates: None,
        token: None,
        options: Options {
            ignore_application_stop_failures: failed.options.ignore_application_stop_failures,
            ..Options::default()
        },
        ..Spec::clone(failed)
    })
}

/// The same task sets, with the tasks as they are known by now.
fn task_sets(deployment: &Deployment) -> Option<Box<TaskSets>> {
    let mut sets = deployment.spec.task_sets.clone()?;
    let replacement = deployment.task_sets(Side::Green).pop();
    sets.replacement = replacement.unwrap_or(sets.replacement);
    Some(sets)
}
