//! A document on its way: made by a command or a form, or changed by hand in a copy of it, which becomes the document only
//! once the whole project is right with it.

use std::fs;
use std::path::{Path, PathBuf};

use super::file::Original;
use super::{ChangeError, Changes};
use crate::store::documents::Problem;

/// Changes of a project's documents, one of which people look at, and may change by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    changes: Changes,
    /// Relative to the project.
    path: PathBuf,
    /// The file that an editor is given, once there is one.
    copy: Option<PathBuf>,
}

impl Draft {
    /// A draft of this document, with changes that are made already.
    pub fn new(changes: Changes, path: impl Into<PathBuf>) -> Self {
        Self {
            changes,
            path: path.into(),
            copy: None,
        }
    }

    /// The document, relative to the project.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What would be written.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The file that an editor was given.
    pub fn copy(&self) -> Option<&Path> {
        self.copy.as_deref()
    }

    /// What would become different, as `diff -u` shows it.
    pub fn diff(&self) -> Vec<String> {
        let files = self.changes.files();
        files.flat_map(super::FileChange::diff).collect()
    }

    /// The file for an editor, made where there is none yet. Its name tells the editor what it is.
    ///
    /// # Errors
    /// If the document can't be read, or no copy can be made.
    pub fn open(&mut self) -> Result<PathBuf, ChangeError> {
        if let Some(copy) = &self.copy {
            return Ok(copy.clone());
        }
        let text = self
            .changes
            .text(&self.path)?
            .unwrap_or_default()
            .to_owned();
        let path = self.path.clone();
        let failed = |error: std::io::Error| ChangeError::File {
            path,
            message: format!("no copy can be made for an editor: {error}"),
        };
        let name = self.path.file_name().unwrap_or_default().to_owned();
        let make = || {
            let folder = tempfile::Builder::new().prefix("cutover-").tempdir()?;
            fs::write(folder.path().join(&name), text)?;
            // What somebody writes is theirs: only `let_go` takes it away.
            Ok(folder.keep().join(&name))
        };
        let copy = make().map_err(failed)?;
        self.copy = Some(copy.clone());
        Ok(copy)
    }

    /// Takes what the editor wrote, and checks the project with it: what is worth knowing about it then.
    ///
    /// # Errors
    /// The errors that the project would have and does not have now; or that the copy can't be read.
    pub fn take_back(&mut self) -> Result<Vec<Problem>, ChangeError> {
        if let Some(copy) = &self.copy {
            let text = fs::read_to_string(copy).map_err(|error| ChangeError::File {
                path: copy.clone(),
                message: format!("what the editor wrote can't be read: {error}"),
            })?;
            self.changes.write(&self.path, text)?;
        }
        self.changes.check()
    }

    /// Where what was written by hand is left, if the document does not say it; else the copy is taken away.
    pub fn let_go(&self) -> Option<PathBuf> {
        let copy = self.copy.as_ref()?;
        let document = Original::read(&self.changes.folder, &self.path);
        // What can't be read is somebody's all the same.
        let written = fs::read_to_string(copy).ok();
        let said = |document: Original| document.text() == written.as_deref();
        if written.is_some() && document.is_ok_and(said) {
            let _gone = fs::remove_file(copy);
            // What an editor has left there stays with its folder.
            let _others = copy.parent().map(fs::remove_dir);
            return None;
        }
        Some(copy.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let application = folder.path().join("applications/shop");
        fs::create_dir_all(&application).unwrap();
        fs::write(folder.path().join("cutover.yaml"), "name: shop\n").unwrap();
        let text = "applicationName: shop\ncomputePlatform: Server\n";
        fs::write(application.join("application.yaml"), text).unwrap();
        folder
    }

    const PATH: &str = "applications/shop/application.yaml";

    #[test]
    fn a_copy_is_checked_with_its_project_and_stays_while_the_document_says_something_else() {
        let project = project();
        let mut draft = Draft::new(Changes::of(project.path()), PATH);
        let copy = draft.open().unwrap();
        fs::write(&copy, "applicationName: shop\ncomputePlatform: Srver\n").unwrap();
        let wrong = draft.take_back().unwrap_err();
        assert_eq!(wrong.line_in(Path::new(PATH)), Some(2));
        assert_eq!(wrong.line_in(Path::new("cutover.yaml")), None);
        assert_eq!(draft.let_go(), Some(copy.clone()), "it is nowhere else");
        let right = "# ours\napplicationName: shop\ncomputePlatform: Server\n";
        fs::write(&copy, right).unwrap();
        draft.take_back().unwrap();
        assert!(draft.diff().contains(&"+# ours".to_owned()));
        draft.changes().commit().unwrap();
        assert_eq!(draft.let_go(), None);
        assert!(!copy.exists() && !copy.parent().unwrap().exists());
    }
}
