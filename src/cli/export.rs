//! `cutover export ID`: a recording of a deployment.

use std::io::{BufWriter, stdout};

use color_eyre::eyre::bail;
use futures_util::StreamExt as _;

use super::Exit;
use super::context::{Context, usage};
use crate::api::client::Client;
use crate::api::feed::FeedItem;
use crate::model::deployment::DeploymentId;
use crate::model::project::Project;
use crate::tui::{Entry, Recording};

/// Writes a recording to standard output: the project's documents as they are now, the deployment's journal, and what
/// its group remembers up to its end.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which deployment
    deployment: DeploymentId,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let id = &args.deployment;
    let records = client.records(id).await.map_err(usage)?;
    let Some(deployment) = crate::engine::fold(&records) else {
        bail!("the journal of {id} does not begin with its creation");
    };
    let group = deployment.group_key();
    let ledger = client.ledger(&group).await.map_err(usage)?;
    let last = records.last().map(|record| record.at);
    let of_group = ledger
        .into_iter()
        .filter(|entry| Some(entry.at) <= last)
        .map(|ledger| Entry::Group {
            group: group.clone(),
            ledger,
        });
    let of_deployment = records.into_iter().map(|record| Entry::Deployment {
        deployment: id.clone(),
        record,
    });
    let mut entries: Vec<Entry> = of_group.chain(of_deployment).collect();
    // What happened at the same time stays in its order.
    entries.sort_by_key(Entry::at);
    let recording = Recording {
        project: project(&client).await?,
        entries,
    };
    match recording.write(BufWriter::new(stdout().lock())) {
        // Whoever read it has had enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(Exit::Succeeded)
}

/// The documents as the orchestrator has last read them without an error.
async fn project(client: &Client) -> color_eyre::Result<Project> {
    match client.feed().await?.next().await {
        Some(Ok(FeedItem::Snapshot(snapshot))) => Ok(snapshot.project),
        Some(Err(error)) => Err(error.into()),
        _ => bail!("the orchestrator said nothing about the project"),
    }
}
