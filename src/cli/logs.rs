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
        if args.follow {
            follow(&client, &args.deployment, name).await?;
        } else {
            print(&client, &args.deployment, name).await?;
        }
    } else {
        for target in &deployment.targets {
            print(&client, &args.deployment, &target.name).await?;
        }
    }
    Ok(Exit::Succeeded)
}

async fn print(client: &Client, id: &DeploymentId, name: &Name) -> color_eyre::Result<u64> {
    let mut lines = client.output(id, name, 0, false).await?;
    let mut last = 0;
    while let Some(line) = lines.next().await {
        let line = line?;
        last = line.seq;
        say(format_args!("{}", format(name, &line)));
    }
    Ok(last)
}

/// Prints until the instance is done and everything it wrote has come.
async fn follow(client: &Client, id: &DeploymentId, name: &Name) -> color_eyre::Result<()> {
    let mut last = 0;
    let mut lines = client.output(id, name, 0, true).await?;
    let mut check = tokio::time::interval(std::time::Duration::from_millis(500));
    loop {
        tokio::select! {
            line = lines.next() => match line {
                Some(line) => {
                    let line = line?;
                    last = line.seq;
                    say(format_args!("{}", format(name, &line)));
                }
                None => return Ok(()),
            },
            _ = check.tick() => {
                let deployment = client.deployment(id).await?;
                if deployment.target(name).is_none_or(|target| target.status.is_terminal()) {
                    break;
                }
            }
        }
    }
    let mut rest = client.output(id, name, last, false).await?;
    while let Some(line) = rest.next().await {
        say(format_args!("{}", format(name, &line?)));
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
