//! What a preference names: something that comes with the program, or a file of the user's.

use std::path::{Path, PathBuf};

use super::PreferencesError;
use crate::model::yaml;

/// A name, or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    written: String,
    /// The folder from which a relative path goes.
    folder: PathBuf,
}

impl Source {
    /// As it was written on the command line.
    #[must_use]
    pub fn named(written: &str) -> Self {
        Self::within(written, Path::new(""))
    }

    /// As it was written in a file in this folder.
    pub(super) fn within(written: &str, folder: &Path) -> Self {
        Self {
            written: written.to_owned(),
            folder: folder.to_owned(),
        }
    }

    /// The name, if it is one: a path has a slash or an ending.
    pub(crate) fn name(&self) -> Option<&str> {
        let is_path = self.written.contains(['/', '.']);
        (!is_path).then_some(self.written.as_str())
    }

    /// The file and its text.
    ///
    /// # Errors
    /// If it is a name, for whoever knows the choices has looked before; or if the file can't be read.
    pub(crate) fn read(
        &self,
        kind: &'static str,
        choices: &[&str],
    ) -> Result<(PathBuf, String), PreferencesError> {
        if let Some(name) = self.name() {
            return Err(PreferencesError::Unknown {
                kind,
                name: name.to_owned(),
                nearest: yaml::nearest(name, choices)
                    .map_or_else(|| ".".to_owned(), |help| format!(": {help}")),
                choices: choices.join(", "),
            });
        }
        let file = self.folder.join(&self.written);
        let text = std::fs::read_to_string(&file)
            .map_err(|error| PreferencesError::Unreadable(file.clone(), error))?;
        Ok((file, text))
    }
}
