//! `cutover redeploy ID` or `cutover redeploy APP GROUP`: the same revision, configuration and options again.

use color_eyre::eyre::bail;

use super::context::{Context, UsageError, look, no_group, usage, user};
use super::print::say;
use super::{Exit, wait};
use crate::api::client::Client;
use crate::api::command::{Answer, Command, Deploy};
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;

/// Deploys again what a deployment deployed, or what a group's last deployment did.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which deployment; or an application and a deployment group, for the group's last one
    #[arg(required = true, num_args = 1..=2, value_names = ["ID | APP", "GROUP"])]
    which: Vec<String>,
    /// Free text for the history
    #[arg(long)]
    description: Option<String>,
    /// Wait until it has ended, and a rollback of it too
    #[arg(long)]
    wait: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let which = Which::read(&args.which)?;
    let client = context.connect().await?;
    let former = which.find(&client).await?;
    let deployment = client.deployment(&former).await.map_err(usage)?;
    let deploy = Deploy {
        description: args
            .description
            .unwrap_or_else(|| format!("{former} again")),
        ..Deploy::again(&deployment.spec, user())
    };
    let Answer::Created { deployment } = context.send(&client, Command::Deploy(deploy)).await?
    else {
        bail!("an unexpected answer");
    };
    say(&deployment);
    if args.wait {
        return wait::until_ended(context, &client, &deployment).await;
    }
    Ok(Exit::Succeeded)
}

/// What is to be deployed again.
enum Which {
    Deployment(DeploymentId),
    LastOf(GroupKey),
}

impl Which {
    fn read(words: &[String]) -> Result<Self, UsageError> {
        let wrong =
            |word: &str, error: &dyn std::fmt::Display| UsageError(format!("{word}: {error}"));
        match words {
            [application, group] => Ok(Self::LastOf(GroupKey {
                application: application.parse().map_err(|e| wrong(application, &e))?,
                group: group.parse().map_err(|e| wrong(group, &e))?,
            })),
            [id] => match id.parse() {
                Ok(id) => Ok(Self::Deployment(id)),
                Err(error) => Err(UsageError(format!(
                    "{id}: {error}; or give APP GROUP, for the group's last one"
                ))),
            },
            _ => Err(UsageError(
                "give a deployment's id, or APP GROUP".to_owned(),
            )),
        }
    }

    async fn find(self, client: &Client) -> color_eyre::Result<DeploymentId> {
        let key = match self {
            Self::Deployment(id) => return Ok(id),
            Self::LastOf(key) => key,
        };
        let view = look(client).await?;
        let ledger = view.ledgers.get(&key);
        match ledger.and_then(|ledger| ledger.last_attempted_deployment.as_ref()) {
            Some(last) => Ok(last.deployment_id.clone()),
            None if view.project.group(&key).is_some() => {
                Err(UsageError(format!("{key} has never been deployed to")).into())
            }
            None => Err(no_group(&key, &view).into()),
        }
    }
}
