//! Rolling back: a new deployment of the revision that was good before.

use super::deliberate::{Bug, deliberate};
use super::deployment::{Deployment, Target};
use super::ledger::Ledger;
use super::leg::Actor;
use super::members::targets;
use super::plan::Stage;
use super::spec::{Options, RollbackTargets, Spec};
use crate::model::configuration::DeploymentConfiguration;
use crate::model::deployment::{Creator, DeploymentId, DeploymentStatus};
use crate::model::group::AutoRollbackEvent;
use crate::model::host::Host;
use crate::model::lifecycle::EventStatus;
use crate::model::revision::Revision;

/// Whether a deployment that has ended is to be rolled back without anybody asking again (operations.md §2, §4.2).
pub fn wanted(deployment: &Deployment) -> bool {
    let asked = deployment.stop.as_ref().and_then(|stop| stop.auto_rollback);
    follows(&deployment.spec, deployment.status, asked)
}

/// Whether a rollback follows when a deployment ends in this status. `asked` is what whoever stopped it said about it.
pub fn follows(spec: &Spec, status: DeploymentStatus, asked: Option<bool>) -> bool {
    // A rollback is never rolled back: a failed one needs an operator. What the program begins by itself to bring hosts
    // up to the group's revision has nothing to go back to.
    let returns = spec.rolls_back.is_some();
    if (spec.creator != Creator::User || returns) && !deliberate(Bug::RollbackOfRollback) {
        return false;
    }
    let configured = |event| {
        spec.auto_rollback()
            .is_some_and(|rollback| rollback.enabled && rollback.events.contains(&event))
    };
    // What somebody said about it also holds where the last instance failed before the stop took effect.
    let otherwise = match status {
        DeploymentStatus::Failed => AutoRollbackEvent::DeploymentFailure,
        DeploymentStatus::Stopped if deliberate(Bug::RollbackForgotten) => return false,
        DeploymentStatus::Stopped => AutoRollbackEvent::DeploymentStopOnRequest,
        _ => return false,
    };
    asked.unwrap_or_else(|| configured(otherwise))
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
    if failed.sides.is_some() {
        return back(deployment, ledger, id);
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
        description: format!("rollback of {}", deployment.id()),
        sides: None,
        rolls_back: Some(deployment.id().clone()),
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

/// The way back of a blue/green deployment: the original gets its traffic back, nothing is installed (lifecycle.md §3.3).
///
/// # Errors
/// A sentence for the operator if no traffic had moved, or the way back has been gone already.
fn back(deployment: &Deployment, ledger: &Ledger, id: DeploymentId) -> Result<Spec, String> {
    let failed = &deployment.spec;
    // What the replacement had before it was installed is not the original's.
    let reroutes = |stage: usize| {
        let stage = deployment.plan.stages.get(stage);
        matches!(stage, Some(Stage::Enter { .. } | Stage::Leave { .. }))
    };
    let moved = |target: &Target| {
        target.events.iter().any(|entry| {
            Actor::of(entry.event) == Actor::Balancer
                && reroutes(entry.stage)
                && !matches!(entry.status, EventStatus::Pending | EventStatus::Skipped)
        })
    };
    if !deployment.targets.iter().any(moved) {
        return Err("no traffic had moved, so the original has all of it".to_owned());
    }
    if failed.rolls_back.is_some() {
        return Err(
            "it was the way back itself: an operator has to decide what comes now".to_owned(),
        );
    }
    let revision = failed.previous_revision.clone();
    Ok(Spec {
        deployment_id: id,
        // What the original has.
        revision: revision.clone().unwrap_or_else(|| failed.revision.clone()),
        previous_revision: ledger.target_revision.clone(),
        creator: Creator::CodeDeployRollback,
        by: deployment.id().to_string(),
        description: format!("rollback of {}", deployment.id()),
        rolls_back: Some(deployment.id().clone()),
        updates: None,
        token: None,
        options: Options {
            ignore_application_stop_failures: failed.options.ignore_application_stop_failures,
            ..Options::default()
        },
        ..Spec::clone(failed)
    })
}
