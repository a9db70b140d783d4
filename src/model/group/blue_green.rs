//! Blue/green options of a group.

use serde::{Deserialize, Serialize};

use super::{DeploymentGroup, DeploymentType};

/// `BlueGreenDeploymentConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlueGreenDeploymentConfiguration {
    /// What happens when the replacement is ready for traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_ready_option: Option<DeploymentReadyOption>,
    /// Where the replacement comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub green_fleet_provisioning_option: Option<GreenFleetProvisioningOption>,
    /// What becomes of the original after success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminate_blue_instances_on_deployment_success: Option<BlueInstanceTerminationOption>,
}

/// `DeploymentReadyOption`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentReadyOption {
    /// What happens when nobody said to go on.
    #[serde(default)]
    pub action_on_timeout: DeploymentReadyAction,
    /// How many minutes the deployment waits.
    #[serde(default)]
    pub wait_time_in_minutes: u32,
}

/// `DeploymentReadyAction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentReadyAction {
    /// Traffic moves as soon as the replacement is ready.
    #[default]
    ContinueDeployment,
    /// The deployment waits to be continued, and stops if it is not.
    StopDeployment,
}

/// `GreenFleetProvisioningOption`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GreenFleetProvisioningOption {
    /// How replacement instances are found.
    #[serde(default)]
    pub action: GreenFleetProvisioningAction,
}

/// `GreenFleetProvisioningAction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GreenFleetProvisioningAction {
    /// They are named with the deployment.
    #[default]
    DiscoverExisting,
    /// They are created after the model of the original.
    CopyAutoScalingGroup,
}

/// `BlueInstanceTerminationOption`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlueInstanceTerminationOption {
    /// Whether the original is terminated.
    #[serde(default)]
    pub action: InstanceAction,
    /// How many minutes pass before.
    #[serde(default)]
    pub termination_wait_time_in_minutes: u32,
}

/// `InstanceAction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InstanceAction {
    /// They are terminated.
    #[default]
    Terminate,
    /// They leave the load balancer and the group, and keep running.
    KeepAlive,
}

impl DeploymentGroup {
    /// Whether its deployments begin with a fleet that provisions the replacement.
    pub fn copies_fleet(&self) -> bool {
        let options = self.blue_green_deployment_configuration.as_ref();
        let option = options.and_then(|options| options.green_fleet_provisioning_option);
        let copies = option.is_some_and(|option| {
            option.action == GreenFleetProvisioningAction::CopyAutoScalingGroup
        });
        copies && self.deployment_style.deployment_type == DeploymentType::BlueGreen
    }

    /// The fleet that its replacement is a copy of: the one Auto Scaling group that it names.
    pub fn fleet(&self) -> Option<&str> {
        match self.auto_scaling_groups.as_deref() {
            Some([one]) => Some(&one.name),
            _ => None,
        }
    }
}
