//! AWS in `cutover.yaml`: whether accounts say what can be meant, and whether it is clear which account is meant.

use super::document::Document;
use super::problem::{Problem, Problems, Severity};
use super::receivers::address;
use crate::model::connections::{
    AlarmSource, Arn, Connections, FunctionKind, HookKind, ReceiverKind, ServiceKind, SourceKind,
    TrafficProvider, account,
};
use crate::model::yaml::{self, Path};

/// Checks accounts, and what is in them.
pub(super) fn check(all: &Connections, document: &Document, problems: &mut Problems) {
    let root = Path::root().key("connections");
    let list = root.key("aws");
    for (index, one) in all.aws.iter().enumerate() {
        let path = list.index(index);
        let url = one.endpoint_url.as_deref();
        let url = url.and_then(|url| address(url, path.key("endpointUrl")));
        let role = one.role_arn.as_deref().filter(|role| {
            let arn = Arn::parse(role);
            !arn.is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("role/"))
        });
        let remedy =
            "this is no role: write its ARN, such as arn:aws:iam::123456789012:role/deploys";
        let role = role.map(|_| (path.key("roleArn"), remedy));
        for (path, message) in url.into_iter().chain(role) {
            problems.add(document.problem(Severity::Error, &path, message));
        }
    }
    for (path, named) in users(all, &root) {
        let Err(wrong) = account(&all.aws, named) else {
            continue;
        };
        let known = all.aws.iter().map(|account| account.name.as_str());
        problems.add(Problem {
            help: named.and_then(|named| yaml::nearest(named, known)),
            ..document.problem(Severity::Error, &path, wrong.to_string())
        });
    }
}

/// What is in an account: where it says in which.
fn users<'a>(all: &'a Connections, root: &Path) -> Vec<(Path, Option<&'a str>)> {
    let mut users = Vec::new();
    for (index, alarm) in all.alarms.iter().enumerate() {
        if let AlarmSource::CloudWatch(alarm) = &alarm.source {
            let path = root.key("alarms").index(index).key("source");
            users.push((path.key("cloudwatch"), alarm.account.as_deref()));
        }
    }
    for (index, receiver) in all.receivers.iter().enumerate() {
        if let ReceiverKind::Sns(sns) = &receiver.via {
            let path = root.key("receivers").index(index).key("via");
            users.push((path.key("sns"), sns.account.as_deref()));
        }
    }
    for (index, balancer) in all.load_balancers.iter().enumerate() {
        if let TrafficProvider::Elbv2(elb) = &balancer.provider {
            let path = root.key("loadBalancers").index(index).key("provider");
            users.push((path.key("elbv2"), elb.account.as_deref()));
        }
    }
    for (index, source) in all.sources.iter().enumerate() {
        if let SourceKind::S3(objects) = &source.from {
            let path = root.key("sources").index(index).key("from");
            users.push((path.key("s3"), objects.account.as_deref()));
        }
    }
    for (index, hook) in all.hooks.iter().enumerate() {
        if let HookKind::Lambda(lambda) = &hook.via {
            let path = root.key("hooks").index(index).key("via");
            users.push((path.key("lambda"), lambda.account.as_deref()));
        }
    }
    for (index, function) in all.functions.iter().enumerate() {
        if let FunctionKind::Lambda(lambda) = &function.via {
            let path = root.key("functions").index(index).key("via");
            users.push((path.key("lambda"), lambda.account.as_deref()));
        }
    }
    for (index, service) in all.services.iter().enumerate() {
        if let ServiceKind::Ecs(keeper) = &service.via {
            let path = root.key("services").index(index).key("via");
            users.push((path.key("ecs"), keeper.account.as_deref()));
        }
    }
    let at = |(path, named): (Path, Option<&'a str>)| match named {
        Some(_) => (path.key("account"), named),
        None => (path, named),
    };
    users.into_iter().map(at).collect()
}
