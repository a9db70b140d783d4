//! `cutover deploy APP GROUP REVISION`: creates a deployment, and waits for its end if asked to.

use super::print::say;
use std::path::Path;

use clap::ValueEnum;
use color_eyre::eyre::bail;

use super::Exit;
use super::context::{Context, user};
use super::push::push;
use super::wait;
use crate::api::command::{Answer, Command, Deploy};
use crate::engine::spec::Options;
use crate::model::deployment::FileExistsBehavior;
use crate::model::group::GroupKey;
use crate::model::name::Name;

/// Creates a deployment.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The application
    application: Name,
    /// The deployment group
    group: Name,
    /// A revision's label or digest, or a path (./dir, app.zip, app.tar.gz), which is pushed first
    revision: String,
    /// Wait until it has ended, and a rollback of it too
    #[arg(long)]
    wait: bool,
    /// Another deployment configuration than the group's
    #[arg(long, value_name = "NAME")]
    config: Option<Name>,
    /// Free text for the history
    #[arg(long, default_value = "")]
    description: String,
    /// Go on when `ApplicationStop` fails
    #[arg(long)]
    ignore_application_stop_failures: bool,
    /// What to do with files that exist, where the AppSpec says nothing
    #[arg(long, value_enum, default_value = "disallow")]
    file_exists_behavior: FileExists,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FileExists {
    Disallow,
    Overwrite,
    Retain,
}

impl From<FileExists> for FileExistsBehavior {
    fn from(value: FileExists) -> Self {
        match value {
            FileExists::Disallow => Self::Disallow,
            FileExists::Overwrite => Self::Overwrite,
            FileExists::Retain => Self::Retain,
        }
    }
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let revision = if is_path(&args.revision) {
        let path = Path::new(&args.revision);
        let pushed = push(context, &client, args.application.clone(), path, None).await?;
        pushed.revision.digest.to_string()
    } else {
        args.revision
    };
    let command = Command::Deploy(Deploy {
        group: GroupKey {
            application: args.application,
            group: args.group,
        },
        revision,
        configuration: args.config,
        description: args.description,
        options: Options {
            file_exists_behavior: args.file_exists_behavior.into(),
            ignore_application_stop_failures: args.ignore_application_stop_failures,
            ..Options::default()
        },
        token: None,
        by: user(),
    });
    let Answer::Created { deployment } = context.send(&client, command).await? else {
        bail!("an unexpected answer");
    };
    say(&deployment);
    if args.wait {
        return wait::until_ended(context, &client, &deployment).await;
    }
    Ok(Exit::Succeeded)
}

/// A revision that is written as a path: labels have no slash, and do not end like an archive.
fn is_path(revision: &str) -> bool {
    let archive = [".tar.gz", ".tgz", ".tar", ".zip"]
        .iter()
        .any(|ending| revision.ends_with(ending));
    archive || revision.contains('/') || revision == "."
}
