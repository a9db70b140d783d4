//! Receivers of notifications.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::secret::{SecretRef, TextOrSecret};

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receiver {
    /// As `triggerTargetArn` of a trigger names it; unique in the project.
    pub name: String,
    /// How.
    pub via: ReceiverKind,
}

/// How a receiver is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReceiverKind {
    /// A `POST` of the notification as JSON.
    Webhook(Webhook),
    /// A `POST` of a sentence, as Slack's incoming webhooks want it.
    Slack(Slack),
    /// A program on this machine, with the notification as JSON on its standard input.
    Command(CommandReceiver),
    /// A topic of Amazon SNS, with the notification as JSON for a message.
    Sns(SnsTopic),
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// Where to.
    pub url: TextOrSecret,
    /// The secret that is sent as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
    /// The secret that is the key of the signature in `X-Cutover-Signature` (HMAC-SHA256 of the body).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRef>,
}

/// An incoming webhook of Slack, or of whoever takes the same form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Slack {
    /// Where to: a secret, for who knows that address may write to the channel.
    pub url: TextOrSecret,
}

/// A topic of Amazon SNS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnsTopic {
    /// Its ARN.
    pub topic_arn: String,
    /// The account that publishes to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommandReceiver {
    /// The program and its arguments. A program with a slash in its name is relative to the project's folder.
    pub run: Vec<String>,
    /// Secrets that it gets in its environment, by the names of variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretRef>,
}

impl ReceiverKind {
    /// What it is, in a word.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "Slack",
            Self::Command(_) => "command",
            Self::Sns(_) => "SNS",
        }
    }
}
