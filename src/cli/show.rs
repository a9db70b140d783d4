//! `cutover show ID`: one deployment, whole.

use super::context::{Context, look, usage};
use super::print::say;
use super::{Exit, Output};
use crate::api::whole::deployment;
use crate::clock;
use crate::model::deployment::DeploymentId;

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
    let shown = client.deployment(&args.deployment).await.map_err(usage)?;
    let view = look(&client).await?;
    let now = clock::now();
    match args.output {
        Output::Json => {
            let value = deployment::json(&view, &shown, now);
            say(serde_json::to_string_pretty(&value)?);
        }
        Output::Text => deployment::lines(&view, &shown, now)
            .into_iter()
            .for_each(say),
    }
    Ok(Exit::Succeeded)
}
