//! Where the documents of a project are, whether or not they can be read.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::edit::hosts;
use super::listing::{list, stem};
use super::problem::Problems;
use super::{APPLICATIONS, CONFIGURATIONS, PROJECT_DOCUMENT};
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::yaml;
use crate::model::yaml::edit::Content;

/// What `CodeDeploy`'s answer wraps an application in.
pub const APPLICATION_WRAPPER: &str = "application";
/// What `CodeDeploy`'s answer wraps a deployment group in.
pub const GROUP_WRAPPER: &str = "deploymentGroupInfo";
/// What `CodeDeploy`'s answer wraps a deployment configuration in.
pub const CONFIGURATION_WRAPPER: &str = "deploymentConfigInfo";

/// A document of a project, by what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// `cutover.yaml`.
    Project,
    /// A host, in `cutover.yaml`.
    Host(Name),
    /// An application.
    Application(Name),
    /// A deployment group.
    Group(GroupKey),
    /// A custom deployment configuration.
    Configuration(Name),
    /// A file at a line: what is wrong there may keep it from being about anything.
    File(PathBuf, usize),
}

impl Document {
    /// The document that a problem is about, which begins with `file:line:`.
    pub fn of_problem(problem: &str) -> Option<Self> {
        let mut parts = problem.splitn(3, ':');
        let path = PathBuf::from(parts.next()?);
        let line = parts.next()?.parse().ok()?;
        let below = |part: Component<'_>| matches!(part, Component::Normal(_));
        let named = path.extension().and_then(|extension| extension.to_str());
        let is_document = matches!(named, Some("yaml" | "json")) && path.components().all(below);
        is_document.then_some(Self::File(path, line))
    }

    /// Where it is, relative to the project, if it is there.
    pub fn find(&self, project: &Path) -> Option<PathBuf> {
        match self {
            Self::Project | Self::Host(_) => Some(PathBuf::from(PROJECT_DOCUMENT)),
            Self::Application(name) => application(project, name),
            Self::Group(key) => group(project, &key.application, &key.group),
            Self::Configuration(name) => configuration(project, name),
            Self::File(path, _) => project.join(path).is_file().then(|| path.clone()),
        }
    }

    /// The line at which it begins to be about that, if it is not the first.
    pub fn line(&self, text: &str) -> Option<usize> {
        match self {
            Self::File(_, line) => Some(*line),
            Self::Host(name) => {
                let root = yaml::parse(text).ok()??;
                let hosts = hosts(&Content::from(&root));
                let index = hosts.iter().position(|host| host == name.as_str())?;
                let path = yaml::Path::root().key("hosts").index(index);
                Some(root.nearest(&path).span.start.line)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project => f.write_str(PROJECT_DOCUMENT),
            Self::Host(name) => write!(f, "host {name}"),
            Self::Application(name) => write!(f, "application {name}"),
            Self::Group(key) => write!(f, "deployment group {key}"),
            Self::Configuration(name) => write!(f, "configuration {name}"),
            Self::File(path, _) => write!(f, "{}", path.display()),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_problem_is_about_is_a_document_of_the_project() {
        let of = |text: &str| Document::of_problem(text);
        assert_eq!(
            of("applications/shop/test.yaml:3:5: error: unknown field"),
            Some(Document::File("applications/shop/test.yaml".into(), 3))
        );
        for text in [
            "/etc/passwd.yaml:1:1: error",
            "../other.yaml:1:1: error",
            "cutover.yaml",
            "applications:1:1: can't be listed",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn a_host_begins_at_its_own_line() {
        let text = "name: shop\nhosts:\n  - name: web-1\n    address: http://127.0.0.1:1\n  - name: web-2\n";
        let line = |name: &str| Document::Host(name.parse().unwrap()).line(text);
        assert_eq!(line("web-2"), Some(5));
        assert_eq!(line("web-3"), None);
        assert_eq!(Document::Project.line(text), None);
    }
}
