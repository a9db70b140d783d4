//! Fleets: who provisions replacement instances, and terminates original ones.

use serde::{Deserialize, Serialize};

/// A fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fleet {
    /// As `autoScalingGroups` of a group names it; unique in the project.
    pub name: String,
    /// Who does it.
    pub provider: FleetProvider,
}

/// Who provisions and terminates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FleetProvider {
    /// Programs on this machine, which are told as JSON on their standard input and answer as JSON.
    Command {
        /// Provisions instances, and answers their names and addresses.
        provision: Vec<String>,
        /// Terminates instances.
        terminate: Vec<String>,
    },
    /// Requests, told and answered as JSON.
    Http {
        /// Where to `POST` for instances.
        provision: String,
        /// Where to `POST` for their end.
        terminate: String,
    },
}
