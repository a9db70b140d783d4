//! `cutover stop ID`.

use super::context::{Context, user};
use super::print::say;
use super::{Exit, wait};
use crate::api::command::{Answer, Command};
use crate::engine::input;
use crate::model::deployment::DeploymentId;

/// Stops a deployment.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which deployment
    deployment: DeploymentId,
    /// Roll back afterwards, whatever the configuration says
    #[arg(long, conflicts_with = "no_rollback")]
    rollback: bool,
    /// Do not roll back, whatever the configuration says
    #[arg(long)]
    no_rollback: bool,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Wait until it has ended
    #[arg(long)]
    wait: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let stop = input::What::Stop {
        auto_rollback: match (args.rollback, args.no_rollback) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
    };
    let command = Command::Control {
        deployment: args.deployment.clone(),
        control: input::Command {
            why: args.why,
            ..input::Command::new(stop, user())
        },
    };
    if let Answer::Taken { pending, message } = context.send(&client, command).await? {
        let state = if pending { "Pending" } else { "Succeeded" };
        say(format_args!("{state}: {message}"));
    }
    if args.wait {
        return wait::until_ended(context, &client, &args.deployment).await;
    }
    Ok(Exit::Succeeded)
}
