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
    let mut view = look(&client).await?;
    // What is unknown of how long its instances take is known of an earlier one, or of none: no reason to show nothing.
    if let Some(id) = view.example(&shown).cloned()
        && let Ok(past) = client.deployment(&id).await
    {
        view.deployments.insert(id, past);
    }
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
