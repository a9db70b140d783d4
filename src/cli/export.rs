//! `cutover export ID`: a recording of a deployment.

use std::io::{BufWriter, stdout};

use color_eyre::eyre::bail;

use super::Exit;
use super::context::{Context, look, usage};
use crate::api::client::Client;
use crate::engine::{Deployment, Record, fold};
use crate::model::deployment::DeploymentId;
use crate::tui::Recording;

/// Writes a recording to standard output: the project's documents as they are now, the deployment's journal, and what
/// its group remembers up to its end.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which deployment
    deployment: DeploymentId,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let recording = recording(&client, &args.deployment).await?;
    match recording.write(BufWriter::new(stdout().lock())) {
        // Whoever read it has had enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(Exit::Succeeded)
}

/// A recording of a deployment, up to now if it runs.
pub(super) async fn recording(client: &Client, id: &DeploymentId) -> color_eyre::Result<Recording> {
    let records = client.records(id).await.map_err(usage)?;
    let group = folded(id, &records)?.group_key();
    let ledger = client.ledger(&group).await.map_err(usage)?;
    let project = look(client).await?.project;
    Ok(Recording::of(project, (id, records), (&group, ledger)))
}

/// The deployment that a journal tells of.
pub(super) fn folded(id: &DeploymentId, records: &[Record]) -> color_eyre::Result<Deployment> {
    match fold(records) {
        Some(deployment) => Ok(deployment),
        None => bail!("the journal of {id} does not begin with its creation"),
    }
}
