//! A node and the way to it, for findings that name their field. What `AppSpec`s of Lambda and ECS call things may be
//! written in any capitals, as `CodeDeploy`'s own pages do.

use super::Finding;
use super::fields::{Findings, position};
use crate::model::yaml::{Node, Path, nearest};

/// A node of a document, and its path.
#[derive(Clone, Debug)]
pub(super) struct Spot<'a> {
    pub node: &'a Node,
    pub path: Path,
}

/// A key of a mapping, with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub name: &'a str,
    pub key: Spot<'a>,
    pub value: Spot<'a>,
}

impl<'a> Spot<'a> {
    /// The document itself.
    pub fn root(node: &'a Node) -> Self {
        Self {
            node,
            path: Path::root(),
        }
    }

    /// The value of a key that is there and not null.
    pub fn field(&self, name: &str) -> Option<Self> {
        let mut entries = self.entries().into_iter();
        entries
            .find(|entry| entry.name.eq_ignore_ascii_case(name))
            .map(|entry| entry.value)
    }

    /// The keys and values of a mapping, but for those that are null, which are as good as absent.
    pub fn entries(&self) -> Vec<Entry<'a>> {
        let entries = self.node.as_mapping().unwrap_or_default().iter();
        entries
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| {
                let name = key.as_str().unwrap_or_default();
                let at = |node| Self {
                    node,
                    path: self.path.key(name),
                };
                Entry {
                    name,
                    key: at(key),
                    value: at(value),
                }
            })
            .collect()
    }

    /// The items of a list.
    pub fn items(&self) -> Option<Vec<Self>> {
        let items = self.node.as_sequence()?.iter().enumerate();
        let at = |(index, node)| Self {
            node,
            path: self.path.index(index),
        };
        Some(items.map(at).collect())
    }

    /// The number that a text of digits is, with or without quotes.
    pub fn number(&self) -> Option<u64> {
        let text = self.node.as_str()?.trim();
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        // Whoever writes a number with zeros in front means another one, or none.
        let plain = digits && (text == "0" || !text.starts_with('0'));
        text.parse().ok().filter(|_| plain)
    }
}

impl Findings {
    /// An error about a field.
    pub fn wrong(&mut self, id: &'static str, spot: &Spot, message: impl Into<String>) {
        let finding = Finding::at(id, position(spot.node), message);
        self.errors.push(finding.about(spot.path.clone()));
    }

    /// A warning about a field.
    pub fn doubt(&mut self, id: &'static str, spot: &Spot, message: impl Into<String>) {
        let finding = Finding::at(id, position(spot.node), message);
        self.warnings.push(finding.about(spot.path.clone()));
    }

    /// Warns of keys that nothing reads, with the known one that may have been meant, and refuses keys that only their
    /// capitals tell apart.
    pub fn keys(&mut self, id: &'static str, mapping: &Spot, known: &[&str]) {
        let mut seen: Vec<Entry> = Vec::new();
        for entry in mapping.entries() {
            let name = entry.name;
            let is = |other: &str| other.eq_ignore_ascii_case(name);
            if let Some(first) = seen.iter().find(|other| is(other.name)) {
                let message = format!(
                    "the key is {:?} on line {} too, and capitals make no difference; keep one of them",
                    first.name, first.key.node.span.start.line
                );
                self.wrong(id, &entry.key, message);
            } else if known.iter().any(|known| is(known)) {
                seen.push(entry);
            } else if !name.starts_with("x-") && !name.starts_with('.') {
                let help = nearest(name, known).map_or(String::new(), |help| format!(" ({help})"));
                self.doubt("W03", &entry.key, format!("this key is ignored{help}"));
            }
        }
    }

    /// A field that must be there.
    pub fn demand<'a>(
        &mut self,
        id: &'static str,
        mapping: &Spot<'a>,
        name: &str,
        remedy: &str,
    ) -> Option<Spot<'a>> {
        let found = mapping.field(name);
        if found.is_none() {
            self.wrong(id, mapping, format!("{name} is missing; {remedy}"));
        }
        found
    }

    /// The text of a field without spaces around it; something else is an error, as is nothing between quotes.
    pub fn word<'a>(&mut self, id: &'static str, spot: &Spot<'a>, remedy: &str) -> Option<&'a str> {
        let Some(text) = spot.node.as_str() else {
            let message = format!("this is {}, not text; {remedy}", spot.node.kind());
            self.wrong(id, spot, message);
            return None;
        };
        let text = text.trim();
        if text.is_empty() {
            self.wrong(id, spot, format!("this is empty; {remedy}"));
            return None;
        }
        Some(text)
    }

    /// The items of a list; something else is an error.
    pub fn several<'a>(
        &mut self,
        id: &'static str,
        spot: &Spot<'a>,
        remedy: &str,
    ) -> Option<Vec<Spot<'a>>> {
        let items = spot.items();
        if items.is_none() {
            let message = format!("this is {}, not a list; {remedy}", spot.node.kind());
            self.wrong(id, spot, message);
        }
        items
    }

    /// Whether a node is a mapping; something else is an error.
    pub fn is_mapping(&mut self, id: &'static str, spot: &Spot, remedy: &str) -> bool {
        let is = spot.node.as_mapping().is_some();
        if !is {
            let message = format!("this is {}, not a mapping; {remedy}", spot.node.kind());
            self.wrong(id, spot, message);
        }
        is
    }
}
