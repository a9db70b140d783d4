//! Receivers of notifications.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receiver {
    /// As `triggerTargetArn` of a trigger names it; unique in the project.
    pub name: String,
    /// How.
    pub via: ReceiverKind,
}

/// How a receiver is told. Files are relative to the project's folder, and read for every notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReceiverKind {
    /// A `POST` of the notification as JSON.
    Webhook(Webhook),
    /// A `POST` of a sentence, as Slack's incoming webhooks want it.
    Slack(Slack),
    /// A program on this machine, with the notification as JSON on its standard input.
    Command(CommandReceiver),
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// Where to.
    pub url: String,
    /// A file whose first line is sent as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// A file whose first line is the key of the signature in `X-Cutover-Signature` (HMAC-SHA256 of the body).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
}

/// An incoming webhook of Slack, or of whoever takes the same form. Exactly one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Slack {
    /// Where to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A file whose first line says where to: who knows that address may write to the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommandReceiver {
    /// The program and its arguments. A program with a slash in its name is relative to the project's folder.
    pub run: Vec<String>,
}

impl ReceiverKind {
    /// What it is, in a word.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "Slack",
            Self::Command(_) => "command",
        }
    }
}
