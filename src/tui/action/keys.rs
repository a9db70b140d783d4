//! What a key map binds an action to: one key, or two that are pressed one after the other.

use std::fmt;
use std::str::FromStr;

use super::key::{Key, KeyError};

/// One key, or two one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Keys {
    first: Key,
    then: Option<Key>,
}

/// Why a text is neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeysError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("{0:?} has more than two keys: a sequence has two")]
    Long(String),
    #[error("esc ends a sequence, so that it is no part of one")]
    Esc,
}

impl Keys {
    /// Two keys one after the other.
    pub(crate) fn two(first: Key, then: Key) -> Self {
        Self {
            first,
            then: Some(then),
        }
    }

    /// The key that is pressed first.
    pub(crate) fn first(self) -> Key {
        self.first
    }

    /// The key that follows it, in a sequence.
    pub(crate) fn then(self) -> Option<Key> {
        self.then
    }

    /// The key with which it is done.
    pub(crate) fn last(self) -> Key {
        self.then.unwrap_or(self.first)
    }

    /// Every key of it.
    pub(crate) fn each(self) -> impl Iterator<Item = Key> {
        std::iter::once(self.first).chain(self.then)
    }

    /// Whether somebody who presses one presses the other, or begins it.
    pub(crate) fn clashes(self, other: Self) -> bool {
        self.first == other.first
            && (self.then == other.then || self.then.is_none() || other.then.is_none())
    }
}

impl From<Key> for Keys {
    fn from(key: Key) -> Self {
        Self {
            first: key,
            then: None,
        }
    }
}

impl FromStr for Keys {
    type Err = KeysError;

    fn from_str(text: &str) -> Result<Self, KeysError> {
        let mut parts = text.split_whitespace();
        let (Some(first), Some(then)) = (parts.next(), parts.next()) else {
            return Ok(Key::from_str(text)?.into());
        };
        if parts.next().is_some() {
            return Err(KeysError::Long(text.to_owned()));
        }
        let keys = Self::two(first.parse()?, then.parse()?);
        if keys.each().any(Key::is_esc) {
            return Err(KeysError::Esc);
        }
        Ok(keys)
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.then {
            None => self.first.fmt(f),
            Some(then) => f.pad(&format!("{} {then}", self.first)),
        }
    }
}

/// Some keys in a row, so that nobody takes two keys for a sequence, or a sequence for two.
pub(crate) fn listed(keys: &[String]) -> String {
    let sequences = keys.iter().any(|keys| keys.contains(' '));
    keys.join(if sequences { ", " } else { " " })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_or_two() {
        for text in ["g", "g g", "Z Z", "ctrl-x ctrl-s", "space p", "- -"] {
            let keys: Keys = text.parse().unwrap();
            assert_eq!(keys.to_string(), text);
        }
        let wrong = |text: &str| text.parse::<Keys>().unwrap_err();
        assert_eq!(wrong("g g g"), KeysError::Long("g g g".to_owned()));
        assert_eq!(wrong("g esc"), KeysError::Esc);
        assert_eq!(wrong("ctrl-x ctrl-c"), KeysError::Key(KeyError::Reserved));
        let keys = ["g".to_owned(), "home".to_owned()];
        assert_eq!(listed(&keys), "g home");
        let keys = ["g g".to_owned(), "home".to_owned()];
        assert_eq!(listed(&keys), "g g, home");
    }
}
