//! What the door lets out: one JSON object a line, for ever.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::snapshot::{HostStatus, Snapshot};
use crate::engine::Record;
use crate::engine::ledger::LedgerRecord;
use crate::model::alarm::Observation;
use crate::model::automatic::Look;
use crate::model::deployment::DeploymentId;
use crate::model::freeze::Freeze;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::revision::{Digest, RegisteredRevision};
use crate::model::task_counts::TasksStatus;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::status::TrafficStatus;
pub use crate::store::output::OutputLine;

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
    /// A revision's record was deleted.
    RevisionDeleted {
        /// Whose.
        application: Name,
        /// Which.
        digest: Digest,
    },
    /// Deployments are no longer kept: there is nothing more to be had of them.
    Pruned {
        /// Which.
        deployments: BTreeSet<DeploymentId>,
    },
    /// A freeze was ordered, has ended, or was ended.
    Freezes {
        /// Those that hold now.
        freezes: Vec<Freeze>,
    },
    /// The documents were read again.
    Project {
        /// As last read without an error.
        project: Box<Project>,
        /// What is wrong with them now.
        problems: Vec<String>,
    },
    /// A host's agent answers, or no longer does, or says something new.
    Host(HostStatus),
    /// Every host was asked again. What was known of a host still holds, unless it was told otherwise.
    Swept {
        /// When the first was asked.
        began: Timestamp,
        /// The hosts that were not asked.
        unasked: BTreeSet<Name>,
    },
    /// An alarm that is watched was polled. The first time it is named, its watch has begun.
    Alarm {
        /// As `alarmConfiguration` names it.
        name: String,
        /// What the poll found.
        #[serde(flatten)]
        observation: Observation,
    },
    /// An alarm is no longer watched: no deployment that runs names it.
    AlarmReleased {
        /// As `alarmConfiguration` names it.
        name: String,
    },
    /// The load balancers of a deployment were looked at.
    Traffic(TrafficStatus),
    /// The tasks of a deployment are as they were not before.
    Tasks(TasksStatus),
    /// The place that a group follows was looked at.
    Look(Look),
    /// Nothing happened; the connection lives. Every few seconds.
    Alive,
}
