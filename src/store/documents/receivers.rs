//! Receivers of notifications and hooks in `cutover.yaml`. Their addresses may be secrets, and are not repeated.

use super::document::Document;
use super::problem::{Problems, Severity};
use crate::model::connections::{
    Arn, CommandReceiver, Hook, HookKind, Receiver, ReceiverKind, SnsTopic, Webhook,
};
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

/// Checks what is called for lifecycle events.
pub(super) fn check_hooks(hooks: &[Hook], document: &Document, problems: &mut Problems) {
    let list = yaml::Path::root().key("connections").key("hooks");
    for (index, hook) in hooks.iter().enumerate() {
        let via = list.index(index).key("via");
        let wrong = match &hook.via {
            HookKind::Webhook(it) => webhook(it, &via),
            HookKind::Command(it) => command(it, &via),
        };
        if let Some((path, message)) = wrong {
            problems.add(document.problem(Severity::Error, &path, message));
        }
    }
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
