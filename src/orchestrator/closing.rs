//! Ending a deployment: its last entries, the group's memory and the rollback, in one transaction.

use std::sync::Arc;

use super::create::{Opening, opening};
use super::feed::FeedItem;
use super::snapshot::Summary;
use super::{Orchestrator, lock};
use crate::clock;
use crate::engine::event::{Event, Record};
use crate::engine::ledger::{LedgerEvent, LedgerRecord};
use crate::engine::{Deployment, Ledger, plan, rollback};
use crate::model::host::Host;
use crate::model::timestamp::Timestamp;
use crate::store::journal::Batch;

impl Orchestrator {
    /// Writes a deployment's last entries with everything that follows from them, and answers all of its entries that
    /// are new. The group's slot passes to the rollback without a gap.
    pub(super) async fn close(
        &self,
        deployment: &mut Deployment,
        mut records: Vec<Record>,
    ) -> Vec<Record> {
        let now = clock::now();
        let key = deployment.group_key();
        let mut ledgers = self.0.ledgers.lock().await;
        let ledger = ledgers.entry(key.clone()).or_default();
        let closed = LedgerRecord {
            seq: ledger.seq + 1,
            at: now,
            event: LedgerEvent::closing(deployment),
        };
        ledger.evolve(&closed);

        let mut batch = Batch::default();
        let mut next = None;
        if rollback::wanted(deployment) {
            let event = match self.roll_back_to(deployment, ledger, now) {
                Ok((opened, opening)) => {
                    let id = opening.deployment.id().clone();
                    ledger.evolve(&opening.ledger);
                    batch = opened;
                    next = Some(opening);
                    Event::RolledBack {
                        message: format!("{id} rolls it back"),
                        deployment: Some(id),
                    }
                }
                Err(message) => Event::RolledBack {
                    deployment: None,
                    message,
                },
            };
            let record = Record {
                seq: deployment.seq + 1,
                at: now,
                event,
            };
            deployment.evolve(&record);
            records.push(record);
        }
        let id = deployment.id().clone();
        batch
            .records
            .extend(records.iter().map(|record| (id.clone(), record.clone())));
        batch.ledger.insert(0, (key.clone(), closed.clone()));
        batch.summaries.push(Summary::from(&*deployment));
        crate::crash_point::here!("closing.before-write");
        self.append(batch).await;
        crate::crash_point::here!("closing.after-write");

        lock(&self.0.summaries).insert(id, Summary::from(&*deployment));
        self.publish(FeedItem::Ledger {
            group: key,
            record: closed,
        });
        drop(ledgers);
        if let Some(opening) = next {
            crate::crash_point::here!("closing.before-rollback");
            self.begin(opening);
        }
        records
    }

    fn roll_back_to(
        &self,
        deployment: &Deployment,
        ledger: &Ledger,
        now: Timestamp,
    ) -> Result<(Batch, Opening), String> {
        let (project, _) = self.0.documents.current();
        let members: Vec<Host> = project.members(&deployment.spec.group).cloned().collect();
        let spec = rollback::spec(deployment, ledger, &members, clock::deployment_id())?;
        let plan = plan(&spec);
        Ok(opening(Arc::new(spec), Arc::new(plan), ledger, now))
    }
}
