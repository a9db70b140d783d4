//! What is wrong with a document, and where.

use std::fmt;

use super::node::{Node, Position};

/// The first thing that is wrong with a document. Shown as `line:column: path: message (did you mean "x"?)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlError {
    /// The line, from 1.
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

impl YamlError {
    /// An error at a place of the text.
    pub fn new(position: Position, message: impl Into<String>) -> Self {
        Self {
            line: position.line,
            column: position.column,
            path: String::new(),
            message: message.into(),
            help: None,
        }
    }

    /// An error at a node, for checks beyond the types.
    pub fn at(node: &Node, path: impl fmt::Display, message: impl Into<String>) -> Self {
        Self {
            path: path.to_string(),
            ..Self::new(node.span.start, message)
        }
    }

    /// The same error with advice.
    #[must_use]
    pub fn with_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
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

impl std::error::Error for YamlError {}

/// `did you mean "x"?` with the right name nearest to `wrong`, if one is near enough to be a slip of the finger or of
/// the capitals.
pub fn nearest<T: AsRef<str>>(wrong: &str, right: impl IntoIterator<Item = T>) -> Option<String> {
    let wrong = wrong.to_lowercase();
    let length = wrong.chars().count();
    right
        .into_iter()
        .filter_map(|name| {
            let letters = name.as_ref().chars().count();
            let near = 1.max(letters / 3);
            // Comparing costs the product of both lengths, and whoever writes the wrong name chooses its length.
            if length.abs_diff(letters) > near {
                return None;
            }
            let distance = strsim::damerau_levenshtein(&wrong, &name.as_ref().to_lowercase());
            (distance <= near).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| format!("did you mean {:?}?", name.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_if_it_is_near() {
        let names = ["applicationName", "computePlatform"];
        for (wrong, expected) in [
            (
                "aplicationName",
                Some("did you mean \"applicationName\"?".to_owned()),
            ),
            (
                "ComputePlatform",
                Some("did you mean \"computePlatform\"?".to_owned()),
            ),
            ("hosts", None),
        ] {
            assert_eq!(nearest(wrong, names), expected, "{wrong}");
        }
    }
}
