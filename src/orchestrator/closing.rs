//! Ending a deployment: its last entries, the group's memory and what follows, in one transaction.

use super::create::opening;
use super::fleets::{entries_of_fleets, provisioned};
use super::snapshot::Summary;
use super::{Orchestrator, lock};
use crate::clock;
use crate::engine::event::Record;
use crate::engine::ledger::{LedgerEvent, LedgerRecord};
use crate::engine::{Deployment, plan};
use crate::model::notification::Notification;
use crate::store::journal::Batch;

impl Orchestrator {
    /// Writes a deployment's last entries with everything that follows from them, and answers all of its entries that
    /// are new. The group's slot passes to a rollback, or to an update of outdated instances, without a gap.
    pub(super) async fn close(
        &self,
        deployment: &mut Deployment,
        mut records: Vec<Record>,
        mut notifications: Vec<Notification>,
    ) -> Vec<Record> {
        let now = clock::steady();
        let key = deployment.group_key();
        let mut ledgers = self.0.ledgers.lock().await;
        let ledger = ledgers.entry(key.clone()).or_default();
        let of_fleets = entries_of_fleets(&records, ledger, now);
        let closed = LedgerRecord {
            seq: ledger.seq + 1,
            at: now,
            event: LedgerEvent::closing(deployment),
        };
        ledger.evolve(&closed);

        let follow = self.follow_up(deployment, ledger).await;
        let mut batch = Batch::default();
        let mut next = None;
        if let Some(spec) = follow.next {
            let plan = plan(&spec);
            let (opened, mut opening) = opening(spec, plan, ledger, now);
            ledger.evolve(&opening.ledger);
            opening.used = self.used(&opening.deployment, now);
            batch = opened;
            batch.revisions.extend(opening.used.clone());
            next = Some(opening);
        }
        if let Some(event) = follow.note {
            let record = Record {
                seq: deployment.seq + 1,
                at: now,
                event,
            };
            deployment.evolve(&record);
            notifications.extend(self.notifications(deployment, &record));
            records.push(record);
        }
        let id = deployment.id().clone();
        batch
            .records
            .extend(records.iter().map(|record| (id.clone(), record.clone())));
        let mut entries = of_fleets;
        entries.push(closed);
        let keyed = entries.iter().map(|entry| (key.clone(), entry.clone()));
        batch.ledger.splice(0..0, keyed);
        batch.summaries.push(Summary::from(&*deployment));
        batch.notifications = notifications;
        crate::crash_point::here!("closing.before-write");
        self.append(batch).await;
        crate::crash_point::here!("closing.after-write");

        lock(&self.0.summaries).insert(id.clone(), Summary::from(&*deployment));
        self.tell_ledger(&key, entries);
        self.provisioned(provisioned(&ledgers));
        if let Some(opening) = next {
            crate::crash_point::here!("closing.before-rollback");
            self.begin(opening);
        }
        drop(ledgers);
        // What follows has its place before the one that ended leaves its own to whoever is first.
        lock(&self.0.admission).leave(&id);
        if deployment.spec.creator.is_scaling() {
            self.wake_waiting();
        }
        self.admit();
        records
    }
}
