//! The one document of an `AppSpec`'s text.

use super::{Finding, Position};
use crate::model::yaml::{self, Node};

/// What was read of a text.
#[derive(Debug)]
pub(super) struct Document {
    /// The first document: a mapping.
    pub root: Node,
    /// A warning of a second one.
    pub second: Option<Finding>,
}

/// Reads the first document of a text.
///
/// # Errors
///
/// `E01` and `E02`: nothing can be said about the rest then.
pub(super) fn read(text: &str) -> Result<Document, Finding> {
    let (document, second) = yaml::parse_first(text).map_err(|error| {
        let position = Position {
            line: error.line,
            column: error.column,
        };
        let help = error
            .help
            .map_or(String::new(), |help| format!(" ({help})"));
        let message = format!("{}{help}", error.message);
        Finding::at("E02", position, message)
    })?;
    let Some(root) = document.filter(|document| !document.is_null()) else {
        return Err(Finding::whole("E01", "the AppSpec is empty"));
    };
    if root.as_mapping().is_none() {
        let message = format!("an AppSpec is a mapping, but this is {}", root.kind());
        return Err(Finding::at("E02", super::fields::position(&root), message));
    }
    let second = second.map(|yaml::Position { line, column, .. }| {
        let message = "a second document starts here; only the first is read";
        Finding::at("W02", Position { line, column }, message)
    });
    Ok(Document { root, second })
}
