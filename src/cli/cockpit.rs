//! `cutover` without a command, or `cutover cockpit`: the cockpit.

use std::path::PathBuf;

use super::Exit;
use super::context::{Context, user};
use crate::api::client::Client;
use crate::store::documents;
use crate::tui;

/// Opens the cockpit.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Args {
    /// A key map over the defaults
    #[arg(long, value_name = "FILE")]
    keymap: Option<PathBuf>,
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let settings = documents::settings(&context.folder()?).unwrap_or_default();
    let client = context.connect().await?;
    let options = tui::Options {
        read_only: context.read_only || settings.read_only,
        keymap: args.keymap,
        ..tui::Options::new(client.clone(), user())
    };
    open(context, &client, options).await?;
    Ok(Exit::Succeeded)
}

/// Runs the cockpit, and keeps an orchestrator running behind it.
pub(super) async fn open(
    context: &Context,
    client: &Client,
    options: tui::Options,
) -> color_eyre::Result<tui::Outcome> {
    tokio::select! {
        outcome = tui::run(options) => outcome,
        () = context.keep_orchestrated(client) => Ok(tui::Outcome::Signal),
    }
}
