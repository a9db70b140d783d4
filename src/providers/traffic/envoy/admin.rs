//! Envoy's admin endpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::RequestBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::TrafficError;
use super::clusters::{Cluster, Clusters};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

const CLUSTERS: &str = "/clusters?format=json";

/// A client of one Envoy's admin endpoint.
#[derive(Clone, Debug)]
pub struct Admin {
    http: reqwest::Client,
    address: String,
}

#[derive(Deserialize)]
struct Runtime {
    entries: BTreeMap<String, RuntimeEntry>,
}

#[derive(Deserialize)]
struct RuntimeEntry {
    final_value: String,
}

/// A dump of which only what is asked for is there.
#[derive(Default, Deserialize)]
struct Dump {
    #[serde(default)]
    configs: Vec<DumpEntry>,
}

#[derive(Deserialize)]
struct DumpEntry {
    last_updated: Option<String>,
    cluster: Option<DumpedCluster>,
}

#[derive(Deserialize)]
struct DumpedCluster {
    name: String,
    #[serde(default)]
    common_lb_config: LbConfig,
}

#[derive(Default, Deserialize)]
struct LbConfig {
    healthy_panic_threshold: Option<Percent>,
    update_merge_window: Option<String>,
}

/// How a cluster chooses among its hosts.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The percentage of healthy hosts below which it sends requests to all of its hosts, draining ones too.
    pub panic_threshold: f64,
    /// Whether it collects changes for a while before it goes by them, though it says already that they are so.
    pub merges: bool,
}

#[derive(Deserialize)]
struct Percent {
    #[serde(default)]
    value: f64,
}

impl Admin {
    pub fn new(http: reqwest::Client, address: &str) -> Self {
        let address = address.trim_end_matches('/').to_owned();
        Self { http, address }
    }

    /// What and where.
    pub fn label(&self) -> String {
        format!("Envoy at {}", self.address)
    }

    pub fn refused(&self, reason: impl Into<String>) -> TrafficError {
        TrafficError::Refused {
            balancer: self.label(),
            reason: reason.into(),
        }
    }

    /// The cluster of this name, with its hosts as they are.
    pub async fn cluster(&self, name: &str) -> Result<Cluster, TrafficError> {
        let clusters: Clusters = self.read(CLUSTERS).await?;
        self.named(&clusters, name)
    }

    /// The two clusters of these names.
    pub async fn two_clusters(&self, names: [&str; 2]) -> Result<[Cluster; 2], TrafficError> {
        let clusters: Clusters = self.read(CLUSTERS).await?;
        Ok([
            self.named(&clusters, names[0])?,
            self.named(&clusters, names[1])?,
        ])
    }

    fn named(&self, clusters: &Clusters, name: &str) -> Result<Cluster, TrafficError> {
        let missing = || format!("it has no cluster {name}: add it to its configuration");
        clusters.named(name).ok_or_else(|| self.refused(missing()))
    }

    /// The values in force of these runtime keys.
    pub async fn runtime(&self, keys: [&str; 2]) -> Result<[Option<u32>; 2], TrafficError> {
        let runtime: Runtime = self.read("/runtime").await?;
        Ok(keys.map(|key| runtime.entries.get(key)?.final_value.parse().ok()))
    }

    /// Sets runtime keys, all at once.
    pub async fn modify_runtime(&self, values: [(&str, u8); 2]) -> Result<(), TrafficError> {
        let request = self.http.post(self.url("/runtime_modify")).query(&values);
        self.send(request).await.map(|_| ())
    }

    /// What identifies this run of Envoy: when it read its bootstrap configuration, which it does once.
    pub async fn epoch(&self) -> Result<Option<String>, TrafficError> {
        let dump: Dump = self.read("/config_dump?mask=last_updated").await?;
        Ok(dump.configs.into_iter().find_map(|one| one.last_updated))
    }

    /// How a cluster chooses among its hosts; `None` if there is no such cluster.
    pub async fn choice(&self, cluster: &str) -> Result<Option<Choice>, TrafficError> {
        /// What Envoy does when nothing is said.
        const USUAL: f64 = 50.0;
        for resource in ["static_clusters", "dynamic_active_clusters"] {
            let path = format!(
                "/config_dump?resource={resource}&mask=cluster.name,cluster.common_lb_config.healthy_panic_threshold,cluster.common_lb_config.update_merge_window"
            );
            let dump = match self.read::<Dump>(&path).await {
                // It has none of that kind.
                Err(TrafficError::Refused { .. }) => continue,
                dump => dump?,
            };
            let mut clusters = dump.configs.into_iter().filter_map(|one| one.cluster);
            if let Some(found) = clusters.find(|one| one.name == cluster) {
                let config = found.common_lb_config;
                let threshold = config.healthy_panic_threshold;
                return Ok(Some(Choice {
                    panic_threshold: threshold.map_or(USUAL, |percent| percent.value),
                    // A second when nothing is said.
                    merges: config.update_merge_window.as_deref() != Some("0s"),
                }));
            }
        }
        Ok(None)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, TrafficError> {
        let body = self.send(self.http.get(self.url(path))).await?;
        serde_json::from_slice(&body).map_err(|error| TrafficError::Unreadable {
            balancer: self.label(),
            reason: format!("{path}: {error}"),
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Vec<u8>, TrafficError> {
        let lost = |error: reqwest::Error| {
            // The outermost message of an HTTP client only repeats the address.
            let mut cause: &dyn std::error::Error = &error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            TrafficError::Unreachable {
                balancer: self.label(),
                reason: cause.to_string(),
            }
        };
        let answer = request.timeout(PATIENCE).send().await.map_err(lost)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(lost)?;
        if status.is_success() {
            return Ok(body.into());
        }
        let said: String = String::from_utf8_lossy(&body)
            .trim()
            .chars()
            .take(500)
            .collect();
        Err(self.refused(format!("status {}: {said}", status.as_u16())))
    }
}
