//! `cutover replay ID` and `cutover replay FILE`: a deployment again, in the cockpit.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use super::Exit;
use super::appearance::Appearance;
use super::cockpit::require_terminal;
use super::context::{Context, UsageError};
use crate::model::deployment::DeploymentId;
use crate::tui::{self, Recording};

/// Replays a deployment, running or over, or a recording.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A deployment of this project, or a recording as `cutover export` writes it
    #[arg(value_name = "ID|FILE")]
    what: What,
    #[command(flatten)]
    appearance: Appearance,
}

/// What is replayed. A file that is named like a deployment is written with a folder before it: `./d-7F3KQ21XB`.
#[derive(Clone, Debug)]
enum What {
    Deployment(DeploymentId),
    File(PathBuf),
}

impl FromStr for What {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text
            .parse()
            .map_or_else(|_| Self::File(text.into()), Self::Deployment))
    }
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    // What is wrong with the recording is said whether there is a terminal or not.
    let recording = match &args.what {
        What::Deployment(id) => {
            let client = context.connect().await?;
            super::export::recording(&client, id).await?
        }
        What::File(file) => Recording::read(file).map_err(|error| UsageError(error.to_string()))?,
    };
    let preferences = args.appearance.preferences()?;
    require_terminal(context, &preferences)?;
    tui::replay(&recording, &preferences).await?;
    Ok(Exit::Succeeded)
}
