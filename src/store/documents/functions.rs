//! Functions in `cutover.yaml`: whether the load balancer of each is there and can shift its traffic.

use std::collections::HashMap;

use super::document::Document;
use super::problem::{Problem, Problems, Severity};
use crate::model::connections::{Connections, FunctionKind, TrafficProvider};
use crate::model::yaml;

/// Checks names, load balancers and versions.
pub(super) fn check(all: &Connections, document: &Document, problems: &mut Problems) {
    let list = yaml::Path::root().key("connections").key("functions");
    let mut seen = HashMap::new();
    let mut routes = HashMap::new();
    for (index, function) in all.functions.iter().enumerate() {
        let path = list.index(index);
        for (field, text) in [("name", &function.name), ("alias", &function.alias)] {
            if text.is_empty() {
                let message = format!("a function needs the {field} that its AppSpec uses");
                problems.add(document.problem(Severity::Error, &path.key(field), message));
            }
        }
        if let Some(first) = seen.insert((&function.name, &function.alias), index) {
            let message = format!(
                "functions[{first}] is the alias {} of {} already",
                function.alias, function.name
            );
            problems.add(document.problem(Severity::Error, &path.key("alias"), message));
        }
        let FunctionKind::Endpoints(endpoints) = &function.via else {
            continue;
        };
        let path = path.key("via").key("endpoints");
        let name = &endpoints.load_balancer;
        let path_of_versions = path.key("versions");
        let path = path.key("loadBalancer");
        match all.load_balancer(name) {
            None => problems.add(Problem {
                help: yaml::nearest(name, all.load_balancers.iter().map(|one| &one.name)),
                ..document.problem(
                    Severity::Error,
                    &path,
                    format!("no load balancer of `connections` is called {name}"),
                )
            }),
            Some(balancer) if !balancer.provider.splits() => {
                let message = format!(
                    "nothing says how {name} takes weights, by which a function's traffic is shifted: give its connection a `weight` request"
                );
                problems.add(document.problem(Severity::Error, &path, message));
            }
            Some(balancer) if balancer.provider.weighs_whole_sides() => {
                let message = format!(
                    "{name} weighs whole sides by runtime keys, and each version of a function is the original once: let it have `control: {{endpoints: …}}`"
                );
                problems.add(document.problem(Severity::Error, &path, message));
            }
            Some(balancer) if matches!(balancer.provider, TrafficProvider::Elbv2(_)) => {
                let message = format!(
                    "{name} has a target group a side, and each version of a function is the original once: another kind of load balancer has to be the alias"
                );
                problems.add(document.problem(Severity::Error, &path, message));
            }
            Some(balancer) if !balancer.provider.tells_weights() => {
                let message = format!(
                    "nothing says how {name} is asked for weights, and an alias is looked at before its traffic moves: give its connection `observe` with `weight`"
                );
                problems.add(document.problem(Severity::Error, &path, message));
            }
            Some(_) => {}
        }
        if let Some(first) = routes.insert(name, index) {
            let message = format!("{name} is the route of functions[{first}] already");
            problems.add(document.problem(Severity::Error, &path, message));
        }
        let mut places = HashMap::new();
        for (version, endpoint) in &endpoints.versions {
            if let Some(other) = places.insert(endpoint.to_string(), version.0) {
                let path = path_of_versions.key(version.0.to_string());
                let message = format!("version {other} serves at {endpoint} already");
                problems.add(document.problem(Severity::Error, &path, message));
            }
        }
    }
}
