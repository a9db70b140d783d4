//! `cutover rollback ID`.

use super::context::{Context, user};
use super::print::say;
use super::{Exit, wait};
use crate::api::command::{Answer, Command};
use crate::model::deployment::DeploymentId;

/// Rolls a deployment back: one that runs is stopped first; over one that has ended, the revision before is deployed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which deployment
    deployment: DeploymentId,
    /// Wait until the rollback has ended
    #[arg(long)]
    wait: bool,
}

impl Args {
    /// What is sent.
    pub(super) fn request(&self) -> Command {
        Command::Rollback {
            deployment: self.deployment.clone(),
            by: user(),
            uid: None,
        }
    }
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let watched = match context.send(&client, args.request()).await? {
        Answer::Created { deployment } => {
            say(&deployment);
            deployment
        }
        Answer::Taken { message, .. } => {
            say(format_args!("stopping, then rolling back; {message}"));
            args.deployment
        }
        _ => args.deployment,
    };
    if args.wait {
        return wait::until_ended(context, &client, &watched).await;
    }
    Ok(Exit::Succeeded)
}
