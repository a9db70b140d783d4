//! nginx, by a file that the agent on its host writes.
//!
//! A server that is not in the file is out of service, and one may be put in at any time. nginx tells nothing of its servers:
//! a drain has ended when no worker process from before the reload is left.

use futures_util::future::{BoxFuture, FutureExt as _};

use super::{Abilities, Balancer, Observed, Seen, Server, Service, TrafficError, Wanted, weights};
use crate::agent::protocol::{UpstreamOrder, UpstreamServer, UpstreamState};
use crate::model::name::Name;
use crate::providers::hosts::{AgentClient, HostError};

/// The heaviest weight of a server: whole percents are told apart.
const HEAVIEST: u32 = 100;

/// An upstream of an nginx.
#[derive(Clone, Debug)]
pub struct NginxBalancer {
    agent: AgentClient,
    host: Name,
    upstream: String,
}

impl NginxBalancer {
    /// The upstream that the configuration of this host's agent knows by this name.
    pub fn new(agent: AgentClient, host: Name, upstream: String) -> Self {
        Self {
            agent,
            host,
            upstream,
        }
    }

    fn label(&self) -> String {
        format!("nginx on {} (upstream {})", self.host, self.upstream)
    }

    async fn look(&self, servers: &[Server]) -> Result<Observed, TrafficError> {
        let state = self.agent.upstream(&self.upstream).await;
        let state = state.map_err(|error| self.trouble(error))?;
        if state.host != self.host {
            return Err(TrafficError::Unreachable {
                balancer: self.label(),
                reason: format!("the agent there is {}'s", state.host),
            });
        }
        if state.epoch.is_none() {
            return Err(TrafficError::Unreachable {
                balancer: self.label(),
                reason: "nginx does not run there: start it".to_owned(),
            });
        }
        let seen = servers.iter().map(|s| (s.name.clone(), seen(s, &state)));
        let asked = |endpoint: &str| servers.iter().any(|s| s.endpoint.to_string() == endpoint);
        let there = state.in_force.as_ref().unwrap_or(&state.servers);
        let others = there
            .iter()
            .filter(|it| !it.draining && it.weight > 0 && !asked(&it.endpoint));
        Ok(Observed {
            servers: seen.collect(),
            others: others.count(),
            epoch: state.epoch.clone(),
            ..Observed::default()
        })
    }

    async fn change(&self, wanted: &Wanted) -> Result<(), TrafficError> {
        let order = order(wanted);
        let changed = self.agent.change_upstream(&self.upstream, &order).await;
        changed.map_err(|error| self.trouble(error)).map(|_| ())
    }

    fn trouble(&self, error: HostError) -> TrafficError {
        let balancer = self.label();
        match error {
            HostError::Unreachable { reason, .. } => TrafficError::Unreachable { balancer, reason },
            untrusted @ HostError::Untrusted { .. } => TrafficError::Unreachable {
                reason: untrusted.to_string(),
                balancer,
            },
            HostError::Refused { reason, .. } => TrafficError::Refused { balancer, reason },
            HostError::Unknown { .. } => TrafficError::Refused {
                reason: format!(
                    "the agent on {} has no upstream {}: name it under `upstreams` in its agent.yml, and start it again",
                    self.host, self.upstream
                ),
                balancer,
            },
        }
    }
}

/// One server, by what nginx works by; if that is not known, by what the file says, without a weight.
fn seen(server: &Server, state: &UpstreamState) -> Seen {
    let endpoint = server.endpoint.to_string();
    let there = state.in_force.as_ref().unwrap_or(&state.servers);
    let there = there.iter().find(|one| one.endpoint == endpoint);
    let (service, weight) = match there {
        None => (Service::Out, 0),
        Some(one) if one.draining => (Service::Draining, 0),
        Some(one) => (Service::In, one.weight),
    };
    let left = u64::from(state.shutting_down > 0);
    Seen {
        service,
        healthy: None,
        trouble: None,
        weight: state.in_force.is_some().then_some(weight),
        in_flight: (service != Service::In).then_some(left),
        requests: None,
        errors: None,
    }
}

fn order(wanted: &Wanted) -> UpstreamOrder {
    let weights = weights(wanted, HEAVIEST);
    let (leaving, staying): (Vec<_>, Vec<_>) = wanted
        .servers
        .iter()
        .partition(|server| server.service == Service::Out);
    let server = |server: &Server| UpstreamServer {
        endpoint: server.endpoint.to_string(),
        weight: weights.get(&server.name).copied().unwrap_or(0),
        draining: server.service == Service::Draining,
    };
    UpstreamOrder {
        servers: staying.into_iter().map(server).collect(),
        remove: leaving.iter().map(|s| s.endpoint.to_string()).collect(),
    }
}

impl Balancer for NginxBalancer {
    fn abilities(&self) -> Abilities {
        Abilities {
            split: true,
            in_flight: true,
            requests: false,
            health: false,
            largest_weight: HEAVIEST,
        }
    }

    fn observe<'a>(
        &'a self,
        servers: &'a [Server],
    ) -> BoxFuture<'a, Result<Observed, TrafficError>> {
        self.look(servers).boxed()
    }

    fn apply<'a>(
        &'a self,
        wanted: &'a Wanted,
        _observed: &'a Observed,
    ) -> BoxFuture<'a, Result<(), TrafficError>> {
        self.change(wanted).boxed()
    }
}
