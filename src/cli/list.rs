//! `cutover list`: deployments, and what else the project has.

use std::collections::BTreeMap;

use super::print::say;
use clap::ValueEnum;
use serde_json::{Value, json};

use super::context::{Context, UsageError, look, no_group};
use super::filter::Filter;
use super::{Exit, Output, table};
use crate::api::snapshot::Summary;
use crate::api::view::View;
use crate::engine::Deployment;
use crate::engine::approval::Approvals;
use crate::model::timestamp::{Short, Timestamp};
use crate::text::{date_time, safe};

/// Lists things.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to list
    #[arg(value_enum, default_value = "deployments")]
    what: What,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    #[command(flatten)]
    filter: Filter,
    /// At most so many deployments, newest first
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    Deployments,
    Applications,
    Groups,
    Revisions,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    if args.filter != Filter::default() && !matches!(args.what, What::Deployments) {
        let message = "--group, --status, --since and --until choose among deployments";
        return Err(UsageError(message.to_owned()).into());
    }
    let client = context.connect().await?;
    let view = look(&client).await?;
    // A group that is gone may have a history; one that never was is a slip.
    if let Some(group) = args.filter.group()
        && view.project.group(group).is_none()
        && !view.summaries.values().any(|of| of.group == *group)
    {
        return Err(no_group(group, &view).into());
    }
    if args.output == Output::Json {
        say(format_args!(
            "{}",
            serde_json::to_string_pretty(&as_json(args, &view))?
        ));
        return Ok(Exit::Succeeded);
    }
    let (headings, rows) = as_table(args, &view);
    for line in table::lines(headings, &rows) {
        say(line);
    }
    Ok(Exit::Succeeded)
}

fn deployments<'a>(args: &Args, view: &'a View) -> impl Iterator<Item = &'a Summary> {
    view.newest
        .iter()
        .filter_map(|id| view.summaries.get(id))
        .filter(|summary| args.filter.fits(summary))
        .take(args.limit)
}

fn as_json(args: &Args, view: &View) -> Value {
    match args.what {
        What::Deployments => {
            let all: Vec<&Summary> = deployments(args, view).collect();
            let waiting: BTreeMap<&str, Approvals> = all
                .iter()
                .filter_map(|summary| {
                    let open = view.deployments.get(&summary.deployment_id)?;
                    Some((summary.deployment_id.as_str(), open.awaits_approval()?))
                })
                .collect();
            json!({ "deployments": all, "approvals": waiting })
        }
        What::Applications => {
            json!({ "applications": view.project.applications.values().collect::<Vec<_>>() })
        }
        What::Groups => json!({ "deploymentGroups": view.project.groups }),
        What::Revisions => json!({ "revisions": view.revisions }),
    }
}

/// Headings and rows.
type Table = (&'static [&'static str], Vec<Vec<String>>);

fn as_table(args: &Args, view: &View) -> Table {
    match args.what {
        What::Deployments => (
            &[
                "DEPLOYMENT",
                "GROUP",
                "REVISION",
                "STATUS",
                "OK/ALL",
                "TOOK",
                "CREATED",
                "BY",
            ],
            deployments(args, view)
                .map(|summary| deployment_row(summary, view))
                .collect(),
        ),
        What::Applications => applications(view),
        What::Groups => groups(view),
        What::Revisions => revisions(view),
    }
}

/// A row of texts that may come from outside.
fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| safe(cell)).collect()
}

fn applications(view: &View) -> Table {
    let rows = view.project.applications.values().map(|application| {
        let groups = view
            .project
            .groups
            .iter()
            .filter(|group| group.application_name == application.application_name)
            .count();
        row(&[
            application.application_name.as_str(),
            application.compute_platform.name(),
            &groups.to_string(),
        ])
    });
    (&["APPLICATION", "PLATFORM", "GROUPS"], rows.collect())
}

fn groups(view: &View) -> Table {
    let rows = view.project.groups.iter().map(|group| {
        let key = group.key();
        let revision = view
            .ledgers
            .get(&key)
            .and_then(|ledger| ledger.target_revision.as_ref());
        row(&[
            &key.to_string(),
            group.deployment_style.deployment_type.label(),
            group.deployment_config_name.as_str(),
            &view.project.members(group).count().to_string(),
            revision.map_or("-", |revision| revision.label.as_str()),
        ])
    });
    (
        &["GROUP", "TYPE", "CONFIGURATION", "HOSTS", "REVISION"],
        rows.collect(),
    )
}

fn revisions(view: &View) -> Table {
    let rows = view.revisions.iter().flat_map(|(application, known)| {
        known.iter().map(move |registered| {
            row(&[
                application.as_str(),
                &registered.revision.label,
                registered.revision.digest.short(),
                &registered.revision.size.to_string(),
                &date_time(registered.register_time),
                &registered.description,
            ])
        })
    });
    (
        &[
            "APPLICATION",
            "REVISION",
            "DIGEST",
            "BYTES",
            "REGISTERED",
            "DESCRIPTION",
        ],
        rows.collect(),
    )
}

/// Where it stands, with the approvals that it waits for.
fn status(summary: &Summary, view: &View) -> String {
    let open = view.deployments.get(&summary.deployment_id);
    match open.and_then(Deployment::awaits_approval) {
        Some(Approvals { wanted, by, .. }) => {
            format!("{}, approved {}/{wanted}", summary.status, by.len())
        }
        None => summary.status.to_string(),
    }
}

fn deployment_row(summary: &Summary, view: &View) -> Vec<String> {
    let overview = summary.deployment_overview;
    let took = |start: Timestamp| {
        summary
            .complete_time
            .map_or("-".to_owned(), |end| Short(end.since(start)).to_string())
    };
    vec![
        summary.deployment_id.to_string(),
        summary.group.to_string(),
        safe(&summary.revision.label),
        status(summary, view),
        format!("{}/{}", overview.succeeded, overview.total()),
        summary.start_time.map_or("-".to_owned(), took),
        date_time(summary.create_time),
        safe(&summary.by),
    ]
}
