//! Hosts: machines with an agent, as the project document lists them.

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
}
