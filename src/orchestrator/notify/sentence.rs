//! A notification as one sentence.

use super::payload::About;
use crate::engine::Deployment;
use crate::model::group::TriggerEvent;
use crate::model::name::Name;
use crate::text::safe;

/// What happened, where, to which revision, how many instances stand how, and what went wrong.
pub(super) fn sentence(about: &About<'_>) -> String {
    let said = match &about.notice.target {
        Some(target) => of_instance(about, target),
        None => of_deployment(about),
    };
    let line = format!("{}: {said}", about.deployment.group_key());
    let words: Vec<&str> = line.split_whitespace().collect();
    safe(&words.join(" "))
}

fn of_instance(about: &About<'_>, target: &Name) -> String {
    let what = match about.notice.event {
        TriggerEvent::InstanceSuccess => "succeeded",
        TriggerEvent::InstanceFailure => "failed",
        TriggerEvent::InstanceReady => "is ready",
        _ => "started",
    };
    let deployment = about.deployment;
    let (id, label) = (deployment.id(), &deployment.spec.revision.label);
    let why = why_instance(deployment, target);
    format!("{target} {what} in deployment {id} of {label}{why}")
}

fn of_deployment(about: &About<'_>) -> String {
    let what = match about.notice.event {
        TriggerEvent::DeploymentSuccess => "succeeded",
        TriggerEvent::DeploymentFailure => "failed",
        TriggerEvent::DeploymentStop => "was stopped",
        TriggerEvent::DeploymentRollback => "is rolled back",
        TriggerEvent::DeploymentReady => "is ready",
        _ => "started",
    };
    let deployment = about.deployment;
    let (id, label) = (deployment.id(), &deployment.spec.revision.label);
    let why = match (&deployment.rollback, &deployment.error) {
        (Some(rollback), _) => format!(": {}", rollback.message),
        (None, Some(error)) => format!(": {} ({})", error.message, error.code.name()),
        (None, None) => String::new(),
    };
    let counts = counts(deployment);
    format!("deployment {id} of {label} {what} ({counts}){why}")
}

/// `3 of 6 instances succeeded, 2 failed`: the statuses that there are.
fn counts(deployment: &Deployment) -> String {
    let counts = deployment.overview;
    let others = [
        (counts.failed, "failed"),
        (counts.in_progress, "in progress"),
        (counts.ready, "ready"),
        (counts.skipped, "skipped"),
        (counts.pending, "pending"),
    ];
    let others = others.iter().filter(|(count, _)| *count > 0);
    let others = others.map(|(count, status)| format!(", {count} {status}"));
    let others: Vec<String> = others.collect();
    let (done, all) = (counts.succeeded, counts.total());
    format!("{done} of {all} instances succeeded{}", others.concat())
}

/// The event that failed and why, or why the target ended as it did.
fn why_instance(deployment: &Deployment, name: &Name) -> String {
    let Some(target) = deployment.target(name) else {
        return String::new();
    };
    let failed = target
        .events
        .iter()
        .find_map(|entry| Some((entry.event, entry.diagnostics.as_ref()?)));
    match (failed, &target.message) {
        (Some((event, why)), _) => format!(": {event}: {}", why.message),
        (None, Some(message)) => format!(": {message}"),
        (None, None) => String::new(),
    }
}
