//! One document: read, freed of what only `CodeDeploy`'s answers have, and turned into a type.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::problem::{Problem, Problems, Severity};
use crate::model::yaml::{self, Node, Position, Span, Value};

/// A document that is YAML at least, and a mapping.
#[derive(Debug)]
pub(super) struct Document {
    /// Relative to the project's folder.
    pub file: PathBuf,
    pub node: Node,
}

impl Document {
    /// Reads a file of the project. A file with nothing in it is an empty mapping.
    pub fn read(folder: &Path, file: &Path, problems: &mut Problems) -> Option<Self> {
        let bytes = match fs::read(folder.join(file)) {
            Ok(bytes) => bytes,
            Err(error) => {
                problems.error(file, format!("can't be read: {error}"));
                return None;
            }
        };
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = 1 + good.split(|byte| *byte == b'\n').count().saturating_sub(1);
                let problem = Problem::of_file(Severity::Error, file, "not UTF-8 text");
                problems.add(Problem { line, ..problem });
                return None;
            }
        };
        let node = match yaml::parse(&text) {
            Ok(node) => node.unwrap_or_else(empty),
            Err(error) => {
                problems.add(of_yaml(file, error));
                return None;
            }
        };
        if node.as_mapping().is_none() {
            let message = format!("expected a mapping, found {}", node.kind());
            problems.error(file, message);
            return None;
        }
        Some(Self {
            file: file.to_owned(),
            node,
        })
    }

    /// Unwraps an answer of `CodeDeploy`'s (`{"deploymentGroupInfo": {...}}`), and sets the fields aside that only its
    /// answers have.
    pub fn strip(&mut self, wrapper: &str, output_only: &[&str], problems: &mut Problems) {
        let inside = match &self.node.value {
            Value::Mapping(entries) if entries.len() == 1 => self.node.get(wrapper),
            _ => None,
        };
        if let Some(inner) = inside.filter(|node| node.as_mapping().is_some()) {
            let inner = inner.clone();
            let path = yaml::Path::root().key(wrapper);
            problems.add(self.problem(Severity::Note, &path, "the answer's wrapper is set aside"));
            self.node = inner;
        }
        for name in output_only {
            if self.node.entry(name).is_some() {
                let path = yaml::Path::root().key(*name);
                problems.add(self.problem(
                    Severity::Note,
                    &path,
                    "only CodeDeploy's answers have this field; it is set aside",
                ));
            }
        }
        if let Value::Mapping(entries) = &mut self.node.value {
            entries.retain(|(key, _)| !key.as_str().is_some_and(|key| output_only.contains(&key)));
        }
    }

    /// Makes a field hold the name of the file or folder that the document is kept in: fills it in if it is absent, and
    /// complains if it is another.
    pub fn named(&mut self, field: &str, name: &str, kept_in: &str, problems: &mut Problems) {
        if let Some(node) = self.node.get(field) {
            if let Some(text) = node.as_str().filter(|text| *text != name) {
                let path = yaml::Path::root().key(field);
                let message = format!("{text:?} is kept in the {kept_in} of {name:?}");
                problems.add(Problem {
                    help: Some(format!("rename the {kept_in}, or change the field")),
                    ..self.problem(Severity::Error, &path, message)
                });
            }
            return;
        }
        self.default(field, name);
    }

    /// Fills a field in that is absent.
    pub fn default(&mut self, field: &str, text: &str) {
        if self.node.get(field).is_some() {
            return;
        }
        let span = Span {
            end: self.node.span.start,
            ..self.node.span
        };
        let scalar = |text: &str| Node {
            value: Value::Scalar {
                text: text.to_owned(),
                plain: false,
            },
            span,
        };
        if let Value::Mapping(entries) = &mut self.node.value {
            entries.push((scalar(field), scalar(text)));
        }
    }

    /// The document as a type, or every place where it is not one.
    pub fn typed<T: DeserializeOwned>(&self, problems: &mut Problems) -> Option<T> {
        match yaml::from_node_all(&self.node) {
            Ok(value) => Some(value),
            Err(errors) => {
                for error in errors {
                    problems.add(of_yaml(&self.file, error));
                }
                None
            }
        }
    }

    /// A problem of a field, at the field or the nearest thing to it that is written.
    pub fn problem(
        &self,
        severity: Severity,
        path: &yaml::Path,
        message: impl Into<String>,
    ) -> Problem {
        let start = self.node.nearest(path).span.start;
        Problem {
            line: start.line,
            column: start.column,
            path: path.to_string(),
            ..Problem::of_file(severity, &self.file, message)
        }
    }
}

fn empty() -> Node {
    Node {
        value: Value::Mapping(Vec::new()),
        span: Span {
            start: Position::START,
            end: Position::START,
        },
    }
}

fn of_yaml(file: &Path, error: yaml::YamlError) -> Problem {
    Problem {
        severity: Severity::Error,
        file: file.to_owned(),
        line: error.line,
        column: error.column,
        path: error.path,
        message: error.message,
        help: error.help,
    }
}
