//! Notifications: who is told about a deployment, and what. They are written together with the entries that cause them
//! (`due`), and delivered by couriers (`courier`) that nothing waits for.

mod attempt;
mod courier;
mod payload;
mod sentence;
mod test;

use uuid::Uuid;

pub(super) use self::courier::Outbox;
use super::Orchestrator;
use crate::engine::notices::{Notice, notices};
use crate::engine::{Deployment, Record};
use crate::model::group::TriggerConfig;
use crate::model::name::Name;
use crate::model::notification::{Message, Notification};

impl Orchestrator {
    /// What is to be told about an entry of a deployment, given the deployment with that entry folded in.
    pub(super) fn notifications(&self, after: &Deployment, record: &Record) -> Vec<Notification> {
        let (project, _) = self.0.documents.current();
        due(&project.name, after, record)
    }
}

/// What is to be told. Which triggers there are is said by the deployment's own snapshot.
fn due(project: &Name, after: &Deployment, record: &Record) -> Vec<Notification> {
    let triggers = after.spec.group.trigger_configurations.as_deref();
    let triggers = triggers.unwrap_or_default();
    if triggers.is_empty() {
        return Vec::new();
    }
    let mut told = Vec::new();
    for notice in notices(after, record) {
        let asked = triggers
            .iter()
            .filter(|trigger| trigger.trigger_events.contains(&notice.event));
        told.extend(asked.map(|trigger| notification(project, after, record, &notice, trigger)));
    }
    told
}

fn notification(
    project: &Name,
    after: &Deployment,
    record: &Record,
    notice: &Notice,
    trigger: &TriggerConfig,
) -> Notification {
    let about = payload::About {
        project,
        deployment: after,
        notice,
        trigger,
        at: record.at,
    };
    let id = id(after, record, notice, trigger);
    Notification {
        message: Message {
            event: notice.event.name().to_owned(),
            body: payload::body(&id, &about),
            sentence: sentence::sentence(&about),
            id,
        },
        deployment_id: after.id().clone(),
        entry: record.seq,
        event: notice.event,
        target: notice.target.clone(),
        trigger: trigger.trigger_name.clone(),
        receiver: trigger.trigger_target_arn.clone(),
        at: record.at,
    }
}

/// The same for the same deployment, entry, trigger and target, whoever computes it and when.
fn id(after: &Deployment, record: &Record, notice: &Notice, trigger: &TriggerConfig) -> String {
    // Names of triggers may hold anything: as JSON, no two of these are alike.
    let about = serde_json::json!([
        "cutover:notification",
        after.id(),
        record.seq,
        trigger.trigger_name,
        notice.event,
        notice.target,
    ]);
    Uuid::new_v5(&Uuid::NAMESPACE_URL, about.to_string().as_bytes()).to_string()
}

#[cfg(test)]
mod tests;
