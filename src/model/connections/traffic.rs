//! Load balancers: how each is reached, and how hosts are found behind it.

use serde::{Deserialize, Serialize};

use super::http::HttpBalancer;
use crate::model::endpoint::Endpoint;
use crate::model::name::Name;

/// How long a drain may take, in seconds, before an instance leaves with requests in flight. The same as `CodeDeploy`'s
/// balancers use.
const DRAIN_SECONDS: u64 = 300;

/// A load balancer or target group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadBalancer {
    /// As `loadBalancerInfo` of a group names it; unique in the project.
    pub name: String,
    /// The port that hosts serve its traffic on, unless a host names its own endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How many seconds a drain may take before an instance leaves with requests in flight.
    #[serde(default = "drain_seconds")]
    pub drain_seconds: u64,
    /// What it is, and where.
    pub provider: TrafficProvider,
}

fn drain_seconds() -> u64 {
    DRAIN_SECONDS
}

/// What a load balancer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TrafficProvider {
    /// `HAProxy`, by its runtime API.
    Haproxy(HaProxy),
    /// nginx, by a file that the agent on its host writes.
    Nginx(Nginx),
    /// Envoy, by its admin endpoint or by endpoint discovery.
    Envoy(Envoy),
    /// The reverse proxy that comes with this program.
    Router(Router),
    /// Anything else, by requests that the operator defines.
    Http(Box<HttpBalancer>),
    /// Target groups of AWS's Elastic Load Balancing.
    Elbv2(Elbv2),
}

impl TrafficProvider {
    /// As people call it.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Haproxy(_) => "HAProxy",
            Self::Nginx(_) => "nginx",
            Self::Envoy(_) => "Envoy",
            Self::Router(_) => "cutover router",
            Self::Http(_) => "HTTP",
            Self::Elbv2(_) => "ELB",
        }
    }

    /// Whether a route can be split between the sides of a blue/green deployment by weight.
    pub fn splits(&self) -> bool {
        match self {
            Self::Haproxy(_) | Self::Nginx(_) | Self::Envoy(_) | Self::Router(_) => true,
            Self::Http(http) => http.splits(),
            Self::Elbv2(elb) => matches!(elb.control, Elbv2Control::Weights(_)),
        }
    }

    /// Whether it tells which weight each server has.
    pub fn tells_weights(&self) -> bool {
        match self {
            Self::Http(http) => http.observe.as_ref().is_some_and(|it| it.weight.is_some()),
            _ => true,
        }
    }

    /// Whether it gives each side its share as a whole, and knows the sides by what it is configured with.
    pub fn weighs_whole_sides(&self) -> bool {
        matches!(self, Self::Envoy(envoy) if matches!(envoy.control, EnvoyControl::Runtime(_)))
    }

    /// The host whose agent it is reached through, if it is.
    pub fn host(&self) -> Option<&Name> {
        match self {
            Self::Haproxy(haproxy) => haproxy.host.as_ref(),
            Self::Nginx(nginx) => Some(&nginx.host),
            _ => None,
        }
    }
}

/// `HAProxy` 2.6 or newer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HaProxy {
    /// Where its runtime API listens: `127.0.0.1:9999`, or `unix:/run/haproxy.sock`. It needs `level admin`. Absent with `host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The host that it runs on, whose agent passes on what it is told. Absent with `address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Name>,
    /// The backend whose servers are the hosts. Servers have the hosts' names.
    pub backend: String,
    /// Whether servers that the backend lacks are added at run time.
    #[serde(default)]
    pub add_servers: bool,
    /// What a server that is added is given, as on a `server` line of haproxy.cfg behind the address: it inherits nothing of
    /// `default-server`. `check inter 1s` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_options: Option<String>,
}

/// How the runtime API of an `HAProxy` is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuntimeApi<'a> {
    /// It listens here.
    Address(&'a str),
    /// The agent on this host passes on what it is told.
    Host(&'a Name),
}

/// Nothing says how the runtime API of an `HAProxy` is reached, or two things do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write either `address`, where its runtime API listens, or `host`, on which it runs and whose agent reaches it"
)]
pub struct NoRuntimeApi;

impl HaProxy {
    /// How its runtime API is reached.
    ///
    /// # Errors
    /// If it has not exactly one of `address` and `host`.
    pub fn runtime_api(&self) -> Result<RuntimeApi<'_>, NoRuntimeApi> {
        match (&self.address, &self.host) {
            (Some(address), None) => Ok(RuntimeApi::Address(address)),
            (None, Some(host)) => Ok(RuntimeApi::Host(host)),
            _ => Err(NoRuntimeApi),
        }
    }
}

/// nginx, on a host of the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Nginx {
    /// The host that it runs on, whose agent writes the file, tests it and reloads.
    pub host: Name,
    /// The name of the upstream, as the agent's own configuration knows it.
    pub upstream: String,
}

/// Envoy 1.20 or newer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envoy {
    /// Its admin endpoint (`http://127.0.0.1:9901`).
    pub admin: String,
    /// What of it is driven.
    pub control: EnvoyControl,
}

/// What of an Envoy is driven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EnvoyControl {
    /// The weights of two clusters, original and replacement, by runtime keys.
    Runtime(EnvoyRuntime),
    /// The endpoints of one cluster, which this program serves.
    Endpoints(EnvoyEndpoints),
}

/// Two weighted clusters of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvoyRuntime {
    /// The route's `runtime_key_prefix`.
    pub key_prefix: String,
    /// The cluster of the original instances.
    pub original: String,
    /// The cluster of the replacement instances.
    pub replacement: String,
}

/// A cluster whose endpoints are discovered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvoyEndpoints {
    /// The cluster, by its `service_name` if it has one.
    pub cluster: String,
    /// Where this program serves its endpoints: an address and a port that Envoy can reach, such as `127.0.0.1:18000`.
    pub listen: Endpoint,
}

/// The reverse proxy that comes with this program (`cutover router`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Router {
    /// Where it is told what to do (`http://127.0.0.1:7480`).
    pub admin: String,
    /// The route, of those that it has.
    pub route: String,
}

/// Target groups of an application or network load balancer of AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Elbv2 {
    /// The account that has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What of it is driven.
    pub control: Elbv2Control,
}

/// What of an AWS load balancer is driven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Elbv2Control {
    /// The targets of the target group with this ARN.
    TargetGroup(String),
    /// The targets of two target groups, and how the load balancer weighs these.
    Weights(Elbv2Weights),
}

/// Two weighted target groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Elbv2Weights {
    /// The ARN of the target group of the original instances.
    pub original: String,
    /// The ARN of the target group of the replacement instances.
    pub replacement: String,
    /// The ARN of the listener, or of the one of its rules, that forwards to both.
    pub listener: String,
}

impl Elbv2 {
    /// The ARNs of its target groups.
    pub fn target_groups(&self) -> Vec<&str> {
        match &self.control {
            Elbv2Control::TargetGroup(group) => vec![group],
            Elbv2Control::Weights(weights) => vec![&weights.original, &weights.replacement],
        }
    }
}
