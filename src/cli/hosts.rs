//! `cutover hosts`: every host, or one of them whole.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::context::{Context, UsageError, look};
use super::print::say;
use super::{Exit, Output, host_edit, table};
use crate::api::client::Client;
use crate::api::host::{HostView, span};
use crate::api::view::View;
use crate::api::whole;
use crate::clock;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::text::{clock_time, safe, size};

/// How long an orchestrator that has just been started may take to ask every host once.
const FIRST: Duration = Duration::from_secs(10);

/// Shows hosts.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub verb: Option<host_edit::Verb>,
    /// Show everything about this host
    host: Option<Name>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    if let Some(verb) = &args.verb {
        return host_edit::run(verb, context).await;
    }
    let client = context.connect().await?;
    let mut view = look(&client).await?;
    if view.all_hosts().any(|host| host.status.is_none()) {
        // Some may not have been asked yet; what is known after a while must do.
        let _late = tokio::time::timeout(FIRST, asked(&client, &mut view)).await;
    }
    let hosts: Vec<HostView<'_>> = match &args.host {
        Some(name) => vec![view.host(name).ok_or_else(|| unknown(name, &view))?],
        None => view.all_hosts().collect(),
    };
    let now = clock::now();
    match (args.output, &args.host) {
        (Output::Json, _) => {
            let hosts: Vec<Value> = hosts.into_iter().map(whole::host::json).collect();
            say(serde_json::to_string_pretty(&json!({ "hosts": hosts }))?);
        }
        (Output::Text, Some(_)) => hosts
            .into_iter()
            .flat_map(|host| whole::host::lines(host, now, clock_time))
            .for_each(say),
        (Output::Text, None) => as_table(&hosts, now).into_iter().for_each(say),
    }
    Ok(Exit::Succeeded)
}

/// Follows the feed until every host was asked.
async fn asked(client: &Client, view: &mut View) -> color_eyre::Result<()> {
    let mut feed = client.feed().await?;
    while view.all_hosts().any(|host| host.status.is_none()) {
        let Some(item) = feed.next().await else { break };
        // Only deployments can miss an entry, and nothing is said of them here.
        let _gap = view.apply(item?);
    }
    Ok(())
}

fn unknown(name: &Name, view: &View) -> UsageError {
    let nearest = view
        .project
        .hosts
        .iter()
        .map(|host| {
            (
                strsim::jaro_winkler(name.as_str(), host.name.as_str()),
                &host.name,
            )
        })
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    UsageError(match nearest {
        Some((_, nearest)) => format!("there is no host {name}: did you mean {nearest}?"),
        None => format!("there is no host {name}: `cutover hosts` lists all"),
    })
}

fn as_table(hosts: &[HostView<'_>], now: Timestamp) -> Vec<String> {
    let rows: Vec<Vec<String>> = hosts
        .iter()
        .map(|host| {
            let free = host.disk().map_or_else(String::new, |disk| size(disk.free));
            let up = host.uptime(now).map_or_else(String::new, span);
            let tags = host.host.all_tags().into_iter();
            let mut tags: Vec<String> = tags.map(|(k, v)| format!("{k}={v}")).collect();
            let from = host.host.provisioned.as_ref();
            tags.extend(from.map(|from| format!("(fleet {})", from.fleet)));
            let age = host.age(now).map_or_else(String::new, |age| {
                format!(" (the rest as of {} ago)", span(age))
            });
            let cells = [
                host.host.name.as_str(),
                host.state().word(),
                host.os(),
                host.version(),
                &up,
                &free,
                &host.installed().join(", "),
                &tags.join(" "),
                &format!("{}{age}", host.health()),
            ];
            cells
                .into_iter()
                .map(|cell| {
                    if cell.is_empty() {
                        "-".to_owned()
                    } else {
                        safe(cell)
                    }
                })
                .collect()
        })
        .collect();
    let headings = [
        "HOST",
        "STATE",
        "OS",
        "AGENT",
        "UP",
        "FREE",
        "INSTALLED",
        "TAGS",
        "HEALTH",
    ];
    table::lines(&headings, &rows)
}
