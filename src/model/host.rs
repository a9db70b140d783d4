//! Hosts: machines with an agent, as the project document lists them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::name::Name;
use super::tags::Tags;

/// A machine that runs our agent. Inside a Server deployment it is a target ("instance").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Host {
    /// Unique in the project.
    pub name: Name,
    /// Where the agent listens, as an `http://` URL on the loopback (`http://127.0.0.1:7301`).
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
}
