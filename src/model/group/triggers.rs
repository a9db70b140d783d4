//! Triggers: who is told about a group's deployments. Targets are keys that the project binds to connections.

use serde::{Deserialize, Serialize};

/// `TriggerConfig`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TriggerConfig {
    /// Unique in the group.
    pub trigger_name: String,
    /// Where notifications go.
    pub trigger_target_arn: String,
    /// What is notified.
    pub trigger_events: Vec<TriggerEvent>,
}

/// `TriggerEventType`: something that happened to a deployment, or to one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum TriggerEvent {
    DeploymentStart,
    DeploymentSuccess,
    DeploymentFailure,
    DeploymentStop,
    DeploymentRollback,
    DeploymentReady,
    InstanceStart,
    InstanceSuccess,
    InstanceFailure,
    InstanceReady,
}

impl TriggerEvent {
    /// The event as `CodeDeploy` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeploymentStart => "DeploymentStart",
            Self::DeploymentSuccess => "DeploymentSuccess",
            Self::DeploymentFailure => "DeploymentFailure",
            Self::DeploymentStop => "DeploymentStop",
            Self::DeploymentRollback => "DeploymentRollback",
            Self::DeploymentReady => "DeploymentReady",
            Self::InstanceStart => "InstanceStart",
            Self::InstanceSuccess => "InstanceSuccess",
            Self::InstanceFailure => "InstanceFailure",
            Self::InstanceReady => "InstanceReady",
        }
    }
}
