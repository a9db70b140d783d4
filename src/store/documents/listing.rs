//! Which files of a project are documents.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::problem::Problems;

/// What a folder of the project holds, by name. Hidden files are left out, and a folder that does not exist is empty.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// `.yaml` and `.json` files, relative to the project's folder.
    pub documents: Vec<PathBuf>,
    /// Folders, relative to the project's folder.
    pub folders: Vec<PathBuf>,
    /// Files that are probably meant to be documents, but are named `.yml`.
    pub misnamed: Vec<PathBuf>,
}

/// Lists a folder of the project. What can't be listed is an error of the folder.
pub(super) fn list(project: &Path, folder: &Path, problems: &mut Problems) -> Listing {
    let mut listing = Listing::default();
    let entries = match fs::read_dir(project.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return listing,
        Err(error) => {
            problems.error(folder, format!("can't be listed: {error}"));
            return listing;
        }
    };
    for entry in entries {
        let name = match entry {
            Ok(entry) => entry.file_name(),
            Err(error) => {
                problems.error(folder, format!("can't be listed: {error}"));
                continue;
            }
        };
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = folder.join(&name);
        // Not the entry's own type: a link to a document is a document.
        if project.join(&path).is_dir() {
            listing.folders.push(path);
            continue;
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml" | "json") => listing.documents.push(path),
            Some("yml") => listing.misnamed.push(path),
            _ => {}
        }
    }
    listing.documents.sort();
    listing.folders.sort();
    listing.misnamed.sort();
    listing
}

impl Listing {
    /// Warns of files that are not read, and refuses two documents of one name; the first of them stays.
    pub fn check(&mut self, problems: &mut Problems) {
        for file in &self.misnamed {
            problems.warning(file, "not read: documents are named .yaml or .json");
        }
        // `a.json` is sorted right before `a.yaml`, but `a-b.yaml` may stand between.
        let mut seen: Vec<PathBuf> = Vec::new();
        self.documents.retain(|file| {
            let name = file.with_extension("");
            if seen.contains(&name) {
                problems.error(file, "there is a second document of this name, as .json");
                return false;
            }
            seen.push(name);
            true
        });
    }
}

/// The name that a file or folder gives to what is in it, without the extension.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
