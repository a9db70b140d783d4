//! Why an operator does something, in the operator's own words: optional, and kept in the journal.

use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::widgets::field::Field;

/// A reason that is being typed, or was.
#[derive(Debug, Default)]
pub(super) struct Reason {
    pub field: Field,
    /// Whether keys go into it.
    pub typing: bool,
}

impl Reason {
    /// Takes a key while it is typed: enter keeps what was typed, esc forgets it.
    pub(super) fn key(&mut self, key: Key, action: Option<Action>) {
        match action {
            Some(Action::Choose) => self.typing = false,
            Some(Action::Close) => *self = Self::default(),
            Some(_) => {}
            None => {
                self.field.key(key);
            }
        }
    }

    /// The reason, if there is one.
    pub(super) fn given(&self) -> Option<String> {
        let text = self.field.text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}
