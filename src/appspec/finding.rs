//! What is wrong with an `AppSpec`, and where.

use std::fmt;

use crate::model::yaml::Path;

/// A place in a text, counted from one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// One error or warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its id in the catalogue.
    pub id: &'static str,
    /// Where it is, unless it is about the whole text.
    pub position: Option<Position>,
    /// The field that it is about, if its message does not name it: that of AppSpecs of Lambda and ECS.
    pub path: Path,
    /// What is wrong and what to do.
    pub message: String,
}

impl Finding {
    /// A finding at a place.
    pub fn at(id: &'static str, position: Position, message: impl Into<String>) -> Self {
        Self {
            id,
            position: Some(position),
            path: Path::root(),
            message: message.into(),
        }
    }

    /// A finding about the whole text.
    pub fn whole(id: &'static str, message: impl Into<String>) -> Self {
        Self {
            id,
            position: None,
            path: Path::root(),
            message: message.into(),
        }
    }
}

impl Finding {
    /// The same finding about a field.
    #[must_use]
    pub fn about(mut self, path: Path) -> Self {
        self.path = path;
        self
    }

    /// The field, if there is one to name, and what is wrong.
    pub fn text(&self) -> String {
        match self.path.steps() {
            [] => self.message.clone(),
            _ => format!("{}: {}", self.path, self.message),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        match self.position {
            Some(Position { line, column }) => {
                write!(f, "{} line {line}, column {column}: {text}", self.id)
            }
            None => write!(f, "{} {text}", self.id),
        }
    }
}

/// Several findings in one text that an operator can still read.
pub fn sentence(findings: &[Finding]) -> String {
    const SHOWN: usize = 5;
    let mut parts: Vec<_> = findings
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect();
    if findings.len() > SHOWN {
        parts.push(format!("and {} more", findings.len() - SHOWN));
    }
    parts.join("; ")
}
