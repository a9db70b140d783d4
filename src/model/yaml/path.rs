//! Paths of fields: how messages name a place inside a document.

use std::fmt;
use std::str::FromStr;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into a mapping.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

/// The way from a document's root to a field, shown as `hosts[2].tags.Env`. Keys that are more than a word are shown
/// as `tags["a b"]`. The root is shown as nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

impl Path {
    /// The document itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of a key below this one.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.with(Step::Key(key.into()))
    }

    /// The path of a list's item below this one, from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    /// The path that goes on with another one.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    pub(super) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }
}

/// Why a text is no [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no path: one is written like hosts[2].tags.Env or tags[\"a b\"]")]
pub struct PathError(String);

impl FromStr for Path {
    type Err = PathError;

    /// Reads what is shown.
    fn from_str(text: &str) -> Result<Self, PathError> {
        let wrong = || PathError(text.to_owned());
        let mut path = Self::root();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix("[\"") {
                let end = closing(inside).ok_or_else(wrong)?;
                let key = serde_json::from_str(&rest[1..end + 3]).map_err(|_| wrong())?;
                path.push(Step::Key(key));
                rest = inside[end + 1..].strip_prefix(']').ok_or_else(wrong)?;
            } else if let Some(inside) = rest.strip_prefix('[') {
                let (index, behind) = inside.split_once(']').ok_or_else(wrong)?;
                path.push(Step::Index(index.parse().map_err(|_| wrong())?));
                rest = behind;
            } else {
                let word = match rest.strip_prefix('.') {
                    Some(word) if !path.0.is_empty() => word,
                    None if path.0.is_empty() => rest,
                    _ => return Err(wrong()),
                };
                let end = word.find(['.', '[']).unwrap_or(word.len());
                if !is_word(&word[..end]) {
                    return Err(wrong());
                }
                path.push(Step::Key(word[..end].to_owned()));
                rest = &word[end..];
            }
        }
        if path.0.is_empty() {
            return Err(wrong());
        }
        Ok(path)
    }
}

/// Where the quote is that ends a text, escaped ones left out.
fn closing(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if is_word(key) && position == 0 => f.write_str(key)?,
                Step::Key(key) if is_word(key) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

fn is_word(key: &str) -> bool {
    !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_code() {
        let tags = Path::root().key("hosts").index(2).key("tags");
        assert_eq!(tags.key("Env").to_string(), "hosts[2].tags.Env");
        assert_eq!(tags.key("a.b c").to_string(), "hosts[2].tags[\"a.b c\"]");
        assert_eq!(Path::root().to_string(), "");
    }

    #[test]
    fn what_is_shown_is_read() {
        let tags = Path::root().key("hosts").index(2).key("tags");
        for path in [
            tags.key("Env"),
            tags.key("a.b c").index(0).key("x"),
            tags.key("a\"]b\\"),
            Path::root().key("a b").key("c"),
            Path::root().index(3),
        ] {
            assert_eq!(path.to_string().parse(), Ok(path));
        }
        for wrong in ["", ".a", "a..b", "a.", "a[", "a[x]", "a[\"b]", "a b", "a]"] {
            assert!(wrong.parse::<Path>().is_err(), "{wrong}");
        }
    }
}
