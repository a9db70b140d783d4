//! `cutover report-hook DEPLOYMENT ID succeeded|failed`.

use clap::ValueEnum;

use super::Exit;
use super::context::Context;
use super::print::say;
use crate::api::command::{Answer, Command};
use crate::model::deployment::DeploymentId;
use crate::orchestrator::hooks::report::HookStatus;

/// How a hook ended.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    /// The deployment may go on
    Succeeded,
    /// It may not
    Failed,
}

/// Says how a hook of a deployment ended.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which deployment: `DeploymentId` of what the hook was called with
    deployment: DeploymentId,
    /// `LifecycleEventHookExecutionId` of what the hook was called with
    #[arg(value_name = "ID")]
    ticket: String,
    /// How it ended
    #[arg(value_enum, ignore_case = true)]
    status: Status,
}

impl Args {
    /// What is sent.
    pub(super) fn request(self) -> Command {
        Command::ReportHook {
            deployment: self.deployment,
            ticket: self.ticket,
            status: match self.status {
                Status::Succeeded => HookStatus::Succeeded,
                Status::Failed => HookStatus::Failed,
            },
        }
    }
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    if let Answer::Taken { message, .. } = context.send(&client, args.request()).await? {
        say(message);
    }
    Ok(Exit::Succeeded)
}
