//! `cutover lab`: the fleet, an orchestrator, rollouts under way, and the cockpit on them.

mod fill;
mod parts;
mod provision;
mod status;
mod tour;

use std::path::{Path, PathBuf};
use std::time::Duration;

use color_eyre::eyre::WrapErr as _;
use tokio::signal::unix::{SignalKind, signal};

use super::appearance::Appearance;
use super::context::{Context, UsageError, user};
use super::print::say;
use super::{Exit, cockpit};
use crate::api::client::Client;
use crate::lab::Fleet;
use crate::lab::process::Process;
use crate::store::state::{self, user_state};
use crate::tui::{self, Outcome};

/// How long the orchestrator may take to end before it is killed.
const END: Duration = Duration::from_secs(5);

/// A step of the function's traffic takes six seconds.
const SPEED: u32 = 10;

/// How often a cockpit looks whether its lab is still there.
const LOOK: Duration = Duration::from_millis(500);

/// Tries cutover on a fleet of its own.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    part: Option<parts::Part>,
    /// How many hosts `shop` has; 8 unless a lab runs already
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=200))]
    hosts: Option<u16>,
    /// How many times as fast as usual traffic shifts by schedule; 10 unless a lab runs already
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=60))]
    speed: Option<u32>,
    /// Run the fleet alone, with the project in this folder, until interrupted
    #[arg(long, value_name = "DIR", conflicts_with_all = ["down", "dir"])]
    up: Option<PathBuf>,
    /// End what is left of a lab
    #[arg(long)]
    down: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    appearance: Appearance,
}

/// Where a lab is.
#[derive(Debug, clap::Args)]
struct Place {
    /// The lab's folder; by default one in the user's state directory
    #[arg(long, value_name = "DIR", env = "CUTOVER_LAB")]
    dir: Option<PathBuf>,
}

impl Place {
    fn folder(&self) -> color_eyre::Result<PathBuf> {
        match &self.dir {
            Some(folder) => Ok(folder.clone()),
            None => Ok(user_state()?.join("lab")),
        }
    }
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    if let Some(part) = &args.part {
        return parts::run(part).await;
    }
    let hosts = usize::from(args.hosts.unwrap_or(8));
    if let Some(folder) = &args.up {
        return up(folder, hosts).await;
    }
    let folder = args.place.folder()?;
    if args.down {
        return down(&folder).await;
    }
    let preferences = args.appearance.preferences()?;
    cockpit::require_terminal(context, &preferences)?;
    let mut fleet = if let Some(fleet) = Fleet::find(&folder).filter(Fleet::runs) {
        again(fleet, args).await?
    } else {
        say(format_args!(
            "starting {hosts} hosts of shop, 4 of checkout with the service gallery, and the function thumbs in {}",
            folder.display()
        ));
        start(&folder, hosts, true, args.speed.unwrap_or(SPEED)).await?
    };
    let context = Context {
        project: Some(fleet.folder.clone()),
        read_only: context.read_only,
        unlock: None,
    };
    let client = match prepare(&context, &mut fleet).await {
        Ok(client) => client,
        Err(error) => {
            down(&folder).await?;
            return Err(error);
        }
    };
    let options = tui::Options {
        read_only: context.read_only,
        tour: tour::STEPS.to_vec(),
        documents: Some(fleet.folder.clone()),
        place: Some(fleet.folder.clone()),
        preferences,
        ..tui::Options::new(client.clone(), user())
    };
    let outcome = tokio::select! {
        outcome = cockpit::open(&context, &client, options) => outcome,
        // The cockpit may have begun another orchestrator just then.
        () = ended(&folder) => return down(&folder).await,
    };
    if let Ok(Outcome::Idle | Outcome::Stopped) = outcome {
        return down(&folder).await;
    }
    // Somebody wants it to go on, or the cockpit failed: a rollout is not ended for that.
    say(format_args!("the lab goes on in {}", folder.display()));
    say("`cutover lab` opens it again, `cutover lab --down` ends it");
    outcome.map(|_| Exit::Succeeded)
}

/// Waits until somebody else has ended the lab: what it remembers is there, and nothing of it runs.
async fn ended(folder: &Path) {
    while Fleet::find(folder).is_none_or(|fleet| fleet.runs()) {
        tokio::time::sleep(LOOK).await;
    }
}

/// A lab that runs already, with what has ended of it started again.
async fn again(mut fleet: Fleet, args: &Args) -> color_eyre::Result<Fleet> {
    let folder = fleet.folder.display().to_string();
    if let Some(speed) = args.speed
        && speed != fleet.speed()
    {
        let text = format!(
            "a lab in {folder} runs at speed {}: leave --speed out to open it, or end it with `cutover lab --down`",
            fleet.speed()
        );
        return Err(UsageError(text).into());
    }
    let wanted = args.hosts.map(usize::from);
    if wanted.is_some_and(|wanted| wanted != fleet.hosts()) {
        let text = format!(
            "a lab of {} hosts runs in {folder}: leave --hosts out to open it, or end it with `cutover lab --down`",
            fleet.hosts()
        );
        return Err(UsageError(text).into());
    }
    say(format_args!("found the lab again in {folder}"));
    if !fleet.has_checkout() {
        say(
            "it has no checkout with its requests: `cutover lab --down` ends it, and the next one has",
        );
    }
    let started = fleet.route().await.wrap_err(
        "end the lab with `cutover lab --down`: the next one finds ports that are free",
    )?;
    if started {
        say("the router had ended, and was started again");
    }
    if fleet.serve_function().await? {
        say("the function thumbs had ended, and was started again");
    }
    Ok(fleet)
}

/// An orchestrator for the lab, with revisions and rollouts under way.
async fn prepare(context: &Context, fleet: &mut Fleet) -> color_eyre::Result<Client> {
    let client = context.connect().await?;
    if !context.read_only {
        fill::fill(context, &client, fleet).await?;
    }
    Ok(client)
}

/// Runs the fleet alone until a signal comes.
async fn up(folder: &Path, hosts: usize) -> color_eyre::Result<Exit> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let fleet = tokio::select! {
        fleet = start(folder, hosts, false, 1) => fleet?,
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

/// Ends the lab in this folder.
async fn down(folder: &Path) -> color_eyre::Result<Exit> {
    if end(folder).await? {
        say(format_args!("the lab in {} has ended", folder.display()));
    } else {
        say(format_args!("there is no lab in {}", folder.display()));
    }
    Ok(Exit::Succeeded)
}

/// Ends the orchestrator of the lab in this folder, and what runs for it. Says whether it is a lab's.
async fn end(folder: &Path) -> color_eyre::Result<bool> {
    let Some(mut fleet) = Fleet::find(folder) else {
        return Ok(false);
    };
    let client = Client::new(&state::socket(&fleet.folder)?)?;
    if let Ok(ping) = client.ping().await
        && let Some(process) = Process::now(ping.pid)
    {
        process.end(END).await;
    }
    // One that was begun in this moment does not answer yet.
    let project = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let begun = [
        "serve",
        "--background",
        "--project",
        &*project.to_string_lossy(),
    ];
    for process in Process::with_arguments(&begun) {
        process.end(END).await;
    }
    fleet.down().await;
    Ok(true)
}

/// Starts a lab; of a former one in the folder, whose hosts are gone, nothing is left, and no orchestrator.
async fn start(
    folder: &Path,
    hosts: usize,
    with_checkout: bool,
    speed: u32,
) -> color_eyre::Result<Fleet> {
    if Fleet::find(folder).is_some_and(|former| !former.runs()) {
        end(folder).await?;
    }
    Ok(Fleet::up(folder, hosts, with_checkout, speed).await?)
}
