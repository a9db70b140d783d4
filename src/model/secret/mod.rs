//! Secrets: documents refer to them by name and say where they are kept; what they are is read when it is used, and shown
//! nowhere. [`mask`] makes text harmless that a secret may have got into.

pub mod mask;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::name::Name;

/// What a document has in the place of a secret: its name below `secrets` in `cutover.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretRef(pub Name);

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a secret is kept. It is read when it is used, never before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretSource {
    /// In this variable of the program's own environment.
    Environment(String),
    /// In this file, which others must not be able to read or change. One line end behind it does not count.
    File(PathBuf),
    /// This program writes it, with these arguments, to its standard output. One line end behind it does not count.
    Command(Vec<String>),
}

/// Where the secrets of a project are kept, by name.
pub type SecretSources = BTreeMap<Name, SecretSource>;

/// What is wrong with what is written about where a secret is kept, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No shell could set such a variable.
    #[error("this is no name of a variable: write letters, digits and _, as in DB_PASSWORD")]
    Variable,
    /// A path without a file.
    #[error("this names no file")]
    File,
    /// A command without a program.
    #[error("a command needs a program, as in [pass, show, api]")]
    Command,
}

impl SecretSource {
    /// Whether it can be meant.
    ///
    /// # Errors
    /// If a name is missing, or is none.
    pub fn check(&self) -> Result<(), SourceError> {
        match self {
            Self::Environment(name) if !is_variable(name) => Err(SourceError::Variable),
            Self::File(path) if path.file_name().is_none() => Err(SourceError::File),
            Self::Command(run) if run.first().is_none_or(String::is_empty) => {
                Err(SourceError::Command)
            }
            _ => Ok(()),
        }
    }

    /// The key that it is written under.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Environment(_) => "environment",
            Self::File(_) => "file",
            Self::Command(_) => "command",
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "the variable {name}"),
            Self::File(path) => path.display().fmt(f),
            // Its arguments are its own business.
            Self::Command(run) => {
                write!(f, "the command {}", run.first().map_or("", String::as_str))
            }
        }
    }
}

/// Whether a shell can have a variable of this name.
pub fn is_variable(name: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(rest)
}

/// A text that a document has itself, or, as `{ secret: NAME }`, refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextOrSecret {
    /// The text itself, which is none.
    Text(String),
    /// The secret of this name.
    Secret(SecretRef),
}

impl TextOrSecret {
    /// The text, if it is written here.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Secret(_) => None,
        }
    }

    /// The secret that it refers to, if it does.
    pub fn secret(&self) -> Option<&SecretRef> {
        match self {
            Self::Text(_) => None,
            Self::Secret(secret) => Some(secret),
        }
    }
}

impl From<&str> for TextOrSecret {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The one key of a text that is a secret.
const KEY: &str = "secret";

impl Serialize for TextOrSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Secret(secret) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(KEY, secret)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for TextOrSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = TextOrSecret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text (in quotes, if it looks like a number), or { secret: NAME }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<TextOrSecret, E> {
                Ok(TextOrSecret::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TextOrSecret, A::Error> {
                #[derive(Deserialize)]
                #[serde(rename_all = "camelCase")]
                enum Key {
                    Secret,
                }
                let mut found = None;
                while let Some(Key::Secret) = map.next_key()? {
                    found = Some(map.next_value()?);
                }
                let found = found.ok_or_else(|| de::Error::missing_field(KEY))?;
                Ok(TextOrSecret::Secret(found))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A secret. Nothing prints it, nothing serialises it, and its memory is wiped when it is dropped.
pub struct Secret {
    name: String,
    value: Zeroizing<String>,
}

impl Secret {
    /// The secret of this name.
    pub fn new(name: impl Into<String>, value: Zeroizing<String>) -> Self {
        Self {
            name: name.into(),
            value,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, for whoever it is meant for.
    pub fn expose(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[secret {}]", self.name)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::yaml;

    #[test]
    fn nothing_prints_a_secret() {
        let secret = Secret::new("pager", Zeroizing::new("hush-hush".to_owned()));
        assert_eq!(
            format!("{secret} {secret:?}"),
            "[secret pager] [secret pager]"
        );
        assert_eq!(secret.expose(), "hush-hush");
    }

    #[test]
    fn a_text_is_written_here_or_refers_to_a_secret() {
        let read = |text: &str| -> Result<TextOrSecret, String> {
            let node = yaml::parse(text).unwrap().unwrap();
            yaml::from_node(&node).map_err(|error| error.to_string())
        };
        assert_eq!(read("plain"), Ok("plain".into()));
        assert_eq!(read("'7'"), Ok("7".into()));
        let secret = TextOrSecret::Secret(SecretRef("api".parse().unwrap()));
        assert_eq!(read("{ secret: api }"), Ok(secret.clone()));
        for wrong in [
            "7",
            "1.50",
            "{ secrets: api }",
            "{}",
            "[]",
            "{ secret: a b }",
            "{ secret: [] }",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let written = serde_json::to_string(&secret).unwrap();
        assert_eq!(written, r#"{"secret":"api"}"#);
        assert_eq!(
            serde_json::from_str::<TextOrSecret>(&written).unwrap(),
            secret
        );
    }

    #[test]
    fn where_a_secret_is_kept_has_to_be_meant() {
        let run = |words: &[&str]| SecretSource::Command(words.iter().map(|&w| w.into()).collect());
        let variable = |name: &str| SecretSource::Environment(name.to_owned());
        for good in [
            variable("_a1"),
            SecretSource::File("x".into()),
            run(&["pass", ""]),
        ] {
            assert_eq!(good.check(), Ok(()));
        }
        for (wrong, why) in [
            (variable(""), SourceError::Variable),
            (variable("1A"), SourceError::Variable),
            (variable("A=B"), SourceError::Variable),
            (SecretSource::File("/".into()), SourceError::File),
            (SecretSource::File("..".into()), SourceError::File),
            (run(&[]), SourceError::Command),
            (run(&[""]), SourceError::Command),
        ] {
            assert_eq!(wrong.check(), Err(why));
        }
    }
}
