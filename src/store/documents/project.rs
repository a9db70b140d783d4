//! `cutover.yaml`: the project's name, hosts, connections, secrets and settings.

use std::collections::HashMap;
use std::path::Path;

use super::document::Document;
use super::problem::{Problems, Severity};
use super::{PROJECT_DOCUMENT, access, address, connections, environments, secrets};
use crate::model::project::ProjectDocument;
use crate::model::yaml;

/// Reads the document and checks its hosts.
pub(super) fn read(folder: &Path, problems: &mut Problems) -> Option<(ProjectDocument, Document)> {
    let mut document = Document::read(folder, Path::new(PROJECT_DOCUMENT), problems)?;
    secrets::former(&mut document, problems);
    let mut project: ProjectDocument = document.typed(problems)?;
    let hosts = yaml::Path::root().key("hosts");
    let mut names = HashMap::new();
    let mut addresses = HashMap::new();
    for (index, host) in project.hosts.iter_mut().enumerate() {
        let path = hosts.index(index);
        if let Some(first) = names.insert(host.name.clone(), index) {
            let message = format!("hosts[{first}] has the name {} already", host.name);
            problems.add(document.problem(Severity::Error, &path.key("name"), message));
        }
        if host.provisioned.is_some() {
            let message =
                "this is what the program knows of hosts that fleets provisioned: leave it out";
            problems.add(document.problem(Severity::Error, &path.key("provisioned"), message));
        }
        if host.instance.is_some() {
            let message = "this is what the program knows of instances of AWS: leave it out";
            problems.add(document.problem(Severity::Error, &path.key("instance"), message));
        }
        let path = path.key("address");
        match address::check(&host.address) {
            Ok(trimmed) => host.address = trimmed.to_owned(),
            Err(message) => problems.add(document.problem(Severity::Error, &path, message)),
        }
        if let Some(first) = addresses.insert(host.address.clone(), index) {
            let message = format!("hosts[{first}] has this address already");
            problems.add(document.problem(Severity::Error, &path, message));
        }
    }
    connections::check(&project, &document, problems);
    secrets::check(&project, &document, problems);
    access::check(&project, &document, problems);
    environments::check(&project, &document, problems);
    Some((project, document))
}
