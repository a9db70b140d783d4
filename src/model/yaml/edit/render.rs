//! New parts of a document as text.

use super::content::Content;
use crate::model::yaml::node::Value;
use crate::model::yaml::parse::parse;

/// How wide a list or mapping in brackets may become in a document that has none there.
const WIDTH: usize = 80;

/// How new parts are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub json: bool,
    /// Blanks a level.
    pub unit: usize,
}

impl Style {
    /// On one line.
    pub fn inline(self, content: &Content) -> String {
        match content {
            Content::Null => "null".to_owned(),
            Content::Scalar { text, plain: true } => text.clone(),
            Content::Scalar { text, .. } => self.text(text),
            Content::Sequence(items) => {
                let items: Vec<String> = items.iter().map(|item| self.inline(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Content::Mapping(entries) if entries.is_empty() => "{}".to_owned(),
            Content::Mapping(entries) => {
                let entry = |(key, value): &(String, Content)| self.entry(key, value);
                let entries: Vec<String> = entries.iter().map(entry).collect();
                if self.json {
                    format!("{{{}}}", entries.join(", "))
                } else {
                    format!("{{ {} }}", entries.join(", "))
                }
            }
        }
    }

    /// A key and its value on one line.
    pub fn entry(self, key: &str, value: &Content) -> String {
        format!("{}: {}", self.text(key), self.inline(value))
    }

    /// A text, in quotes if it needs them.
    pub fn text(self, text: &str) -> String {
        if !self.json && is_plain(text) {
            return text.to_owned();
        }
        serde_json::Value::from(text).to_string()
    }

    /// Whether a value is put on one line in a document of lines.
    pub fn is_short(self, content: &Content) -> bool {
        let simple = |content: &Content| match content {
            Content::Sequence(items) => items.is_empty(),
            Content::Mapping(entries) => entries.is_empty(),
            Content::Null | Content::Scalar { .. } => true,
        };
        match content {
            Content::Null | Content::Scalar { .. } => true,
            Content::Sequence(items) => {
                items.iter().all(simple) && self.inline(content).len() <= WIDTH
            }
            Content::Mapping(entries) => {
                entries.iter().all(|(_, value)| simple(value))
                    && self.inline(content).len() <= WIDTH
            }
        }
    }

    /// An entry as lines without brackets; the first is not indented.
    pub fn block_entry(self, key: &str, value: &Content, indent: usize) -> Vec<String> {
        let key = self.text(key);
        if self.is_short(value) {
            return vec![match value {
                Content::Null => format!("{key}:"),
                _ => format!("{key}: {}", self.inline(value)),
            }];
        }
        let mut lines = vec![format!("{key}:")];
        lines.extend(self.block(value, indent + self.unit));
        lines
    }

    /// An item of a list as lines without brackets; the first is not indented.
    pub fn block_item(self, item: &Content, indent: usize) -> Vec<String> {
        if self.is_short(item) {
            return vec![format!("- {}", self.inline(item))];
        }
        self.compact_item(item, indent)
    }

    /// An item of a list as lines that start behind its dash; the first is not indented.
    pub fn compact_item(self, item: &Content, indent: usize) -> Vec<String> {
        let mut lines = self.block(item, indent + 2);
        if let Some(first) = lines.first_mut() {
            *first = format!("- {}", first.trim_start());
        }
        lines
    }

    /// A list or mapping as indented lines without brackets.
    pub fn block(self, content: &Content, indent: usize) -> Vec<String> {
        let parts: Vec<Vec<String>> = match content {
            Content::Mapping(entries) if !entries.is_empty() => entries
                .iter()
                .map(|(key, value)| self.block_entry(key, value, indent))
                .collect(),
            Content::Sequence(items) if !items.is_empty() => items
                .iter()
                .map(|item| self.block_item(item, indent))
                .collect(),
            other => vec![vec![self.inline(other)]],
        };
        let mut lines = Vec::new();
        for part in parts {
            for (index, line) in part.into_iter().enumerate() {
                // The rest of a part is indented already.
                lines.push(if index == 0 {
                    format!("{}{line}", " ".repeat(indent))
                } else {
                    line
                });
            }
        }
        lines
    }

    /// A value in brackets as lines; the first is not indented, and short lists and mappings stay on one line.
    pub fn bracketed(self, content: &Content, indent: usize) -> Vec<String> {
        if self.is_short(content) {
            return vec![self.inline(content)];
        }
        let inner = indent + self.unit;
        let (brackets, parts): (_, Vec<Vec<String>>) = match content {
            Content::Mapping(entries) => (
                ('{', '}'),
                entries
                    .iter()
                    .map(|(key, value)| {
                        let mut lines = self.bracketed(value, inner);
                        lines[0] = format!("{}: {}", self.text(key), lines[0]);
                        lines
                    })
                    .collect(),
            ),
            Content::Sequence(items) => (
                ('[', ']'),
                items
                    .iter()
                    .map(|item| self.bracketed(item, inner))
                    .collect(),
            ),
            Content::Null | Content::Scalar { .. } => return vec![self.inline(content)],
        };
        let mut lines = vec![brackets.0.to_string()];
        let count = parts.len();
        for (index, mut part) in parts.into_iter().enumerate() {
            part[0] = format!("{}{}", " ".repeat(inner), part[0]);
            if index + 1 < count
                && let Some(last) = part.last_mut()
            {
                last.push(',');
            }
            lines.extend(part);
        }
        lines.push(format!("{}{}", " ".repeat(indent), brackets.1));
        lines
    }
}

/// Whether a text means itself without quotes, in brackets too.
fn is_plain(text: &str) -> bool {
    let begins = |c: char| c.is_alphanumeric() || "_./$".contains(c);
    if !text.starts_with(begins) || text.contains(['\n', '\r', '\t', '#', '\u{feff}']) {
        return false;
    }
    let Ok(Some(list)) = parse(&format!("[{text}]")) else {
        return false;
    };
    match list.as_sequence() {
        Some([item]) => {
            let same =
                matches!(&item.value, Value::Scalar { text: read, plain: true } if read == text);
            same && Content::from(item) == Content::text(text)
        }
        _ => false,
    }
}
