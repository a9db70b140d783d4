//! Groups as `CodeDeploy` writes them, and the rules they must keep.

use super::{AutoScalingGroup, DeploymentGroup, OutdatedInstancesStrategy};
use crate::model::yaml::from_str;

fn faults(fields: &str) -> Vec<String> {
    let text = format!("applicationName: shop\ndeploymentGroupName: production\n{fields}");
    let group: DeploymentGroup = from_str(&text).unwrap();
    group
        .check()
        .iter()
        .map(|fault| format!("{}: {fault}", fault.path))
        .collect()
}

#[test]
fn every_field_is_read_and_written_again() {
    let text = r#"{
        "applicationName": "shop", "deploymentGroupId": "11111111-2222-3333-4444-555555555555",
        "deploymentGroupName": "production", "deploymentConfigName": "CodeDeployDefault.HalfAtATime",
        "ec2TagFilters": [{"Key": "stage", "Value": "production", "Type": "KEY_AND_VALUE"}],
        "onPremisesTagSet": {"onPremisesTagSetList": [[{"Key": "a", "Type": "KEY_ONLY"}]]},
        "autoScalingGroups": [{"name": "asg", "hook": "h", "terminationHook": "t"}, "plain"],
        "terminationHookEnabled": true,
        "ec2DeploymentOptions": {"autoScalingGroupProcessesToSuspend": ["Terminate", "AZRebalance"]},
        "serviceRoleArn": "arn:aws:iam::1:role/x",
        "triggerConfigurations": [
            {"triggerName": "n", "triggerTargetArn": "arn", "triggerEvents": ["DeploymentFailure"]}
        ],
        "autoRollbackConfiguration": {"enabled": true, "events": ["DEPLOYMENT_FAILURE"]},
        "alarmConfiguration": {"enabled": true, "ignorePollAlarmFailure": false, "alarms": [{"name": "cpu"}]},
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "outdatedInstancesStrategy": "IGNORE",
        "blueGreenDeploymentConfiguration": {
            "terminateBlueInstancesOnDeploymentSuccess":
                {"action": "TERMINATE", "terminationWaitTimeInMinutes": 5},
            "deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 60},
            "greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"}
        },
        "loadBalancerInfo": {"targetGroupInfoList": [{"name": "web"}], "elbInfoList": [{"name": "old"}]},
        "ecsServices": [{"clusterName": "c", "serviceName": "s"}],
        "tags": [{"Key": "team", "Value": "web"}]
    }"#;
    let group: DeploymentGroup = from_str(text).unwrap();
    assert_eq!(group.check(), []);
    assert_eq!(
        group.outdated_instances_strategy,
        OutdatedInstancesStrategy::Ignore
    );
    let plain = AutoScalingGroup {
        name: "plain".to_owned(),
        hook: None,
        termination_hook: None,
    };
    assert_eq!(group.auto_scaling_groups.as_ref().unwrap()[1], plain);

    let json = serde_json::to_string(&group).unwrap();
    assert_eq!(
        serde_json::from_str::<DeploymentGroup>(&json).unwrap(),
        group
    );
}

#[test]
fn rules_are_named_as_codedeploy_names_them() {
    for (fields, expected) in [
        (
            "ec2TagFilters: [{Key: a}]\nec2TagSet: {ec2TagSetList: [[{Key: b}]]}\n",
            "ec2TagFilters: a flat list of filters and a tag set exclude each other (InvalidEC2TagCombinationException)",
        ),
        (
            "onPremisesInstanceTagFilters: [{Key: a}]\nonPremisesTagSet: {onPremisesTagSetList: [[{Key: b}]]}\n",
            "onPremisesInstanceTagFilters: a flat list of filters and a tag set exclude each other (InvalidOnPremisesTagCombinationException)",
        ),
        (
            "ec2TagSet: {ec2TagSetList: [[{Key: a}], [{Key: a}], [{Key: a}], [{Key: a}]]}\n",
            "ec2TagSet.ec2TagSetList: a tag set has at most 3 groups, this one has 4 (TagSetListLimitExceededException)",
        ),
        (
            "onPremisesTagSet: {onPremisesTagSetList: [[{Key: a}], []]}\n",
            "onPremisesTagSet.onPremisesTagSetList[1]: a group of filters without filters selects nothing (InvalidTagException)",
        ),
        (
            "ec2TagFilters: [{Key: a, Type: VALUE_ONLY}]\n",
            "ec2TagFilters[0]: a tag filter of this Type needs Value (InvalidEC2TagException)",
        ),
        (
            "deploymentStyle: {deploymentType: BLUE_GREEN}\n",
            "deploymentStyle: BLUE_GREEN needs the deploymentOption WITH_TRAFFIC_CONTROL (InvalidDeploymentStyleException)",
        ),
        (
            "deploymentStyle: {deploymentOption: WITH_TRAFFIC_CONTROL}\nloadBalancerInfo: {}\n",
            "loadBalancerInfo: WITH_TRAFFIC_CONTROL needs a load balancer or target group here (InvalidLoadBalancerInfoException)",
        ),
        (
            "loadBalancerInfo: {targetGroupPairInfoList: [{targetGroups: [{name: a}], prodTrafficRoute: {listenerArns: [l]}}]}\n",
            "loadBalancerInfo.targetGroupPairInfoList[0].targetGroups: a pair has exactly two target groups (InvalidTargetGroupPairException)",
        ),
        (
            "blueGreenDeploymentConfiguration: {deploymentReadyOption: {waitTimeInMinutes: 2881}}\n",
            "blueGreenDeploymentConfiguration.deploymentReadyOption.waitTimeInMinutes: at most 2880 minutes (InvalidBlueGreenDeploymentConfigurationException)",
        ),
        (
            "ecsServices: [{clusterName: c, serviceName: s}]\nblueGreenDeploymentConfiguration: {terminateBlueInstancesOnDeploymentSuccess: {action: KEEP_ALIVE}}\n",
            "blueGreenDeploymentConfiguration.terminateBlueInstancesOnDeploymentSuccess.action: the original task set of a service can't be kept: write TERMINATE, and how long it is a way back as terminationWaitTimeInMinutes (InvalidBlueGreenDeploymentConfigurationException)",
        ),
        (
            "alarmConfiguration: {enabled: true}\n",
            "alarmConfiguration: enabled, but no alarms are named (InvalidAlarmConfigException)",
        ),
        (
            "alarmConfiguration: {alarms: [{name: a}, {name: a}]}\n",
            "alarmConfiguration.alarms[1].name: \"a\" is named twice (InvalidAlarmConfigException)",
        ),
        (
            "autoRollbackConfiguration: {enabled: true}\n",
            "autoRollbackConfiguration: enabled, but no events are named (InvalidAutoRollbackConfigException)",
        ),
        (
            "triggerConfigurations: [{triggerName: n, triggerTargetArn: t, triggerEvents: []}]\n",
            "triggerConfigurations[0].triggerEvents: a trigger needs an event (InvalidTriggerConfigException)",
        ),
        (
            "ec2DeploymentOptions: {autoScalingGroupProcessesToSuspend: [AlarmNotification]}\n",
            "ec2DeploymentOptions.autoScalingGroupProcessesToSuspend[0]: a deployment suspends Terminate, AZRebalance, InstanceRefresh and ScheduledActions, and no other process (InvalidAutoScalingGroupProcessToSuspendException)",
        ),
    ] {
        assert_eq!(faults(fields), [expected], "{fields}");
    }
}

#[test]
fn what_is_off_or_empty_is_kept() {
    for fields in [
        "ec2TagFilters: []\nec2TagSet: {ec2TagSetList: [[{Key: b}]]}\n",
        "alarmConfiguration: {enabled: false, alarms: []}\n",
        "autoRollbackConfiguration: {enabled: false}\n",
        "loadBalancerInfo: {}\n",
    ] {
        assert_eq!(faults(fields), [] as [&str; 0], "{fields}");
    }
}

#[test]
fn an_auto_scaling_group_is_a_name_or_a_mapping() {
    let text = "applicationName: a\ndeploymentGroupName: b\nautoScalingGroups: [{nam: x}]\n";
    let error = from_str::<DeploymentGroup>(text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "3:22: autoScalingGroups[0]: unknown field \"nam\" (did you mean \"name\"?)"
    );
}
