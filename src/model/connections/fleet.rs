//! Fleets: who provisions replacement instances, and terminates original ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::secret::SecretRef;

/// How long a fleet may take to answer, in seconds.
const TIMEOUT_SECONDS: u32 = 600;

/// A fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fleet {
    /// As `autoScalingGroups` of a group names it; unique in the project.
    pub name: String,
    /// Who does it.
    pub provider: FleetProvider,
    /// How long a program may run, or a request take, in seconds.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u32,
}

fn timeout_seconds() -> u32 {
    TIMEOUT_SECONDS
}

/// Who provisions and terminates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum FleetProvider {
    /// Programs on this machine, which are told as JSON on their standard input and answer as JSON.
    Command {
        /// Provisions instances, and answers their names and addresses.
        provision: Vec<String>,
        /// Terminates instances.
        terminate: Vec<String>,
        /// Secrets that they get in their environment, by the names of variables.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        secrets: BTreeMap<String, SecretRef>,
    },
    /// Requests, told and answered as JSON.
    Http {
        /// Where to `POST` for instances.
        provision: String,
        /// Where to `POST` for their end.
        terminate: String,
        /// The secret that is sent as a bearer token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<SecretRef>,
    },
}
