//! New documents, and new entries of them: the same for a command and for a form.

use std::path::Path;

use super::typed::Tag;
use super::{ChangeError, Changes, Draft};
use crate::model::application::ComputePlatform;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::yaml::Path as FieldPath;
use crate::model::yaml::edit::{Change, Content};
use crate::store::documents::{APPLICATIONS, CONFIGURATIONS, PROJECT_DOCUMENT, RESERVED, place};

/// Something that the documents do not have yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum New {
    /// An application.
    Application {
        /// What it is called.
        name: Name,
        /// What its deployments act on.
        platform: ComputePlatform,
    },
    /// A deployment group, with more fields than its name.
    Group(GroupKey, Vec<Change>),
    /// A deployment configuration for the Server platform, with its fields.
    Configuration(Name, Vec<Change>),
    /// A host of `cutover.yaml`.
    Host {
        /// What it is called.
        name: Name,
        /// Where its agent listens.
        address: String,
        /// By what groups select it.
        tags: Vec<Tag>,
        /// The availability zone.
        zone: Option<String>,
    },
}

impl New {
    /// What makes it, in the project of a folder.
    ///
    /// # Errors
    /// If there is one of this name, what it belongs to is not there, or a document can't be read.
    pub fn draft(&self, folder: &Path) -> Result<Draft, ChangeError> {
        match self {
            Self::Application { name, platform } => application(folder, name, *platform),
            Self::Group(key, fields) => group(folder, key, fields),
            Self::Configuration(name, fields) => configuration(folder, name, fields),
            Self::Host {
                name,
                address,
                tags,
                zone,
            } => host(folder, name, content(name, address, tags, zone.as_deref())),
        }
    }
}

fn application(
    folder: &Path,
    name: &Name,
    platform: ComputePlatform,
) -> Result<Draft, ChangeError> {
    if place::application(folder, name).is_some() {
        return Err(ChangeError::Refused(format!(
            "there is an application {name} already (ApplicationAlreadyExistsException)"
        )));
    }
    let entries = [
        ("applicationName", name.as_str()),
        ("computePlatform", platform.name()),
    ];
    let path = Path::new(APPLICATIONS)
        .join(name.as_str())
        .join("application.yaml");
    made(folder, &path, entries, &[])
}

fn group(folder: &Path, key: &GroupKey, fields: &[Change]) -> Result<Draft, ChangeError> {
    let GroupKey { application, group } = key;
    if place::application(folder, application).is_none() {
        return Err(ChangeError::unknown(
            "application",
            application.as_str(),
            place::applications(folder),
            "ApplicationDoesNotExistException",
        ));
    }
    if group.as_str() == "application" {
        let message = "a deployment group can't be called application: its document would be the application's";
        return Err(ChangeError::Refused(message.to_owned()));
    }
    if place::group(folder, application, group).is_some() {
        return Err(ChangeError::Refused(format!(
            "there is a deployment group {key} already (DeploymentGroupAlreadyExistsException)"
        )));
    }
    let entries = [
        ("applicationName", application.as_str()),
        ("deploymentGroupName", group.as_str()),
    ];
    let path = Path::new(APPLICATIONS)
        .join(application.as_str())
        .join(format!("{group}.yaml"));
    made(folder, &path, entries, fields)
}

fn configuration(folder: &Path, name: &Name, fields: &[Change]) -> Result<Draft, ChangeError> {
    if name.as_str().starts_with(RESERVED) {
        return Err(ChangeError::Refused(format!(
            "only predefined configurations start with {RESERVED} (InvalidDeploymentConfigNameException)"
        )));
    }
    if place::configuration(folder, name).is_some() {
        return Err(ChangeError::Refused(format!(
            "there is a configuration {name} already (DeploymentConfigAlreadyExistsException)"
        )));
    }
    let entries = [
        ("deploymentConfigName", name.as_str()),
        ("computePlatform", "Server"),
    ];
    let path = Path::new(CONFIGURATIONS).join(format!("{name}.yaml"));
    made(folder, &path, entries, fields)
}

fn made(
    folder: &Path,
    path: &Path,
    entries: [(&str, &str); 2],
    fields: &[Change],
) -> Result<Draft, ChangeError> {
    let mut changes = Changes::of(folder);
    let entries = entries.map(|(key, value)| (key.to_owned(), Content::text(value)));
    changes.create(path, entries.into())?;
    changes.edit(path, fields)?;
    Ok(Draft::new(changes, path))
}

fn host(folder: &Path, name: &Name, host: Content) -> Result<Draft, ChangeError> {
    let path = Path::new(PROJECT_DOCUMENT);
    let mut changes = Changes::of(folder);
    let now = changes.content(path)?;
    if hosts(&now).iter().any(|have| have == name.as_str()) {
        return Err(ChangeError::Refused(format!(
            "there is a host {name} already (InstanceNameAlreadyRegisteredException)"
        )));
    }
    let list = FieldPath::root().key("hosts");
    changes.edit(path, &[Change::Append(list, host)])?;
    Ok(Draft::new(changes, path))
}

fn content(name: &Name, address: &str, tags: &[Tag], zone: Option<&str>) -> Content {
    let mut entries = vec![
        ("name", Content::text(name.as_str())),
        ("address", Content::text(address)),
    ];
    if !tags.is_empty() {
        let tags = tags
            .iter()
            .map(|tag| (tag.key.as_str(), Content::text(&tag.value)));
        entries.push(("tags", Content::mapping(tags)));
    }
    entries.extend(zone.map(|zone| ("zone", Content::text(zone))));
    Content::mapping(entries)
}

/// The names of the hosts of `cutover.yaml`, in its order; empty where one has none.
pub fn hosts(now: &Content) -> Vec<String> {
    let hosts = now.at(&FieldPath::root().key("hosts"));
    let Some(Content::Sequence(hosts)) = hosts else {
        return Vec::new();
    };
    let name = |host: &Content| match host.at(&FieldPath::root().key("name")) {
        Some(Content::Scalar { text, .. }) => text.clone(),
        _ => String::new(),
    };
    hosts.iter().map(name).collect()
}
