//! Deployment configurations: how many instances may be down, and the three predefined ones of the Server platform.

use serde::{Deserialize, Serialize};

use super::application::ComputePlatform;
use super::name::Name;
use super::routing::TrafficRoutingConfig;

/// A deployment configuration (`DeploymentConfigInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentConfiguration {
    /// Unique in the project; only predefined ones start with `CodeDeployDefault.`.
    pub deployment_config_name: Name,
    /// The platform it is for.
    #[serde(default)]
    pub compute_platform: ComputePlatform,
    /// How many instances must stay healthy, on the platform Server: there it is required, and nowhere else allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_hosts: Option<MinimumHealthyHosts>,
    /// Whether one availability zone is deployed to after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zonal_config: Option<ZonalConfig>,
    /// How traffic shifts to the replacement of a blue/green deployment; absent, instance after instance goes into service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_routing_config: Option<TrafficRoutingConfig>,
}

/// `ZonalConfig` (configurations.md §7): one availability zone after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ZonalConfig {
    /// Seconds to wait after each zone but the last; 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor_duration_in_seconds: Option<u64>,
    /// Seconds to wait after the first zone; as after the others when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_zone_monitor_duration_in_seconds: Option<u64>,
    /// How many hosts of each zone must stay healthy; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_hosts_per_zone: Option<MinimumHealthyHosts>,
}

/// `MinimumHealthyHosts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinimumHealthyHosts {
    /// How `value` is meant.
    #[serde(rename = "type")]
    pub kind: MinimumHealthyHostsType,
    /// A number of hosts, or a percentage of them.
    pub value: u32,
}

/// `MinimumHealthyHostsType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MinimumHealthyHostsType {
    /// `value` hosts.
    HostCount,
    /// `value` percent of the fleet, rounded up; 0 to 99.
    FleetPercent,
    /// At most `value` hosts at a time. Only predefined configurations use it.
    MostConcurrency,
}

/// `CodeDeployDefault.OneAtATime`: the configuration of a group that names none.
pub const ONE_AT_A_TIME: &str = "CodeDeployDefault.OneAtATime";

/// What groups of a platform deploy under that name no configuration (domain.md §3).
pub fn default_configuration(platform: ComputePlatform) -> &'static str {
    match platform {
        ComputePlatform::Server => ONE_AT_A_TIME,
        ComputePlatform::Lambda => "CodeDeployDefault.LambdaAllAtOnce",
        ComputePlatform::Ecs => "CodeDeployDefault.ECSAllAtOnce",
    }
}
/// `CodeDeployDefault.HalfAtATime`.
pub const HALF_AT_A_TIME: &str = "CodeDeployDefault.HalfAtATime";
/// `CodeDeployDefault.AllAtOnce`.
pub const ALL_AT_ONCE: &str = "CodeDeployDefault.AllAtOnce";
