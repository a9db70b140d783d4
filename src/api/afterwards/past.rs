//! What a host was given, when, and what came of it: what the memory of a group says about one of its hosts.

use crate::engine::ledger::{LedgerEvent, LedgerRecord};
use crate::model::deployment::{DeploymentId, TargetStatus};
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::revision::Revision;
use crate::model::timestamp::Timestamp;

/// A deployment that touched a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// Of which group.
    pub group: GroupKey,
    /// What it brought; nothing if it went back to what was there before the group's first.
    pub revision: Option<Revision>,
    /// What came of it on this host.
    pub status: TargetStatus,
    /// When the deployment was created.
    pub create_time: Timestamp,
    /// When the deployment ended.
    pub end_time: Timestamp,
}

/// What a group's entries say about a host, the newest last.
pub fn given(host: &Name, group: &GroupKey, records: &[LedgerRecord]) -> Vec<Given> {
    let of = |record: &LedgerRecord| {
        let LedgerEvent::Closed {
            deployment,
            create_time,
            revision,
            outcomes,
            ..
        } = &record.event
        else {
            return None;
        };
        let (_, status) = outcomes.iter().find(|(name, _)| name == host)?;
        Some(Given {
            deployment: deployment.clone(),
            group: group.clone(),
            revision: revision.clone(),
            status: *status,
            create_time: *create_time,
            end_time: record.at,
        })
    };
    records.iter().filter_map(of).collect()
}
