//! How a group's deployments proceed: in place or blue/green, with or without a load balancer.

use serde::{Deserialize, Serialize};

/// `DeploymentStyle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentStyle {
    /// In place, or on a second set of instances.
    #[serde(default)]
    pub deployment_type: DeploymentType,
    /// Whether a load balancer takes part.
    #[serde(default)]
    pub deployment_option: DeploymentOption,
}

impl DeploymentStyle {
    /// On a second set, that a load balancer gives the traffic.
    pub const BLUE_GREEN: Self = Self {
        deployment_type: DeploymentType::BlueGreen,
        deployment_option: DeploymentOption::WithTrafficControl,
    };
}

/// `DeploymentType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentType {
    /// The group's instances are updated where they are.
    #[default]
    InPlace,
    /// A replacement takes over from the original.
    BlueGreen,
}

impl DeploymentType {
    /// As people write it.
    pub fn label(self) -> &'static str {
        match self {
            Self::InPlace => "in-place",
            Self::BlueGreen => "blue/green",
        }
    }
}

/// `DeploymentOption`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentOption {
    /// No load balancer takes part.
    #[default]
    WithoutTrafficControl,
    /// Instances leave the load balancer and come back.
    WithTrafficControl,
}
