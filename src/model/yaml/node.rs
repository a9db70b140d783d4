//! Nodes of a document, each with the place it was read from.

use super::path::{Path, Step};

/// A place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The distance from the start of the text in bytes, from 0.
    pub offset: usize,
}

impl Position {
    /// The first character of a document.
    pub const START: Self = Self {
        line: 1,
        column: 1,
        offset: 0,
    };
}

/// A stretch of a document: `text[start.offset..end.offset]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first character.
    pub start: Position,
    /// Behind the last character.
    pub end: Position,
}

/// A value and where it is written. A value that came through an alias keeps the place where it is written, which is
/// its anchor's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What is written there.
    pub value: Value,
    /// Where.
    pub span: Span,
}

/// The shapes of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing is written where a value could be (`key:`).
    Null,
    /// One word or one text.
    Scalar {
        /// The text as written, quotes and escapes resolved.
        text: String,
        /// Written without quotes, so that it may mean a number, a truth value or null.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the document; every key is a scalar, and none occurs twice.
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// The scalar's text as written, whatever it could mean besides.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The truth value that a plain scalar is: those of YAML 1.2, and `yes`, `no`, `on` and `off` of YAML 1.1.
    pub fn as_bool(&self) -> Option<bool> {
        let Value::Scalar { text, plain: true } = &self.value else {
            return None;
        };
        let is = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        match (is(["true", "yes", "on"]), is(["false", "no", "off"])) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping, in the order of the document.
    pub fn as_mapping(&self) -> Option<&[(Node, Node)]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// Whether nothing is written, or a plain `~` or `null`.
    pub fn is_null(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Scalar { text, plain: true } => {
                matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The key and the value of a key, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<(&Node, &Node)> {
        self.as_mapping()?
            .iter()
            .find(|(have, _)| have.as_str() == Some(key))
            .map(|(have, value)| (have, value))
    }

    /// The node at a path below this one, or the deepest one on the way that exists: the best place to point at.
    pub fn nearest(&self, path: &Path) -> &Node {
        let mut here = self;
        for step in path.steps() {
            let next = match step {
                Step::Key(key) => here.get(key),
                Step::Index(index) => here.as_sequence().and_then(|items| items.get(*index)),
            };
            match next {
                Some(node) => here = node,
                None => break,
            }
        }
        here
    }

    /// What this is, for messages of the form “expected a list, found a mapping”.
    pub fn kind(&self) -> &'static str {
        use super::scalar::{Scalar, resolve};
        match &self.value {
            Value::Null => "nothing",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Scalar { plain: false, .. } => "text",
            Value::Scalar { text, plain: true } => match resolve(text) {
                Scalar::Null => "nothing",
                Scalar::Bool(_) => "true or false",
                Scalar::Unsigned(_) | Scalar::Signed(_) | Scalar::Float(_) => "a number",
                Scalar::Text => "text",
            },
        }
    }
}
