//! `cutover lab`: the fleet, an orchestrator, a rollout under way, and the cockpit on it.

use super::print::say;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::context::{Context, UsageError, look, user};
use super::push::push;
use super::{Exit, cockpit};
use crate::api::client::Client;
use crate::api::command::{Command, Deploy};
use crate::engine::spec::Options;
use crate::lab::process::Process;
use crate::lab::{Fleet, project};
use crate::model::group::GroupKey;
use crate::store::state::{self, user_state};
use crate::tui::{self, Outcome};

/// How long the orchestrator may take to end before it is killed.
const END: Duration = Duration::from_secs(5);

/// Tries cutover on a fleet of its own.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many hosts; 8 unless a lab runs already
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=200))]
    hosts: Option<u16>,
    /// Run the fleet alone, with the project in this folder, until interrupted
    #[arg(long, value_name = "DIR", conflicts_with = "down")]
    up: Option<PathBuf>,
    /// End what is left of a lab
    #[arg(long)]
    down: bool,
    /// The lab's folder; by default one in the user's state directory
    #[arg(long, value_name = "DIR", env = "CUTOVER_LAB", conflicts_with = "up")]
    dir: Option<PathBuf>,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let hosts = usize::from(args.hosts.unwrap_or(8));
    if let Some(folder) = &args.up {
        return up(folder, hosts).await;
    }
    let folder = match &args.dir {
        Some(folder) => folder.clone(),
        None => user_state()?.join("lab"),
    };
    if args.down {
        return down(&folder).await;
    }
    cockpit::require_terminal()?;
    let fleet = if let Some(fleet) = Fleet::find(&folder).filter(Fleet::runs) {
        if args
            .hosts
            .is_some_and(|wanted| usize::from(wanted) != fleet.hosts())
        {
            let text = format!(
                "a lab of {} hosts runs in {}: leave --hosts out to open it, or end it with `cutover lab --down`",
                fleet.hosts(),
                folder.display()
            );
            return Err(UsageError(text).into());
        }
        say(format_args!("found the lab again in {}", folder.display()));
        fleet
    } else {
        say(format_args!(
            "starting {hosts} agents in {}",
            folder.display()
        ));
        Fleet::up(&folder, hosts).await?
    };
    let context = Context {
        project: Some(fleet.folder.clone()),
        read_only: context.read_only,
    };
    let client = match prepare(&context, &fleet.folder).await {
        Ok(client) => client,
        Err(error) => {
            down(&folder).await?;
            return Err(error);
        }
    };
    let options = tui::Options {
        read_only: context.read_only,
        hint: HINT.iter().map(|line| (*line).to_owned()).collect(),
        ..tui::Options::new(client.clone(), user())
    };
    let outcome = cockpit::open(&context, &client, options).await;
    if let Ok(Outcome::Idle | Outcome::Stopped) = outcome {
        return down(&folder).await;
    }
    // Somebody wants it to go on, or the cockpit failed: a rollout is not ended for that.
    say(format_args!("the lab goes on in {}", folder.display()));
    say("`cutover lab` opens it again, `cutover lab --down` ends it");
    outcome.map(|_| Exit::Succeeded)
}

/// An orchestrator for the lab, with revisions and a rollout under way.
async fn prepare(context: &Context, folder: &Path) -> color_eyre::Result<Client> {
    let client = context.connect().await?;
    if !context.read_only {
        fill(context, &client, folder).await?;
    }
    Ok(client)
}

/// What a newcomer is told.
const HINT: [&str; 4] = [
    "shop 1.0.0 is being rolled out to real agents; below is what a script says.",
    "d  deploy: 1.1.0 is good, 1.2.0-broken fails its validation on some hosts",
    "s  stop what runs   b  roll back   n  go to the next failed instance",
    "/  go anywhere      ?  every key   q  quit, which ends the lab",
];

/// Registers the lab's revisions and starts the first rollout, unless that has been done.
async fn fill(context: &Context, client: &Client, folder: &Path) -> color_eyre::Result<()> {
    let view = look(client).await?;
    for revision in project::REVISIONS {
        let application = revision.application.parse()?;
        let known = view
            .revisions
            .get(&application)
            .is_some_and(|known| known.iter().any(|r| r.revision.label == revision.label));
        if !known {
            let path = folder.join(revision.folder());
            let label = Some(revision.label.to_owned());
            push(context, client, application, &path, label).await?;
        }
    }
    if view.newest.is_empty() {
        let deploy = Deploy {
            group: GroupKey {
                application: "shop".parse()?,
                group: "production".parse()?,
            },
            revision: "1.0.0".to_owned(),
            configuration: None,
            target_instances: None,
            description: "the lab's first rollout".to_owned(),
            options: Options::default(),
            token: None,
            verify_artifact: false,
            by: user(),
        };
        context.send(client, Command::Deploy(deploy)).await?;
    }
    Ok(())
}

/// Runs the fleet alone until a signal comes.
async fn up(folder: &Path, hosts: usize) -> color_eyre::Result<Exit> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let fleet = tokio::select! {
        fleet = Fleet::up(folder, hosts) => fleet?,
        _ = interrupt.recv() => return down(folder).await,
        _ = terminate.recv() => return down(folder).await,
    };
    say(format_args!(
        "{hosts} agents run; the project is in {}",
        fleet.folder.display()
    ));
    say(format_args!(
        "end it with Ctrl-C; its revisions are in revisions/: cutover push shop revisions/shop-1.0.0 --label 1.0.0"
    ));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    down(folder).await
}

/// Ends the orchestrator of the lab in this folder, and its agents.
async fn down(folder: &Path) -> color_eyre::Result<Exit> {
    let Some(mut fleet) = Fleet::find(folder) else {
        say(format_args!("there is no lab in {}", folder.display()));
        return Ok(Exit::Succeeded);
    };
    let client = Client::new(&state::socket(&fleet.folder)?)?;
    if let Ok(ping) = client.ping().await
        && let Some(process) = Process::now(ping.pid)
    {
        process.end(END).await;
    }
    fleet.down().await;
    say(format_args!("the lab in {} has ended", folder.display()));
    Ok(Exit::Succeeded)
}
