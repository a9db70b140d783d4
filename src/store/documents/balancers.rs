//! Load balancers in `cutover.yaml`: whether they can be reached.

use super::document::Document;
use super::problem::{Problem, Problems, Severity};
use crate::model::connections::TrafficProvider;
use crate::model::name::Name;
use crate::model::project::ProjectDocument;
use crate::model::yaml;

/// Checks how load balancers are reached; warns of one whose agent is on no host.
pub(super) fn check(project: &ProjectDocument, document: &Document, problems: &mut Problems) {
    let list = yaml::Path::root().key("connections").key("loadBalancers");
    let names = project.hosts.iter().map(|host| &host.name);
    for (index, balancer) in project.connections.load_balancers.iter().enumerate() {
        let path = list.index(index).key("provider");
        let path = match &balancer.provider {
            TrafficProvider::Haproxy(haproxy) => {
                let path = path.key("haproxy");
                if let Err(wrong) = haproxy.runtime_api() {
                    problems.add(document.problem(Severity::Error, &path, wrong.to_string()));
                }
                path
            }
            TrafficProvider::Nginx(_) => path.key("nginx"),
            _ => continue,
        };
        if let Some(host) = balancer.provider.host()
            && !names.clone().any(|name| name == host)
        {
            let message = format!(
                "no host of the project is called {host}: deployments cannot reach {}",
                balancer.name
            );
            problems.add(Problem {
                help: yaml::nearest(host.as_str(), names.clone().map(Name::as_str)),
                ..document.problem(Severity::Warning, &path.key("host"), message)
            });
        }
    }
}
