//! Reading fields of nodes, and collecting what is wrong with them.

use super::{Finding, Position};
use crate::model::yaml::Node;

/// Collects errors and warnings, so that one reading finds all of them.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub errors: Vec<Finding>,
    pub warnings: Vec<Finding>,
}

impl Findings {
    pub fn error(&mut self, id: &'static str, node: &Node, message: impl Into<String>) {
        self.errors.push(Finding::at(id, position(node), message));
    }

    pub fn warning(&mut self, id: &'static str, node: &Node, message: impl Into<String>) {
        self.warnings.push(Finding::at(id, position(node), message));
    }

    /// The items of a list; something else is an error.
    pub fn list<'a>(&mut self, id: &'static str, name: &str, node: &'a Node) -> &'a [Node] {
        let items = node.as_sequence();
        if items.is_none() {
            self.error(
                id,
                node,
                format!("{name} is a list, but this is {}", node.kind()),
            );
        }
        items.unwrap_or_default()
    }

    /// The text of a field without spaces around it; something else than text is an error, as is nothing at all.
    pub fn required<'a>(
        &mut self,
        id: &'static str,
        name: &str,
        entry: &'a Node,
    ) -> Option<&'a str> {
        let Some(node) = present(entry, name) else {
            self.error(id, entry, format!("the entry has no {name}"));
            return None;
        };
        let text = self.text(id, name, node)?;
        if text.is_empty() {
            self.error(id, node, format!("{name} is empty"));
            return None;
        }
        Some(text)
    }

    /// The text of an optional field, without spaces around it.
    pub fn optional<'a>(
        &mut self,
        id: &'static str,
        name: &str,
        entry: &'a Node,
    ) -> Option<&'a str> {
        let node = present(entry, name)?;
        self.text(id, name, node).filter(|text| !text.is_empty())
    }

    /// The texts of a field that is a list, or a single one.
    pub fn texts<'a>(
        &mut self,
        id: &'static str,
        name: &str,
        entry: &'a Node,
    ) -> Vec<(&'a str, &'a Node)> {
        let Some(node) = present(entry, name) else {
            return Vec::new();
        };
        let items = match node.as_sequence() {
            Some(items) => items,
            None => std::slice::from_ref(node),
        };
        items
            .iter()
            .filter_map(|item| Some((self.text(id, name, item)?, item)))
            .collect()
    }

    fn text<'a>(&mut self, id: &'static str, name: &str, node: &'a Node) -> Option<&'a str> {
        let text = node.as_str();
        if text.is_none() {
            self.error(
                id,
                node,
                format!("{name} is text, but this is {}", node.kind()),
            );
        }
        text.map(str::trim)
    }
}

/// The value of a key that is there and not null.
pub(super) fn present<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    node.get(key).filter(|value| !value.is_null())
}

/// Where a node begins.
pub(super) fn position(node: &Node) -> Position {
    Position {
        line: node.span.start.line,
        column: node.span.start.column,
    }
}
