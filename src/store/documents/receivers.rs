//! Receivers of notifications and hooks in `cutover.yaml`. Their addresses may be secrets, and are not repeated.

use std::net::IpAddr;

use super::document::Document;
use super::problem::{Problems, Severity};
use crate::model::connections::{
    Arn, CommandReceiver, HookKind, Receiver, ReceiverKind, SnsTopic, Webhook,
};
use crate::model::project::{HookSettings, ProjectDocument};
use crate::model::yaml;

/// What is wrong, and where.
type Wrong = (yaml::Path, &'static str);

/// Checks where notifications go.
pub(super) fn check(receivers: &[Receiver], document: &Document, problems: &mut Problems) {
    let list = yaml::Path::root().key("connections").key("receivers");
    for (index, receiver) in receivers.iter().enumerate() {
        let via = list.index(index).key("via");
        let wrong = match &receiver.via {
            ReceiverKind::Webhook(it) => webhook(it, &via),
            ReceiverKind::Slack(slack) => {
                let url = slack.url.text();
                url.and_then(|url| address(url, via.key("slack").key("url")))
            }
            ReceiverKind::Command(it) => command(it, &via),
            ReceiverKind::Sns(it) => topic(it, &via),
        };
        if let Some((path, message)) = wrong {
            problems.add(document.problem(Severity::Error, &path, message));
        }
    }
}

/// Checks what is called for lifecycle events, and where it calls back.
pub(super) fn check_hooks(project: &ProjectDocument, document: &Document, problems: &mut Problems) {
    if let Some(settings) = &project.settings.hooks {
        for (path, message) in call_backs(settings) {
            problems.add(document.problem(Severity::Error, &path, message));
        }
    }
    let list = yaml::Path::root().key("connections").key("hooks");
    for (index, hook) in project.connections.hooks.iter().enumerate() {
        let via = list.index(index).key("via");
        let wrong = match &hook.via {
            HookKind::Webhook(it) => webhook(it, &via),
            HookKind::Command(it) => command(it, &via),
            HookKind::Lambda(_) => unheard(project, &via),
        };
        if let Some((path, message)) = wrong {
            problems.add(document.problem(Severity::Error, &path, message));
        }
    }
}

/// What is wrong with where hooks call back: nothing of it is encrypted, so that it stays on this machine.
fn call_backs(settings: &HookSettings) -> Vec<Wrong> {
    let path = yaml::Path::root().key("settings").key("hooks");
    let ip = settings.listen.host.parse::<IpAddr>();
    let own = ip.is_ok_and(|ip| ip.is_loopback()) && settings.listen.port > 0;
    let remedy = "hooks are listened for on the loopback alone: write an address such as 127.0.0.1:7430, and where they \
                  come from elsewhere have a reverse proxy with TLS pass them on, whose address is `url`";
    let elsewhere = (!own).then(|| (path.key("listen"), remedy));
    let plain = |url: &reqwest::Url| {
        let credentials = !url.username().is_empty() || url.password().is_some();
        !credentials && url.query().is_none() && url.fragment().is_none()
    };
    let good = settings.url.as_deref().is_none_or(|url| {
        let read = reqwest::Url::parse(url);
        address(url, path.clone()).is_none() && read.is_ok_and(|url| plain(&url))
    });
    let remedy = "hooks are told this address, so nothing of it is a secret: write one such as https://deploy.example/hooks";
    let unfit = (!good).then(|| (path.key("url"), remedy));
    elsewhere.into_iter().chain(unfit).collect()
}

/// A function at AWS has no other way to report.
fn unheard(project: &ProjectDocument, via: &yaml::Path) -> Option<Wrong> {
    let remedy = "a function at AWS reports over HTTP: give `settings.hooks` an address to `listen` at, and the `url` that leads there from AWS";
    let nobody = project.settings.hooks.is_none();
    nobody.then(|| (via.key("lambda"), remedy))
}

fn webhook(webhook: &Webhook, via: &yaml::Path) -> Option<Wrong> {
    let url = webhook.url.text();
    url.and_then(|url| address(url, via.key("webhook").key("url")))
}

fn command(command: &CommandReceiver, via: &yaml::Path) -> Option<Wrong> {
    let nameless = command.run.first().is_none_or(String::is_empty);
    nameless.then(|| (via.key("command").key("run"), "a command needs a program"))
}

fn topic(sns: &SnsTopic, via: &yaml::Path) -> Option<Wrong> {
    let remedy =
        "this is no topic: write its ARN, such as arn:aws:sns:eu-west-1:123456789012:deploys";
    let good = Arn::of(&sns.topic_arn, "sns", "").is_some();
    (!good).then(|| (via.key("sns").key("topicArn"), remedy))
}

pub(super) fn address(url: &str, path: yaml::Path) -> Option<Wrong> {
    let good = reqwest::Url::parse(url)
        .is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    let remedy = "this is no address: write one such as https://chat.example/hooks/7";
    (!good).then_some((path, remedy))
}
