//! A copy of a project's documents, so that changes of them can be checked before they are made.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{ChangeError, FileChange};
use crate::store::documents::listing::list;
use crate::store::documents::problem::Problems;
use crate::store::documents::{APPLICATIONS, CONFIGURATIONS, PROJECT_DOCUMENT};

/// A folder with the project's documents as they are to be.
pub(super) fn staged(folder: &Path, changes: &[FileChange]) -> Result<TempDir, ChangeError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| ChangeError::File {
            path,
            message: format!("can't be checked in a copy: {error}"),
        }
    };
    let copy = tempfile::tempdir().map_err(failed(Path::new("")))?;
    let (folders, files) = documents(folder);
    for path in folders {
        fs::create_dir_all(copy.path().join(&path)).map_err(failed(&path))?;
    }
    for path in files {
        if changes.iter().all(|change| change.path != path) {
            // What can't be read is a problem of the project before and after.
            let _unreadable = fs::copy(folder.join(&path), copy.path().join(&path));
        }
    }
    for change in changes {
        let path = copy.path().join(&change.path);
        if let (Some(after), Some(parent)) = (change.after(), path.parent()) {
            fs::create_dir_all(parent).map_err(failed(&change.path))?;
            fs::write(&path, after).map_err(failed(&change.path))?;
        }
    }
    for folder in changes.iter().filter_map(|change| change.path.parent()) {
        // An application without documents is none; what else is in its folder is no document.
        let empty = |folder: &Path| fs::read_dir(folder).is_ok_and(|mut all| all.next().is_none());
        let path = copy.path().join(folder);
        if path != copy.path() && empty(&path) {
            fs::remove_dir(&path).map_err(failed(folder))?;
        }
    }
    Ok(copy)
}

/// The folders and files that are read as a project.
fn documents(project: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut ignored = Problems::default();
    let mut folders = vec![PathBuf::from(CONFIGURATIONS), PathBuf::from(APPLICATIONS)];
    folders.extend(list(project, Path::new(APPLICATIONS), &mut ignored).folders);
    let mut files = vec![PathBuf::from(PROJECT_DOCUMENT)];
    for folder in &folders {
        let listing = list(project, folder, &mut ignored);
        files.extend(listing.documents);
        files.extend(listing.misnamed);
    }
    (folders, files)
}
