//! Nodes to types: a serde deserializer that knows where it is.

mod access;
mod fault;
mod reader;
mod variant;

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use self::fault::Fault;
use self::reader::Reader;
use super::error::YamlError;
use super::node::{Node, Position, Span, Value};
use super::parse::parse;
use super::path::{Path, Step};

/// How many errors of one document are reported at most.
const ERRORS: usize = 20;

/// Reads a type from a document. A document with nothing in it reads as null.
///
/// # Errors
/// As [`parse`], and the first place where the document is not what the type wants.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    match parse(text)? {
        Some(node) => from_node(&node),
        None => from_node(&Node {
            value: Value::Null,
            span: Span {
                start: Position::START,
                end: Position::START,
            },
        }),
    }
}

/// Reads a type from a node.
///
/// A quoted scalar is always text; a plain number or truth value where text is wanted is its raw text.
///
/// # Errors
/// The first place where the node is not what the type wants.
pub fn from_node<T: DeserializeOwned>(node: &Node) -> Result<T, YamlError> {
    attempt(node, &mut Walk::default()).map_err(|fault| fault.0.error)
}

/// Reads a type from a node and goes on behind an error, to find the others too: what is wrong is left out, and the
/// complaints that follow from that alone are not reported.
///
/// # Errors
/// Every place where the node is not what the type wants, in the order of the document, at most 20.
pub fn from_node_all<T: DeserializeOwned>(node: &Node) -> Result<T, Vec<YamlError>> {
    let mut walk = Walk::default();
    let mut errors = Vec::new();
    loop {
        walk.path = Path::root();
        let fault = match attempt(node, &mut walk) {
            Ok(value) if errors.is_empty() => return Ok(value),
            Ok(_) => return Err(errors),
            Err(fault) => fault,
        };
        let fault = *fault.0;
        let follows = fault
            .missing
            .as_ref()
            .is_some_and(|field| walk.skipped.contains(&fault.culprit.key(field)));
        let goes_on = fault.culprit != Path::root() && walk.skipped.insert(fault.culprit);
        if !follows {
            errors.push(fault.error);
        }
        if !goes_on || errors.len() >= ERRORS {
            return Err(errors);
        }
    }
}

fn attempt<T: DeserializeOwned>(node: &Node, walk: &mut Walk) -> Result<T, Fault> {
    T::deserialize(Reader { node, walk })
}

/// Where the deserializer is, and what it must not look at again.
#[derive(Debug, Default)]
struct Walk {
    path: Path,
    skipped: HashSet<Path>,
}

impl Walk {
    /// Runs `inner` one step down.
    fn down<T>(
        &mut self,
        step: Step,
        inner: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.path.push(step);
        let outcome = inner(self)?;
        self.path.pop();
        Ok(outcome)
    }
}
