//! The connections of `cutover.yaml`: what types cannot say about them.

use std::collections::HashMap;

use super::alarms;
use super::aws;
use super::balancers;
use super::document::Document;
use super::fleets;
use super::functions;
use super::problem::{Problem, Problems, Severity};
use super::receivers;
use super::services;
use super::sources;
use crate::model::endpoint::Endpoint;
use crate::model::project::ProjectDocument;
use crate::model::yaml;

/// Checks names, what alarms ask, and where hosts serve.
pub(super) fn check(project: &ProjectDocument, document: &Document, problems: &mut Problems) {
    let root = yaml::Path::root().key("connections");
    let all = &project.connections;
    let mut unique = |list: &str, names: Vec<&str>| {
        let mut seen = HashMap::new();
        for (index, name) in names.into_iter().enumerate() {
            let path = root.key(list).index(index).key("name");
            if name.is_empty() {
                let message = "a connection needs a name";
                problems.add(document.problem(Severity::Error, &path, message));
            } else if let Some(first) = seen.insert(name, index) {
                let message = format!("{list}[{first}] has the name {name} already");
                problems.add(document.problem(Severity::Error, &path, message));
            }
        }
    };
    let balancers: Vec<&str> = all.load_balancers.iter().map(|c| c.name.as_str()).collect();
    unique("loadBalancers", balancers.clone());
    unique("aws", all.aws.iter().map(|c| &*c.name).collect());
    unique("alarms", all.alarms.iter().map(|c| &*c.name).collect());
    unique(
        "receivers",
        all.receivers.iter().map(|c| &*c.name).collect(),
    );
    unique("fleets", all.fleets.iter().map(|c| &*c.name).collect());
    unique("sources", all.sources.iter().map(|c| &*c.name).collect());
    unique("hooks", all.hooks.iter().map(|c| &*c.name).collect());
    balancers::check(project, document, problems);
    aws::check(all, document, problems);
    alarms::check(project, document, problems);
    receivers::check(&all.receivers, document, problems);
    receivers::check_hooks(project, document, problems);
    fleets::check(&all.fleets, document, problems);
    functions::check(all, document, problems);
    services::check(&all.services, &project.hosts, document, problems);
    sources::check(&all.sources, document, problems);

    for (index, host) in project.hosts.iter().enumerate() {
        let path = yaml::Path::root()
            .key("hosts")
            .index(index)
            .key("endpoints");
        for (name, endpoint) in &host.endpoints {
            let path = path.key(name);
            if !balancers.contains(&name.as_str()) {
                let message = format!("no load balancer of `connections` is called {name}");
                problems.add(Problem {
                    help: yaml::nearest(name, balancers.iter()),
                    ..document.problem(Severity::Error, &path, message)
                });
            }
            if Endpoint::parse(endpoint).is_none() {
                let message =
                    format!("{endpoint:?} is no endpoint: write ADDRESS:PORT, as in 10.0.0.7:8080");
                problems.add(document.problem(Severity::Error, &path, message));
            }
        }
    }
}
