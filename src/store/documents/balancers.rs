//! Load balancers in `cutover.yaml`: whether they can be reached.

use super::document::Document;
use super::problem::{Problem, Problems, Severity};
use crate::model::connections::{Arn, Elbv2, Elbv2Control, TrafficProvider};
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
            TrafficProvider::Elbv2(elb) => {
                for (path, message) in arns(elb, &path.key("elbv2").key("control")) {
                    problems.add(document.problem(Severity::Error, &path, message));
                }
                continue;
            }
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

/// What is wrong with the ARNs of an AWS load balancer.
fn arns(elb: &Elbv2, path: &yaml::Path) -> Vec<(yaml::Path, &'static str)> {
    const GROUP: &str = "this is no target group: write its ARN, such as arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop/0123456789abcdef";
    const LISTENER: &str = "this is no listener of an application load balancer, and no rule of one: write its ARN, such as arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/0123456789abcdef/fedcba9876543210";
    let is = |text: &str, kinds: &[&str]| {
        let mut kinds = kinds.iter();
        kinds.any(|kind| Arn::of(text, "elasticloadbalancing", kind).is_some())
    };
    let checked = match &elb.control {
        Elbv2Control::TargetGroup(group) => vec![("", group, GROUP)],
        Elbv2Control::Weights(it) if it.original == it.replacement => {
            let message = "each side needs a target group of its own";
            return vec![(path.key("weights").key("replacement"), message)];
        }
        Elbv2Control::Weights(it) => vec![
            ("original", &it.original, GROUP),
            ("replacement", &it.replacement, GROUP),
            ("listener", &it.listener, LISTENER),
        ],
    };
    let wrong = checked.into_iter().filter(|(key, text, _)| match *key {
        "listener" => !is(text, &["listener/app/", "listener-rule/app/"]),
        _ => !is(text, &["targetgroup/"]),
    });
    let at = |key: &str| match key {
        "" => path.key("targetGroup"),
        key => path.key("weights").key(key),
    };
    wrong.map(|(key, _, message)| (at(key), message)).collect()
}
