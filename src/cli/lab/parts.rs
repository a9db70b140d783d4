//! The commands below `cutover lab`: what its processes are, and what people do with it from outside.

use std::net::SocketAddr;
use std::path::PathBuf;

use color_eyre::eyre::WrapErr as _;

use super::{Place, provision, status};
use crate::cli::context::UsageError;
use crate::cli::print::say;
use crate::cli::{Exit, Output};
use crate::clock;
use crate::lab::{self, Fleet, gallery, instance, requests, thumbs};

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Part {
    /// Show what runs, what became of the requests, and what the alarm says
    Status {
        #[command(flatten)]
        place: Place,
        /// How to print
        #[arg(long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Set the alarm of checkout off, or end that
    Alarm {
        /// On is in alarm, whatever becomes of the requests; off leaves it to them
        switch: Switch,
        #[command(flatten)]
        place: Place,
    },
    /// What the alarm of checkout runs: 0 is well, 1 an alarm, 2 no data
    #[command(hide = true)]
    Measure {
        #[command(flatten)]
        place: Place,
    },
    /// What the lab's fleet runs to make hosts
    #[command(hide = true)]
    Provision {
        #[command(flatten)]
        place: Place,
    },
    /// What the lab's fleet runs to end hosts
    #[command(hide = true)]
    Terminate {
        #[command(flatten)]
        place: Place,
    },
    /// What the revisions of checkout start on their hosts
    #[command(hide = true)]
    Instance {
        /// The host's name
        #[arg(long)]
        name: String,
        /// Where it serves
        #[arg(long)]
        listen: SocketAddr,
        /// The folder in which the revision is installed
        #[arg(long)]
        folder: PathBuf,
        /// Wait until that revision answers there
        #[arg(long)]
        check: bool,
    },
    /// What a task of the service gallery runs
    #[command(hide = true)]
    Task {
        /// The folder of its version
        #[arg(long)]
        folder: PathBuf,
    },
    /// Serve the versions of the function thumbs, and call it
    #[command(hide = true)]
    Function {
        #[command(flatten)]
        place: Place,
    },
    /// Send requests at a steady rate and count what becomes of them
    #[command(hide = true)]
    Requests {
        /// Where to
        #[arg(long)]
        to: SocketAddr,
        /// How many a second
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        rate: u32,
        /// The file for the counts
        #[arg(long)]
        counts: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Switch {
    On,
    Off,
}

pub(super) async fn run(part: &Part) -> color_eyre::Result<Exit> {
    match part {
        Part::Status { place, output } => status::run(&find(place)?, *output),
        Part::Alarm { switch, place } => alarm(*switch, &find(place)?),
        Part::Measure { place } => measure(place),
        Part::Provision { place } => provision::provision(&mut find(place)?).await,
        Part::Terminate { place } => match Fleet::find(&place.folder()?) {
            Some(mut fleet) => provision::terminate(&mut fleet).await,
            // Whatever was there is gone.
            None => Ok(Exit::Succeeded),
        },
        Part::Instance {
            name,
            listen,
            folder,
            check: true,
        } => {
            let version = instance::check(*listen, folder).await?;
            say(format_args!(
                "{name} answers at {listen}: checkout {version}"
            ));
            Ok(Exit::Succeeded)
        }
        Part::Instance {
            name,
            listen,
            folder,
            check: false,
        } => {
            instance::serve(name, *listen, folder).await?;
            Ok(Exit::Succeeded)
        }
        Part::Function { place } => {
            thumbs::serve(&place.folder()?).await?;
            Ok(Exit::Succeeded)
        }
        Part::Task { folder } => {
            gallery::serve(folder).await?;
            Ok(Exit::Succeeded)
        }
        Part::Requests { to, rate, counts } => {
            let sent = requests::send(*to, *rate, counts).await;
            sent.wrap_err_with(|| format!("{} can't be written", counts.display()))?;
            Ok(Exit::Succeeded)
        }
    }
}

/// The lab that is meant.
fn find(place: &Place) -> color_eyre::Result<Fleet> {
    let folder = place.folder()?;
    let fleet = Fleet::find(&folder).filter(Fleet::runs);
    let none = || {
        UsageError(format!(
            "no lab runs in {}: `cutover lab` starts one",
            folder.display()
        ))
    };
    Ok(fleet.ok_or_else(none)?)
}

fn alarm(switch: Switch, fleet: &Fleet) -> color_eyre::Result<Exit> {
    if !fleet.has_checkout() {
        let text = "this lab has no checkout, and so no alarm: `cutover lab --down` ends it, and the next one has";
        return Err(UsageError(text.to_owned()).into());
    }
    lab::alarm::set(&fleet.folder, switch == Switch::On).wrap_err("the alarm can't be set")?;
    let reading = lab::alarm::read(&fleet.folder, clock::now());
    say(format_args!(
        "{}: {}",
        reading.state.name(),
        reading.message
    ));
    Ok(Exit::Succeeded)
}

/// As alarms of the kind `command` answer: the state is the exit code.
fn measure(place: &Place) -> color_eyre::Result<Exit> {
    let reading = lab::alarm::read(&place.folder()?, clock::now());
    say(&reading.message);
    if let Some(percent) = reading.percent {
        say(format_args!("value={percent:.1}"));
    }
    Ok(status::exit(reading.state))
}
