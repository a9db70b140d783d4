//! How the cockpit looks and which keys it has, in the commands that open it: options over the user's own file.

use super::context::UsageError;
use crate::store::state;
use crate::tui::{Preferences, Source};

/// What is asked of keys and looks.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Appearance {
    /// Keys over the defaults: vim, emacs, or a key map's file by its path
    #[arg(long, value_name = "NAME|FILE")]
    keymap: Option<String>,
    /// How it looks: auto, terminal, dark, light, colour-blind, mono, or a theme's file by its path
    #[arg(long, value_name = "NAME|FILE")]
    theme: Option<String>,
    #[arg(
        long,
        help = "Sentences below one another instead of a screen, also with CUTOVER_A11Y=1 or TERM=dumb"
    )]
    pub(super) plain: bool,
}

impl Appearance {
    /// What the command line says, over the user's `cockpit.yaml`.
    ///
    /// # Errors
    /// If that file is wrong.
    pub(super) fn preferences(&self) -> color_eyre::Result<Preferences> {
        let mut preferences = match state::user_configuration() {
            Some(folder) => {
                Preferences::load(&folder).map_err(|error| UsageError(error.to_string()))?
            }
            None => Preferences::default(),
        };
        if let Some(keymap) = &self.keymap {
            preferences.keymap = Some(Source::named(keymap));
        }
        if let Some(theme) = &self.theme {
            preferences.theme = Some(Source::named(theme));
        }
        let set = |name: &str, value: &str| std::env::var(name).is_ok_and(|is| is == value);
        preferences.plain |= self.plain || set("CUTOVER_A11Y", "1") || set("TERM", "dumb");
        Ok(preferences)
    }
}
