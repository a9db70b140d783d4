//! Reading fields of nodes, and collecting what is wrong with them.

use super::{Finding, Position};
use crate::model::yaml::{Node, nearest};

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

    /// Warns of keys that nothing reads, with the known one that may have been meant. Keys such as `x-defaults` and
    /// `.defaults` are there to keep an anchor.
    pub fn unknown_keys(&mut self, mapping: &Node, known: &[&str]) {
        for (key, _) in mapping.as_mapping().unwrap_or_default() {
            let name = key.as_str().unwrap_or_default();
            if !known.contains(&name) && !name.starts_with("x-") && !name.starts_with('.') {
                let help = nearest(name, known).map_or(String::new(), |help| format!(" ({help})"));
                self.warning("W03", key, format!("the key {name:?} is ignored{help}"));
            }
        }
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

    /// The text of an optional field, without spaces around it; empty text is nothing.
    pub fn optional<'a>(
        &mut self,
        id: &'static str,
        name: &str,
        entry: &'a Node,
    ) -> Option<&'a str> {
        let node = present(entry, name)?;
        self.text(id, name, node).filter(|text| !text.is_empty())
    }

    /// The texts of a field that is a list, or a single one. Nothing in a list is nothing there.
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
            .filter(|item| !item.is_null())
            .filter_map(|item| Some((self.text(id, name, item)?, item)))
            .collect()
    }

    /// A node's text without spaces around it; something else is an error.
    pub fn text<'a>(&mut self, id: &'static str, name: &str, node: &'a Node) -> Option<&'a str> {
        let text = node.as_str();
        if text.is_none() {
            self.error(
                id,
                node,
                format!("{name} is text, but this is {}", node.kind()),
            );
        }
        if text.is_some_and(|text| text.contains('\0')) {
            self.error(id, node, format!("{name} contains a NUL character"));
            return None;
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
