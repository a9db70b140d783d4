//! `cutover stop ID`.

use color_eyre::eyre::bail;
use serde_json::json;

use super::context::{Context, usage, user};
use super::control::{ahead, preview};
use super::print::say;
use super::{Exit, Output, wait};
use crate::api::command::{Answer, Command};
use crate::clock;
use crate::engine::{input, outlook};
use crate::model::deployment::DeploymentId;

/// Stops a deployment.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which deployment
    deployment: DeploymentId,
    #[command(flatten)]
    then: Then,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Only say what it would do
    #[arg(long)]
    dry_run: bool,
    /// Wait until it has ended
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "text", conflicts_with = "wait")]
    output: Output,
}

/// What comes after it.
#[derive(Debug, clap::Args)]
struct Then {
    /// Roll back afterwards, whatever the configuration says
    #[arg(long, conflicts_with = "no_rollback")]
    rollback: bool,
    /// Do not roll back, whatever the configuration says
    #[arg(long)]
    no_rollback: bool,
}

impl Args {
    /// Which deployment, and what is wanted of it.
    pub(super) fn order(&self) -> (DeploymentId, input::Command) {
        let stop = input::What::Stop {
            auto_rollback: match (self.then.rollback, self.then.no_rollback) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            },
        };
        let command = input::Command {
            why: self.why.clone(),
            ..input::Command::new(stop, user())
        };
        (self.deployment.clone(), command)
    }
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let (id, command) = args.order();
    let deployment = client.deployment(&id).await.map_err(usage)?;
    let foreseen = ahead(&client, &deployment, &command).await?;
    if args.dry_run {
        preview(&foreseen, args.output)?;
        return Ok(Exit::Succeeded);
    }
    let control = Command::Control {
        deployment: id.clone(),
        control: command,
    };
    let Answer::Taken { pending, message } = context.send(&client, control).await? else {
        bail!("an unexpected answer");
    };
    let state = if pending { "Pending" } else { "Succeeded" };
    if args.output == Output::Json {
        let deployment = client.deployment(&id).await.map_err(usage)?;
        let value = json!({
            "deploymentId": id,
            "status": state,
            "statusMessage": message,
            "decided": deployment.decided,
            "foreseen": foreseen,
            "outlook": outlook(&deployment, clock::now()),
        });
        say(serde_json::to_string_pretty(&value)?);
    } else {
        say(format_args!("{state}: {message}"));
    }
    if args.wait {
        return wait::until_ended(context, &client, &id).await;
    }
    Ok(Exit::Succeeded)
}
