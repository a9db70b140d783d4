//! Edits of a document's text: the place that is meant changes, and everything else stays as it is written, comments
//! included.
//!
//! ```text
//! text ── parse ──▶ what it means ── Change ──▶ what it is to mean
//!   ▲                                               │ the first difference
//!   └── one step: a few bytes are exchanged ◀───────┘   (until there is none)
//! ```
//!
//! After each step the text is read again: it must mean exactly what it meant before with that one thing changed. A
//! place where this can't be done, such as one that an alias repeats elsewhere, is refused.

mod block;
mod content;
mod difference;
mod flow;
#[cfg(test)]
mod random;
mod render;
mod sheet;
mod step;
#[cfg(test)]
mod tests;

use std::fmt;

pub use self::content::{Change, Content};
use self::difference::{Difference, first};
use self::sheet::Sheet;
use super::error::YamlError;
use super::node::Position;
use super::parse::parse;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.yaml`
    Yaml,
    /// `.json`
    Json,
}

/// Why a document can't be edited. The text is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditError {
    /// Where, if it is about a place of the text.
    pub position: Option<Position>,
    /// What is wrong, without a full stop.
    pub message: String,
}

impl EditError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            position: None,
            message: message.into(),
        }
    }

    fn at(position: Position, message: impl Into<String>) -> Self {
        Self {
            position: Some(position),
            ..Self::new(message)
        }
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{}:{}: ", position.line, position.column)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for EditError {}

impl From<YamlError> for EditError {
    fn from(error: YamlError) -> Self {
        Self {
            position: None,
            message: error.to_string(),
        }
    }
}

/// The text with these changes, one after the other.
///
/// # Errors
/// If the text is no document, a path leads nowhere, or a place can't be changed without changing another.
pub fn edit(text: &str, format: Format, changes: &[Change]) -> Result<String, EditError> {
    // All at once, so that what is new is written as a whole.
    let mut wanted = meaning(text)?;
    for change in changes {
        wanted.apply(change).map_err(EditError::new)?;
    }
    rewrite(text.to_owned(), format, &wanted)
}

/// Changes the text, one difference after the other, until it means what is wanted.
fn rewrite(mut text: String, format: Format, wanted: &Content) -> Result<String, EditError> {
    let was_json = format == Format::Json && is_json(&text);
    loop {
        let have = meaning(&text)?;
        let Some(difference) = first(&have, wanted) else {
            if was_json && !is_json(&text) {
                return Err(EditError::new("this can't be written as JSON"));
            }
            return Ok(text);
        };
        let next = {
            let root = parse(&text)?;
            let sheet = Sheet::new(&text, root.as_ref(), format);
            step::step(&sheet, &difference)?
        };
        verify(&text, &next, have, &difference)?;
        text = next;
    }
}

/// A step must change one thing, and that thing alone.
fn verify(
    text: &str,
    next: &str,
    mut have: Content,
    difference: &Difference<'_>,
) -> Result<(), EditError> {
    difference.apply(&mut have);
    if meaning(next).is_ok_and(|next| next.same(&have)) {
        return Ok(());
    }
    let place = parse(text)?.map(|root| root.nearest(difference.path()).span.start);
    Err(EditError {
        position: place,
        message: format!(
            "{} can't be changed alone: it is shared through an anchor (&), or written in a way that is not edited; change it by hand",
            difference.path()
        ),
    })
}

/// What a text means. Nothing but comments is an empty mapping.
fn meaning(text: &str) -> Result<Content, EditError> {
    Ok(parse(text)?.map_or_else(Content::empty, |root| Content::from(&root)))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
