//! A deployment, whole: `cutover show`.

use serde_json::{Value, json};

use crate::api::info::{deployment_info, status_messages};
use crate::api::view::View;
use crate::engine::deployment::{Deployment, Target};
use crate::engine::outlook;
use crate::engine::remaining::{Paces, Remaining, remaining};
use crate::model::deployment::DeploymentId;
use crate::model::host::Host;
use crate::model::lifecycle::EventStatus;
use crate::model::name::Name;
use crate::model::task_counts::TasksStatus;
use crate::model::timestamp::{Short, Timestamp};
use crate::model::traffic::Side;
use crate::model::traffic::status::TrafficStatus;
use crate::text::{date_time, safe, table};

/// As `CodeDeploy` writes it, with what is ours.
pub fn json(view: &View, deployment: &Deployment, now: Timestamp) -> Value {
    let updates = updates(view, deployment.id());
    let traffic = view.traffic.get(deployment.id());
    let left = left(view, deployment);
    json!({
        "deploymentInfo": deployment_info(deployment, &updates),
        "stop": deployment.stop,
        "rollback": deployment.rollback,
        "paused": deployment.paused,
        "held": deployment.held,
        "decided": deployment.decided,
        "outlook": outlook(deployment, now),
        "remaining": time_left(view, deployment, now),
        "plan": *deployment.plan,
        "targets": deployment.targets,
        "traffic": traffic.map(|gauge| &gauge.status),
        "tasks": tasks(view, deployment),
        "terminated": deployment.terminated,
        "left": left.iter().map(|(host, _)| host).collect::<Vec<_>>(),
    })
}

/// How much longer it works: by what its instances took, and where too few are done by what those of the deployment before it
/// took, where the picture holds that.
fn time_left(view: &View, deployment: &Deployment, now: Timestamp) -> Option<Remaining> {
    let past = view
        .example(deployment)
        .and_then(|id| view.deployments.get(id));
    remaining(deployment, &Paces::of(deployment, past), now)
}

/// How the tasks of a service stand, while it runs.
fn tasks<'a>(view: &'a View, deployment: &Deployment) -> Option<&'a TasksStatus> {
    let tasks = view.tasks.get(deployment.id());
    tasks.filter(|_| !deployment.status.is_terminal())
}

/// The automatic updates that a deployment caused, oldest first.
fn updates(view: &View, id: &DeploymentId) -> Vec<DeploymentId> {
    let all = view.newest.iter().rev();
    all.filter(|other| {
        let summary = view.summaries.get(other);
        summary.is_some_and(|summary| summary.updates.as_ref() == Some(id))
    })
    .cloned()
    .collect()
}

/// Hosts of an ended deployment's that fleets provisioned, that are still there, and that its group does not need.
fn left(view: &View, deployment: &Deployment) -> Vec<(Name, String)> {
    if !deployment.status.is_terminal() {
        return Vec::new();
    }
    let key = deployment.group_key();
    let needed = |host: &Host| {
        let group = view.project.group(&key);
        let ledger = view.ledgers.get(&key);
        group
            .zip(ledger)
            .is_some_and(|(group, ledger)| ledger.selection(group).selects(host))
    };
    let hosts = view.project.hosts.iter();
    hosts
        .filter_map(|host| {
            let from = host.provisioned.as_ref()?;
            let ours = deployment.position(&host.name).is_some();
            (ours && !needed(host)).then(|| (host.name.clone(), from.fleet.clone()))
        })
        .collect()
}

/// What an operator can do about what is left.
fn remains(left: &[(Name, String)]) -> Option<String> {
    let names: Vec<&str> = left.iter().map(|(name, _)| name.as_str()).collect();
    let (_, fleet) = left.first()?;
    Some(format!(
        "left           {} of the fleet {}: `cutover hosts terminate {}` ends them",
        names.join(", "),
        safe(fleet),
        names.join(" ")
    ))
}

/// What is wrong at load balancers.
fn trouble(traffic: &TrafficStatus) -> impl Iterator<Item = String> {
    let balancers = traffic.balancers.iter();
    balancers.filter_map(|balancer| {
        let trouble = balancer.trouble.as_ref()?;
        Some(format!(
            "load balancer  {}: {}",
            safe(&balancer.name),
            safe(trouble)
        ))
    })
}

/// The same in words.
pub fn lines(view: &View, deployment: &Deployment, now: Timestamp) -> Vec<String> {
    let mut lines = about(view, deployment, now);
    lines.push(String::new());
    lines.extend(instances(deployment));
    lines.extend(remains(&left(view, deployment)));
    lines
}

/// What there is to say about all of it.
fn about(view: &View, deployment: &Deployment, now: Timestamp) -> Vec<String> {
    let updates = updates(view, deployment.id());
    let traffic = view.traffic.get(deployment.id()).map(|gauge| &gauge.status);
    let spec = &deployment.spec;
    let mut lines = vec![
        format!(
            "{}  {}  {}",
            deployment.id(),
            deployment.group_key(),
            deployment.status
        ),
        format!("style          {}", safe(&spec.style_label())),
        format!(
            "outlook        {}",
            safe(&outlook(deployment, now).to_string())
        ),
        format!(
            "revision       {} ({})",
            safe(&spec.revision.label),
            spec.revision.digest.short()
        ),
        format!(
            "configuration  {}",
            spec.configuration.deployment_config_name
        ),
        format!(
            "created        {} by {} ({})",
            date_time(deployment.create_time),
            safe(&spec.by),
            spec.creator.name()
        ),
    ];
    let remaining = time_left(view, deployment, now);
    lines.extend(remaining.map(|remaining| format!("time           {remaining}")));
    if let Some(took) = deployment
        .complete_time
        .and_then(|end| deployment.duration(end))
    {
        lines.push(format!("took           {}", Short(took)));
    }
    if let Some(error) = &deployment.error {
        lines.push(format!(
            "error          {}: {}",
            error.code.name(),
            safe(&error.message)
        ));
    }
    lines.extend(traffic.into_iter().flat_map(trouble));
    lines.extend(tasks(view, deployment).into_iter().flat_map(|tasks| {
        [Side::Blue, Side::Green].map(|side| {
            let (label, counts) = (spec.side_label(side), tasks.side(side));
            let trouble = counts.trouble.as_ref();
            let trouble = trouble.map_or_else(String::new, |why| format!("; {}", safe(why)));
            format!("tasks          {}: {counts}{trouble}", safe(&label))
        })
    }));
    let (rolls_back, updates_of) = (spec.rolls_back.as_ref(), spec.updates.as_ref());
    lines.extend(rolls_back.map(|id| format!("rolls back     {id}")));
    lines.extend(
        updates_of.map(|update| format!("updates        what was outdated after {}", update.root)),
    );
    lines.extend(updates.iter().map(|id| format!("updated by     {id}")));
    for message in status_messages(deployment) {
        lines.push(format!("note           {}", safe(&message)));
    }
    lines
}

/// What each instance does.
fn instances(deployment: &Deployment) -> Vec<String> {
    let noun = deployment.spec.target_heading().to_uppercase();
    let mut headings = vec![noun.as_str(), "STATUS"];
    if let Some(target) = deployment.targets.first() {
        headings.extend(target.events.iter().map(|entry| entry.event.name()));
    }
    let rows: Vec<Vec<String>> = deployment.targets.iter().map(row).collect();
    let mut lines = table::lines(&headings, &rows);
    for target in &deployment.targets {
        if let Some(note) = note(target) {
            lines.push(format!("{}: {note}", target.name));
        }
    }
    for target in &deployment.targets {
        lines.extend(failure(target));
    }
    lines
}

/// What the table does not say of an instance: that it was tried before, that it is silent, why it ended so.
fn note(target: &Target) -> Option<String> {
    let mut words = Vec::new();
    if target.tries() > 1 {
        words.push(format!("attempt {}", target.tries()));
    }
    if let Some(since) = target.silent_since {
        words.push(format!("not heard of since {}", date_time(since)));
    }
    words.extend(target.message.as_deref().map(safe));
    (!words.is_empty()).then(|| words.join(", "))
}

fn row(target: &Target) -> Vec<String> {
    let mut cells = vec![target.name.to_string(), target.status.to_string()];
    cells.extend(target.events.iter().map(|entry| {
        match (entry.status, entry.start_time, entry.end_time) {
            (EventStatus::Succeeded, Some(start), Some(end)) => Short(end.since(start)).to_string(),
            (status, ..) => format!("{status:?}"),
        }
    }));
    cells
}

/// Where it failed, and the end of what the script wrote.
fn failure(target: &Target) -> Vec<String> {
    let failure = target.failure();
    let Some((failure, diagnostics)) = failure.and_then(|of| Some((of, of.diagnostics.as_ref()?)))
    else {
        return Vec::new();
    };
    let first = format!(
        "{} {}: {} {} {}",
        target.name,
        failure.event,
        diagnostics.error_code,
        safe(&diagnostics.script_name),
        safe(&diagnostics.message)
    );
    let tail = diagnostics.log_tail.lines();
    let tail = tail.map(|line| format!("  {}", safe(line)));
    [String::new(), first].into_iter().chain(tail).collect()
}

/// An instance of it, as it stands among its `targets`.
pub fn instance_json(target: &Target) -> Value {
    json!(target)
}

/// The same in words.
pub fn instance_lines(deployment: &Deployment, target: &Target) -> Vec<String> {
    let mut lines = vec![format!(
        "{}  {}  {}",
        target.name,
        deployment.id(),
        target.status
    )];
    lines.extend(note(target));
    lines.push(String::new());
    let rows: Vec<Vec<String>> = target
        .events
        .iter()
        .map(|entry| {
            let at = entry.start_time.map_or_else(|| "-".to_owned(), date_time);
            let took = entry.start_time.zip(entry.end_time);
            let took = took.map_or_else(
                || "-".to_owned(),
                |(start, end)| Short(end.since(start)).to_string(),
            );
            let status = format!("{:?}", entry.status);
            vec![entry.event.name().to_owned(), status, at, took]
        })
        .collect();
    lines.extend(table::lines(&["EVENT", "STATUS", "STARTED", "TOOK"], &rows));
    lines.extend(failure(target));
    lines
}
