//! Where the documents of a project are, whether or not they can be read.

use std::path::{Path, PathBuf};

use super::listing::{list, stem};
use super::problem::Problems;
use super::{APPLICATIONS, CONFIGURATIONS};
use crate::model::name::Name;

/// What `CodeDeploy`'s answer wraps an application in.
pub const APPLICATION_WRAPPER: &str = "application";
/// What `CodeDeploy`'s answer wraps a deployment group in.
pub const GROUP_WRAPPER: &str = "deploymentGroupInfo";
/// What `CodeDeploy`'s answer wraps a deployment configuration in.
pub const CONFIGURATION_WRAPPER: &str = "deploymentConfigInfo";

/// The document of an application, relative to the project, if there is one.
pub fn application(project: &Path, name: &Name) -> Option<PathBuf> {
    find(project, &folder(name), APPLICATION_WRAPPER)
}

/// The names of all applications.
pub fn applications(project: &Path) -> Vec<String> {
    let mut ignored = Problems::default();
    let folders = list(project, Path::new(APPLICATIONS), &mut ignored).folders;
    let name = |folder: &PathBuf| Some(folder.file_name()?.to_str()?.to_owned());
    folders.iter().filter_map(name).collect()
}

/// The document of a deployment group, relative to the project, if there is one.
pub fn group(project: &Path, application: &Name, name: &Name) -> Option<PathBuf> {
    // `application.yaml` is the application's own.
    find(project, &folder(application), name.as_str()).filter(|_| name.as_str() != "application")
}

/// The names and documents of an application's deployment groups.
pub fn groups(project: &Path, application: &Name) -> Vec<(String, PathBuf)> {
    let mut ignored = Problems::default();
    let documents = list(project, &folder(application), &mut ignored).documents;
    documents
        .into_iter()
        .map(|path| (stem(&path), path))
        .filter(|(name, _)| name != "application")
        .collect()
}

/// The document of a custom configuration, relative to the project, if there is one.
pub fn configuration(project: &Path, name: &Name) -> Option<PathBuf> {
    find(project, Path::new(CONFIGURATIONS), name.as_str())
}

fn folder(application: &Name) -> PathBuf {
    Path::new(APPLICATIONS).join(application.as_str())
}

fn find(project: &Path, folder: &Path, name: &str) -> Option<PathBuf> {
    let mut ignored = Problems::default();
    let documents = list(project, folder, &mut ignored).documents;
    documents.into_iter().find(|path| stem(path) == name)
}
