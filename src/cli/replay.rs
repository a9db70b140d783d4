//! `cutover replay FILE`: a recording in the cockpit.

use std::path::PathBuf;

use super::Exit;
use super::appearance::Appearance;
use super::cockpit::require_terminal;
use super::context::UsageError;
use crate::tui::{self, Recording};

/// Replays a recording.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The recording, as `cutover export` writes it
    file: PathBuf,
    #[command(flatten)]
    appearance: Appearance,
}

pub(super) async fn run(args: Args) -> color_eyre::Result<Exit> {
    // What is wrong with the file is said whether there is a terminal or not.
    let recording = Recording::read(&args.file).map_err(|error| UsageError(error.to_string()))?;
    let preferences = args.appearance.preferences()?;
    require_terminal()?;
    tui::replay(&recording, &preferences).await?;
    Ok(Exit::Succeeded)
}
