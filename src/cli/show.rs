//! `cutover show ID`: one deployment, whole.

use super::print::say;
use serde_json::json;

use super::context::{Context, usage};
use super::{Exit, Output, control, table};
use crate::api::snapshot::Summary;
use crate::clock;
use crate::engine::deployment::{Deployment, Target};
use crate::engine::outlook;
use crate::model::deployment::DeploymentId;
use crate::model::lifecycle::EventStatus;
use crate::model::timestamp::Short;
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
    if args.output == Output::Json {
        let value = json!({
            "deploymentInfo": Summary::from(&deployment),
            "stop": deployment.stop,
            "rollback": deployment.rollback,
            "paused": deployment.paused,
            "held": deployment.held,
            "decided": deployment.decided,
            "outlook": outlook(&deployment, clock::now()),
            "plan": *deployment.plan,
            "targets": deployment.targets,
        });
        say(format_args!("{}", serde_json::to_string_pretty(&value)?));
        return Ok(Exit::Succeeded);
    }
    for line in lines(&deployment) {
        say(line);
    }
    Ok(Exit::Succeeded)
}

fn lines(deployment: &Deployment) -> Vec<String> {
    let spec = &deployment.spec;
    let mut lines = vec![
        format!(
            "{}  {}  {}",
            deployment.id(),
            deployment.group_key(),
            deployment.status
        ),
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
    if let Some(rollback) = &deployment.rollback {
        lines.push(format!("rollback       {}", safe(&rollback.message)));
    }
    lines.push(String::new());
    let mut headings = vec!["INSTANCE", "STATUS"];
    if let Some(target) = deployment.targets.first() {
        headings.extend(target.events.iter().map(|entry| entry.event.name()));
    }
    let rows: Vec<Vec<String>> = deployment.targets.iter().map(row).collect();
    lines.extend(table::lines(&headings, &rows));
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
        } else if let Some(message) = &target.message {
            lines.push(format!("{}: {}", target.name, safe(message)));
        }
    }
    lines
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
