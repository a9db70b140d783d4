//! What is wrong with an `AppSpec`, and where.

use std::fmt;

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
    /// What is wrong and what to do.
    pub message: String,
}

impl Finding {
    /// A finding at a place.
    pub fn at(id: &'static str, position: Position, message: impl Into<String>) -> Self {
        Self {
            id,
            position: Some(position),
            message: message.into(),
        }
    }

    /// A finding about the whole text.
    pub fn whole(id: &'static str, message: impl Into<String>) -> Self {
        Self {
            id,
            position: None,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(Position { line, column }) => {
                write!(
                    f,
                    "{} line {line}, column {column}: {}",
                    self.id, self.message
                )
            }
            None => write!(f, "{} {}", self.id, self.message),
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
