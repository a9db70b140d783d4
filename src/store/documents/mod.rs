//! The project on disk: reads a folder of documents as a whole, or says everything that is wrong with it.
//!
//! ```text
//! cutover.yaml                           hosts, connections, settings project
//! configurations/<name>.yaml             custom configurations       configurations
//! applications/<app>/application.yaml    the platform                applications
//! applications/<app>/<group>.yaml        one deployment group        groups
//! ```
//!
//! Documents of an application and of the configurations may be JSON too (`.json`).

mod access;
pub mod address;
mod alarms;
mod applications;
mod automatic;
mod aws;
mod balancers;
mod configurations;
mod connections;
mod document;
pub mod edit;
mod environments;
mod find;
mod fleets;
mod functions;
mod groups;
mod listing;
pub mod place;
mod problem;
mod project;
mod receivers;
mod secrets;
mod services;
mod sources;

use std::path::Path;

pub use self::configurations::RESERVED;
pub use self::find::{Fingerprint, find, fingerprint};
use self::problem::Problems;
pub use self::problem::{Problem, Severity};
use crate::model::project::{Project, ProjectDocument, Settings};

/// The name of the document at a project's root.
pub const PROJECT_DOCUMENT: &str = "cutover.yaml";
/// The folder of applications and their groups.
pub const APPLICATIONS: &str = "applications";
/// The folder of custom deployment configurations.
pub const CONFIGURATIONS: &str = "configurations";

/// A project without errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The project, every reference resolved.
    pub project: Project,
    /// Warnings and notes, by file and line.
    pub notes: Vec<Problem>,
}

/// Reads the project in a folder.
///
/// # Errors
/// Every problem of every document, by file and line, if at least one is an error. Nothing is half loaded.
pub fn load(folder: &Path) -> Result<Loaded, Vec<Problem>> {
    let mut problems = Problems::default();
    let read_project = project::read(folder, &mut problems);
    let document = read_project.as_ref().map(|(document, _)| document);
    let configurations = configurations::read(folder, &mut problems);
    let read = applications::read(folder, &mut problems);
    let context = groups::Context {
        project: document.map(|document| &document.name),
        hosts: document.map(|document| document.hosts.as_slice()),
        connections: document.map(|document| &document.connections),
        environments: document.map(|document| &document.environments),
        configurations: &configurations,
    };
    let groups = groups::check(read.groups, &context, &mut problems);
    if let Some((document, source)) = &read_project
        && let Some(access) = &document.access
    {
        let applications = &read.applications;
        access::check_places(access, source, applications, &groups, &mut problems);
        access::check_demands(&access.approvals, source, &groups, &mut problems);
    }
    if let Some((document, source)) = &read_project {
        let all = &document.automatic_deployments;
        automatic::check(all, source, &groups, &mut problems);
    }
    let sorted = problems.sorted();
    match read_project {
        Some((document, _)) if !sorted.iter().any(Problem::is_error) => Ok(Loaded {
            project: Project {
                name: document.name,
                settings: document.settings,
                hosts: document.hosts,
                connections: document.connections,
                secrets: document.secrets,
                access: document.access,
                environments: document.environments,
                automatic_deployments: document.automatic_deployments,
                applications: read.applications,
                groups,
                configurations: configurations.by_name,
            },
            notes: sorted,
        }),
        _ => Err(sorted),
    }
}

/// Reads only the settings of the project in a folder, so that what needs no more works while a group is being edited.
///
/// # Errors
/// Every problem of `cutover.yaml`, if at least one is an error.
pub fn settings(folder: &Path) -> Result<Settings, Vec<Problem>> {
    Ok(project(folder)?.settings)
}

/// Reads only `cutover.yaml`.
///
/// # Errors
/// Every problem of it, if at least one is an error.
pub fn project(folder: &Path) -> Result<ProjectDocument, Vec<Problem>> {
    let mut problems = Problems::default();
    let document = project::read(folder, &mut problems);
    let sorted = problems.sorted();
    match document {
        Some((document, _)) if !sorted.iter().any(Problem::is_error) => Ok(document),
        _ => Err(sorted),
    }
}
