//! Text is saved as a new file: what is there already is never touched.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// How many files of the same name there may be.
const NAMES: u32 = 1000;

/// Saves a text in a folder, under this name with this ending or the next one that is free. Answers where.
///
/// # Errors
/// Where it can't be written, why, and what helps.
pub(crate) fn save(folder: &Path, name: &str, ending: &str, text: &str) -> Result<PathBuf, String> {
    let wrong = |file: &Path, error: &io::Error| {
        format!(
            "{} can't be written: {error}: start the cockpit in a folder that has room and that you may write to",
            file.display()
        )
    };
    for number in 1..=NAMES {
        let file = folder.join(if number == 1 {
            format!("{name}.{ending}")
        } else {
            format!("{name}-{number}.{ending}")
        });
        // What scripts write may be nobody else's business.
        let new = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file);
        match new {
            Ok(mut new) => {
                let written = new.write_all(text.as_bytes());
                return written
                    .map(|()| file.clone())
                    .map_err(|error| wrong(&file, &error));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(wrong(&file, &error)),
        }
    }
    Err(format!(
        "{} has {NAMES} files that are called {name}: remove some",
        folder.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_never_touched() {
        let folder = tempfile::tempdir().unwrap();
        let first = save(folder.path(), "d-1-web-1", "log", "one\n").unwrap();
        let second = save(folder.path(), "d-1-web-1", "log", "two\n").unwrap();
        assert!(first.ends_with("d-1-web-1.log") && second.ends_with("d-1-web-1-2.log"));
        assert_eq!(std::fs::read_to_string(first).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(second).unwrap(), "two\n");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_what_helps() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let problem = save(&gone, "x", "log", "").unwrap_err();
        assert!(problem.contains("gone/x.log can't be written"), "{problem}");
        assert!(problem.contains("start the cockpit in a folder"));
    }
}
