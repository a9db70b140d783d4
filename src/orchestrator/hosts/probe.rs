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
use crate::providers::hosts::AgentClient;

/// How often every host is asked.
const INTERVAL: Duration = Duration::from_secs(5);

/// How many are asked at a time.
const TOGETHER: usize = 32;

impl Orchestrator {
    /// Asks every host of the project again and again.
    pub(in super::super) fn probe_hosts(self) {
        tokio::spawn(async move {
            loop {
                let (project, _) = self.0.documents.current();
                lock(&self.0.hosts.0.statuses).retain(|name, _| project.host(name).is_some());
                let began = clock::now();
                let unasked = Mutex::default();
                futures_util::stream::iter(&project.hosts)
                    .for_each_concurrent(TOGETHER, |host| self.probe(host, &unasked))
                    .await;
                let unasked = std::mem::take(&mut *lock(&unasked));
                self.publish(FeedItem::Swept { began, unasked });
                tokio::time::sleep(INTERVAL).await;
            }
        });
    }

    /// Asks a host; notes it if that said nothing of it.
    async fn probe(&self, host: &Host, unasked: &Mutex<BTreeSet<Name>>) {
        let hosts = &self.0.hosts;
        let client = AgentClient::new(hosts.0.http.clone(), &host.address);
        let outcome = client.greet(&host.name).await;
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
