//! Whether a deployment begins by asking a fleet, and which one.

use super::super::command::{ApiError, Deploy};
use crate::engine::Ledger;
use crate::engine::spec::{Provision, TargetSpec};
use crate::model::deployment::DeploymentId;
use crate::model::group::{DeploymentGroup, Selection, Sides};
use crate::model::host::copied_group;
use crate::model::project::Project;
use crate::model::traffic::Side;

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
            "{key} is COPY_AUTO_SCALING_GROUP, and autoScalingGroups names not exactly one: name the one that is copied, or the fleet of `connections` that provisions its replacement"
        ))
    })?;
    let original = ledger.selection(group);
    let count = project.selected(original.clone()).count();
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    if let Some(account) = &group.account {
        // A copy is copied the next time.
        let named = original.auto_scaling_groups.as_deref();
        let Some([copied]) = named else {
            return Err(wrong(format!(
                "{key} is COPY_AUTO_SCALING_GROUP, and what has its traffic is not one Auto Scaling group that could be copied: roll back, or set greenFleetProvisioningOption to DISCOVER_EXISTING"
            )));
        };
        return Ok(Some(Provision {
            fleet: copied.clone(),
            account: Some(account.clone()),
            count,
        }));
    }
    if project.connections.fleet(fleet).is_none() {
        let known = project.connections.fleets.iter();
        return Err(wrong(format!(
            "{}; `connections.fleets` of cutover.yaml says what the names stand for",
            super::super::checks::unknown("fleet", fleet, known.map(|one| one.name.as_str()))
        )));
    }
    Ok(Some(Provision {
        fleet: fleet.to_owned(),
        account: None,
        count,
    }))
}

/// Refuses to copy by a name that means two things: a fleet, and an Auto Scaling group of the account that the group says.
///
/// # Errors
/// If it does, with what to do.
pub(in super::super) fn means_one_thing(
    project: &Project,
    group: &DeploymentGroup,
) -> Result<(), ApiError> {
    let fleet = group.fleet().filter(|_| group.copies_fleet());
    let fleet = fleet.filter(|name| project.connections.fleet(name).is_some());
    let (Some(fleet), Some(account)) = (fleet, &group.account) else {
        return Ok(());
    };
    Err(ApiError::new(
        "InvalidAutoScalingGroupException",
        format!(
            "{} says `account: {account}`, so that its autoScalingGroups are those of AWS, and {fleet} is a fleet of `connections` in cutover.yaml, too: take `account` out of the group to have the fleet provision its replacement, or give the fleet another name to copy the Auto Scaling group",
            group.key()
        ),
    ))
}

/// Has the original instances end with their Auto Scaling group, if that is what a deployment copies at AWS.
pub(in super::super) fn end_with_it(
    project: &Project,
    provision: Option<&Provision>,
    targets: &mut [TargetSpec],
) {
    let Some(copied) = provision.filter(|asked| asked.account.is_some()) else {
        return;
    };
    for target in targets {
        let instance = project.host(&target.name);
        let instance = instance.and_then(|host| host.instance.as_ref());
        let group = instance.and_then(|it| it.auto_scaling_group.as_ref());
        if target.side == Some(Side::Blue) && group == Some(&copied.fleet) {
            target.fleet = Some(copied.fleet.clone());
        }
    }
}

/// Who is who when the replacement is provisioned.
pub(in super::super) fn sides(
    group: &DeploymentGroup,
    ledger: &Ledger,
    id: &DeploymentId,
) -> Sides {
    Sides {
        original: ledger.selection(group),
        replacement: Selection {
            account: group.account.clone(),
            ..Selection::auto_scaling_group(copied_group(&group.key(), id))
        },
    }
}
