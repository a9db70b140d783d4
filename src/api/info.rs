//! A deployment with `CodeDeploy`'s field names (`DeploymentInfo`), and what there is to say about it in sentences.

use serde_json::{Map, Value, json};

use super::snapshot::Summary;
use crate::engine::Deployment;
use crate::engine::deployment::Terminated;
use crate::engine::traffic::is_left_out;
use crate::model::deployment::{DeploymentId, DeploymentStatus};
use crate::model::group::InstanceAction;
use crate::model::host::copied_group;
use crate::model::name::Name;
use crate::model::traffic::Side;

/// `DeploymentInfo`, with the fields of our own that the list has too. `updates` are the automatic updates that this
/// deployment caused. Times are milliseconds since the epoch.
pub fn deployment_info(deployment: &Deployment, updates: &[DeploymentId]) -> Value {
    let spec = &deployment.spec;
    let mut info = match serde_json::to_value(Summary::from(deployment)) {
        Ok(Value::Object(info)) => info,
        _ => Map::new(),
    };
    let rollback = deployment.rollback.as_ref();
    let more = json!({
        "applicationName": spec.group.application_name,
        "deploymentGroupName": spec.group.deployment_group_name,
        "previousRevision": spec.previous_revision,
        "description": spec.description,
        "deploymentStyle": spec.group.deployment_style,
        "fileExistsBehavior": spec.options.file_exists_behavior,
        "ignoreApplicationStopFailures": spec.options.ignore_application_stop_failures,
        "updateOutdatedInstancesOnly": spec.options.update_outdated_instances_only,
        "autoRollbackConfiguration": spec.auto_rollback(),
        "alarmConfiguration": spec.alarms(),
        "overrideAlarmConfiguration": spec.options.override_alarm_configuration,
        "onFailure": spec.options.on_failure,
        "rollbackTargets": spec.options.rollback_targets,
        "rollbackInfo": {
            "rollbackDeploymentId": rollback.and_then(|rollback| rollback.deployment.as_ref()),
            "rollbackTriggeringDeploymentId": spec.rolls_back,
            "rollbackMessage": rollback.map(|rollback| &rollback.message),
        },
        "relatedDeployments": {
            "autoUpdateOutdatedInstancesRootDeploymentId": spec.updates.as_ref().map(|update| &update.root),
            "autoUpdateOutdatedInstancesDeploymentIds": updates,
        },
        "deploymentStatusMessages": status_messages(deployment),
    });
    if let Value::Object(more) = more {
        info.extend(more);
    }
    Value::Object(info)
}

/// What an operator should know besides status and error, a sentence each (`deploymentStatusMessages`).
pub fn status_messages(deployment: &Deployment) -> Vec<String> {
    let spec = &deployment.spec;
    let mut messages: Vec<String> = deployment.queued.iter().cloned().collect();
    let label = &spec.revision.label;
    match (spec.up_to_date, deployment.targets.len()) {
        (0, _) => {}
        (all, 0) => messages.push(format!(
            "nothing to do: all {all} instances have {label} already"
        )),
        (some, _) => messages.push(format!(
            "{some} instances have {label} already and are left out"
        )),
    }
    if let Some(wish) = &deployment.paused {
        messages.push(because(
            format!("paused by {}", wish.by),
            wish.why.as_deref(),
        ));
    }
    messages.extend(deployment.frozen_by());
    messages.extend(deployment.approved_by());
    if let Some(approvals) = deployment.awaits_approval() {
        messages.push(format!(
            "the {} waits for approval: {approvals}",
            approvals.step
        ));
    }
    if let Some(error) = &deployment.held {
        messages.push(format!(
            "held: {}; retry what failed, give up, or stop",
            error.message
        ));
    }
    let targets = deployment.targets.iter();
    let out: Vec<&str> = targets
        .filter(|target| is_left_out(target))
        .map(|target| target.name.as_str())
        .collect();
    if !out.is_empty() {
        messages.push(format!(
            "out of service at the load balancers, and left so: {}",
            out.join(", ")
        ));
    }
    let runs = !deployment.status.is_terminal();
    if let Some(error) = deployment.halted.as_ref().filter(|_| runs) {
        messages.push(format!("no further instance starts: {}", error.message));
    }
    if let Some(stop) = &deployment.stop {
        let did = if runs {
            "is stopping it"
        } else {
            "asked to stop it"
        };
        messages.push(because(format!("{} {did}", stop.by), stop.why.as_deref()));
    }
    messages.extend(original(deployment));
    messages.extend(copy(deployment));
    if let Some(rollback) = &deployment.rollback {
        messages.push(rollback.message.clone());
    }
    messages
}

/// What has become of the original in the end, if it was to be terminated.
fn original(deployment: &Deployment) -> Vec<String> {
    let mut messages = Vec::new();
    if let Some(Terminated { gone, trouble }) = &deployment.terminated {
        if !gone.is_empty() {
            messages.push(format!("terminated: {}", names(gone)));
        }
        if let Some(trouble) = trouble {
            messages.push(format!(
                "not every original instance was terminated: {trouble}"
            ));
        }
    }
    let group = &deployment.spec.group;
    let options = group.blue_green_deployment_configuration.as_ref();
    let option = options.and_then(|options| options.terminate_blue_instances_on_deployment_success);
    let terminates = option.is_some_and(|option| option.action == InstanceAction::Terminate);
    let blue = deployment.spec.targets.iter();
    let kept: Vec<Name> = blue
        .filter(|target| target.side == Some(Side::Blue) && target.fleet.is_none())
        .map(|target| target.name.clone())
        .collect();
    let moved = deployment.status == DeploymentStatus::Succeeded;
    let forth = deployment.spec.rolls_back.is_none();
    if terminates && moved && forth && !kept.is_empty() {
        messages.push(format!(
            "not terminated, for no fleet provisioned them: {}",
            names(&kept)
        ));
    }
    messages
}

/// What is left at AWS of a copy that has not become the group's.
fn copy(deployment: &Deployment) -> Option<String> {
    let asked = deployment.spec.provision.as_ref()?;
    let account = asked.account.as_ref()?;
    let ended = deployment.status.is_terminal();
    let left = ended && deployment.status != DeploymentStatus::Succeeded && deployment.provisioned;
    left.then(|| {
        let name = copied_group(&deployment.group_key(), deployment.id());
        format!("the Auto Scaling group {name} stays in the AWS account {account}: delete it there when nobody needs it")
    })
}

fn names(names: &[Name]) -> String {
    let names: Vec<&str> = names.iter().map(Name::as_str).collect();
    names.join(", ")
}

fn because(what: String, why: Option<&str>) -> String {
    match why {
        Some(why) => format!("{what}: {why}"),
        None => what,
    }
}
