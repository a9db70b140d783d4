//! The cockpit: an operator watches and drives rollouts from a terminal.
//!
//! ```text
//!            ┌──────────── driver: one loop ─────────────┐
//! keys ──▶   │ message ─▶ update(model) ─▶ effects ──────┼──▶ the orchestrator's door, through the gate
//! feed ──▶   │               │                           │
//! time ──▶   │               ▼                           │
//!            │            model ─▶ view ─▶ screen        │
//!            └───────────────────────────────────────────┘
//! ```
//!
//! `update` is pure, and `view` only draws. What can be done is one list (`action`); how things look is
//! one list of roles (`theme`) and signs (`glyph`); what fills the terminal is one folder (`screens`), and what lies on top
//! another (`layers`).
//!
//! To add an action: its line in `action/mod.rs`, its key in `assets/keymaps/default.yaml`, what it does in `update/perform.rs`.

mod action;
mod ahead;
mod aims;
mod attention;
mod calm;
mod causes;
mod changes;
mod choices;
mod consequence;
mod copy;
mod cursors;
mod documents;
mod driver;
mod effect;
mod flight;
mod glyph;
mod layers;
mod layout;
mod lists;
mod message;
mod messages;
mod model;
mod output;
mod pace;
mod paint;
mod panes;
mod picture;
mod plain;
mod preferences;
mod recent;
mod remaining;
mod replay;
mod rest;
mod safe;
mod save;
mod screens;
mod sent;
mod servers;
mod session;
mod source;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod tour;
mod trail;
mod update;
mod view;
mod widgets;
mod words;
mod writing;

use std::path::PathBuf;

use self::action::keymap::Keymap;
use self::terminal::clipboard::Clipboard;
use self::terminal::multiplexer::Multiplexer;
use self::terminal::outside::Outside;
use self::theme::Theme;
use crate::api::client::Client;
use crate::model::address::Address;
use crate::store::documents::edit::Editor;
pub use action::listing::KeyLine;
pub use flight::Crashed;
pub use model::Outcome;
pub use preferences::{Preferences, PreferencesError, Source};
pub use replay::{Entry, Recording, RecordingError};
use screens::Screen;
use session::Start;
pub use tour::{Moment, Step};

/// How the cockpit is opened.
#[derive(Debug)]
pub struct Options {
    /// The orchestrator's door.
    pub client: Client,
    /// Refuse every change.
    pub read_only: bool,
    /// Who asks for changes.
    pub user: String,
    /// The guide above the keys, until it is put away.
    pub tour: Vec<Step>,
    /// What is shown first.
    pub start: Option<Address>,
    /// The folder of the project's documents, if it is on this machine.
    pub documents: Option<PathBuf>,
    /// Where the project is, if whoever types a command has to say so.
    pub place: Option<PathBuf>,
    /// The file that remembers where the cockpit was left, and how its lists were arranged.
    pub session: Option<PathBuf>,
    /// How this person wants it.
    pub preferences: Preferences,
}

impl Options {
    /// The usual cockpit of this person.
    pub fn new(client: Client, user: String) -> Self {
        Self {
            client,
            read_only: false,
            user,
            tour: Vec::new(),
            start: None,
            documents: None,
            place: None,
            session: None,
            preferences: Preferences::default(),
        }
    }
}

/// What copies besides the terminal, in an environment that `variable` reads.
pub fn clipboard(variable: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    Clipboard::find(variable).map(|clipboard| clipboard.program)
}

/// Opens the cockpit, and answers how it was left.
///
/// # Errors
/// If the key map or the theme is wrong, the terminal can't be used, or a part of the cockpit failed. The terminal is as it
/// was.
pub async fn run(options: Options) -> color_eyre::Result<Outcome> {
    let (keymap, theme) = appearance(&options.preferences)?;
    let mut model = model::Model::new(keymap, theme, options.user, options.read_only);
    model.tour = options.tour;
    model.documents = options.documents;
    model.place = options.place;
    // It needs the terminal for itself.
    model.editor =
        Editor::find(|name| std::env::var(name).ok()).filter(|_| !options.preferences.plain);
    model.mouse = mouse(&options.preferences);
    model.multiplexer = Multiplexer::find(|name| std::env::var(name).ok());
    model.clipboard = Clipboard::find(|name| std::env::var(name).ok());
    if let Some(file) = &options.session {
        model.screen = Screen::Home;
        session::restore(&mut model, file);
    }
    if let Some(address) = options.start {
        model.start = Some(Start::Asked(address));
    }
    let outcome = drive(Some(options.client), &mut model, &options.preferences).await;
    // A replay on top is not where somebody was.
    let left = model.behind.as_deref().unwrap_or(&model);
    if let Some(file) = &options.session
        && let Err(error) = session::save(left, file)
    {
        // Nobody is kept from leaving because of what is only convenient.
        tracing::warn!(%error, file = %file.display(), "where the cockpit was left can't be remembered");
    }
    outcome
}

/// Opens the cockpit on a recording: the same screens at the recording's own time, in which nothing can be changed.
///
/// # Errors
/// If the key map or the theme is wrong, the terminal can't be used, or a part of the cockpit failed. The terminal is as it
/// was.
pub async fn replay(
    recording: &Recording,
    preferences: &Preferences,
) -> color_eyre::Result<Outcome> {
    let (keymap, theme) = appearance(preferences)?;
    let mut model = model::Model::new(keymap, theme, String::new(), true);
    model.mouse = mouse(preferences);
    model.multiplexer = Multiplexer::find(|name| std::env::var(name).ok());
    model.clipboard = Clipboard::find(|name| std::env::var(name).ok());
    replay::begin(&mut model, replay::Player::new(recording));
    drive(None, &mut model, preferences).await
}

/// Runs the cockpit on a terminal, or line by line.
async fn drive(
    client: Option<Client>,
    model: &mut model::Model,
    preferences: &Preferences,
) -> color_eyre::Result<Outcome> {
    if preferences.plain {
        return plain::drive(client, model, preferences.calls.by(preferences::Way::Bell)).await;
    }
    driver::drive(client, model, outside(preferences)).await
}

/// The keys and the looks. The terminal may be asked for its background, so that this comes before anybody reads its keys.
fn appearance(preferences: &Preferences) -> color_eyre::Result<(Keymap, Theme)> {
    let keymap = Keymap::load(preferences.keymap.as_ref())?;
    if preferences.plain {
        return Ok((keymap, plain::theme(|name| std::env::var(name).ok())?));
    }
    // Who names a theme wants it, whatever NO_COLOR says: dropped on their way, colours would take bold and reversed with them.
    if preferences.theme.is_some() {
        crossterm::style::force_color_output(true);
    }
    let theme = theme::choose::choose(
        preferences.theme.as_ref(),
        |name| std::env::var(name).ok(),
        terminal::background,
    )?;
    Ok((keymap, theme))
}

/// Every action with its keys, as these preferences have them.
///
/// # Errors
/// If the key map is wrong.
pub fn keys(preferences: &Preferences) -> color_eyre::Result<Vec<KeyLine>> {
    let keymap = Keymap::load(preferences.keymap.as_ref())?;
    Ok(action::listing::list(&keymap))
}

/// Makes sure that the cockpit would open with these preferences.
///
/// # Errors
/// If the key map or the theme is wrong.
pub fn check(preferences: &Preferences) -> color_eyre::Result<()> {
    keys(preferences)?;
    theme::choose::choose(preferences.theme.as_ref(), |_| None, || None)?;
    Ok(())
}

/// Whose the mouse is.
fn mouse(preferences: &Preferences) -> model::Mouse {
    match preferences.mouse {
        preferences::Switch::On => model::Mouse::Ours,
        preferences::Switch::Off => model::Mouse::Unused,
    }
}

fn outside(preferences: &Preferences) -> Outside {
    Outside::new(&preferences.calls, |name| std::env::var(name).ok())
}
