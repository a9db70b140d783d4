//! A line that text is typed into.

use crossterm::event::KeyCode;

use crate::tui::action::key::Key;

/// Text that is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    pub text: String,
}

impl Field {
    /// Takes a key; `true` if the text changed.
    pub(crate) fn key(&mut self, key: Key) -> bool {
        if let Some(c) = key.typed() {
            self.text.push(c);
            return true;
        }
        key.code() == KeyCode::Backspace && self.text.pop().is_some()
    }

    /// Takes a line that was typed whole, in the place of what was there.
    pub(crate) fn set(&mut self, line: &str) {
        let blank = |c: char| if c.is_control() { ' ' } else { c };
        self.text = line.chars().map(blank).collect();
    }

    /// Takes pasted text, one line of it.
    pub(crate) fn paste(&mut self, text: &str) {
        self.text
            .extend(text.chars().take_while(|c| !c.is_control()).take(200));
    }
}
