//! The slow probe: whether the agents of hosts without work answer.

use std::time::Duration;

use futures_util::StreamExt as _;

use super::super::{Orchestrator, lock};
use crate::model::host::Host;
use crate::providers::hosts::AgentClient;

/// How often every idle host is asked.
const INTERVAL: Duration = Duration::from_secs(5);

/// How many are asked at a time.
const TOGETHER: usize = 32;

impl Orchestrator {
    /// Asks every idle host of the project again and again.
    pub(in super::super) fn probe_hosts(self) {
        tokio::spawn(async move {
            loop {
                let (project, _) = self.0.documents.current();
                lock(&self.0.hosts.0.statuses).retain(|name, _| project.host(name).is_some());
                futures_util::stream::iter(&project.hosts)
                    .for_each_concurrent(TOGETHER, |host| self.probe(host))
                    .await;
                tokio::time::sleep(INTERVAL).await;
            }
        });
    }

    async fn probe(&self, host: &Host) {
        let hosts = &self.0.hosts;
        // Its driver knows better.
        if lock(&hosts.0.drivers).contains_key(&host.name) {
            return;
        }
        let client = AgentClient::new(hosts.0.http.clone(), &host.address);
        match client.greet(&host.name).await {
            Ok(()) => hosts.observe(&host.name, Ok(())),
            Err(error) => hosts.observe(&host.name, Err(&error)),
        }
    }
}
