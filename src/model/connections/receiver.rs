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

/// How a receiver is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ReceiverKind {
    /// A `POST` of the notification as JSON.
    Webhook {
        /// Where to.
        url: String,
        /// A file whose first line is sent as a bearer token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_file: Option<PathBuf>,
    },
    /// A `POST` of a sentence, as Slack's incoming webhooks want it.
    Slack {
        /// Where to.
        url: String,
    },
    /// A program on this machine, with the notification as JSON on its standard input.
    Command {
        /// The program and its arguments.
        run: Vec<String>,
    },
}
