//! What receivers are told, to the letter.

use std::sync::Arc;

use serde_json::{Value, json};

use super::due;
use crate::engine::event::Event;
use crate::engine::spec::TargetSpec;
use crate::engine::{Deployment, Record, Spec, plan};
use crate::model::deployment::{
    DeploymentStatus, ErrorCode, ErrorInformation, ExecutionId, InstanceHealth, RevisionHealth,
    TargetStatus,
};
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::notification::Notification;
use crate::model::timestamp::Timestamp;

const GROUP: &str = "
applicationName: shop
deploymentGroupName: production
ec2TagFilters: [{ Key: role }]
triggerConfigurations:
  - triggerName: deployments
    triggerTargetArn: chat
    triggerEvents: [DeploymentStart, DeploymentFailure, DeploymentRollback]
  - triggerName: everything of instances
    triggerTargetArn: hook
    triggerEvents: [InstanceStart, InstanceFailure, InstanceSuccess]
";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn spec() -> Spec {
    let target = |host: &str| {
        json!(TargetSpec {
            name: name(host),
            zone: None,
            side: None,
            fleet: None,
            instance_health: InstanceHealth::Healthy,
            revision_health: RevisionHealth::Current,
        })
    };
    let group: crate::model::group::DeploymentGroup = crate::model::yaml::from_str(GROUP).unwrap();
    serde_json::from_value(json!({
        "deploymentId": "d-AAAAAAAAA",
        "group": group,
        "configuration": {
            "deploymentConfigName": "CodeDeployDefault.OneAtATime",
            "computePlatform": "Server",
            "minimumHealthyHosts": { "type": "MOST_CONCURRENCY", "value": 1 },
        },
        "revision": {
            "digest": crate::model::revision::Digest::from_bytes(&[7; 32]),
            "label": "1.8.0 <beta>",
            "size": 1,
        },
        "previousRevision": null,
        "targets": [target("web-1"), target("web-2")],
        "creator": "user",
        "by": "ana",
        "description": "",
        "rollsBack": null,
        "options": {},
    }))
    .unwrap()
}

/// What is told of each entry of a deployment whose first instance fails and which is then rolled back.
fn story() -> Vec<Notification> {
    let web_1 = || name("web-1");
    let at = |time| Timestamp(1_446_744_188_595 + time);
    let spec = spec();
    let plan = Arc::new(plan(&spec));
    let execution = ExecutionId::new(&spec.deployment_id, &web_1(), 0, 1);
    let created = Event::Created {
        spec: Arc::new(spec),
        plan,
    };
    let events = [
        Event::Started,
        Event::StageStarted { stage: 0 },
        Event::TargetStarted {
            target: web_1(),
            execution,
        },
        Event::EventStarted {
            target: web_1(),
            event: LifecycleEvent::ApplicationStop,
            host_time: at(400),
        },
        Event::EventEnded {
            target: web_1(),
            event: LifecycleEvent::ApplicationStop,
            status: EventStatus::Failed,
            host_time: at(450),
            diagnostics: Some(Diagnostics::unknown("stop.sh: no such\nservice & more")),
        },
        Event::TargetEnded {
            target: web_1(),
            status: TargetStatus::Failed,
            message: None,
            unanswered: false,
        },
        Event::Ended {
            status: DeploymentStatus::Failed,
            error: Some(ErrorInformation {
                code: ErrorCode::HealthConstraints,
                message: "too many instances failed".to_owned(),
            }),
        },
        Event::RolledBack {
            deployment: Some("d-BBBBBBBBB".parse().unwrap()),
            message: "d-BBBBBBBBB rolls it back".to_owned(),
        },
    ];
    let record = |(place, event): (i64, Event)| Record {
        seq: u64::try_from(place).unwrap() + 1,
        at: at(place * 100),
        event,
    };
    let mut records = (0..)
        .zip(std::iter::once(created).chain(events))
        .map(record);
    let mut deployment = Deployment::created(&records.next().unwrap()).unwrap();
    let mut told = Vec::new();
    for record in records {
        deployment.evolve(&record);
        let due_now = due(&name("demo"), &deployment, &record);
        // Whoever computes it again comes to the same.
        assert_eq!(due_now, due(&name("demo"), &deployment, &record));
        told.extend(due_now);
    }
    told
}

fn body(notification: &Notification) -> Value {
    let body: Value = serde_json::from_str(&notification.message.body).unwrap();
    assert_eq!(body["id"], notification.message.id);
    body
}

#[test]
fn each_trigger_tells_its_receiver_of_its_events() {
    let told: Vec<_> = story()
        .iter()
        .map(|one| {
            format!(
                "{} {} {} {}",
                one.entry, one.receiver, one.message.event, one.trigger
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "2 chat DeploymentStart deployments",
            "5 hook InstanceStart everything of instances",
            "7 hook InstanceFailure everything of instances",
            "8 chat DeploymentFailure deployments",
            "9 chat DeploymentRollback deployments",
        ]
    );
}

#[test]
fn ids_are_stable_and_no_two_are_alike() {
    let ids: Vec<String> = story().into_iter().map(|one| one.message.id).collect();
    // Receivers may remember it for long: it must never become another.
    assert_eq!(ids[0], "df9836ba-8c75-5639-9087-9e97abb46a47");
    let different: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
}

#[test]
fn a_deployment_has_the_documented_fields() {
    let story = story();
    let started = body(&story[0]);
    assert_eq!(
        started,
        json!({
            "schema": 1,
            "id": story[0].message.id,
            "region": "local",
            "accountId": "demo",
            "eventTriggerName": "deployments",
            "applicationName": "shop",
            "deploymentId": "d-AAAAAAAAA",
            "deploymentGroupName": "production",
            "createTime": "1446744188.595",
            "completeTime": null,
            "deploymentOverview": {
                "Failed": "0", "InProgress": "0", "Pending": "2", "Skipped": "0", "Succeeded": "0",
            },
            "status": "InProgress",
        })
    );
    let failed = body(&story[3]);
    assert_eq!(
        failed,
        json!({
            "schema": 1,
            "id": story[3].message.id,
            "region": "local",
            "accountId": "demo",
            "eventTriggerName": "deployments",
            "applicationName": "shop",
            "deploymentId": "d-AAAAAAAAA",
            "deploymentGroupName": "production",
            "createTime": "1446744188.595",
            "completeTime": "1446744189.295",
            "deploymentOverview": {
                "Failed": "1", "InProgress": "0", "Pending": "0", "Skipped": "1", "Succeeded": "0",
            },
            "status": "Failed",
            "errorInformation": {
                "ErrorCode": "HEALTH_CONSTRAINTS", "ErrorMessage": "too many instances failed",
            },
        })
    );
    assert_eq!(
        body(&story[4])["rollbackInformation"],
        json!({
            "RollbackDeploymentId": "d-BBBBBBBBB", "RollbackMessage": "d-BBBBBBBBB rolls it back",
        })
    );
}

#[test]
fn an_instance_has_the_documented_fields() {
    let story = story();
    let mut failed = body(&story[2]);
    let events = failed["lifecycleEvents"].take();
    assert_eq!(
        failed,
        json!({
            "schema": 1,
            "id": story[2].message.id,
            "region": "local",
            "accountId": "demo",
            "eventTriggerName": "everything of instances",
            "deploymentId": "d-AAAAAAAAA",
            "instanceId": "web-1",
            "lastUpdatedAt": "1446744189.195",
            "instanceStatus": "Failed",
            "lifecycleEvents": null,
        })
    );
    assert_eq!(
        events[0],
        json!({
            "LifecycleEvent": "ApplicationStop",
            "LifecycleEventStatus": "Failed",
            "StartTime": "1446744188.995",
            "EndTime": "1446744189.045",
        })
    );
    let last = events.as_array().unwrap().last().unwrap();
    assert_eq!(
        last,
        &json!({
            "LifecycleEvent": "ValidateService",
            "LifecycleEventStatus": "Skipped",
            "StartTime": null,
            "EndTime": null,
        })
    );
}

#[test]
fn a_sentence_says_what_where_how_many_and_why() {
    let said: Vec<String> = story()
        .into_iter()
        .map(|one| one.message.sentence)
        .collect();
    assert_eq!(
        said,
        [
            "shop/production: deployment d-AAAAAAAAA of 1.8.0 <beta> started (0 of 2 instances succeeded, 2 pending)",
            "shop/production: web-1 started in deployment d-AAAAAAAAA of 1.8.0 <beta>",
            "shop/production: web-1 failed in deployment d-AAAAAAAAA of 1.8.0 <beta>: ApplicationStop: stop.sh: no such service & more",
            "shop/production: deployment d-AAAAAAAAA of 1.8.0 <beta> failed (0 of 2 instances succeeded, 1 failed, 1 skipped): too many instances failed (HEALTH_CONSTRAINTS)",
            "shop/production: deployment d-AAAAAAAAA of 1.8.0 <beta> is rolled back (0 of 2 instances succeeded, 1 failed, 1 skipped): d-BBBBBBBBB rolls it back",
        ]
    );
}
