//! `cutover report ID`: a deployment for those who were not there.

use super::Exit;
use super::context::{Context, usage};
use super::print::say;
use crate::api::afterwards::report::report;
use crate::clock;
use crate::model::deployment::DeploymentId;

/// Prints a report in Markdown: what, who and when, what failed with the end of its output, what was done about it, where
/// the traffic is, and where to look further.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which deployment
    deployment: DeploymentId,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let records = client.records(&args.deployment).await.map_err(usage)?;
    let deployment = super::export::folded(&args.deployment, &records)?;
    let text = report(&deployment, &records, clock::now());
    say(text.trim_end());
    Ok(Exit::Succeeded)
}
