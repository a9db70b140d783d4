//! Keys of mappings: none twice, and merge keys resolved.

use std::collections::HashMap;

use super::error::YamlError;
use super::node::{Node, Value};

/// Accepts a node as a key: one word or text.
pub(super) fn key(node: Node) -> Result<Node, YamlError> {
    match node.value {
        Value::Scalar { .. } => Ok(node),
        Value::Null => Err(YamlError::new(node.span.start, "a key is missing here")),
        Value::Sequence(_) | Value::Mapping(_) => Err(YamlError::new(
            node.span.start,
            format!("a key must be text, found {}", node.kind()),
        )),
    }
}

/// The entries of a complete mapping. Merged entries come last, and never replace what the mapping says itself.
pub(super) fn finish(entries: Vec<(Node, Node)>) -> Result<Vec<(Node, Node)>, YamlError> {
    let mut merged = Vec::new();
    let mut own: Vec<(Node, Node)> = Vec::with_capacity(entries.len());
    let mut lines: HashMap<String, usize> = HashMap::new();
    for (key, value) in entries {
        let name = key.as_str().unwrap_or_default();
        let line = key.span.start.line;
        if let Some(first) = lines.insert(name.to_owned(), line) {
            let message = format!("the key {name:?} is on line {first} and on line {line}");
            return Err(YamlError::new(key.span.start, message));
        }
        if is_merge(&key) {
            merged = sources(value)?;
        } else {
            own.push((key, value));
        }
    }
    for (key, value) in merged {
        let name = key.as_str().unwrap_or_default();
        if !lines.contains_key(name) {
            lines.insert(name.to_owned(), key.span.start.line);
            own.push((key, value));
        }
    }
    Ok(own)
}

fn is_merge(key: &Node) -> bool {
    matches!(&key.value, Value::Scalar { text, plain: true } if text == "<<")
}

/// The entries that a merge key brings, those of the first mapping first.
fn sources(value: Node) -> Result<Vec<(Node, Node)>, YamlError> {
    let wrong = |node: &Node| {
        let message = format!(
            "<< takes a mapping or a list of them, found {}",
            node.kind()
        );
        YamlError::new(node.span.start, message)
    };
    match value.value {
        Value::Mapping(entries) => Ok(entries),
        Value::Sequence(items) => {
            let mut all = Vec::new();
            for item in items {
                match item.value {
                    Value::Mapping(entries) => all.extend(entries),
                    _ => return Err(wrong(&item)),
                }
            }
            Ok(all)
        }
        Value::Null | Value::Scalar { .. } => Err(wrong(&value)),
    }
}
