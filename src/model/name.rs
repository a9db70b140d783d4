//! Names of applications, deployment groups, configurations and hosts.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A checked name: 1 to 100 characters out of `[A-Za-z0-9+=,.@_-]`, case-sensitive (CodeDeploy's limits for
/// application, group, configuration and on-premises instance names). Cheap to clone: every entry of a journal has some.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// Why a text is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a name must not be empty")]
    Empty,
    /// The text has more than 100 characters.
    #[error("a name has at most 100 characters, this one has {0}")]
    TooLong(usize),
    /// A character is outside the allowed set.
    #[error("a name consists of letters, digits and + = , . @ _ -, not {0:?}")]
    Character(char),
    /// `.` and `..` would leave the folder that a document is kept in.
    #[error("a name must not be \".\" or \"..\"")]
    Dots,
}

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let length = text.chars().count();
        if length == 0 {
            return Err(NameError::Empty);
        }
        if length > 100 {
            return Err(NameError::TooLong(length));
        }
        if let Some(odd) = text
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || "+=,.@_-".contains(*c)))
        {
            return Err(NameError::Character(odd));
        }
        if text == "." || text == ".." {
            return Err(NameError::Dots);
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_the_documented_characters_only() {
        assert!("web-1".parse::<Name>().is_ok());
        assert!("a+=,.@_-Z9".parse::<Name>().is_ok());
        assert_eq!("".parse::<Name>(), Err(NameError::Empty));
        assert_eq!("a b".parse::<Name>(), Err(NameError::Character(' ')));
        assert_eq!("a/b".parse::<Name>(), Err(NameError::Character('/')));
        assert_eq!("..".parse::<Name>(), Err(NameError::Dots));
        assert_eq!(
            "x".repeat(101).parse::<Name>(),
            Err(NameError::TooLong(101))
        );
    }
}
