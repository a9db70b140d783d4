//! The one reader and writer of YAML (and of JSON, which is YAML too).
//!
//! ```text
//! text ── parse ──▶ Node (raw scalars, positions) ── de ──▶ any serde type
//!            │                                       │
//!            └── YamlError: line:column: path: message (did you mean "x"?)
//! ```
//!
//! Nodes keep a scalar's text as it is written, so that `mode: 0644` is the text `0644` for whoever wants text; numbers
//! and truth values are told apart only when a type asks for them (YAML 1.2, core schema).

mod de;
pub mod edit;
mod error;
mod json;
mod mapping;
mod node;
mod parse;
mod path;
mod positions;
mod repair;
mod scalar;
#[cfg(test)]
mod tests;
mod write;

pub use de::{from_node, from_node_all, from_str};
pub use error::{YamlError, nearest};
pub use node::{Node, Position, Span, Value};
pub use parse::{parse, parse_first};
pub use path::{Path, PathError, Step};
pub use write::{WriteError, to_string};
