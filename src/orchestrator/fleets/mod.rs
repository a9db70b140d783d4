//! Fleets: has them provision what deployments ask for and terminate what is over, and keeps what they have provisioned.
//!
//! What a fleet is asked for is asked again after a restart, under the same token. What it answered is in the group's ledger,
//! written together with the entry of the deployment's journal that it is, and in the project from then on.

mod ask;
pub mod checks;
mod copy;
mod hand;
mod provision;
mod terminate;

use std::collections::BTreeMap;

use super::Orchestrator;
use super::feed::FeedItem;
use crate::clock;
use crate::engine::Ledger;
use crate::engine::event::Record;
use crate::engine::ledger::{LedgerEvent, LedgerRecord};
use crate::model::group::GroupKey;
use crate::model::host::Host;
use crate::model::timestamp::Timestamp;
use crate::store::journal::Batch;

/// The hosts that fleets provisioned for any group.
pub(super) fn provisioned(ledgers: &BTreeMap<GroupKey, Ledger>) -> Vec<Host> {
    let hosts = ledgers
        .values()
        .flat_map(|ledger| ledger.provisioned.values());
    hosts.cloned().collect()
}

/// The entries of a group's ledger that follow from these of a deployment's journal; the ledger has folded them.
pub(super) fn entries_of_fleets(
    records: &[Record],
    ledger: &mut Ledger,
    now: Timestamp,
) -> Vec<LedgerRecord> {
    let events = LedgerEvent::of_fleets(records);
    let entries = events.into_iter().map(|event| folded(event, ledger, now));
    entries.collect()
}

fn folded(event: LedgerEvent, ledger: &mut Ledger, at: Timestamp) -> LedgerRecord {
    let seq = ledger.seq + 1;
    let entry = LedgerRecord { seq, at, event };
    ledger.evolve(&entry);
    entry
}

impl Orchestrator {
    /// Appends entries of a deployment's journal, with what they mean for its group's ledger.
    pub(super) async fn append_of(&self, group: &GroupKey, records: &[Record], mut batch: Batch) {
        if LedgerEvent::of_fleets(records).is_empty() {
            return self.append(batch).await;
        }
        let mut ledgers = self.0.ledgers.lock().await;
        let ledger = ledgers.entry(group.clone()).or_default();
        let entries = entries_of_fleets(records, ledger, clock::steady());
        let keyed = entries.iter().map(|entry| (group.clone(), entry.clone()));
        batch.ledger.extend(keyed);
        crate::crash_point::here!("fleets.before-write");
        self.append(batch).await;
        crate::crash_point::here!("fleets.after-write");
        self.tell_ledger(group, entries);
        self.provisioned(provisioned(&ledgers));
    }

    /// Writes something into a group's ledger, and tells everybody.
    pub(super) async fn note(&self, group: &GroupKey, event: LedgerEvent) {
        let mut ledgers = self.0.ledgers.lock().await;
        let ledger = ledgers.entry(group.clone()).or_default();
        let entry = folded(event, ledger, clock::steady());
        let mut batch = Batch::default();
        batch.ledger.push((group.clone(), entry.clone()));
        self.append(batch).await;
        self.tell_ledger(group, vec![entry]);
    }

    /// Tells everybody what a group remembers.
    pub(super) fn tell_ledger(&self, group: &GroupKey, entries: Vec<LedgerRecord>) {
        for record in entries {
            let group = group.clone();
            self.publish(FeedItem::Ledger { group, record });
        }
    }
}
