//! Where a project is, and whether it has changed.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::listing::list;
use super::problem::Problems;
use super::{APPLICATIONS, CONFIGURATIONS, PROJECT_DOCUMENT};

/// The nearest folder from `start` upwards that has a `cutover.yaml`.
pub fn find(start: &Path) -> Option<PathBuf> {
    let start = std::path::absolute(start).ok()?;
    start
        .ancestors()
        .find(|folder| folder.join(PROJECT_DOCUMENT).is_file())
        .map(Path::to_owned)
}

/// Names, sizes and modification times of a project's documents: equal as long as nobody changed any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(Vec<(PathBuf, Option<(u64, SystemTime)>)>);

/// Takes the fingerprint of the documents in a project's folder, without reading them.
pub fn fingerprint(folder: &Path) -> Fingerprint {
    // What can't be listed now will be part of the fingerprint when it can.
    let mut ignored = Problems::default();
    let mut files = vec![PathBuf::from(PROJECT_DOCUMENT)];
    files.extend(list(folder, Path::new(CONFIGURATIONS), &mut ignored).documents);
    let applications = list(folder, Path::new(APPLICATIONS), &mut ignored);
    for application in applications.folders {
        let listing = list(folder, &application, &mut ignored);
        files.push(application);
        files.extend(listing.documents);
    }
    Fingerprint(
        files
            .into_iter()
            .map(|file| {
                let state = folder.join(&file).metadata().ok().and_then(|metadata| {
                    // A folder's own time changes with whatever else is put there.
                    let modified = metadata.modified().ok()?;
                    metadata.is_file().then_some((metadata.len(), modified))
                });
                (file, state)
            })
            .collect(),
    )
}
