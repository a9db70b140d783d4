//! The slow probe: whether the agents of hosts without work answer, and what all of them say about their hosts.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::super::feed::FeedItem;
use super::super::{Orchestrator, lock};
use crate::clock;
use crate::model::host::Host;
use crate::model::name::Name;
use crate::providers::hosts::Greeting;

/// How often every host is asked.
const INTERVAL: Duration = Duration::from_secs(5);

/// How many are asked at a time.
pub(super) const TOGETHER: usize = 32;

impl Orchestrator {
    /// Asks every host of the project again and again.
    pub(in super::super) fn probe_hosts(self) {
        tokio::spawn(async move {
            loop {
                let (project, _) = self.0.documents.current();
                let is_host = |name: &Name| project.host(name).is_some();
                lock(&self.0.hosts.0.statuses).retain(|name, _| is_host(name));
                self.0.hosts.0.network.forget_unmet(is_host);
                let began = clock::now();
                let unasked = Mutex::default();
                futures_util::stream::iter(&project.hosts)
                    .for_each_concurrent(TOGETHER, |host| self.probe(host, &unasked))
                    .await;
                if let Err(error) = self.show_next_key() {
                    tracing::error!(%error, "the orchestrator keeps its former key");
                }
                let unasked = std::mem::take(&mut *lock(&unasked));
                self.publish(FeedItem::Swept { began, unasked });
                tokio::time::sleep(INTERVAL).await;
            }
        });
    }

    /// Asks a host; notes it if that said nothing of it.
    pub(super) async fn probe(&self, host: &Host, unasked: &Mutex<BTreeSet<Name>>) {
        let hosts = &self.0.hosts;
        let client = hosts.0.network.agent(&host.name, &host.address);
        let mut outcome = client.greet(&host.name).await;
        // Before anything is wanted of it, so that a former start of this orchestrator is obeyed no more.
        if let Ok(greeting) = &outcome
            && !greeting.obeys
            && let Err(error) = client.succeed().await
        {
            outcome = Err(error);
        }
        if let Ok(Greeting {
            info,
            key: Some(asked),
            ..
        }) = &outcome
            && let Some(keys) = info.keys.clone()
            && let Err(error) = self.follow_keys((&host.name, *asked), &client, keys).await
        {
            tracing::warn!(host = %host.name, %error, "its keys are not followed");
        }
        // Its driver knows better whether it can be reached.
        let driven = lock(&hosts.0.drivers).contains_key(&host.name);
        match outcome {
            _ if driven && (outcome.is_err() || !hosts.reached(&host.name)) => {
                lock(unasked).insert(host.name.clone());
            }
            Ok(greeting) => hosts.observe(&host.name, Ok(Some(greeting))),
            Err(error) => hosts.observe(&host.name, Err(&error)),
        }
    }
}
