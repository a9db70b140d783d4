//! A text with its nodes: where things are written.

use std::ops::Range;

use super::{EditError, Format};
use crate::model::yaml::node::{Node, Value};
use crate::model::yaml::path::{Path, Step};

/// Bytes that are taken out, and what is put there.
pub(super) type Splice = (Range<usize>, String);

/// A text and what it was read as.
pub(super) struct Sheet<'a> {
    pub text: &'a str,
    pub root: Option<&'a Node>,
    pub format: Format,
}

/// A node and what it is in.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    pub node: &'a Node,
    /// The list or mapping around it, and which of its children it is.
    pub parent: Option<(&'a Node, usize)>,
    /// Its key, in a mapping.
    pub key: Option<&'a Node>,
    /// The key of what it is in.
    pub parent_key: Option<&'a Node>,
}

impl<'a> Sheet<'a> {
    pub fn new(text: &'a str, root: Option<&'a Node>, format: Format) -> Self {
        Self { text, root, format }
    }

    /// The node at a path, if it is written there and not brought by an alias or a merge key.
    pub fn spot(&self, path: &Path) -> Result<Spot<'a>, EditError> {
        let gone = || EditError::new(format!("{path} is not there"));
        let mut spot = Spot {
            node: self.root.ok_or_else(gone)?,
            parent: None,
            key: None,
            parent_key: None,
        };
        for step in path.steps() {
            let parent = spot.node;
            let (index, key, node) = match (step, &parent.value) {
                (Step::Key(key), Value::Mapping(entries)) => {
                    let found = entries
                        .iter()
                        .position(|(have, _)| have.as_str() == Some(key));
                    let index = found.ok_or_else(gone)?;
                    (index, Some(&entries[index].0), &entries[index].1)
                }
                (Step::Index(index), Value::Sequence(items)) => {
                    (*index, None, items.get(*index).ok_or_else(gone)?)
                }
                _ => return Err(gone()),
            };
            spot = Spot {
                node,
                parent: Some((parent, index)),
                key,
                parent_key: spot.key,
            };
            let begins = key.map_or(parent.span.start, |key| key.span.start);
            let merged = begins.offset < parent.span.start.offset;
            if merged || is_alias(node, begins.offset) {
                let message = format!(
                    "{path} is written at another place of the document, and comes here through an alias (*) or a merge key (<<); change it by hand"
                );
                return Err(EditError::at(node.span.start, message));
            }
        }
        Ok(spot)
    }

    /// What is written between two places.
    pub fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// Whether a list or mapping is written in brackets.
    pub fn is_flow(&self, node: &Node) -> bool {
        let start = node.span.start.offset;
        let written = self.slice(start..self.text.len());
        // A list that is indented no deeper than its key starts at its first item, which may have brackets itself.
        let first = node.as_sequence().and_then(<[Node]>::first);
        written.starts_with(['{', '[']) && first.is_none_or(|item| item.span.start.offset != start)
    }

    /// Where the line of a place starts.
    pub fn line_start(&self, at: usize) -> usize {
        self.slice(0..at)
            .rfind(['\n', '\r'])
            .map_or(self.bom(), |end| end + 1)
    }

    /// Where the line of a place ends, in front of its line end.
    pub fn line_end(&self, at: usize) -> usize {
        let rest = self.slice(at..self.text.len());
        rest.find(['\n', '\r'])
            .map_or(self.text.len(), |end| at + end)
    }

    /// Where the next line starts.
    pub fn next_line(&self, at: usize) -> usize {
        let end = self.line_end(at);
        let rest = self.slice(end..self.text.len());
        let ending = ["\r\n", "\n", "\r"]
            .into_iter()
            .find(|e| rest.starts_with(e));
        end + ending.map_or(0, str::len)
    }

    /// Whether nothing but blanks is written before a place in its line.
    pub fn leads(&self, at: usize) -> bool {
        self.slice(self.line_start(at)..at).trim().is_empty()
    }

    /// How many characters come before a place in its line.
    pub fn column(&self, at: usize) -> usize {
        self.slice(self.line_start(at)..at).chars().count()
    }

    /// How many characters come before a node in its line.
    pub fn column_of(&self, node: &Node) -> usize {
        self.column(node.span.start.offset)
    }

    /// How lines end.
    pub fn line_ending(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.slice(0..at).ends_with('\r') => "\r\n",
            None if self.text.contains('\r') => "\r",
            _ => "\n",
        }
    }

    /// Behind the colon of a key.
    pub fn colon(&self, key: &Node) -> Result<usize, EditError> {
        let begin = key.span.start.offset;
        let at = quoted(self.slice(begin..self.text.len()))
            .map_or(key.span.end.offset, |length| begin + length);
        let rest = self.slice(at..self.text.len());
        let colon = rest.trim_start();
        if colon.starts_with(':') {
            Ok(at + rest.len() - colon.len() + 1)
        } else {
            let message = "a key without its colon behind it; change it by hand";
            Err(EditError::at(key.span.start, message))
        }
    }

    /// Where an entry of a mapping ends, comments behind it left out.
    pub fn entry_end(&self, key: &Node, value: &Node) -> Result<usize, EditError> {
        let colon = self.colon(key)?;
        if is_alias(value, key.span.start.offset) {
            return Ok(self.alias_end(colon));
        }
        match value.value {
            Value::Null => Ok(colon),
            _ => self.end(value),
        }
    }

    /// Where a node that is written at its own place ends, comments behind it left out.
    pub fn end(&self, node: &Node) -> Result<usize, EditError> {
        let span = node.span.start.offset..node.span.end.offset;
        match &node.value {
            Value::Null => Ok(span.start),
            Value::Scalar { plain: false, .. } => {
                let rest = self.slice(span.start..self.text.len());
                let quoted = quoted(rest).unwrap_or(self.slice(span.clone()).trim_end().len());
                Ok(span.start + quoted)
            }
            Value::Scalar { .. } => {
                Ok(span.start + self.slice(span.clone()).trim_end().len().max(1))
            }
            Value::Sequence(_) | Value::Mapping(_) if self.is_flow(node) => self.flow_end(node),
            Value::Mapping(entries) => entries
                .iter()
                .filter(|(key, _)| key.span.start.offset >= span.start)
                .max_by_key(|(key, _)| key.span.start.offset)
                .map_or(Ok(span.end), |(key, value)| self.entry_end(key, value)),
            Value::Sequence(items) => match items.last() {
                Some(last) if last.value == Value::Null => {
                    let message = "an item without a value; change it by hand";
                    Err(EditError::at(node.span.start, message))
                }
                Some(last) if !is_alias(last, span.start) => self.end(last),
                _ => Ok(span.end),
            },
        }
    }

    /// Behind the closing bracket of a list or mapping.
    fn flow_end(&self, node: &Node) -> Result<usize, EditError> {
        let start = node.span.start.offset;
        let last = match &node.value {
            Value::Mapping(entries) => match entries.iter().rfind(|(key, _)| inside(key, start)) {
                Some((
                    key,
                    Node {
                        value: Value::Null, ..
                    },
                )) => Some(self.colon(key).unwrap_or(key.span.end.offset)),
                Some((key, value)) => Some(self.entry_end(key, value)?),
                None => None,
            },
            Value::Sequence(items) => match items.last() {
                Some(last) if inside(last, start) => Some(self.end(last)?),
                Some(_) => return Ok(node.span.end.offset),
                None => None,
            },
            Value::Null | Value::Scalar { .. } => None,
        };
        let mut at = last.unwrap_or(start + 1);
        loop {
            let rest = self.slice(at..self.text.len());
            match rest.chars().next() {
                Some('}' | ']') => return Ok(at + 1),
                Some('#') => at = self.line_end(at),
                Some(c) if c == ',' || c.is_whitespace() => at += c.len_utf8(),
                _ => {
                    let message = "a bracket that is not found again; change it by hand";
                    return Err(EditError::at(node.span.start, message));
                }
            }
        }
    }

    /// The dash of an item of a list that is written without brackets.
    pub fn dash(&self, list: &Node, index: usize) -> Result<usize, EditError> {
        let wrong = |item: &Node| {
            let message = "an item that is not right behind its dash; change it by hand";
            EditError::at(item.span.start, message)
        };
        let items = list.as_sequence().unwrap_or_default();
        let item = items.get(index).ok_or_else(|| wrong(list))?;
        let before = self.slice(0..item.span.start.offset).trim_end();
        // A block below its dash may have comments in between, which nobody writes.
        if before.ends_with('-') && !is_alias(item, list.span.start.offset) {
            Ok(before.len() - 1)
        } else {
            Err(wrong(item))
        }
    }

    fn alias_end(&self, from: usize) -> usize {
        let rest = self.slice(from..self.text.len());
        let star = rest.trim_start();
        let start = from + rest.len() - star.len();
        let stop = |c: char| c.is_whitespace() || ",]}".contains(c);
        start + star.find(stop).unwrap_or(star.len())
    }

    fn bom(&self) -> usize {
        let bom = crate::model::yaml::positions::BOM;
        if self.text.starts_with(bom) {
            bom.len_utf8()
        } else {
            0
        }
    }
}

fn inside(node: &Node, start: usize) -> bool {
    node.span.start.offset > start
}

/// How long a text in quotes is that stands at the start.
fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = rest.next() {
        if quote == '"' && c == '\\' {
            rest.next();
        } else if c == quote {
            let doubled = quote == '\'' && rest.next_if(|(_, next)| *next == quote).is_some();
            if !doubled {
                return Some(at + 1);
            }
        }
    }
    None
}

/// Whether a node is written before the place where it stands, as what an alias repeats always is.
pub(super) fn is_alias(node: &Node, place: usize) -> bool {
    node.value != Value::Null && node.span.start.offset < place
}

/// The text with all splices, which do not overlap.
pub(super) fn splice(text: &str, mut splices: Vec<Splice>) -> String {
    // What is put in comes before what is cut there.
    splices.sort_by_key(|(range, _)| (range.start, range.end));
    let mut result = text.to_owned();
    for (range, new) in splices.into_iter().rev() {
        result.replace_range(range, &new);
    }
    result
}
