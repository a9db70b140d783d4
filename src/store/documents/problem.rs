//! What is wrong with a project, and where, in the form that editors jump to.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The project can't be used.
    Error,
    /// The project can be used, but probably not as it is meant.
    Warning,
    /// Good to know.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// Something about a document. Shown as `file:line:column: error: path: message (help)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The document, relative to the project's folder.
    pub file: PathBuf,
    /// The line, from 1; 1 for the file as a whole.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The field, such as `hosts[2].tags.Env`; empty for the document as a whole.
    pub path: String,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do about it, such as `did you mean "tags"?`.
    pub help: Option<String>,
}

impl Problem {
    /// A problem of a file as a whole.
    pub(super) fn of_file(severity: Severity, file: &Path, message: impl Into<String>) -> Self {
        Self {
            severity,
            file: file.to_owned(),
            line: 1,
            column: 1,
            path: String::new(),
            message: message.into(),
            help: None,
        }
    }

    /// Whether the project can't be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        write!(
            f,
            "{file}:{}:{}: {}: ",
            self.line, self.column, self.severity
        )?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Problems as they are found.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub fn error(&mut self, file: &Path, message: impl Into<String>) {
        self.add(Problem::of_file(Severity::Error, file, message));
    }

    pub fn warning(&mut self, file: &Path, message: impl Into<String>) {
        self.add(Problem::of_file(Severity::Warning, file, message));
    }

    /// All of them by file and line.
    pub fn sorted(mut self) -> Vec<Problem> {
        self.0
            .sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        self.0
    }
}
