//! The key map as a list, for whoever wants it on paper.

use super::keymap::Keymap;
use super::keys::listed;
use super::{ACTIONS, Context};

/// An action with its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLine {
    /// What a key map calls it.
    pub action: &'static str,
    /// Where its keys are alive.
    pub context: &'static str,
    /// Its keys, as a key map writes them; the first one is shown on the screen.
    pub keys: Vec<String>,
    /// What it does.
    pub doc: &'static str,
}

impl KeyLine {
    /// All its keys, in a row.
    pub fn listed(&self) -> String {
        listed(&self.keys)
    }
}

/// Every action, by context, in the order of the help.
pub(crate) fn list(keymap: &Keymap) -> Vec<KeyLine> {
    let of = |context: Context| {
        let entries = ACTIONS.iter().filter(move |entry| entry.context == context);
        entries.map(move |entry| KeyLine {
            action: entry.name,
            context: context.title(),
            keys: keymap
                .keys(entry.action)
                .iter()
                .map(ToString::to_string)
                .collect(),
            doc: entry.doc,
        })
    };
    Context::ALL.into_iter().flat_map(of).collect()
}
