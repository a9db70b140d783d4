//! What types cannot say about a group: rules of `CodeDeploy`, with its error names.

use std::collections::HashSet;

use super::{DeploymentGroup, DeploymentOption, DeploymentType, InstanceAction, ScalingProcess};
use crate::model::tags::{TagFilter, TagFilterError};
use crate::model::yaml::Path;

/// The most groups of filters in a tag set.
const TAG_GROUPS: usize = 3;
/// The longest wait in a blue/green deployment of servers, in minutes: two days.
const LONGEST_WAIT: u32 = 2880;
/// The longest wait for traffic on container services, in minutes: five days.
const LONGEST_READY_WAIT: u32 = 7200;

/// A rule that a group breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which field, from the group's document.
    pub path: Path,
    /// `CodeDeploy`'s name for it.
    pub error: &'static str,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.error)
    }
}

impl DeploymentGroup {
    /// Every rule that the group breaks, whatever its application and its configuration are.
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = Faults::default();
        self.check_selection(&mut faults);
        self.check_style(&mut faults);
        self.check_traffic(&mut faults);
        self.check_waits(&mut faults);
        self.check_alarms(&mut faults);
        self.check_rollback(&mut faults);
        self.check_triggers(&mut faults);
        self.check_processes(&mut faults);
        faults.0
    }

    fn check_selection(&self, faults: &mut Faults) {
        let root = Path::root();
        faults.selection(
            (&root.key("ec2TagFilters"), self.ec2_tag_filters.as_deref()),
            (
                &root.key("ec2TagSet").key("ec2TagSetList"),
                self.ec2_tag_set
                    .as_ref()
                    .map(|set| set.ec2_tag_set_list.as_slice()),
            ),
            [
                "InvalidEC2TagException",
                "InvalidEC2TagCombinationException",
            ],
        );
        faults.selection(
            (
                &root.key("onPremisesInstanceTagFilters"),
                self.on_premises_instance_tag_filters.as_deref(),
            ),
            (
                &root.key("onPremisesTagSet").key("onPremisesTagSetList"),
                self.on_premises_tag_set
                    .as_ref()
                    .map(|set| set.on_premises_tag_set_list.as_slice()),
            ),
            [
                "InvalidTagException",
                "InvalidOnPremisesTagCombinationException",
            ],
        );
    }

    fn check_style(&self, faults: &mut Faults) {
        let style = self.deployment_style;
        if style.deployment_type == DeploymentType::BlueGreen
            && style.deployment_option == DeploymentOption::WithoutTrafficControl
        {
            faults.add(
                Path::root().key("deploymentStyle"),
                "InvalidDeploymentStyleException",
                "BLUE_GREEN needs the deploymentOption WITH_TRAFFIC_CONTROL",
            );
        }
    }

    fn check_traffic(&self, faults: &mut Faults) {
        let path = Path::root().key("loadBalancerInfo");
        let Some(info) = &self.load_balancer_info else {
            return;
        };
        let with_traffic =
            self.deployment_style.deployment_option == DeploymentOption::WithTrafficControl;
        if with_traffic && info.is_empty() {
            let message = "WITH_TRAFFIC_CONTROL needs a load balancer or target group here";
            faults.add(path.clone(), "InvalidLoadBalancerInfoException", message);
        }
        let pairs = path.key("targetGroupPairInfoList");
        let error = "InvalidTargetGroupPairException";
        if info.target_group_pair_info_list.len() > 1 {
            faults.add(pairs.clone(), error, "at most one pair of target groups");
        }
        for (index, pair) in info.target_group_pair_info_list.iter().enumerate() {
            let path = pairs.index(index);
            if pair.target_groups.len() != 2 {
                let message = "a pair has exactly two target groups";
                faults.add(path.key("targetGroups"), error, message);
            }
            if pair.prod_traffic_route.listener_arns.len() != 1 {
                let message = "production traffic has exactly one listener";
                faults.add(path.key("prodTrafficRoute"), error, message);
            }
            let test = pair.test_traffic_route.as_ref();
            if test.is_some_and(|route| route.listener_arns.len() > 1) {
                let message = "test traffic has at most one listener";
                faults.add(path.key("testTrafficRoute"), error, message);
            }
        }
    }

    fn check_waits(&self, faults: &mut Faults) {
        let Some(options) = &self.blue_green_deployment_configuration else {
            return;
        };
        let path = Path::root().key("blueGreenDeploymentConfiguration");
        let error = "InvalidBlueGreenDeploymentConfigurationException";
        let longest = match &self.ecs_services {
            Some(_) => LONGEST_READY_WAIT,
            None => LONGEST_WAIT,
        };
        let services = self.ecs_services.as_ref();
        let is_service = services.is_some_and(|services| !services.is_empty());
        let termination = &options.terminate_blue_instances_on_deployment_success;
        if is_service && termination.is_some_and(|it| it.action == InstanceAction::KeepAlive) {
            let path = path
                .key("terminateBlueInstancesOnDeploymentSuccess")
                .key("action");
            let message = "the original task set of a service can't be kept: write TERMINATE, and how long it is a way back as terminationWaitTimeInMinutes";
            faults.add(path, error, message);
        }
        if let Some(ready) = &options.deployment_ready_option
            && ready.wait_time_in_minutes > longest
        {
            let path = path.key("deploymentReadyOption").key("waitTimeInMinutes");
            faults.add(path, error, format!("at most {longest} minutes"));
        }
        if let Some(termination) = &options.terminate_blue_instances_on_deployment_success
            && termination.termination_wait_time_in_minutes > LONGEST_WAIT
        {
            let path = path
                .key("terminateBlueInstancesOnDeploymentSuccess")
                .key("terminationWaitTimeInMinutes");
            faults.add(path, error, format!("at most {LONGEST_WAIT} minutes"));
        }
    }

    fn check_alarms(&self, faults: &mut Faults) {
        let Some(configuration) = &self.alarm_configuration else {
            return;
        };
        let path = Path::root().key("alarmConfiguration");
        for (index, message) in configuration.faults() {
            let path = match index {
                Some(index) => path.key("alarms").index(index).key("name"),
                None => path.clone(),
            };
            faults.add(path, "InvalidAlarmConfigException", message);
        }
    }

    fn check_rollback(&self, faults: &mut Faults) {
        let configuration = self.auto_rollback_configuration.as_ref();
        if configuration.is_some_and(|rollback| rollback.enabled && rollback.events.is_empty()) {
            faults.add(
                Path::root().key("autoRollbackConfiguration"),
                "InvalidAutoRollbackConfigException",
                "enabled, but no events are named",
            );
        }
    }

    fn check_processes(&self, faults: &mut Faults) {
        let path = Path::root().key("ec2DeploymentOptions");
        let path = path.key("autoScalingGroupProcessesToSuspend");
        let options = self.ec2_deployment_options.as_ref();
        let named = options.map(|it| it.auto_scaling_group_processes_to_suspend.as_slice());
        for (index, process) in named.unwrap_or_default().iter().enumerate() {
            if *process == ScalingProcess::AlarmNotification {
                faults.add(
                    path.index(index),
                    "InvalidAutoScalingGroupProcessToSuspendException",
                    "a deployment suspends Terminate, AZRebalance, InstanceRefresh and ScheduledActions, and no other process",
                );
            }
        }
    }

    fn check_triggers(&self, faults: &mut Faults) {
        let path = Path::root().key("triggerConfigurations");
        let error = "InvalidTriggerConfigException";
        let mut seen = HashSet::new();
        let triggers = self.trigger_configurations.as_deref().unwrap_or_default();
        for (index, trigger) in triggers.iter().enumerate() {
            let path = path.index(index);
            let name = &trigger.trigger_name;
            if name.is_empty() {
                faults.add(path.key("triggerName"), error, "a trigger needs a name");
            } else if !seen.insert(name) {
                let message = format!("{name:?} is the name of two triggers");
                faults.add(path.key("triggerName"), error, message);
            }
            if trigger.trigger_target_arn.is_empty() {
                let message = "a trigger needs a target";
                faults.add(path.key("triggerTargetArn"), error, message);
            }
            if trigger.trigger_events.is_empty() {
                let message = "a trigger needs an event";
                faults.add(path.key("triggerEvents"), error, message);
            }
        }
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, path: Path, error: &'static str, message: impl Into<String>) {
        self.0.push(Fault {
            path,
            error,
            message: message.into(),
        });
    }

    /// Checks the flat list and the tag set of one kind. Either may be written empty, as responses do.
    fn selection(
        &mut self,
        (flat_path, flat): (&Path, Option<&[TagFilter]>),
        (set_path, set): (&Path, Option<&[Vec<TagFilter>]>),
        [invalid, combination]: [&'static str; 2],
    ) {
        let flat = flat.unwrap_or_default();
        let set = set.unwrap_or_default();
        if !flat.is_empty() && !set.is_empty() {
            let message = "a flat list of filters and a tag set exclude each other";
            self.add(flat_path.clone(), combination, message);
        }
        if set.len() > TAG_GROUPS {
            let message = format!(
                "a tag set has at most {TAG_GROUPS} groups, this one has {}",
                set.len()
            );
            self.add(
                set_path.clone(),
                "TagSetListLimitExceededException",
                message,
            );
        }
        self.filters(flat_path, flat, invalid);
        for (index, group) in set.iter().enumerate() {
            let path = set_path.index(index);
            if group.is_empty() {
                let message = "a group of filters without filters selects nothing";
                self.add(path, invalid, message);
            } else {
                self.filters(&path, group, invalid);
            }
        }
    }

    fn filters(&mut self, path: &Path, filters: &[TagFilter], error: &'static str) {
        for (index, filter) in filters.iter().enumerate() {
            if let Err(fault) = filter.check() {
                let message = match fault {
                    TagFilterError::Empty => "a tag filter needs Key, Value or both",
                    TagFilterError::NoKey => "a tag filter of this Type needs Key",
                    TagFilterError::NoValue => "a tag filter of this Type needs Value",
                };
                self.add(path.index(index), error, message);
            }
        }
    }
}
