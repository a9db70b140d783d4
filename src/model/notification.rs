//! Notifications, and how far their delivery has come.

use serde::{Deserialize, Serialize};

use super::deployment::DeploymentId;
use super::group::TriggerEvent;
use super::name::Name;
use super::timestamp::Timestamp;

/// What a receiver is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Always the same for the same notification, however often it is sent. Letters, digits and hyphens.
    pub id: String,
    /// What happened: a [`TriggerEvent`]'s name, or `Test`.
    pub event: String,
    /// JSON, for programs (domain.md §11).
    pub body: String,
    /// One sentence for people, as plain text.
    pub sentence: String,
}

/// A message to one receiver about one entry of a deployment's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// What is said.
    pub message: Message,
    /// About which deployment.
    pub deployment_id: DeploymentId,
    /// About which entry of its journal.
    pub entry: u64,
    /// What happened.
    pub event: TriggerEvent,
    /// To which target; none if it happened to the whole deployment.
    pub target: Option<Name>,
    /// The trigger that asks for it.
    pub trigger: String,
    /// The receiver's name (`triggerTargetArn`).
    pub receiver: String,
    /// When it happened.
    pub at: Timestamp,
}

/// Where the delivery of a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveryStatus {
    /// It is to be sent, or to be sent again.
    Pending,
    /// The receiver took it.
    Delivered,
    /// The receiver refused it for good, or it was given up.
    Failed,
}

impl DeliveryStatus {
    /// The status in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Delivered => "Delivered",
            Self::Failed => "Failed",
        }
    }
}

/// How far a delivery has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried last.
    pub last_attempt: Option<Timestamp>,
    /// What came back then, or went wrong.
    pub last_answer: Option<String>,
    /// When it is tried next, while it is `Pending`.
    pub due: Timestamp,
}

impl Progress {
    /// Not tried yet.
    pub fn new(at: Timestamp) -> Self {
        Self {
            status: DeliveryStatus::Pending,
            attempts: 0,
            last_attempt: None,
            last_answer: None,
            due: at,
        }
    }
}

/// A notification and how far its delivery has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// What is delivered.
    #[serde(flatten)]
    pub notification: Notification,
    /// How far it has come.
    #[serde(flatten)]
    pub progress: Progress,
}
