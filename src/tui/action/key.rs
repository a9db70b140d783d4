//! Keys as people write them: `s`, `G`, `ctrl-p`, `shift-tab`, `pgdn`.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Why a text is not a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    #[error(
        "{0:?} is no key: write a character, or a name such as enter, pgdn or f5, after ctrl-, alt- or shift-"
    )]
    Unknown(String),
    #[error("{0} never arrives: a terminal sends {1} for it")]
    Unreachable(String, &'static str),
    #[error("ctrl-c always asks to quit")]
    Reserved,
}

const NAMES: [(&str, KeyCode); 16] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("space", KeyCode::Char(' ')),
    ("dash", KeyCode::Char('-')),
];

impl Key {
    /// No key: an action was asked for by its name, or by a click.
    pub(crate) const NONE: Self = Self {
        code: KeyCode::Null,
        modifiers: KeyModifiers::NONE,
    };

    /// What is typed with it, if it types something.
    pub(crate) fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.modifiers.is_empty() => Some(c),
            _ => None,
        }
    }

    /// Whether it is a chord with ctrl.
    pub(crate) fn is_ctrl(self) -> bool {
        self.modifiers.contains(KeyModifiers::CONTROL)
    }

    /// `ctrl-c`.
    pub(crate) fn is_interrupt(self) -> bool {
        self.is_ctrl() && self.code == KeyCode::Char('c')
    }

    /// Whether it is the key that goes out of everything.
    pub(crate) fn is_esc(self) -> bool {
        self.code == KeyCode::Esc
    }

    /// The key's code.
    pub(crate) fn code(self) -> KeyCode {
        self.code
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let mut modifiers =
            event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let code = match event.code {
            // A capital letter says shift by itself.
            KeyCode::Char(c) => {
                modifiers.remove(KeyModifiers::SHIFT);
                KeyCode::Char(c)
            }
            KeyCode::BackTab => {
                modifiers.insert(KeyModifiers::SHIFT);
                KeyCode::Tab
            }
            code => code,
        };
        Self { code, modifiers }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            rest = if let Some(tail) = rest.strip_prefix("ctrl-") {
                modifiers |= KeyModifiers::CONTROL;
                tail
            } else if let Some(tail) = rest.strip_prefix("alt-") {
                modifiers |= KeyModifiers::ALT;
                tail
            } else if let Some(tail) = rest.strip_prefix("shift-") {
                modifiers |= KeyModifiers::SHIFT;
                tail
            } else {
                break;
            };
        }
        let unknown = || KeyError::Unknown(text.to_owned());
        let mut single = rest.chars();
        let code = match (single.next(), single.next()) {
            (Some(c), None) if !c.is_control() => KeyCode::Char(c),
            _ => NAMES
                .iter()
                .find(|(name, _)| *name == rest)
                .map(|(_, code)| *code)
                .or_else(|| {
                    let number: u8 = rest.strip_prefix('f')?.parse().ok()?;
                    (1..=12).contains(&number).then_some(KeyCode::F(number))
                })
                .ok_or_else(unknown)?,
        };
        if let KeyCode::Char(c) = code {
            if modifiers.contains(KeyModifiers::SHIFT) {
                return Err(KeyError::Unreachable(text.to_owned(), "the capital letter"));
            }
            if modifiers.contains(KeyModifiers::CONTROL) {
                match c.to_ascii_lowercase() {
                    'c' => return Err(KeyError::Reserved),
                    'i' => return Err(KeyError::Unreachable(text.to_owned(), "tab")),
                    'm' | 'j' => return Err(KeyError::Unreachable(text.to_owned(), "enter")),
                    'h' => return Err(KeyError::Unreachable(text.to_owned(), "backspace")),
                    '[' => return Err(KeyError::Unreachable(text.to_owned(), "esc")),
                    lower if lower != c => {
                        return Err(KeyError::Unreachable(text.to_owned(), "the small letter"));
                    }
                    _ => {}
                }
            }
        }
        Ok(Self { code, modifiers })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (modifier, name) in [
            (KeyModifiers::CONTROL, "ctrl-"),
            (KeyModifiers::ALT, "alt-"),
            (KeyModifiers::SHIFT, "shift-"),
        ] {
            if self.modifiers.contains(modifier) {
                text.push_str(name);
            }
        }
        match self.code {
            KeyCode::F(number) => {
                text.push('f');
                text.push_str(&number.to_string());
            }
            code => match (NAMES.iter().find(|(_, named)| *named == code), code) {
                (Some((name, _)), _) if code != KeyCode::Char('-') => text.push_str(name),
                (_, KeyCode::Char(c)) => text.push(c),
                _ => text.push('?'),
            },
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in [
            "s",
            "G",
            "ctrl-p",
            "alt-x",
            "shift-tab",
            "pgdn",
            "space",
            "f12",
            "/",
            "-",
        ] {
            let key: Key = text.parse().unwrap();
            assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn keys_that_never_arrive_are_errors() {
        for text in [
            "ctrl-i", "ctrl-m", "ctrl-h", "ctrl-j", "ctrl-[", "shift-a", "ctrl-P", "ctrl-c",
        ] {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
        for text in ["", "entr", "f13", "hyper-x"] {
            assert!(
                matches!(text.parse::<Key>(), Err(KeyError::Unknown(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn the_terminals_events_become_the_same_keys() {
        let event = |code, modifiers| Key::from(KeyEvent::new(code, modifiers));
        assert_eq!(
            event(KeyCode::Char('G'), KeyModifiers::SHIFT),
            "G".parse().unwrap()
        );
        assert_eq!(
            event(KeyCode::BackTab, KeyModifiers::NONE),
            "shift-tab".parse().unwrap()
        );
    }
}
