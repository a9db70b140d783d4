//! `cutover` without a command, or `cutover cockpit`: the cockpit.

use std::io::{self, IsTerminal as _};

use super::Exit;
use super::appearance::Appearance;
use super::context::{Context, UsageError, user};
use crate::api::client::Client;
use crate::model::address::Address;
use crate::store::{documents, state};
use crate::tui::{self, Preferences};

/// Opens the cockpit.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    appearance: Appearance,
}

impl Args {
    /// Those of `cutover` alone.
    pub(super) fn plain(plain: bool) -> Self {
        let mut args = Self::default();
        args.appearance.plain = plain;
        args
    }
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let preferences = args.appearance.preferences()?;
    require_terminal(context, &preferences)?;
    let client = context.connect().await?;
    at(context, client, preferences, None).await
}

/// Opens the cockpit at an address, or where it was left.
pub(super) async fn at(
    context: &Context,
    client: Client,
    preferences: Preferences,
    start: Option<Address>,
) -> color_eyre::Result<Exit> {
    let folder = context.folder()?;
    let settings = documents::settings(&folder).unwrap_or_default();
    let options = tui::Options {
        read_only: context.read_only || settings.read_only,
        preferences,
        start,
        documents: Some(folder.clone()),
        // It was not found from here.
        place: context.project.is_some().then(|| folder.clone()),
        session: state::session(&folder).ok(),
        ..tui::Options::new(client.clone(), user())
    };
    open(context, &client, options).await?;
    Ok(Exit::Succeeded)
}

/// Makes sure that there is a terminal to draw on and keys to read, before anything is started for it. Sentences can be
/// written anywhere.
pub(super) fn require_terminal(
    context: &Context,
    preferences: &Preferences,
) -> color_eyre::Result<()> {
    if context.unlock.is_some() {
        let text = "--unlock is for one command: in the cockpit, U unlocks the environment of what is selected";
        return Err(UsageError(text.to_owned()).into());
    }
    if preferences.plain || io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    let text = "the cockpit needs a terminal: --plain reads and writes lines instead; for scripts there are `cutover list`, `show`, `deploy --wait`, and `cutover lab --up DIR`";
    Err(UsageError(text.to_owned()).into())
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
