//! Hosts: machines with an agent, as the project document lists them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::deployment::DeploymentId;
use super::group::GroupKey;
use super::name::Name;
use super::tags::Tags;

/// A machine that runs our agent. Inside a Server deployment it is a target ("instance").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Host {
    /// Unique in the project.
    pub name: Name,
    /// Where the agent listens: `https://HOST:PORT`, or `http://` on the loopback (`http://127.0.0.1:7301`).
    pub address: String,
    /// What deployment groups select it by.
    #[serde(default)]
    pub tags: Tags,
    /// The availability zone, for zonal configurations and display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Where it serves the traffic of load balancers, by their names: `ADDRESS:PORT`. Where one is not named, it serves at the
    /// load balancer's port under the address of its agent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<String, String>,
    /// Where it comes from, if a fleet provisioned it: never in `cutover.yaml`, whose hosts are there by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<Provisioned>,
    /// What AWS says of it, if it is an instance that groups select there: never in `cutover.yaml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Instance>,
}

/// What AWS says of a host that is one of its instances: its name is the instance's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// The account that it was found in, as `connections.aws` names it.
    pub account: String,
    /// Its tags there: they select it for groups of that account alone.
    #[serde(default)]
    pub tags: Tags,
    /// The Auto Scaling group that it serves in: it is in service there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling_group: Option<String>,
    /// What it waits for, if a lifecycle hook keeps it from coming or going.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waiting>,
}

/// An instance that waits until somebody says that it may go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The Auto Scaling group whose hook it is.
    pub group: String,
    /// Where it is going.
    pub transition: Transition,
}

/// Where an instance of an Auto Scaling group is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Transition {
    /// It comes, and will be in service.
    Launching,
    /// It leaves, and will be terminated.
    Terminating,
}

impl Host {
    /// Its tags: those of `cutover.yaml`, and those that it has at AWS.
    pub fn all_tags(&self) -> Tags {
        let there = self.instance.iter().flat_map(|instance| &instance.tags);
        let all = there.chain(&self.tags);
        all.map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

/// Where a host comes from that a fleet provisioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provisioned {
    /// The fleet, as `connections.fleets` names it.
    pub fleet: String,
    /// The deployment that it was provisioned for.
    pub deployment: DeploymentId,
    /// The Auto Scaling group that it belongs to: a copy of the fleet, one a deployment.
    pub auto_scaling_group: String,
}

/// The name of the Auto Scaling group that a deployment copies for its replacement (domain.md §6.5).
pub fn copied_group(group: &GroupKey, deployment: &DeploymentId) -> String {
    format!("CodeDeploy_{}_{deployment}", group.group)
}
