//! What Envoy says of its clusters: `/clusters?format=json`. Zeros and what is false are left out there.

use std::net::IpAddr;

use serde::Deserialize;

use crate::model::endpoint::Endpoint;
use crate::providers::traffic::Server;

/// All clusters.
#[derive(Debug, Deserialize)]
pub struct Clusters {
    #[serde(default)]
    cluster_statuses: Vec<Cluster>,
}

/// One cluster.
#[derive(Clone, Debug, Deserialize)]
pub struct Cluster {
    name: String,
    #[serde(default)]
    eds_service_name: String,
    /// Its hosts.
    #[serde(default, rename = "host_statuses")]
    pub hosts: Vec<Host>,
}

/// One host of a cluster.
#[derive(Clone, Debug, Deserialize)]
pub struct Host {
    address: Address,
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    stats: Vec<Stat>,
    #[serde(default, rename = "health_status")]
    health: Health,
    /// Its weight among the hosts of the cluster.
    #[serde(default)]
    pub weight: u32,
}

#[derive(Clone, Debug, Deserialize)]
struct Address {
    socket_address: Option<SocketAddress>,
}

#[derive(Clone, Debug, Deserialize)]
struct SocketAddress {
    address: String,
    #[serde(default)]
    port_value: u16,
}

#[derive(Clone, Debug, Deserialize)]
struct Stat {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "as Envoy says it")]
struct Health {
    eds_health_status: String,
    failed_active_health_check: bool,
    failed_outlier_check: bool,
    pending_active_hc: bool,
    excluded_via_immediate_hc_fail: bool,
}

impl Clusters {
    /// The cluster of this name, or whose endpoints are discovered by it.
    pub fn named(&self, name: &str) -> Option<Cluster> {
        let mut clusters = self.cluster_statuses.iter();
        clusters
            .find(|one| one.name == name || one.eds_service_name == name)
            .cloned()
    }
}

impl Cluster {
    /// The name by which Envoy knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host at this endpoint, by its address or by its host name.
    pub fn host(&self, endpoint: &Endpoint) -> Option<&Host> {
        self.hosts.iter().find(|host| host.is_at(endpoint))
    }

    /// How many hosts besides these serve and are well.
    pub fn serving_besides(&self, servers: &[Server]) -> usize {
        let asked = |host: &Host| servers.iter().any(|s| host.is_at(&s.endpoint));
        let well = |host: &&Host| host.is_serving() && host.trouble().is_none() && !asked(host);
        self.hosts.iter().filter(well).count()
    }
}

/// Whether two addresses are the same, however they are written.
fn same(one: &str, other: &str) -> bool {
    match (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

impl Host {
    fn is_at(&self, endpoint: &Endpoint) -> bool {
        self.endpoint().is_some_and(|there| {
            there.port == endpoint.port
                && (same(&there.host, &endpoint.host) || self.hostname == endpoint.host)
        })
    }

    /// Where it is; none for a Unix socket.
    pub fn endpoint(&self) -> Option<Endpoint> {
        let address = self.address.socket_address.as_ref()?;
        Some(Endpoint {
            host: address.address.clone(),
            port: address.port_value,
        })
    }

    /// Whether discovery says that it takes requests.
    pub fn is_serving(&self) -> bool {
        matches!(
            self.health.eds_health_status.as_str(),
            "" | "UNKNOWN" | "HEALTHY" | "DEGRADED"
        )
    }

    /// Why Envoy itself finds that it is not well.
    pub fn trouble(&self) -> Option<String> {
        let health = &self.health;
        let found = [
            (health.failed_active_health_check, "its health check fails"),
            (health.pending_active_hc, "its health was not checked yet"),
            (
                health.excluded_via_immediate_hc_fail,
                "it asked to be left out",
            ),
            (health.failed_outlier_check, "it was ejected as an outlier"),
        ];
        let found: Vec<_> = found
            .iter()
            .filter(|(is_so, _)| *is_so)
            .map(|it| it.1)
            .collect();
        (!found.is_empty()).then(|| found.join(", "))
    }

    /// A counter or gauge of this host: `rq_active`, `rq_total`, `rq_error`.
    pub fn stat(&self, name: &str) -> Option<u64> {
        let stat = self.stats.iter().find(|stat| stat.name == name)?;
        if stat.value.is_empty() {
            return Some(0);
        }
        stat.value.parse().ok()
    }
}
