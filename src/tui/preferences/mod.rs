//! What a person wants of the cockpit, whatever the project: `cockpit.yaml` in the user's folder of configuration. What
//! the command line says goes before it.

mod source;

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use self::source::Source;
use crate::model::yaml::{self, YamlError};

/// The file's name.
const FILE: &str = "cockpit.yaml";

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// The theme, if not the one that suits.
    pub theme: Option<Source>,
    /// The keys over the defaults.
    pub keymap: Option<Source>,
    /// How somebody is called who looks elsewhere.
    pub calls: Calls,
    /// Sentences below one another instead of a screen.
    pub plain: bool,
    /// Whether clicks and the wheel do something.
    pub mouse: Switch,
}

/// Whether something is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// It is.
    #[default]
    On,
    /// It is not.
    Off,
}

/// The ways in which somebody is called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Calls(Vec<Way>);

/// A way to call somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// By the terminal's bell.
    Bell,
    /// By a notification of the desktop.
    Notification,
    /// By the terminal's title.
    Title,
    /// By the progress that a terminal shows in its tab or in the task bar.
    Progress,
}

impl Calls {
    /// In no way.
    pub const NONE: Self = Self(Vec::new());

    /// Whether somebody is called this way.
    pub(crate) fn by(&self, way: Way) -> bool {
        self.0.contains(&way)
    }
}

impl Default for Calls {
    fn default() -> Self {
        Self(vec![
            Way::Bell,
            Way::Notification,
            Way::Title,
            Way::Progress,
        ])
    }
}

/// What is wrong with preferences.
#[derive(Debug, thiserror::Error)]
pub enum PreferencesError {
    /// A file can't be read.
    #[error("{file} can't be read", file = .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// A file says something wrong.
    #[error("{file}:{error}", file = .file.display())]
    Wrong {
        /// Which.
        file: PathBuf,
        /// Where in it, and what.
        error: YamlError,
    },
    /// Something is named that is not there.
    #[error(
        "there is no {kind} {name}{nearest} There are {choices}; or name a file by its path, such as ./mine.yaml"
    )]
    Unknown {
        /// What it should be.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What may be meant.
        nearest: String,
        /// What there is.
        choices: String,
    },
}

/// The file, as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    theme: Option<String>,
    keymap: Option<String>,
    calls: Calls,
    plain: bool,
    mouse: Switch,
}

impl Preferences {
    /// What the file in this folder says; the defaults, if there is none.
    ///
    /// # Errors
    /// If it can't be read, or is wrong: with its line.
    pub fn load(folder: &Path) -> Result<Self, PreferencesError> {
        let file = folder.join(FILE);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(PreferencesError::Unreadable(file, error)),
        };
        // A file of comments alone says nothing.
        let written = match yaml::parse(&text) {
            Ok(None) => Ok(Written::default()),
            Ok(Some(node)) => yaml::from_node(&node),
            Err(error) => Err(error),
        };
        let written = written.map_err(|error| PreferencesError::Wrong { file, error })?;
        let within = |written: String| Source::within(&written, folder);
        Ok(Self {
            theme: written.theme.map(within),
            keymap: written.keymap.map(within),
            calls: written.calls,
            plain: written.plain,
            mouse: written.mouse,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_file_everything_is_as_usual() {
        let folder = tempfile::tempdir().unwrap();
        let found = Preferences::load(folder.path()).unwrap();
        assert_eq!(found, Preferences::default());
        std::fs::write(folder.path().join(FILE), "# nothing yet\n").unwrap();
        let found = Preferences::load(folder.path()).unwrap();
        assert_eq!(found, Preferences::default());
    }

    #[test]
    fn a_file_is_taken_at_its_word() {
        let folder = tempfile::tempdir().unwrap();
        let text = "theme: mine.yaml\nkeymap: vim\ncalls: [title]\nplain: true\nmouse: off\n";
        std::fs::write(folder.path().join(FILE), text).unwrap();
        std::fs::write(folder.path().join("mine.yaml"), "good: blue\n").unwrap();
        let found = Preferences::load(folder.path()).unwrap();
        assert!(found.plain && found.mouse == Switch::Off);
        assert_eq!(found.keymap.unwrap().name(), Some("vim"));
        assert!(!found.calls.by(Way::Bell) && found.calls.by(Way::Title));
        let (file, text) = found.theme.unwrap().read("theme", &[]).unwrap();
        assert_eq!(file, folder.path().join("mine.yaml"));
        assert_eq!(text, "good: blue\n");
    }

    #[test]
    fn what_is_wrong_is_said_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        std::fs::write(&file, "theme: dark\nkeymp: vim\n").unwrap();
        let error = Preferences::load(folder.path()).unwrap_err().to_string();
        let place = format!("{}:2:1: ", file.display());
        assert!(error.starts_with(&place), "{error}");
        assert!(error.contains("did you mean \"keymap\"?"), "{error}");
        std::fs::write(&file, "calls: [title, bel]\n").unwrap();
        let error = Preferences::load(folder.path()).unwrap_err().to_string();
        assert!(error.contains(":1:16: "), "{error}");
    }
}
