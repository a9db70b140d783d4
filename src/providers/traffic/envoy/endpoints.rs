//! One cluster whose endpoints this program serves: each server has a weight, drains, or is not there.

use std::net::IpAddr;

use super::super::{Observed, Seen, Server, Service, TrafficError, Wanted, weights};
use super::admin::Admin;
use super::clusters::Cluster;
use super::discovery::{Assigned, Discovery};
use crate::model::connections::EnvoyEndpoints;
use crate::model::endpoint::Endpoint;

/// The heaviest weight of a server: whole percents are told apart.
pub(super) const HEAVIEST: u32 = 100;

/// A discovered cluster.
#[derive(Debug)]
pub struct Endpoints {
    cluster: String,
    discovery: Discovery,
}

impl Endpoints {
    pub fn new(settings: EnvoyEndpoints) -> Self {
        Self {
            cluster: settings.cluster.clone(),
            discovery: Discovery::new(settings),
        }
    }

    pub async fn observe(
        &self,
        admin: &Admin,
        servers: &[Server],
    ) -> Result<Observed, TrafficError> {
        self.listen(admin).await?;
        let (cluster, epoch) =
            futures_util::try_join!(admin.cluster(&self.cluster), admin.epoch())?;
        let published = self.adopt(&cluster);
        let seen = servers
            .iter()
            .map(|server| (server.name.clone(), seen(server, &cluster, &published)));
        Ok(Observed {
            servers: seen.collect(),
            others: cluster.serving_besides(servers),
            epoch,
            ..Observed::default()
        })
    }

    pub async fn apply(&self, admin: &Admin, wanted: &Wanted) -> Result<(), TrafficError> {
        self.listen(admin).await?;
        for server in &wanted.servers {
            if server.endpoint.host.parse::<IpAddr>().is_err() {
                return Err(admin.refused(format!(
                    "endpoint discovery takes addresses only, and {} serves at {}: give it an endpoint with an IP address",
                    server.name, server.endpoint
                )));
            }
        }
        let cluster = admin.cluster(&self.cluster).await?;
        let choice = admin.choice(cluster.name()).await?;
        let wrong = choice.and_then(|choice| {
            if choice.panic_threshold > 0.0 {
                return Some("with few serving instances it would send requests to draining ones");
            }
            choice.merges.then_some(
                "for up to a second it would send requests to instances that it says are draining",
            )
        });
        if let Some(wrong) = wrong {
            return Err(admin.refused(format!(
                "{wrong}: set common_lb_config: {{healthy_panic_threshold: {{value: 0}}, update_merge_window: 0s}} in its cluster {}",
                cluster.name()
            )));
        }
        self.discovery.publish(merged(self.adopt(&cluster), wanted));
        Ok(())
    }

    /// What is served. In the beginning that is what Envoy has: nobody who is not named leaves, also if it is restarted before
    /// anything was decided.
    fn adopt(&self, cluster: &Cluster) -> Vec<Assigned> {
        if let Some(published) = self.discovery.published() {
            return published;
        }
        let adopted = adopted(cluster);
        if !adopted.is_empty() {
            self.discovery.publish(adopted.clone());
        }
        adopted
    }

    async fn listen(&self, admin: &Admin) -> Result<(), TrafficError> {
        let listening = self.discovery.listen().await;
        listening.map_err(|error| TrafficError::Unreachable {
            balancer: admin.label(),
            reason: format!(
                "its endpoints cannot be served at {}: {error}",
                self.discovery.address()
            ),
        })
    }
}

/// A server as Envoy has it. A server without a share and one that drains look the same there; what was asked tells them
/// apart.
fn seen(server: &Server, cluster: &Cluster, published: &[Assigned]) -> Seen {
    let Some(host) = cluster.host(&server.endpoint) else {
        return Seen {
            service: Service::Out,
            healthy: None,
            trouble: None,
            weight: Some(0),
            in_flight: Some(0),
            requests: None,
            errors: None,
        };
    };
    let endpoint = plain(&server.endpoint);
    let asked = published.iter().find(|it| it.endpoint == endpoint);
    let service = if host.is_serving() || asked.is_some_and(|it| !it.draining && it.weight == 0) {
        Service::In
    } else {
        Service::Draining
    };
    let trouble = host.trouble();
    Seen {
        service,
        healthy: Some(trouble.is_none()),
        trouble,
        weight: Some(if host.is_serving() { host.weight } else { 0 }),
        in_flight: host.stat("rq_active"),
        requests: host.stat("rq_total"),
        errors: host.stat("rq_error"),
    }
}

/// What Envoy has, to go on from.
fn adopted(cluster: &Cluster) -> Vec<Assigned> {
    let hosts = cluster.hosts.iter();
    hosts
        .filter_map(|host| {
            Some(Assigned {
                endpoint: plain(&host.endpoint()?),
                weight: host.weight,
                draining: !host.is_serving(),
            })
        })
        .collect()
}

/// An endpoint whose address is written as everybody writes it.
fn plain(endpoint: &Endpoint) -> Endpoint {
    let address = endpoint.host.parse::<IpAddr>();
    let host = address.map_or_else(|_| endpoint.host.clone(), |address| address.to_string());
    let port = endpoint.port;
    Endpoint { host, port }
}

fn merged(mut known: Vec<Assigned>, wanted: &Wanted) -> Vec<Assigned> {
    let weights = weights(wanted, HEAVIEST);
    for server in &wanted.servers {
        let endpoint = plain(&server.endpoint);
        known.retain(|it| it.endpoint != endpoint);
        if server.service != Service::Out {
            known.push(Assigned {
                endpoint,
                weight: weights.get(&server.name).copied().unwrap_or(0),
                draining: server.service == Service::Draining,
            });
        }
    }
    // The same servers are the same document, whoever was named first.
    known.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
    known
}
