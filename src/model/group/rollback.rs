//! When a deployment that did not succeed is rolled back.

use serde::{Deserialize, Serialize};

/// `AutoRollbackConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutoRollbackConfiguration {
    /// Off keeps the events without acting on them.
    #[serde(default)]
    pub enabled: bool,
    /// What rolls back.
    #[serde(default)]
    pub events: Vec<AutoRollbackEvent>,
}

/// `AutoRollbackEvent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AutoRollbackEvent {
    /// The deployment failed.
    DeploymentFailure,
    /// An alarm stopped it.
    DeploymentStopOnAlarm,
    /// Somebody stopped it.
    DeploymentStopOnRequest,
}
