//! Where the traffic of a deployment really goes: what was asked of each load balancer, what it has in effect, and what was
//! measured.

use serde::{Deserialize, Serialize};

use super::{Side, Split};
use crate::model::deployment::DeploymentId;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// The traffic of a deployment at the last look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrafficStatus {
    /// Whose.
    pub deployment: DeploymentId,
    /// When its load balancers were looked at.
    pub at: Timestamp,
    /// Each of its load balancers.
    pub balancers: Vec<BalancerStatus>,
}

/// One load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalancerStatus {
    /// As `loadBalancerInfo` names it.
    pub name: String,
    /// What kind it is, as people call it; nothing if its connection is gone.
    pub kind: Option<String>,
    /// The split that it was asked for; `None` where every server in service gets the same.
    pub asked: Option<Split>,
    /// The split that its weights come to, by servers in service; `None` if nobody can tell.
    pub in_effect: Option<Split>,
    /// The replacement's share of the requests of the last seconds, in percent; `None` if there were none, or it does not
    /// count.
    pub measured: Option<u8>,
    /// The original; in place, all servers.
    pub original: SideStatus,
    /// The replacement.
    pub replacement: SideStatus,
    /// What is wrong, in a sentence.
    pub trouble: Option<String>,
    /// Whether test traffic comes in there, and no other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tests: bool,
}

impl TrafficStatus {
    /// Those of its load balancers where everybody's traffic comes in.
    pub fn production(&self) -> impl Iterator<Item = &BalancerStatus> {
        self.balancers.iter().filter(|balancer| !balancer.tests)
    }
}

impl BalancerStatus {
    /// One side.
    pub fn side(&self, side: Side) -> &SideStatus {
        match side {
            Side::Blue => &self.original,
            Side::Green => &self.replacement,
        }
    }
}

/// One side at a load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SideStatus {
    /// How many servers of the deployment are on it.
    pub servers: u32,
    /// How many of them are in service.
    pub in_service: u32,
    /// How many of those the load balancer does not find unwell.
    pub well: u32,
    /// How many drain.
    pub draining: u32,
    /// Requests that its servers work on.
    pub in_flight: Option<u64>,
    /// What was counted since the look before.
    pub counted: Option<Counted>,
}

/// Requests that were counted in a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// How long, in milliseconds.
    pub millis: u64,
    /// How many.
    pub requests: u64,
    /// Of these, how many were answered with an error, or not at all.
    pub errors: u64,
}

impl Counted {
    /// Requests a second.
    pub fn rate(self) -> f64 {
        per_second(self.requests, self.millis)
    }

    /// Errors a second.
    pub fn error_rate(self) -> f64 {
        per_second(self.errors, self.millis)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of seconds are small")]
fn per_second(count: u64, millis: u64) -> f64 {
    count as f64 * 1000.0 / millis.max(1) as f64
}

/// One server at a load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerStatus {
    /// The host.
    pub name: Name,
    /// Its side.
    pub side: Side,
    /// Whether it gets traffic: `in`, `draining`, `out`; `absent` if the load balancer has no such server.
    pub service: Presence,
    /// Whether the load balancer finds it well; `None` if it does not look.
    pub healthy: Option<bool>,
    /// Why it is not well.
    pub trouble: Option<String>,
    /// Its weight.
    pub weight: Option<u32>,
    /// Requests that it works on.
    pub in_flight: Option<u64>,
    /// Requests that it was given since the load balancer's start.
    pub requests: Option<u64>,
    /// Of these, how many failed.
    pub errors: Option<u64>,
}

/// How a server is at a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Presence {
    /// It gets its share.
    In,
    /// It finishes what it does.
    Draining,
    /// It gets nothing.
    Out,
    /// The load balancer does not have it.
    Absent,
}

/// A load balancer with each of its servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalancerDetails {
    /// The whole.
    #[serde(flatten)]
    pub status: BalancerStatus,
    /// Every server of the deployment.
    pub servers: Vec<ServerStatus>,
}
