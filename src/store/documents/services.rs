//! Container services in `cutover.yaml`: whether hosts are there to keep them, and their tasks can be started.

use std::collections::HashMap;

use super::document::Document;
use super::problem::{Problem, Problems, Severity};
use crate::model::connections::{ServiceConnection, ServiceKind};
use crate::model::host::Host;
use crate::model::yaml;

/// Checks names, hosts and task definitions.
pub(super) fn check(
    all: &[ServiceConnection],
    hosts: &[Host],
    document: &Document,
    problems: &mut Problems,
) {
    let list = yaml::Path::root().key("connections").key("services");
    let mut seen = HashMap::new();
    for (index, service) in all.iter().enumerate() {
        let path = list.index(index);
        let mut wrong = |path: &yaml::Path, message: String| {
            problems.add(document.problem(Severity::Error, path, message));
        };
        for (field, text) in [("name", &service.name), ("cluster", &service.cluster)] {
            if text.is_empty() {
                let message = format!("a service needs the {field} that groups use");
                wrong(&path.key(field), message);
            }
        }
        if let Some(first) = seen.insert((&service.name, &service.cluster), index) {
            let message = format!(
                "services[{first}] is {} in the cluster {} already",
                service.name, service.cluster
            );
            wrong(&path.key("name"), message);
        }
        let ServiceKind::Processes(processes) = &service.via else {
            // What ECS has, it knows.
            continue;
        };
        let path = path.key("via").key("processes");
        if processes.hosts.is_empty() {
            let message = "tasks need a host: name at least one".to_owned();
            wrong(&path.key("hosts"), message);
        }
        for (name, definition) in &processes.task_definitions {
            let path = path.key("taskDefinitions").key(name);
            for (field, message) in definition.faults() {
                wrong(&path.key(field), message);
            }
        }
        for (place, name) in processes.hosts.iter().enumerate() {
            let path = path.key("hosts").index(place);
            let first = processes.hosts.iter().position(|other| other == name);
            if first != Some(place) {
                let message = format!("{name} is named twice");
                problems.add(document.problem(Severity::Error, &path, message));
            }
            if !hosts.iter().any(|host| host.name == *name) {
                let message = format!("no host is called {name}");
                problems.add(Problem {
                    help: yaml::nearest(name.as_str(), hosts.iter().map(|host| &host.name)),
                    ..document.problem(Severity::Error, &path, message)
                });
            }
        }
    }
}
