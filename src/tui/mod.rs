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
//! To add an action: its line in `action/mod.rs`, its key in `assets/keymap.yaml`, what it does in `update/perform.rs`.

mod action;
mod ahead;
mod causes;
mod changes;
mod consequence;
mod copy;
mod driver;
mod effect;
mod glyph;
mod layers;
mod layout;
mod lists;
mod message;
mod model;
mod output;
mod paint;
mod panes;
mod replay;
mod safe;
mod screens;
mod servers;
mod session;
mod source;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod trail;
mod update;
mod view;
mod widgets;
mod words;

use std::path::PathBuf;

use crate::api::client::Client;
use crate::model::address::Address;
use copy::Multiplexer;
pub use model::Outcome;
pub use replay::{Entry, Recording, RecordingError};
use screens::Screen;
use session::Start;
pub use theme::Colours;

/// How the cockpit is opened.
#[derive(Debug)]
pub struct Options {
    /// The orchestrator's door.
    pub client: Client,
    /// Refuse every change.
    pub read_only: bool,
    /// Who asks for changes.
    pub user: String,
    /// Advice above the keys, until it is put away.
    pub hint: Vec<String>,
    /// What is shown first.
    pub start: Option<Address>,
    /// The file that remembers where the cockpit was left, and how its lists were arranged.
    pub session: Option<PathBuf>,
    /// A key map over the defaults.
    pub keymap: Option<PathBuf>,
    /// Whether colours may be used.
    pub colours: Colours,
}

impl Options {
    /// The usual cockpit of this person.
    pub fn new(client: Client, user: String) -> Self {
        Self {
            client,
            read_only: false,
            user,
            hint: Vec::new(),
            start: None,
            session: None,
            keymap: None,
            colours: Colours::Auto,
        }
    }
}

/// Opens the cockpit, and answers how it was left.
///
/// # Errors
/// If the key map is wrong, the terminal can't be used, or a part of the cockpit failed. The terminal is as it was.
pub async fn run(options: Options) -> color_eyre::Result<Outcome> {
    let keymap = action::keymap::Keymap::load(options.keymap.as_deref())?;
    let theme = theme::Theme::choose(options.colours, |name| std::env::var(name).ok());
    let mut model = model::Model::new(keymap, theme, options.user, options.read_only);
    model.hint = options.hint;
    model.multiplexer = Multiplexer::find(|name| std::env::var(name).ok());
    if let Some(file) = &options.session {
        model.screen = Screen::Home;
        session::restore(&mut model, file);
    }
    if let Some(address) = options.start {
        model.start = Some(Start::Asked(address));
    }
    let outcome = driver::drive(Some(options.client), &mut model).await;
    if let Some(file) = &options.session
        && let Err(error) = session::save(&model, file)
    {
        // Nobody is kept from leaving because of what is only convenient.
        tracing::warn!(%error, file = %file.display(), "where the cockpit was left can't be remembered");
    }
    outcome
}

/// Opens the cockpit on a recording: the same screens at the recording's own time, in which nothing can be changed.
///
/// # Errors
/// If the key map is wrong, the terminal can't be used, or a part of the cockpit failed. The terminal is as it was.
pub async fn replay(
    recording: &Recording,
    keymap: Option<PathBuf>,
    colours: Colours,
) -> color_eyre::Result<Outcome> {
    let keymap = action::keymap::Keymap::load(keymap.as_deref())?;
    let theme = theme::Theme::choose(colours, |name| std::env::var(name).ok());
    let mut model = model::Model::new(keymap, theme, String::new(), true);
    replay::begin(&mut model, replay::Player::new(recording));
    driver::drive(None, &mut model).await
}
