//! A notification as JSON, with the fields that `CodeDeploy` documents (domain.md §11), and two of our own: `schema`, the
//! number of this form, and `id`.

use serde::Serialize;

use crate::engine::Deployment;
use crate::engine::notices::Notice;
use crate::model::deployment::{DeploymentId, DeploymentStatus, TargetStatus};
use crate::model::group::TriggerConfig;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// The number of this form. It changes when a field goes or means something else.
const SCHEMA: u32 = 1;

/// There are no regions; this one is always the same.
const REGION: &str = "local";

/// What a notification is about.
pub(super) struct About<'a> {
    /// The project's name, which takes the account's place.
    pub project: &'a Name,
    /// The deployment, with the entry folded in.
    pub deployment: &'a Deployment,
    pub notice: &'a Notice,
    pub trigger: &'a TriggerConfig,
    /// When it happened.
    pub at: Timestamp,
}

/// The notification's JSON.
pub(super) fn body(id: &str, about: &About<'_>) -> String {
    let head = Head {
        schema: SCHEMA,
        id,
        region: REGION,
        account_id: about.project,
        event_trigger_name: &about.trigger.trigger_name,
    };
    let json = match &about.notice.target {
        None => serde_json::to_string(&of_deployment(head, about.deployment)),
        Some(target) => serde_json::to_string(&of_instance(head, about, target)),
    };
    // Nothing in it can fail to be written.
    json.unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    schema: u32,
    id: &'a str,
    region: &'static str,
    account_id: &'a Name,
    event_trigger_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfDeployment<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    application_name: &'a Name,
    deployment_id: &'a DeploymentId,
    deployment_group_name: &'a Name,
    create_time: String,
    complete_time: Option<String>,
    deployment_overview: Counts,
    status: DeploymentStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_information: Option<ErrorInformation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback_information: Option<RollbackInformation<'a>>,
}

/// Targets by status, each number as text.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Counts {
    failed: String,
    in_progress: String,
    pending: String,
    skipped: String,
    succeeded: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorInformation<'a> {
    error_code: &'static str,
    error_message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RollbackInformation<'a> {
    rollback_deployment_id: Option<&'a DeploymentId>,
    rollback_message: &'a str,
}

fn of_deployment<'a>(head: Head<'a>, deployment: &'a Deployment) -> OfDeployment<'a> {
    let group = &deployment.spec.group;
    let counts = deployment.overview;
    OfDeployment {
        head,
        application_name: &group.application_name,
        deployment_id: deployment.id(),
        deployment_group_name: &group.deployment_group_name,
        create_time: seconds(deployment.create_time),
        complete_time: deployment.complete_time.map(seconds),
        deployment_overview: Counts {
            failed: counts.failed.to_string(),
            in_progress: counts.in_progress.to_string(),
            pending: counts.pending.to_string(),
            skipped: counts.skipped.to_string(),
            succeeded: counts.succeeded.to_string(),
        },
        status: deployment.status,
        error_information: deployment.error.as_ref().map(|error| ErrorInformation {
            error_code: error.code.name(),
            error_message: &error.message,
        }),
        rollback_information: deployment
            .rollback
            .as_ref()
            .map(|rollback| RollbackInformation {
                rollback_deployment_id: rollback.deployment.as_ref(),
                rollback_message: &rollback.message,
            }),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfInstance<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    deployment_id: &'a DeploymentId,
    instance_id: &'a Name,
    last_updated_at: String,
    instance_status: TargetStatus,
    lifecycle_events: Vec<OfEvent>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OfEvent {
    lifecycle_event: LifecycleEvent,
    lifecycle_event_status: EventStatus,
    start_time: Option<String>,
    end_time: Option<String>,
}

fn of_instance<'a>(head: Head<'a>, about: &About<'a>, name: &'a Name) -> OfInstance<'a> {
    let target = about.deployment.target(name);
    let events = target.map_or(&[][..], |target| &target.events);
    OfInstance {
        head,
        deployment_id: about.deployment.id(),
        instance_id: name,
        last_updated_at: seconds(about.at),
        instance_status: target.map_or(TargetStatus::Unknown, |target| target.status),
        lifecycle_events: events
            .iter()
            .map(|entry| OfEvent {
                lifecycle_event: entry.event,
                lifecycle_event_status: entry.status,
                start_time: entry.start_time.map(seconds),
                end_time: entry.end_time.map(seconds),
            })
            .collect(),
    }
}

/// Seconds since the epoch with milliseconds, as text: `1446744188.595`.
fn seconds(at: Timestamp) -> String {
    format!("{}.{:03}", at.0.div_euclid(1000), at.0.rem_euclid(1000))
}
