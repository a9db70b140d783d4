//! `cutover show ID`: one deployment, whole.

use super::print::say;
use serde_json::json;

use super::context::{Context, look, usage};
use super::{Exit, Output, control, table};
use crate::api::client::Client;
use crate::api::info::{deployment_info, status_messages};
use crate::api::view::View;
use crate::clock;
use crate::engine::deployment::{Deployment, Target};
use crate::engine::outlook;
use crate::engine::remaining::{Paces, Remaining, remaining};
use crate::model::deployment::DeploymentId;
use crate::model::host::Host;
use crate::model::lifecycle::EventStatus;
use crate::model::name::Name;
use crate::model::task_counts::TasksStatus;
use crate::model::timestamp::Short;
use crate::model::traffic::Side;
use crate::model::traffic::status::TrafficStatus;
use crate::text::{date_time, safe};

/// Shows a deployment.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which deployment
    deployment: DeploymentId,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let deployment = client.deployment(&args.deployment).await.map_err(usage)?;
    let view = look(&client).await?;
    let updates = updates(&view, &args.deployment);
    let left = left(&view, &deployment);
    let remaining = time_left(&client, &view, &deployment).await;
    let traffic = view.traffic.get(&args.deployment);
    let traffic = traffic.map(|gauge| &gauge.status);
    let tasks = view.tasks.get(&args.deployment);
    let tasks = tasks.filter(|_| !deployment.status.is_terminal());
    if args.output == Output::Json {
        let value = json!({
            "deploymentInfo": deployment_info(&deployment, &updates),
            "stop": deployment.stop,
            "rollback": deployment.rollback,
            "paused": deployment.paused,
            "held": deployment.held,
            "decided": deployment.decided,
            "outlook": outlook(&deployment, clock::now()),
            "remaining": remaining,
            "plan": *deployment.plan,
            "targets": deployment.targets,
            "traffic": traffic,
            "tasks": tasks,
            "terminated": deployment.terminated,
            "left": left.iter().map(|(host, _)| host).collect::<Vec<_>>(),
        });
        say(format_args!("{}", serde_json::to_string_pretty(&value)?));
        return Ok(Exit::Succeeded);
    }
    let shown = lines(&deployment, remaining, &updates, (traffic, tasks)).into_iter();
    shown.chain(remains(&left)).for_each(say);
    Ok(Exit::Succeeded)
}

/// How much longer it works: by what its instances took, and where too few are done by what those of the deployment before
/// it took.
async fn time_left(client: &Client, view: &View, deployment: &Deployment) -> Option<Remaining> {
    let past = match view.example(deployment) {
        // What is unknown of it is left out, and no reason to show nothing.
        Some(id) => client.deployment(id).await.ok(),
        None => None,
    };
    let paces = Paces::of(deployment, past.as_ref());
    remaining(deployment, &paces, clock::now())
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
    let targets = deployment.targets.iter();
    let hosts = targets.filter_map(|target| view.project.host(&target.name));
    hosts
        .filter_map(|host| {
            let from = host.provisioned.as_ref()?;
            (!needed(host)).then(|| (host.name.clone(), from.fleet.clone()))
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

fn lines(
    deployment: &Deployment,
    remaining: Option<Remaining>,
    updates: &[DeploymentId],
    (traffic, tasks): (Option<&TrafficStatus>, Option<&TasksStatus>),
) -> Vec<String> {
    let spec = &deployment.spec;
    let mut lines = vec![
        format!(
            "{}  {}  {}",
            deployment.id(),
            deployment.group_key(),
            deployment.status
        ),
        format!("style          {}", safe(&spec.style_label())),
        format!("outlook        {}", control::outlook_of(deployment)),
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
    lines.extend(tasks.into_iter().flat_map(|tasks| {
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
    lines.push(String::new());
    let noun = spec.target_heading().to_uppercase();
    let mut headings = vec![noun.as_str(), "STATUS"];
    if let Some(target) = deployment.targets.first() {
        headings.extend(target.events.iter().map(|entry| entry.event.name()));
    }
    let rows: Vec<Vec<String>> = deployment.targets.iter().map(row).collect();
    lines.extend(table::lines(&headings, &rows));
    for target in &deployment.targets {
        if let Some(note) = note(target) {
            lines.push(format!("{}: {note}", target.name));
        }
    }
    for target in &deployment.targets {
        if let Some(failure) = target.failure()
            && let Some(diagnostics) = &failure.diagnostics
        {
            lines.push(String::new());
            lines.push(format!(
                "{} {}: {} {} {}",
                target.name,
                failure.event,
                diagnostics.error_code,
                safe(&diagnostics.script_name),
                safe(&diagnostics.message)
            ));
            lines.extend(
                diagnostics
                    .log_tail
                    .lines()
                    .map(|line| format!("  {}", safe(line))),
            );
        }
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
