//! What a document means, and changes of it.

use crate::model::yaml::node::{Node, Value};
use crate::model::yaml::path::{Path, Step};
use crate::model::yaml::scalar::{Scalar, resolve};

/// The meaning of a value, wherever and however it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Null,
    /// One word or one text.
    Scalar {
        /// The text.
        text: String,
        /// It means a number or a truth value, so that it must not be quoted.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Content>),
    /// Keys and values.
    Mapping(Vec<(String, Content)>),
}

/// A change of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Makes a field or item be this. Mappings on the way are made where they are missing; the index behind the last item
    /// adds one.
    Set(Path, Content),
    /// Adds an item to a list, which is made where it is missing.
    Append(Path, Content),
    /// Takes a field or item away.
    Remove(Path),
}

impl Content {
    /// An empty mapping.
    pub fn empty() -> Self {
        Self::Mapping(Vec::new())
    }

    /// A text, even if it looks like a number.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Scalar {
            text: text.into(),
            plain: false,
        }
    }

    /// A number.
    pub fn number(number: u64) -> Self {
        Self::Scalar {
            text: number.to_string(),
            plain: true,
        }
    }

    /// A truth value.
    pub fn flag(flag: bool) -> Self {
        Self::Scalar {
            text: flag.to_string(),
            plain: true,
        }
    }

    /// A mapping of these entries.
    pub fn mapping<'a>(entries: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let owned = |(key, value): (&str, Self)| (key.to_owned(), value);
        Self::Mapping(entries.into_iter().map(owned).collect())
    }

    /// What is at a path, if there is something.
    pub fn at(&self, path: &Path) -> Option<&Self> {
        path.steps()
            .iter()
            .try_fold(self, |here, step| match (here, step) {
                (Self::Mapping(entries), Step::Key(key)) => entries
                    .iter()
                    .find(|(have, _)| have == key)
                    .map(|(_, value)| value),
                (Self::Sequence(items), Step::Index(index)) => items.get(*index),
                _ => None,
            })
    }

    /// Whether both mean the same: the order of a mapping's entries means nothing.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Mapping(own), Self::Mapping(theirs)) => {
                let same = |key: &String, value: &Self| {
                    let mut found = theirs.iter().filter(|(other, _)| other == key);
                    found.any(|(_, other)| value.same(other))
                };
                own.len() == theirs.len() && own.iter().all(|(key, value)| same(key, value))
            }
            (Self::Sequence(own), Self::Sequence(theirs)) => {
                own.len() == theirs.len() && own.iter().zip(theirs).all(|(a, b)| a.same(b))
            }
            _ => self == other,
        }
    }

    /// Carries a change out.
    ///
    /// # Errors
    /// Says which part of the path leads nowhere.
    pub fn apply(&mut self, change: &Change) -> Result<(), String> {
        match change {
            Change::Set(path, content) => {
                *self.reach(path)? = content.clone();
                Ok(())
            }
            Change::Append(path, content) => {
                let list = self.reach(path)?;
                if *list == Self::Null {
                    *list = Self::Sequence(Vec::new());
                }
                match list {
                    Self::Sequence(items) => {
                        items.push(content.clone());
                        Ok(())
                    }
                    _ => Err(format!("{path} is no list")),
                }
            }
            Change::Remove(path) => self.remove(path),
        }
    }

    /// The value at a path, made if it is missing.
    fn reach(&mut self, path: &Path) -> Result<&mut Self, String> {
        let mut here = self;
        let mut walked = Path::root();
        for step in path.steps() {
            here = match step {
                Step::Key(key) => {
                    if *here == Self::Null {
                        *here = Self::empty();
                    }
                    let Self::Mapping(entries) = here else {
                        return Err(format!("{walked} is no mapping"));
                    };
                    walked = walked.key(key.as_str());
                    let found = entries.iter().position(|(have, _)| have == key);
                    let index = found.unwrap_or_else(|| {
                        entries.push((key.clone(), Self::Null));
                        entries.len() - 1
                    });
                    &mut entries[index].1
                }
                Step::Index(index) => {
                    if *here == Self::Null {
                        *here = Self::Sequence(Vec::new());
                    }
                    let Self::Sequence(items) = here else {
                        return Err(format!("{walked} is no list"));
                    };
                    walked = walked.index(*index);
                    if *index == items.len() {
                        items.push(Self::Null);
                    }
                    items
                        .get_mut(*index)
                        .ok_or_else(|| format!("{walked}: there is no such item"))?
                }
            };
        }
        Ok(here)
    }

    fn remove(&mut self, path: &Path) -> Result<(), String> {
        let missing = || format!("{path} is not there");
        let (last, way) = path.steps().split_last().ok_or_else(missing)?;
        let mut here = self;
        for step in way {
            let next = match (here, step) {
                (Self::Mapping(entries), Step::Key(key)) => entries
                    .iter_mut()
                    .find(|(have, _)| have == key)
                    .map(|(_, value)| value),
                (Self::Sequence(items), Step::Index(index)) => items.get_mut(*index),
                _ => None,
            };
            here = next.ok_or_else(missing)?;
        }
        match (here, last) {
            (Self::Mapping(entries), Step::Key(key)) => {
                let found = entries.iter().position(|(have, _)| have == key);
                entries.remove(found.ok_or_else(missing)?);
                Ok(())
            }
            (Self::Sequence(items), Step::Index(index)) if *index < items.len() => {
                items.remove(*index);
                Ok(())
            }
            _ => Err(missing()),
        }
    }
}

impl From<&Node> for Content {
    fn from(node: &Node) -> Self {
        match &node.value {
            _ if node.is_null() => Self::Null,
            Value::Null => Self::Null,
            Value::Scalar { text, plain } => Self::Scalar {
                text: text.clone(),
                plain: *plain && (resolve(text) != Scalar::Text || node.as_bool().is_some()),
            },
            Value::Sequence(items) => Self::Sequence(items.iter().map(Self::from).collect()),
            Value::Mapping(entries) => Self::Mapping(
                entries
                    .iter()
                    .map(|(key, value)| {
                        let key = key.as_str().unwrap_or_default().to_owned();
                        (key, Self::from(value))
                    })
                    .collect(),
            ),
        }
    }
}
