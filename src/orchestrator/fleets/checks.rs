//! Whether a deployment begins by asking a fleet, and which one.

use super::super::command::{ApiError, Deploy};
use crate::engine::Ledger;
use crate::engine::spec::Provision;
use crate::model::deployment::DeploymentId;
use crate::model::group::{DeploymentGroup, Selection, Sides};
use crate::model::host::copied_group;
use crate::model::project::Project;

/// The replacement that a deployment asks a fleet for, if its group copies one (domain.md §8): as many instances as the
/// original has.
///
/// # Errors
/// If the group does not name one fleet that there is, or the deployment names instances besides.
pub(in super::super) fn provision(
    project: &Project,
    group: &DeploymentGroup,
    deploy: &Deploy,
    ledger: &Ledger,
) -> Result<Option<Provision>, ApiError> {
    if !group.copies_fleet() {
        return Ok(None);
    }
    let key = group.key();
    if deploy.target_instances.is_some() {
        return Err(ApiError::new(
            "InvalidTargetInstancesException",
            format!(
                "the replacement of {key} is provisioned: name no instances, or set greenFleetProvisioningOption to DISCOVER_EXISTING"
            ),
        ));
    }
    let wrong = |message| ApiError::new("InvalidAutoScalingGroupException", message);
    let fleet = group.fleet().ok_or_else(|| {
        wrong(format!(
            "{key} is COPY_AUTO_SCALING_GROUP, and autoScalingGroups names not exactly one: name the fleet of `connections` that provisions its replacement"
        ))
    })?;
    if project.connections.fleet(fleet).is_none() {
        let known = project.connections.fleets.iter();
        return Err(wrong(format!(
            "{}; `connections.fleets` of cutover.yaml says what the names stand for",
            super::super::checks::unknown("fleet", fleet, known.map(|one| one.name.as_str()))
        )));
    }
    let originals = project.selected(ledger.selection(group)).count();
    Ok(Some(Provision {
        fleet: fleet.to_owned(),
        count: u32::try_from(originals).unwrap_or(u32::MAX),
    }))
}

/// Who is who when the replacement is provisioned.
pub(in super::super) fn sides(
    group: &DeploymentGroup,
    ledger: &Ledger,
    id: &DeploymentId,
) -> Sides {
    Sides {
        original: ledger.selection(group),
        replacement: Selection::auto_scaling_group(copied_group(&group.key(), id)),
    }
}
