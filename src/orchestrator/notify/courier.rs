//! Couriers: one task a receiver, which sends what is pending in order, again and again until it is taken, refused or given
//! up. What is pending is in the journal, so that a courier holds nothing that could be lost.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;

use super::super::{Orchestrator, lock};
use super::attempt;
use crate::clock;
use crate::model::notification::{Delivery, DeliveryStatus};
use crate::providers::aws::Accounts;
use crate::providers::notify::{Answer, DEADLINE, Notifier};
use crate::providers::secrets::Secrets;
use crate::store::journal::{Batch, Journal, JournalError};

/// How long an orchestrator in the background stays for a notification that nobody takes. The next one goes on with it.
const STAYS: Duration = Duration::from_mins(10);

/// How long to wait before reading again what could not be read.
const RETRY: Duration = Duration::from_secs(1);

/// What couriers share.
#[derive(Debug)]
pub struct Outbox {
    pub(super) notifier: Notifier,
    /// The receivers that have a courier.
    served: Mutex<BTreeSet<String>>,
    /// Counts up when something was put into the journal's outbox.
    grown: watch::Sender<u64>,
}

impl Outbox {
    /// The outbox of the project with these secrets and AWS accounts.
    pub fn new(secrets: Secrets, accounts: Accounts) -> Self {
        Self {
            notifier: Notifier::new(secrets, accounts, DEADLINE),
            served: Mutex::default(),
            grown: watch::Sender::new(0),
        }
    }
}

impl Orchestrator {
    /// Delivers what is pending from before.
    pub(in super::super) fn deliver(&self) -> Result<(), JournalError> {
        self.tell(self.0.journal.awaited_receivers()?);
        Ok(())
    }

    /// There is something in the journal for these receivers: each has a courier from now on, who looks there.
    pub(in super::super) fn tell(&self, receivers: impl IntoIterator<Item = String>) {
        let mut served = lock(&self.0.outbox.served);
        for receiver in receivers {
            if !served.contains(&receiver) {
                served.insert(receiver.clone());
                tokio::spawn(self.clone().serve(receiver));
            }
        }
        self.0.outbox.grown.send_modify(|count| *count += 1);
    }

    /// Tells one receiver, one after the other.
    async fn serve(self, receiver: String) {
        let mut grown = self.0.outbox.grown.subscribe();
        loop {
            grown.borrow_and_update();
            let name = receiver.clone();
            let next = self.read(move |journal| journal.next_delivery(&name)).await;
            match next {
                Some(delivery) => self.attempt(delivery).await,
                None if grown.changed().await.is_err() => return,
                None => {}
            }
        }
    }

    /// Waits until it is time, sends a notification once, and notes what came of it.
    async fn attempt(&self, delivery: Delivery) {
        tokio::time::sleep(attempt::left(&delivery, clock::steady())).await;
        let notification = &delivery.notification;
        let (project, _) = self.0.documents.current();
        let answer = match project.connections.receiver(&notification.receiver) {
            Some(receiver) => {
                self.0
                    .outbox
                    .notifier
                    .send(receiver, &notification.message)
                    .await
            }
            None => Answer::Refused(format!(
                "connections.receivers of cutover.yaml has no {}",
                notification.receiver
            )),
        };
        let progress = attempt::after(&delivery, &answer, clock::steady());
        let id = notification.message.id.clone();
        if progress.status != DeliveryStatus::Delivered {
            tracing::warn!(
                id,
                receiver = notification.receiver,
                status = progress.status.name(),
                answer = progress.last_answer,
                "a notification was not taken"
            );
        }
        self.append(Batch {
            progress: vec![(id, progress)],
            ..Batch::default()
        })
        .await;
    }

    /// Reads from the journal until that is possible.
    async fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&Journal) -> Result<T, JournalError> + Clone + Send + 'static,
    ) -> T {
        loop {
            let (journal, read) = (self.0.journal.clone(), read.clone());
            match tokio::task::spawn_blocking(move || read(&journal)).await {
                Ok(Ok(found)) => return found,
                Ok(Err(error)) => tracing::error!(%error, "the notifications can't be read"),
                Err(error) => tracing::error!(%error, "the notifications can't be read"),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Whether there is a notification to deliver that is worth staying for.
    pub(in super::super) fn owes_notifications(&self) -> bool {
        match self.0.journal.newest_pending() {
            Ok(newest) => newest.is_some_and(|at| clock::steady().since(at) < STAYS),
            Err(error) => {
                tracing::error!(%error, "the notifications can't be read");
                false
            }
        }
    }
}
