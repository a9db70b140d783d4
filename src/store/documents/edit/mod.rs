//! Changes of a project's documents: prepared in memory, checked as a whole in a copy of the project, and only then
//! written, each file at once or not at all.

mod copy;
mod diff;
mod draft;
mod editor;
mod file;
mod new;
pub mod typed;

use std::path::{Path, PathBuf};

pub use self::draft::Draft;
pub use self::editor::Editor;
use self::file::Original;
pub use self::new::{New, hosts};
use super::problem::Problem;
use super::{Loaded, load};
use crate::model::yaml;
use crate::model::yaml::edit::{Change, Content, EditError, Format, edit};

/// Why a change of documents is not made. Nothing is written then.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// A file can't be read or written.
    #[error("{}: {message}", path.display())]
    File {
        /// Relative to the project.
        path: PathBuf,
        /// What went wrong.
        message: String,
    },
    /// The text can't be edited.
    #[error("{}:{error}", path.display())]
    Edit {
        /// Relative to the project.
        path: PathBuf,
        /// Why.
        error: EditError,
    },
    /// The project would have errors that it does not have now.
    #[error("nothing is written, for the project would have an error:\n{}", lines(.0))]
    Invalid(Vec<Problem>),
    /// It does not go together with what is there.
    #[error("{0}")]
    Refused(String),
}

impl ChangeError {
    /// There is nothing of this name, and perhaps one that was meant.
    pub fn unknown<T: AsRef<str>>(
        kind: &str,
        name: &str,
        known: impl IntoIterator<Item = T>,
        error: &str,
    ) -> Self {
        let help = yaml::nearest(name, known).map_or(String::new(), |help| format!(": {help}"));
        Self::Refused(format!("there is no {kind} {name}{help} ({error})"))
    }

    /// The first line of a document that it is about, if it is about a line of that one.
    pub fn line_in(&self, path: &Path) -> Option<usize> {
        match self {
            Self::Invalid(problems) => {
                let own = problems.iter().find(|problem| problem.file == path);
                own.map(|problem| problem.line)
            }
            Self::Edit { path: own, error } if own == path => {
                error.position.map(|position| position.line)
            }
            _ => None,
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// What is to become of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Relative to the project.
    pub path: PathBuf,
    original: Original,
    after: Option<String>,
}

impl FileChange {
    /// The text before, if there was a file.
    pub fn before(&self) -> Option<&str> {
        self.original.text()
    }

    /// The text after, if there is to be a file.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }
}

/// Changes of a project's documents that are made together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    folder: PathBuf,
    files: Vec<FileChange>,
}

impl Changes {
    /// No changes yet of the project in a folder.
    pub fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            files: Vec::new(),
        }
    }

    /// The files that become different, in the order of the changes.
    pub fn files(&self) -> impl Iterator<Item = &FileChange> {
        self.files
            .iter()
            .filter(|file| file.before() != file.after())
    }

    /// The text of a document as it is to be, if it exists.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn text(&mut self, path: &Path) -> Result<Option<&str>, ChangeError> {
        Ok(self.file(path)?.after.as_deref())
    }

    /// Where the fields of a document are: below the wrapper, if it was saved as `CodeDeploy` answers it.
    ///
    /// # Errors
    /// If the file can't be read, or is no document.
    pub fn root(&mut self, path: &Path, wrapper: &str) -> Result<yaml::Path, ChangeError> {
        let text = self.text(path)?.unwrap_or_default();
        let root = yaml::parse(text).map_err(|error| ChangeError::Edit {
            path: path.to_owned(),
            error: error.into(),
        })?;
        let entries = root.as_ref().and_then(yaml::Node::as_mapping);
        Ok(match entries {
            Some([(key, inner)])
                if key.as_str() == Some(wrapper) && inner.as_mapping().is_some() =>
            {
                yaml::Path::root().key(wrapper)
            }
            _ => yaml::Path::root(),
        })
    }

    /// What a document means now, nothing but an empty mapping if it does not exist.
    ///
    /// # Errors
    /// If the file can't be read, or is no document.
    pub fn content(&mut self, path: &Path) -> Result<Content, ChangeError> {
        let text = self.text(path)?.unwrap_or_default();
        let root = yaml::parse(text).map_err(|error| ChangeError::Edit {
            path: path.to_owned(),
            error: error.into(),
        })?;
        Ok(root.as_ref().map_or_else(Content::empty, Content::from))
    }

    /// Changes fields of a document, and keeps everything else of it.
    ///
    /// # Errors
    /// If the file can't be read, is no document, or the place can't be changed alone.
    pub fn edit(&mut self, path: &Path, changes: &[Change]) -> Result<(), ChangeError> {
        let file = self.file(path)?;
        let before = file.after.as_deref().unwrap_or_default();
        let after = edit(before, format(path), changes).map_err(|error| ChangeError::Edit {
            path: path.to_owned(),
            error,
        })?;
        file.after = Some(after);
        Ok(())
    }

    /// Makes a document of these entries.
    ///
    /// # Errors
    /// If there is one already, or the file can't be read.
    pub fn create(
        &mut self,
        path: &Path,
        entries: Vec<(String, Content)>,
    ) -> Result<(), ChangeError> {
        let file = self.file(path)?;
        if file.after.is_some() {
            return Err(ChangeError::File {
                path: path.to_owned(),
                message: "exists already".to_owned(),
            });
        }
        let changes: Vec<Change> = entries
            .into_iter()
            .map(|(key, value)| Change::Set(yaml::Path::root().key(key), value))
            .collect();
        self.edit(path, &changes)
    }

    /// Makes a document be this text.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn write(&mut self, path: &Path, text: String) -> Result<(), ChangeError> {
        self.file(path)?.after = Some(text);
        Ok(())
    }

    /// Takes a document away.
    ///
    /// # Errors
    /// If the file can't be read.
    pub fn delete(&mut self, path: &Path) -> Result<(), ChangeError> {
        self.file(path)?.after = None;
        Ok(())
    }

    /// The project as it will be.
    ///
    /// # Errors
    /// The errors that it would have and does not have now. A project that has errors already can be put right one after
    /// the other; what is left of them is in the notes.
    pub fn check(&self) -> Result<Vec<Problem>, ChangeError> {
        let staged = copy::staged(&self.folder, &self.files)?;
        match load(staged.path()) {
            Ok(Loaded { notes, .. }) => Ok(notes),
            Err(after) => {
                let before = load(&self.folder).err().unwrap_or_default();
                // An edit moves what is below it.
                let known = |problem: &&Problem| {
                    before.iter().any(|old| {
                        (&old.file, &old.path, &old.message)
                            == (&problem.file, &problem.path, &problem.message)
                    })
                };
                let new: Vec<Problem> = after
                    .iter()
                    .filter(|problem| problem.is_error() && !known(problem))
                    .cloned()
                    .collect();
                if new.is_empty() {
                    Ok(after)
                } else {
                    Err(ChangeError::Invalid(new))
                }
            }
        }
    }

    /// Writes the files, in the order of the changes: each at once, with the mode that it had, through links to what they
    /// lead to. Answers what the project's problems are afterwards.
    ///
    /// # Errors
    /// If the project would get errors, a file was changed by somebody else since it was read, or can't be written.
    pub fn commit(&self) -> Result<Vec<Problem>, ChangeError> {
        // What is right with the project as it is now could be wrong with what another of us is writing.
        let _held = file::lock(&self.folder)?;
        let notes = self.check()?;
        for file in self.files() {
            file.original.unchanged(&self.folder, &file.path)?;
        }
        for file in self.files() {
            file.original
                .replace(&self.folder, &file.path, file.after())?;
        }
        Ok(notes)
    }

    fn file(&mut self, path: &Path) -> Result<&mut FileChange, ChangeError> {
        let known = self.files.iter().position(|file| file.path == path);
        let index = known.unwrap_or(self.files.len());
        if known.is_none() {
            let original = Original::read(&self.folder, path)?;
            self.files.push(FileChange {
                path: path.to_owned(),
                after: original.text().map(str::to_owned),
                original,
            });
        }
        Ok(&mut self.files[index])
    }
}

fn format(path: &Path) -> Format {
    match path.extension() {
        Some(extension) if extension == "json" => Format::Json,
        _ => Format::Yaml,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;
    use std::time::{Duration, Instant};

    use super::*;

    const GROUP: &str = "applications/shop/web.yaml";
    const CONFIGURATION: &str = "configurations/half.yaml";

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cutover.yaml"), "name: shop\n").unwrap();
        fs::create_dir(folder.path().join("configurations")).unwrap();
        let text = "deploymentConfigName: half\ncomputePlatform: Server\nminimumHealthyHosts: { type: FLEET_PERCENT, value: 50 }\n";
        fs::write(folder.path().join(CONFIGURATION), text).unwrap();
        let application = folder.path().join("applications/shop");
        fs::create_dir_all(&application).unwrap();
        let text = "applicationName: shop\ncomputePlatform: Server\n";
        fs::write(application.join("application.yaml"), text).unwrap();
        folder
    }

    /// Whether somebody waits for the lock of a folder, as the kernel lists them.
    fn is_awaited(folder: &Path) -> bool {
        let inode = format!(":{} ", fs::metadata(folder).unwrap().ino());
        let locks = fs::read_to_string("/proc/locks").unwrap();
        let mut waiting = locks.lines().filter(|line| line.contains("->"));
        waiting.any(|line| line.contains(&inode))
    }

    #[test]
    fn what_two_write_at_once_is_checked_together() {
        let project = project();
        let folder = project.path();
        let mut changes = Changes::of(folder);
        let text = "applicationName: shop\ndeploymentGroupName: web\ndeploymentConfigName: half\n";
        changes.write(Path::new(GROUP), text.to_owned()).unwrap();
        changes.check().unwrap();
        let held = file::lock(folder).unwrap();
        let refused = std::thread::scope(|scope| {
            let writer = scope.spawn(|| changes.commit());
            let begun = Instant::now();
            while !is_awaited(folder) {
                assert!(begun.elapsed() < Duration::from_secs(10), "nobody waits");
                std::thread::yield_now();
            }
            fs::remove_file(folder.join(CONFIGURATION)).unwrap();
            drop(held);
            writer.join().unwrap().unwrap_err()
        });
        assert!(refused.to_string().contains("half"), "{refused}");
        assert!(!folder.join(GROUP).exists());
    }
}
