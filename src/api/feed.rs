//! What the door lets out: one JSON object a line, for ever.

use serde::{Deserialize, Serialize};

use super::snapshot::{HostStatus, Snapshot};
use crate::agent::protocol::OutputSource;
use crate::engine::Record;
use crate::engine::ledger::LedgerRecord;
use crate::model::deployment::{DeploymentId, ExecutionId};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::project::{GroupKey, Project};
use crate::model::revision::RegisteredRevision;
use crate::model::timestamp::Timestamp;

/// One line of `GET /v1/feed`. The first is a [`Snapshot`]; entries that it already holds may follow it once more, and
/// are told by their numbers. A client that falls too far behind is cut off and starts again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    tag = "type",
    rename_all_fields = "camelCase"
)]
pub enum FeedItem {
    /// Where things stand.
    Snapshot(Box<Snapshot>),
    /// An entry of a deployment's journal.
    Record {
        /// Whose.
        deployment: DeploymentId,
        /// The entry.
        record: Record,
    },
    /// An entry of a group's ledger.
    Ledger {
        /// Whose.
        group: GroupKey,
        /// The entry.
        record: LedgerRecord,
    },
    /// A revision was registered, or used.
    Revision {
        /// Whose.
        application: Name,
        /// What is known of it now.
        revision: RegisteredRevision,
    },
    /// The documents were read again.
    Project {
        /// As last read without an error.
        project: Box<Project>,
        /// What is wrong with them now.
        problems: Vec<String>,
    },
    /// A host's agent answers, or no longer does.
    Host(HostStatus),
    /// Nothing happened; the connection lives. Every few seconds.
    Alive,
}

/// One line of `GET /v1/deployments/{id}/targets/{target}/output?after=SEQ&follow=BOOL`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputLine {
    /// Which run wrote it.
    pub execution: ExecutionId,
    /// Grows with each line of the host.
    pub seq: u64,
    /// When, by the host's clock.
    pub at: Timestamp,
    /// During which event.
    pub event: LifecycleEvent,
    /// Where it came from.
    pub source: OutputSource,
    /// The line as the script wrote it: make it safe before showing it.
    pub text: String,
}
