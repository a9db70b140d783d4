//! The hosts of a group, as the targets of its next deployment, and what is to be done for those that fell behind.

use super::deployment::Deployment;
use super::ledger::Ledger;
use super::plan::plan;
use super::spec::{Options, Spec, TargetSpec, Update};
use crate::model::approval::Demanded;
use crate::model::configuration::DeploymentConfiguration;
use crate::model::deployment::{Creator, DeploymentId, DeploymentStatus, ErrorCode};
use crate::model::group::{DeploymentGroup, OutdatedInstancesStrategy, Sides};
use crate::model::host::Host;
use crate::model::limits::Limits;
use crate::model::name::Name;
use crate::model::revision::Revision;
use crate::model::traffic::Side;

/// After so many automatic updates in a row an operator has to look.
const ROUNDS: u32 = 3;

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
                side: None,
                fleet: host.provisioned.as_ref().map(|from| from.fleet.clone()),
                instance_health: known.map(|k| k.instance_health).unwrap_or_default(),
                revision_health: known.map(|k| k.revision_health).unwrap_or_default(),
            }
        })
        .collect()
}

/// The instances of both sides of a blue/green deployment, in the order of the project document.
pub fn both_sides<'a>(
    hosts: impl IntoIterator<Item = &'a Host>,
    sides: &Sides,
    ledger: &Ledger,
) -> Vec<TargetSpec> {
    let side = |host: &Host| {
        if sides.replacement.selects(host) {
            Some(Side::Green)
        } else {
            sides.original.selects(host).then_some(Side::Blue)
        }
    };
    let hosts: Vec<(&Host, Side)> = hosts
        .into_iter()
        .filter_map(|host| Some((host, side(host)?)))
        .collect();
    let mut targets = targets(hosts.iter().map(|(host, _)| *host), ledger);
    for (target, (_, side)) in targets.iter_mut().zip(hosts) {
        target.side = Some(side);
    }
    targets
}

/// Whether a host has another revision than this one, or none, or one that was left half way.
pub fn is_outdated(ledger: &Ledger, host: &Name, revision: &Revision) -> bool {
    use crate::model::deployment::InstanceHealth::Healthy;
    ledger.hosts.get(host).is_none_or(|known| {
        let installed = known.revision.as_ref().map(|r| &r.digest);
        installed != Some(&revision.digest) || known.instance_health != Healthy
    })
}

/// The members that joined the group since its last successful deployment: it never deployed to them, and nothing that
/// runs does (operations.md §7, launch).
pub fn newcomers<'a>(
    members: impl IntoIterator<Item = &'a Host>,
    ledger: &Ledger,
    active: Option<&Deployment>,
) -> Vec<&'a Host> {
    if ledger.target_revision.is_none() {
        return Vec::new();
    }
    members
        .into_iter()
        .filter(|host| {
            let joins = ledger
                .joining
                .values()
                .any(|hosts| hosts.contains(&host.name));
            let runs = active.is_some_and(|deployment| {
                deployment.target(&host.name).is_some() || is_replaced(deployment, host)
            });
            !ledger.hosts.contains_key(&host.name) && !joins && !runs
        })
        .collect()
}

/// Whether a host belongs to the Auto Scaling group that a deployment puts a copy in the place of: it would get the former
/// revision, and go on serving it beside the replacement. Once the deployment is over it has joined, or has ended with its group.
fn is_replaced(deployment: &Deployment, host: &Host) -> bool {
    let asked = deployment.spec.provision.as_ref();
    let copied = asked.filter(|asked| asked.account.is_some());
    let (Some(copied), Some(instance)) = (copied, &host.instance) else {
        return false;
    };
    let waits = instance.waits.as_ref().map(|waits| &waits.group);
    let mut groups = instance.auto_scaling_group.iter().chain(waits);
    groups.any(|group| *group == copied.fleet)
}

/// The launch deployment of a host that joined: the group's revision, beside whatever else runs. `None` if the group has
/// none, or wants no updates.
pub fn launch(
    group: &DeploymentGroup,
    configuration: &DeploymentConfiguration,
    limits: Limits,
    ledger: &Ledger,
    host: &Host,
    id: DeploymentId,
) -> Option<Spec> {
    if group.outdated_instances_strategy != OutdatedInstancesStrategy::Update {
        return None;
    }
    let revision = ledger.target_revision.clone()?;
    Some(beside(
        group,
        configuration,
        limits,
        ledger,
        host,
        revision,
        id,
    ))
}

/// A deployment to one host beside whatever else runs.
fn beside(
    group: &DeploymentGroup,
    configuration: &DeploymentConfiguration,
    limits: Limits,
    ledger: &Ledger,
    host: &Host,
    revision: Revision,
    id: DeploymentId,
) -> Spec {
    Spec {
        deployment_id: id,
        group: group.clone(),
        configuration: configuration.clone(),
        previous_revision: Some(revision.clone()),
        revision,
        targets: targets([host], ledger),
        up_to_date: 0,
        creator: Creator::Autoscaling,
        by: host.name.to_string(),
        uid: None,
        description: format!("{} joined the group", host.name),
        sides: None,
        function: None,
        service: None,
        task_sets: None,
        provision: None,
        rolls_back: None,
        way_back: false,
        approvals: Demanded::new(),
        from_split: None,
        updates: None,
        token: None,
        limits,
        options: Options {
            file_exists_behavior: ledger.file_exists_behavior,
            ..Options::default()
        },
    }
}

/// Whether Auto Scaling is to wait until the application on a host that leaves has ended.
pub fn is_to_end(group: &DeploymentGroup, ledger: &Ledger, host: &Name) -> bool {
    let known = ledger.hosts.get(host);
    let installed = known.is_some_and(|known| known.revision.is_some());
    installed && group.termination_hook_enabled == Some(true)
}

/// The termination deployment of a host that Auto Scaling terminates, beside whatever else runs (operations.md §7). `None` if
/// the group wants none, or has nothing on it.
pub fn termination(
    group: &DeploymentGroup,
    configuration: &DeploymentConfiguration,
    limits: Limits,
    ledger: &Ledger,
    host: &Host,
    id: DeploymentId,
) -> Option<Spec> {
    if !is_to_end(group, ledger, &host.name) {
        return None;
    }
    let revision = ledger.hosts.get(&host.name)?.revision.clone()?;
    Some(Spec {
        creator: Creator::AutoscalingTermination,
        description: format!("{} leaves the group", host.name),
        ..beside(group, configuration, limits, ledger, host, revision, id)
    })
}

/// What is asked of a few hosts of a group, under another configuration (that deploys to one at a time) if the minimum,
/// which was made for the whole group, leaves none of them to deploy to.
pub fn for_few(spec: Spec, one_at_a_time: Option<&DeploymentConfiguration>) -> Spec {
    let impossible = plan(&spec).impossible;
    match one_at_a_time {
        Some(other)
            if impossible.is_some_and(|e| e.code == ErrorCode::HealthConstraintsInvalid) =>
        {
            Spec {
                configuration: other.clone(),
                ..spec
            }
        }
        _ => spec,
    }
}

/// The deployment that brings those up to date that joined with the former revision while this one ran (domain.md §12).
/// `None` if there are none, or the group wants none, or it has been tried often enough.
pub fn update(
    deployment: &Deployment,
    ledger: &Ledger,
    members: &[Host],
    id: DeploymentId,
) -> Option<Spec> {
    let ended = &deployment.spec;
    let round = ended.updates.as_ref().map_or(0, |update| update.round) + 1;
    let wanted = deployment.status == DeploymentStatus::Succeeded
        && ended.takes_slot()
        && ended.group.outdated_instances_strategy == OutdatedInstancesStrategy::Update
        && round <= ROUNDS;
    if !wanted {
        return None;
    }
    // What a person's deployment was for, or left out on purpose, is not outdated.
    let was_for = |host: &Host| round == 1 && deployment.target(&host.name).is_some();
    let behind = members.iter().filter(|host| {
        let known = ledger.hosts.get(&host.name);
        let installed = known.and_then(|known| known.revision.as_ref());
        !was_for(host) && installed.is_some_and(|r| r.digest != ended.revision.digest)
    });
    let targets = targets(behind, ledger);
    if targets.is_empty() {
        return None;
    }
    let root = ended
        .updates
        .as_ref()
        .map_or(&ended.deployment_id, |update| &update.root);
    Some(Spec {
        deployment_id: id,
        targets,
        up_to_date: 0,
        previous_revision: ledger.target_revision.clone(),
        creator: Creator::CodeDeployAutoUpdate,
        by: deployment.id().to_string(),
        uid: None,
        description: format!("instances that were outdated after {}", deployment.id()),
        sides: None,
        function: None,
        service: None,
        task_sets: None,
        provision: None,
        rolls_back: None,
        way_back: false,
        approvals: Demanded::new(),
        from_split: None,
        updates: Some(Update {
            root: root.clone(),
            round,
        }),
        token: None,
        options: Options {
            update_outdated_instances_only: true,
            ..ended.options.clone()
        },
        ..(**ended).clone()
    })
}
