//! Applications, and the documents of their groups as far as they can be read alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::APPLICATIONS;
use super::document::Document;
use super::groups::{self, Candidate};
use super::listing::{list, stem};
use super::problem::Problems;
use crate::model::application::Application;
use crate::model::name::Name;

/// The name of an application's own document, without the extension. No group can have it.
const APPLICATION: &str = "application";
/// Fields that only answers have.
const OUTPUT_ONLY: [&str; 5] = [
    "applicationId",
    "createTime",
    "linkedToGitHub",
    "gitHubAccountName",
    "tags",
];

/// What the folder of applications holds.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub applications: BTreeMap<Name, Application>,
    /// By application and name.
    pub groups: Vec<Candidate>,
}

/// Reads all applications and groups.
pub(super) fn read(folder: &Path, problems: &mut Problems) -> Read {
    let mut read = Read::default();
    let listing = list(folder, Path::new(APPLICATIONS), problems);
    for file in listing.documents.iter().chain(&listing.misnamed) {
        problems.warning(file, "not read: an application is a folder here");
    }
    for path in listing.folders {
        read_one(folder, &path, &mut read, problems);
    }
    read
}

fn read_one(folder: &Path, path: &Path, read: &mut Read, problems: &mut Problems) {
    let text = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let name: Name = match text.parse() {
        Ok(name) => name,
        Err(error) => {
            problems.error(
                path,
                format!("the folder's name is the application's: {error}"),
            );
            return;
        }
    };
    let mut listing = list(folder, path, problems);
    listing.check(problems);
    let (own, groups): (Vec<PathBuf>, Vec<PathBuf>) = listing
        .documents
        .into_iter()
        .partition(|file| stem(file) == APPLICATION);
    let application = if let Some(file) = own.first() {
        application(folder, file, &name, problems)
    } else {
        let file = path.join("application.yaml");
        let message = "missing: it says the computePlatform of the application";
        problems.error(&file, message);
        None
    };
    for file in groups {
        let platform = application.as_ref().map(|own| own.compute_platform);
        read.groups
            .extend(groups::read(folder, &file, &name, platform, problems));
    }
    if let Some(application) = application {
        read.applications.insert(name, application);
    }
}

fn application(
    folder: &Path,
    file: &Path,
    name: &Name,
    problems: &mut Problems,
) -> Option<Application> {
    let mut document = Document::read(folder, file, problems)?;
    document.strip("application", &OUTPUT_ONLY, problems);
    document.named("applicationName", name.as_str(), "folder", problems);
    document.typed(problems)
}
