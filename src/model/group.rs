//! Deployment groups, with every field that `CodeDeploy` knows, so that an exported group reads as it is.

use serde::{Deserialize, Serialize};

use super::configuration::ONE_AT_A_TIME;
use super::host::Host;
use super::name::Name;
use super::tags::{TagFilter, all_groups_match, any_matches};

/// The document `applications/<app>/<group>.yaml` (`DeploymentGroupInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentGroup {
    /// The application the group belongs to: the folder's name.
    pub application_name: Name,
    /// Unique in the application; the file's name.
    pub deployment_group_name: Name,
    /// The group's UUID: names its folder on hosts. Derived from project, application and group when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_group_id: Option<String>,
    /// The configuration of deployments that name none.
    #[serde(default = "one_at_a_time")]
    pub deployment_config_name: Name,
    /// Accepted, stored, and of no effect here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_role_arn: Option<String>,
    /// A flat list of filters, any of which selects a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ec2_tag_filters: Option<Vec<TagFilter>>,
    /// Groups of filters, each of which must select a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ec2_tag_set: Option<Ec2TagSet>,
    /// As `ec2TagFilters`; every host can be selected by both kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_instance_tag_filters: Option<Vec<TagFilter>>,
    /// As `ec2TagSet`; every host can be selected by both kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises_tag_set: Option<OnPremisesTagSet>,
    /// How traffic is treated.
    #[serde(default)]
    pub deployment_style: DeploymentStyle,
    /// When a deployment that did not succeed is rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_rollback_configuration: Option<AutoRollbackConfiguration>,
    /// What happens to hosts that missed a deployment.
    #[serde(default)]
    pub outdated_instances_strategy: OutdatedInstancesStrategy,
}

fn one_at_a_time() -> Name {
    #[expect(clippy::expect_used, reason = "a constant that is a valid name")]
    ONE_AT_A_TIME.parse().expect("a predefined name")
}

/// `EC2TagSet`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ec2TagSet {
    /// At most three groups of filters.
    pub ec2_tag_set_list: Vec<Vec<TagFilter>>,
}

/// `OnPremisesTagSet`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnPremisesTagSet {
    /// At most three groups of filters.
    pub on_premises_tag_set_list: Vec<Vec<TagFilter>>,
}

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

/// `OutdatedInstancesStrategy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutdatedInstancesStrategy {
    /// A further deployment brings them up to date.
    #[default]
    Update,
    /// They stay as they are.
    Ignore,
}

impl DeploymentGroup {
    /// Whether the group's filters select this host: the union of the cloud and the on-premises selection.
    pub fn selects(&self, host: &Host) -> bool {
        let flat = |filters: &Option<Vec<TagFilter>>| {
            filters
                .as_deref()
                .is_some_and(|filters| any_matches(filters, &host.tags))
        };
        flat(&self.ec2_tag_filters)
            || flat(&self.on_premises_instance_tag_filters)
            || self
                .ec2_tag_set
                .as_ref()
                .is_some_and(|set| all_groups_match(&set.ec2_tag_set_list, &host.tags))
            || self
                .on_premises_tag_set
                .as_ref()
                .is_some_and(|set| all_groups_match(&set.on_premises_tag_set_list, &host.tags))
    }
}
