//! `access` of `cutover.yaml`: what types cannot say about it.

use super::document::Document;
use super::problem::{Problem, Problems, Severity};
use crate::model::access::Access;
use crate::model::application::Application;
use crate::model::approval::{Demand, MOST, Step};
use crate::model::group::{DeploymentGroup, DeploymentType};
use crate::model::name::Name;
use crate::model::project::ProjectDocument;
use crate::model::yaml;
use crate::store::state::SOCKET_PATH_LIMIT;

use std::collections::BTreeMap;

/// Checks the door, and that each entry is of somebody.
pub(super) fn check(project: &ProjectDocument, document: &Document, problems: &mut Problems) {
    let Some(access) = &project.access else {
        return;
    };
    let root = yaml::Path::root().key("access");
    let mut error = |path: &yaml::Path, message: &str, help: &str| {
        problems.add(Problem {
            help: Some(help.to_owned()),
            ..document.problem(Severity::Error, path, message)
        });
    };
    let door = root.key("door");
    if !access.door.is_absolute() || access.door.file_name().is_none() {
        let help = "write an absolute path, as in /run/cutover/shop.sock";
        error(
            &door,
            "everybody must find the door at the same place",
            help,
        );
    } else if access.door.as_os_str().len() > SOCKET_PATH_LIMIT {
        let message = format!("a socket's path has at most {SOCKET_PATH_LIMIT} bytes");
        error(&door, &message, "choose a shorter folder");
    }
    for (index, entry) in access.people.iter().enumerate() {
        let path = root.key("people").index(index);
        let named = |name: &Option<String>| name.as_ref().is_some_and(|name| !name.is_empty());
        let message = match (&entry.user, &entry.unix_group) {
            (Some(_), Some(_)) => "an entry is of a user or of a Unix group, not of both",
            (user, group) if !named(user) && !named(group) => "an entry is of somebody",
            _ => "",
        };
        if !message.is_empty() {
            error(&path, message, "write `user: NAME` or `unixGroup: NAME`");
        }
        if entry.group.is_some() && entry.application.is_none() {
            let message = "a deployment group is one of an application";
            error(&path.key("group"), message, "write `application:` too");
        }
    }
    for (index, demand) in access.approvals.iter().enumerate() {
        let path = root.key("approvals").index(index);
        if demand.group.is_some() && demand.application.is_none() {
            let message = "a deployment group is one of an application";
            error(&path.key("group"), message, "write `application:` too");
        }
        if demand.before.is_empty() {
            let message = "it does not say what waits for the approval";
            let help = "write `before: [start]`, `before: [reroute]` or both";
            error(&path.key("before"), message, help);
        }
        if !(1..=MOST).contains(&demand.count) {
            let message = format!("from 1 to {MOST} people can be asked to approve");
            let help = "without `count` it is one";
            error(&path.key("count"), &message, help);
        }
    }
}

/// Checks that what entries and demands name is there.
pub(super) fn check_places(
    access: &Access,
    document: &Document,
    applications: &BTreeMap<Name, Application>,
    groups: &[DeploymentGroup],
    problems: &mut Problems,
) {
    let root = yaml::Path::root().key("access");
    let people = access.people.iter().enumerate().map(|(index, entry)| {
        let path = root.key("people").index(index);
        (path, &entry.application, &entry.group)
    });
    let demands = access.approvals.iter().enumerate().map(|(index, demand)| {
        let path = root.key("approvals").index(index);
        (path, &demand.application, &demand.group)
    });
    for (path, application, group) in people.chain(demands) {
        let Some(application) = application else {
            continue;
        };
        if !applications.contains_key(application) {
            let message = format!("there is no application {application}");
            problems.add(Problem {
                help: yaml::nearest(application.as_str(), applications.keys()),
                ..document.problem(Severity::Error, &path.key("application"), message)
            });
            continue;
        }
        let Some(group) = group else { continue };
        let known: Vec<&Name> = groups
            .iter()
            .filter(|known| &known.application_name == application)
            .map(|known| &known.deployment_group_name)
            .collect();
        if !known.contains(&group) {
            let message = format!("{application} has no deployment group {group}");
            problems.add(Problem {
                help: yaml::nearest(group.as_str(), known),
                ..document.problem(Severity::Error, &path.key("group"), message)
            });
        }
    }
}

/// Warns of demands that nothing will ever wait for.
pub(super) fn check_demands(
    demands: &[Demand],
    document: &Document,
    groups: &[DeploymentGroup],
    problems: &mut Problems,
) {
    let root = yaml::Path::root().key("access").key("approvals");
    let mut warn = |index: usize, message: String, help: &str| {
        let path = root.index(index).key("before");
        problems.add(Problem {
            help: Some(help.to_owned()),
            ..document.problem(Severity::Warning, &path, message)
        });
    };
    for (index, demand) in demands.iter().enumerate() {
        let covered = groups.iter().filter(|group| demand.covers(&group.key()));
        let styles: Vec<DeploymentType> = covered
            .map(|group| group.deployment_style.deployment_type)
            .collect();
        let in_place = !styles.is_empty() && !styles.contains(&DeploymentType::BlueGreen);
        if in_place && demand.before.contains(&Step::Reroute) {
            let message =
                "nothing waits before a reroute here: deployments in place have none".to_owned();
            let help = "write `before: [start]`, or make the group blue/green";
            warn(index, message, help);
        }
        for &step in &demand.before {
            let stronger = demands.iter().enumerate().find(|&(other, stronger)| {
                // Of two alike it is the second that adds nothing.
                let more = stronger.count > demand.count
                    || (stronger.count == demand.count && other < index);
                more && stronger.before.contains(&step) && stronger.is_as_wide(demand)
            });
            if let Some((other, stronger)) = stronger {
                let message = format!(
                    "it adds nothing before the {step}: access.approvals[{other}] asks for {} there already",
                    stronger.count
                );
                warn(index, message, "of several demands the highest count holds");
            }
        }
    }
}
