//! `cutover logs ID [INSTANCE]`: what scripts wrote.

use super::print::say;
use futures_util::StreamExt as _;

use super::Exit;
use super::context::{Context, UsageError, usage};
use crate::api::client::Client;
use crate::api::feed::OutputLine;
use crate::model::deployment::DeploymentId;
use crate::model::name::Name;
use crate::model::output::OutputSource;
use crate::text::{clock_time, safe};

/// Prints output.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which deployment
    deployment: DeploymentId,
    /// Which instance; all of them by default, one after another
    instance: Option<Name>,
    /// Go on with what is still to come, until the instance is done
    #[arg(short, long, requires = "instance")]
    follow: bool,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let deployment = client.deployment(&args.deployment).await.map_err(usage)?;
    if let Some(name) = &args.instance {
        if deployment.target(name).is_none() {
            let text = format!("{} is not an instance of {}", name, args.deployment);
            return Err(UsageError(text).into());
        }
        print(&client, &args.deployment, name, args.follow).await?;
    } else {
        for target in &deployment.targets {
            print(&client, &args.deployment, &target.name, false).await?;
        }
    }
    Ok(Exit::Succeeded)
}

async fn print(
    client: &Client,
    id: &DeploymentId,
    name: &Name,
    follow: bool,
) -> color_eyre::Result<()> {
    let mut lines = client.output(id, name, 0, follow).await?;
    while let Some(line) = lines.next().await {
        say(format(name, &line?));
    }
    Ok(())
}

fn format(name: &Name, line: &OutputLine) -> String {
    let mark = match line.source {
        OutputSource::Stdout => ' ',
        OutputSource::Stderr => '!',
        OutputSource::Agent => '-',
    };
    format!(
        "{} {name} {} {mark} {}",
        clock_time(line.at),
        line.event,
        safe(&line.text)
    )
}
