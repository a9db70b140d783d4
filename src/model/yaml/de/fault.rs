//! Errors on their way out of serde: first without a place, then placed at the node that was being read.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use crate::model::yaml::error::{YamlError, nearest};
use crate::model::yaml::node::{Node, Position, Value};
use crate::model::yaml::path::Path;
use crate::model::yaml::scalar::{Scalar, resolve};

/// An error of the deserializer; boxed, for it passes through every result.
#[derive(Clone, Debug)]
pub(super) struct Fault(pub Box<Details>);

/// What is known of an error.
#[derive(Clone, Debug)]
pub(super) struct Details {
    pub error: YamlError,
    /// What has to be left out to get past the error.
    pub culprit: Path,
    /// The field, if the error is that one is missing.
    pub missing: Option<String>,
    placed: bool,
}

impl Fault {
    /// An error at a node.
    pub fn at(node: &Node, path: &Path, message: String) -> Self {
        Self::custom(message).placed(node, path)
    }

    /// Gives the error a place, unless it has one.
    pub fn placed(mut self, node: &Node, path: &Path) -> Self {
        let details = &mut *self.0;
        if !details.placed {
            details.error.line = node.span.start.line;
            details.error.column = node.span.start.column;
            details.error.path = path.to_string();
            details.culprit = path.clone();
            details.placed = true;
        }
        self
    }

    /// Blames something else than the place that is shown.
    pub fn blame(mut self, culprit: Path) -> Self {
        self.0.culprit = culprit;
        self
    }

    /// Adds advice.
    pub fn help(mut self, help: Option<String>) -> Self {
        let error = &mut self.0.error;
        error.help = help.or(error.help.take());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.error.fmt(f)
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(Details {
            error: YamlError::new(Position::START, message.to_string()),
            culprit: Path::root(),
            missing: None,
            placed: false,
        }))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format!("expected {expected}, found {unexpected}"))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::custom(format!("expected {expected}, found {length} items"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let names = expected.join(", ");
        Self::custom(format!("expected one of {names}, found {variant:?}"))
            .help(nearest(variant, expected))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let known = || match expected {
            [] => None,
            names => Some(format!("known here: {}", names.join(", "))),
        };
        Self::custom(format!("unknown field {field:?}"))
            .help(nearest(field, expected).or_else(known))
    }

    fn missing_field(field: &'static str) -> Self {
        let mut fault = Self::custom(format!("the field {field:?} is missing"));
        fault.0.missing = Some(field.to_owned());
        fault
    }
}

/// What a node is, with its text if that is short.
pub(super) fn found(node: &Node) -> String {
    let Value::Scalar { text, plain } = &node.value else {
        return node.kind().to_owned();
    };
    let short: String = match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.clone(),
    };
    match (plain, resolve(text)) {
        (true, Scalar::Null) => "nothing".to_owned(),
        (true, Scalar::Bool(_)) => short,
        (true, Scalar::Unsigned(_) | Scalar::Signed(_) | Scalar::Float(_)) => {
            format!("the number {short}")
        }
        _ => format!("the text {short:?}"),
    }
}
