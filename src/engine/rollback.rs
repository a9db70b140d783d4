//! Rolling back: a new deployment of the revision that was good before.

use super::deployment::Deployment;
use super::ledger::Ledger;
use super::spec::{Spec, TargetSpec};
use crate::model::deployment::{Creator, DeploymentId, DeploymentStatus};
use crate::model::group::AutoRollbackEvent;
use crate::model::host::Host;
use crate::model::revision::Revision;

/// Whether a deployment that has ended is to be rolled back without anybody asking again (operations.md §2, §4.2).
pub fn wanted(deployment: &Deployment) -> bool {
    // A rollback is never rolled back: a failed one needs an operator.
    if deployment.spec.creator == Creator::CodeDeployRollback {
        return false;
    }
    let configured = |event| {
        deployment
            .spec
            .auto_rollback()
            .is_some_and(|rollback| rollback.enabled && rollback.events.contains(&event))
    };
    match deployment.status {
        DeploymentStatus::Failed => configured(AutoRollbackEvent::DeploymentFailure),
        DeploymentStatus::Stopped => deployment
            .stop
            .as_ref()
            .and_then(|stop| stop.auto_rollback)
            .unwrap_or_else(|| configured(AutoRollbackEvent::DeploymentStopOnRequest)),
        _ => false,
    }
}

/// The hosts of a group as the targets of its next deployment.
pub fn targets<'a>(
    members: impl IntoIterator<Item = &'a Host>,
    ledger: &Ledger,
) -> Vec<TargetSpec> {
    members
        .into_iter()
        .map(|host| {
            let known = ledger.hosts.get(&host.name);
            TargetSpec {
                name: host.name.clone(),
                zone: host.zone.clone(),
                instance_health: known.map(|k| k.instance_health).unwrap_or_default(),
                revision_health: known.map(|k| k.revision_health).unwrap_or_default(),
            }
        })
        .collect()
}

/// The revision a rollback of this deployment would deploy: the group's last successful one, unless that is this very
/// deployment's; then the one before it.
pub fn revision(deployment: &Deployment, ledger: &Ledger) -> Option<Revision> {
    if deployment.status == DeploymentStatus::Succeeded {
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
    let revision = revision(deployment, ledger).ok_or(
        "no earlier deployment of this group succeeded, so there is no revision to go back to",
    )?;
    let failed = &deployment.spec;
    Ok(Spec {
        deployment_id: id,
        group: failed.group.clone(),
        configuration: failed.configuration.clone(),
        previous_revision: ledger.target_revision.clone(),
        revision,
        targets: targets(members, ledger),
        creator: Creator::CodeDeployRollback,
        by: deployment.id().to_string(),
        description: format!("rollback of {}", deployment.id()),
        rolls_back: Some(deployment.id().clone()),
        options: failed.options.clone(),
    })
}
