//! Deployment groups, with every field that `CodeDeploy` knows, so that an exported group reads as it is.

mod alarms;
mod blue_green;
mod check;
mod key;
mod rollback;
mod scaling;
mod selection;
mod style;
mod traffic;
mod triggers;

pub use alarms::{Alarm, AlarmConfiguration};
pub use blue_green::{
    BlueGreenDeploymentConfiguration, BlueInstanceTerminationOption, DeploymentReadyAction,
    DeploymentReadyOption, GreenFleetProvisioningAction, GreenFleetProvisioningOption,
    InstanceAction,
};
pub use check::Fault;
pub use key::GroupKey;
pub use rollback::{AutoRollbackConfiguration, AutoRollbackEvent};
pub use scaling::{
    AutoScalingGroup, Ec2DeploymentOptions, OutdatedInstancesStrategy, ScalingProcess,
    SuspendedProcesses,
};
pub use selection::{Selection, Sides};
pub use style::{DeploymentOption, DeploymentStyle, DeploymentType};
pub use traffic::{
    EcsService, ElbInfo, LoadBalancerInfo, TargetGroupInfo, TargetGroupPairInfo, TrafficRoute,
};
pub use triggers::{TriggerConfig, TriggerEvent};

use serde::{Deserialize, Serialize};

use super::configuration::ONE_AT_A_TIME;
use super::name::Name;
use super::tags::TagFilter;
use super::yaml::Path;

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
    /// The environment that it stands in, as `environments` of `cutover.yaml` names it. `CodeDeploy` has no such field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
    /// The AWS account, as `connections.aws` of `cutover.yaml` names it, whose instances and Auto Scaling groups are meant
    /// besides hosts of `cutover.yaml`. `CodeDeploy` has no such field: everything is in its own account there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Auto Scaling groups. With `account` those of AWS, whose instances in service are selected. Without, the one that a
    /// deployment copies names a fleet of `cutover.yaml`, and selects no host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling_groups: Option<Vec<AutoScalingGroup>>,
    /// Whether the application on an instance ends by a termination deployment before Auto Scaling terminates the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_hook_enabled: Option<bool>,
    /// What its Auto Scaling groups must not do while a deployment in place runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ec2_deployment_options: Option<Ec2DeploymentOptions>,
    /// The container service of a group on that platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecs_services: Option<Vec<EcsService>>,
    /// How traffic is treated.
    #[serde(default)]
    pub deployment_style: DeploymentStyle,
    /// The load balancers that take part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer_info: Option<LoadBalancerInfo>,
    /// How original and replacement are treated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue_green_deployment_configuration: Option<BlueGreenDeploymentConfiguration>,
    /// What stops a deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_configuration: Option<AlarmConfiguration>,
    /// When a deployment that did not succeed is rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_rollback_configuration: Option<AutoRollbackConfiguration>,
    /// Who is told what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_configurations: Option<Vec<TriggerConfig>>,
    /// What happens to hosts that missed a deployment.
    #[serde(default)]
    pub outdated_instances_strategy: OutdatedInstancesStrategy,
    /// Labels of the group itself: kept, and of no effect here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<ResourceTag>>,
}

/// `Tag` of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ResourceTag {
    /// The tag's key.
    pub key: String,
    /// The tag's value.
    #[serde(default)]
    pub value: String,
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

impl DeploymentGroup {
    /// The group's address.
    pub fn key(&self) -> GroupKey {
        GroupKey {
            application: self.application_name.clone(),
            group: self.deployment_group_name.clone(),
        }
    }

    /// Whether load balancers take part in its deployments.
    pub fn controls_traffic(&self) -> bool {
        self.deployment_style.deployment_option == DeploymentOption::WithTrafficControl
    }

    /// The two target groups between which its service changes, and where their traffic comes in.
    pub fn target_group_pair(&self) -> Option<&TargetGroupPairInfo> {
        let info = self.load_balancer_info.as_ref();
        info?.target_group_pair_info_list.first()
    }

    /// The names of the load balancers and target groups that take part in its deployments on servers.
    pub fn load_balancers(&self) -> Vec<&str> {
        let info = self.load_balancer_info.iter();
        let names = info.flat_map(LoadBalancerInfo::names);
        names.filter(|_| self.controls_traffic()).collect()
    }

    /// Every tag filter with its place in the document.
    pub fn filters(&self) -> Vec<(Path, &TagFilter)> {
        let root = Path::root();
        let cloud = self.ec2_tag_set.as_ref();
        let premises = self.on_premises_tag_set.as_ref();
        let mut found = Vec::new();
        for (path, filters) in [
            (root.key("ec2TagFilters"), &self.ec2_tag_filters),
            (
                root.key("onPremisesInstanceTagFilters"),
                &self.on_premises_instance_tag_filters,
            ),
        ] {
            let filters = filters.iter().flatten().enumerate();
            found.extend(filters.map(|(index, filter)| (path.index(index), filter)));
        }
        for (path, groups) in [
            (
                root.key("ec2TagSet").key("ec2TagSetList"),
                cloud.map(|set| &set.ec2_tag_set_list),
            ),
            (
                root.key("onPremisesTagSet").key("onPremisesTagSetList"),
                premises.map(|set| &set.on_premises_tag_set_list),
            ),
        ] {
            for (outer, filters) in groups.into_iter().flatten().enumerate() {
                let path = path.index(outer);
                let filters = filters.iter().enumerate();
                found.extend(filters.map(|(index, filter)| (path.index(index), filter)));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
