//! `cutover traffic [ID]`: where the traffic of deployments that run really goes, and where it was left by those that ended.

mod remembered;

use serde_json::json;

use self::remembered::Remembered;
use super::context::{Context, look, usage};
use super::print::say;
use super::{Exit, Output, table};
use crate::api::client::Client;
use crate::api::view::View;
use crate::model::deployment::DeploymentId;
use crate::model::traffic::status::{
    BalancerDetails, BalancerStatus, Presence, ServerStatus, SideStatus,
};
use crate::model::traffic::{Side, Split};
use crate::text::safe;

/// Shows traffic.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of this deployment, with each server; without it, of all groups
    deployment: Option<DeploymentId>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let view = look(&client).await?;
    let found = match &args.deployment {
        Some(id) => vec![(id.clone(), client.traffic(id).await.map_err(usage)?)],
        None => all(&client, &view).await?,
    };
    let group = args.deployment.as_ref();
    let group = group.and_then(|id| Some(&view.summaries.get(id)?.group));
    let groups = view.project.groups.iter();
    let groups = groups.filter(|one| args.deployment.is_none() || Some(&one.key()) == group);
    let remembered: Vec<Remembered> = groups.filter_map(|it| Remembered::of(&view, it)).collect();
    match args.output {
        Output::Json => {
            let found: Vec<_> = found
                .iter()
                .map(|(id, balancers)| {
                    json!({ "deploymentId": id, "balancers": balancers, "tasks": view.tasks.get(id) })
                })
                .collect();
            let value = json!({ "traffic": found, "remembered": remembered });
            say(serde_json::to_string_pretty(&value)?);
        }
        Output::Text => {
            let mut shown = false;
            for (id, balancers) in &found {
                for balancer in balancers {
                    shown = true;
                    print(id, balancer, args.deployment.is_some());
                }
                for side in [Side::Blue, Side::Green] {
                    if let Some(tasks) = view.tasks.get(id).filter(|_| !balancers.is_empty()) {
                        let (label, counts) = (side.label(), tasks.side(side));
                        say(format_args!("  tasks of the {label}: {counts}"));
                    }
                }
            }
            remembered.iter().flat_map(Remembered::lines).for_each(say);
            if !shown && remembered.is_empty() {
                say(match &args.deployment {
                    Some(id) => format!("{id} is over, or has no load balancer"),
                    None => "no deployment that runs has a load balancer".to_owned(),
                });
            }
        }
    }
    Ok(Exit::Succeeded)
}

/// Of every deployment that runs and has load balancers.
async fn all(
    client: &Client,
    view: &View,
) -> color_eyre::Result<Vec<(DeploymentId, Vec<BalancerDetails>)>> {
    let mut found = Vec::new();
    for id in view.traffic.keys() {
        let balancers = client.traffic(id).await.map_err(usage)?;
        found.push((id.clone(), balancers));
    }
    Ok(found)
}

fn print(id: &DeploymentId, balancer: &BalancerDetails, servers: bool) {
    let status = &balancer.status;
    let kind = status.kind.as_ref().map(|kind| format!(" ({kind})"));
    say(format_args!(
        "{id}  {}{}  {}",
        safe(&status.name),
        kind.unwrap_or_default(),
        shares(status)
    ));
    if let Some(trouble) = &status.trouble {
        say(format_args!("  trouble: {}", safe(trouble)));
    }
    let sides = [
        (Side::Blue, &status.original),
        (Side::Green, &status.replacement),
    ];
    let rows: Vec<Vec<String>> = sides
        .into_iter()
        .filter(|(_, side)| side.servers > 0)
        .map(|(side, at)| row(side, at))
        .collect();
    let headings = [
        "  SIDE",
        "IN SERVICE",
        "WELL",
        "DRAINING",
        "IN FLIGHT",
        "REQUESTS/S",
        "ERRORS/S",
    ];
    table::lines(&headings, &rows).into_iter().for_each(say);
    if servers {
        let rows: Vec<Vec<String>> = balancer.servers.iter().map(server).collect();
        let headings = [
            "  SERVER",
            "SIDE",
            "SERVICE",
            "HEALTH",
            "WEIGHT",
            "IN FLIGHT",
            "REQUESTS",
            "ERRORS",
        ];
        table::lines(&headings, &rows).into_iter().for_each(say);
    }
}

/// `replacement: 30 % asked, 30 % in effect, 29 % measured`
fn shares(status: &BalancerStatus) -> String {
    let share = |split: Split| split.replacement();
    let parts = [
        (status.asked.map(share), "asked"),
        (status.in_effect.map(share), "in effect"),
        (status.measured, "measured"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter_map(|(percent, what)| Some(format!("{} % {what}", percent?)))
        .collect();
    if parts.is_empty() || status.replacement.servers == 0 {
        return String::new();
    }
    format!("replacement: {}", parts.join(", "))
}

fn row(side: Side, at: &SideStatus) -> Vec<String> {
    let counted = at.counted;
    vec![
        format!("  {}", side.label()),
        format!("{}/{}", at.in_service, at.servers),
        at.well.to_string(),
        at.draining.to_string(),
        number(at.in_flight),
        counted.map_or_else(
            || "-".to_owned(),
            |counted| format!("{:.1}", counted.rate()),
        ),
        counted.map_or_else(
            || "-".to_owned(),
            |counted| format!("{:.1}", counted.error_rate()),
        ),
    ]
}

fn server(server: &ServerStatus) -> Vec<String> {
    let service = match server.service {
        Presence::In => "in service",
        Presence::Draining => "draining",
        Presence::Out => "out",
        Presence::Absent => "absent",
    };
    let health = match (server.healthy, &server.trouble) {
        (_, Some(trouble)) => safe(trouble),
        (Some(true), None) => "well".to_owned(),
        (Some(false), None) => "not well".to_owned(),
        (None, None) => "-".to_owned(),
    };
    vec![
        format!("  {}", server.name),
        server.side.label().to_owned(),
        service.to_owned(),
        health,
        number(server.weight.map(u64::from)),
        number(server.in_flight),
        number(server.requests),
        number(server.errors),
    ]
}

fn number(n: Option<u64>) -> String {
    n.map_or_else(|| "-".to_owned(), |n| n.to_string())
}
