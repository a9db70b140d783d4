//! Copies of Auto Scaling groups: the replacement of a blue/green deployment, and the end of the original.
//!
//! A copy is known by its name, which nobody else gives: whoever asks again finds what was made before.

use aws_config::SdkConfig;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::config::http::HttpResponse;
use aws_sdk_autoscaling::error::SdkError;
use aws_sdk_autoscaling::operation::create_auto_scaling_group::CreateAutoScalingGroupError;
use aws_sdk_autoscaling::types::{
    AutoScalingGroup, Instance, LaunchTemplateSpecification, LifecycleState, MixedInstancesPolicy,
    ScalingPolicy, ScheduledUpdateGroupAction, Tag,
};

use super::{Accounts, AskError, Trouble};
use crate::providers::instances::DEADLINE;
use crate::providers::scaling::{Copied, Copy};

/// What `CodeDeploy` tags its copies with, too: the deployment that a copy was made for.
const MADE_FOR: &str = "CodeDeployProvisioningDeploymentId";

/// Tags of AWS's own begin with this, and can't be given.
const RESERVED: &str = "aws:";

/// Makes a copy, or finds it. `None` if there is neither it nor the original.
///
/// # Errors
/// If AWS does not do it.
async fn copy(session: &SdkConfig, asked: &Copy<'_>) -> Result<Option<Copied>, Trouble> {
    let client = Client::new(session);
    if let Some(made) = find(&client, asked.name).await? {
        return Ok(Some(progress(&made)));
    }
    let Some(original) = find(&client, asked.original).await? else {
        return Ok(None);
    };
    let wanted = capacity(&original, asked.count);
    create(&client, &original, asked, wanted).await?;
    let wanted = u32::try_from(wanted).unwrap_or_default();
    Ok(Some(Copied { wanted, serving: 0 }))
}

/// The group of this name.
async fn find(client: &Client, name: &str) -> Result<Option<AutoScalingGroup>, Trouble> {
    let asked = client
        .describe_auto_scaling_groups()
        .auto_scaling_group_names(name)
        .send()
        .await;
    let permission = "autoscaling:DescribeAutoScalingGroups";
    let answer = asked.map_err(|error| Trouble::of(&error, permission))?;
    let mut all = answer.auto_scaling_groups.into_iter().flatten();
    Ok(all.find(|one| one.auto_scaling_group_name() == Some(name)))
}

fn progress(made: &AutoScalingGroup) -> Copied {
    let serves = |it: &&Instance| it.lifecycle_state() == Some(&LifecycleState::InService);
    Copied {
        wanted: u32::try_from(made.desired_capacity().unwrap_or_default()).unwrap_or_default(),
        serving: made.instances().iter().filter(serves).count(),
    }
}

/// As many instances as the original has that are well, within what the group may have.
fn capacity(original: &AutoScalingGroup, count: u32) -> i32 {
    let most = original.max_size().unwrap_or(i32::MAX);
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    count.min(most).max(original.min_size().unwrap_or(0))
}

/// Creates it with what the original has. Load balancers are not among that: they are told of instances that have a revision.
async fn create(
    client: &Client,
    original: &AutoScalingGroup,
    asked: &Copy<'_>,
    capacity: i32,
) -> Result<(), Trouble> {
    let subnets = original.vpc_zone_identifier().filter(|it| !it.is_empty());
    // Subnets say in which zones they are.
    let zones = original.availability_zones().to_vec();
    let made = client
        .create_auto_scaling_group()
        .auto_scaling_group_name(asked.name)
        .set_launch_configuration_name(original.launch_configuration_name.clone())
        .set_launch_template(original.launch_template.clone().map(named_once))
        .set_mixed_instances_policy(original.mixed_instances_policy.clone().map(mixed))
        .set_min_size(original.min_size)
        .set_max_size(original.max_size)
        .desired_capacity(capacity)
        .set_default_cooldown(original.default_cooldown)
        .set_vpc_zone_identifier(subnets.map(str::to_owned))
        .set_availability_zones(subnets.is_none().then_some(zones))
        .set_health_check_type(original.health_check_type.clone())
        .set_health_check_grace_period(original.health_check_grace_period)
        .set_placement_group(original.placement_group.clone())
        .set_termination_policies(original.termination_policies.clone())
        .set_new_instances_protected_from_scale_in(original.new_instances_protected_from_scale_in)
        .set_capacity_rebalance(original.capacity_rebalance)
        .set_service_linked_role_arn(original.service_linked_role_arn.clone())
        .set_max_instance_lifetime(original.max_instance_lifetime)
        .set_context(original.context.clone())
        .set_desired_capacity_type(original.desired_capacity_type.clone())
        .set_default_instance_warmup(original.default_instance_warmup)
        .set_instance_maintenance_policy(original.instance_maintenance_policy.clone())
        .set_availability_zone_distribution(original.availability_zone_distribution.clone())
        .set_availability_zone_impairment_policy(
            original.availability_zone_impairment_policy.clone(),
        )
        .set_capacity_reservation_specification(original.capacity_reservation_specification.clone())
        .set_tags(Some(tags(original, asked)))
        .send()
        .await;
    match made {
        Ok(_) => Ok(()),
        // Whoever asked before has made it meanwhile.
        Err(error) if is_there(&error) => Ok(()),
        Err(error) => Err(Trouble::of(
            &error,
            "autoscaling:CreateAutoScalingGroup, autoscaling:CreateOrUpdateTags, ec2:RunInstances, ec2:CreateTags and iam:PassRole",
        )),
    }
}

fn is_there(error: &SdkError<CreateAutoScalingGroupError, HttpResponse>) -> bool {
    let refused = error.as_service_error();
    refused.is_some_and(CreateAutoScalingGroupError::is_already_exists_fault)
}

/// A launch template by its id alone: it may not be named twice.
fn named_once(mut template: LaunchTemplateSpecification) -> LaunchTemplateSpecification {
    if template.launch_template_id.is_some() {
        template.launch_template_name = None;
    }
    template
}

fn mixed(mut policy: MixedInstancesPolicy) -> MixedInstancesPolicy {
    if let Some(template) = &mut policy.launch_template {
        let own = template.launch_template_specification.take();
        template.launch_template_specification = own.map(named_once);
        for one in template.overrides.iter_mut().flatten() {
            let own = one.launch_template_specification.take();
            one.launch_template_specification = own.map(named_once);
        }
    }
    policy
}

fn tags(original: &AutoScalingGroup, asked: &Copy<'_>) -> Vec<Tag> {
    let theirs = original.tags().iter().filter(|tag| {
        let key = tag.key().unwrap_or_default();
        !key.starts_with(RESERVED) && key != MADE_FOR
    });
    let tag = |key: &str, value: Option<String>, launched: Option<bool>| {
        Tag::builder()
            .resource_id(asked.name)
            .resource_type("auto-scaling-group")
            .key(key)
            .set_value(value)
            .set_propagate_at_launch(launched)
            .build()
    };
    let mut tags: Vec<Tag> = theirs
        .map(|it| {
            let key = it.key().unwrap_or_default();
            tag(key, it.value.clone(), it.propagate_at_launch)
        })
        .collect();
    tags.push(tag(
        MADE_FOR,
        Some(asked.deployment.to_string()),
        Some(true),
    ));
    tags
}

/// Gives a copy how the original scales: put once more, that is the same.
///
/// # Errors
/// If AWS does not do it.
async fn furnish(session: &SdkConfig, asked: &Copy<'_>) -> Result<(), Trouble> {
    let client = Client::new(session);
    for policy in policies(&client, asked.original).await? {
        put_policy(&client, asked.name, policy).await?;
    }
    for action in actions(&client, asked.original).await? {
        put_action(&client, asked.name, action).await?;
    }
    Ok(())
}

async fn policies(client: &Client, group: &str) -> Result<Vec<ScalingPolicy>, Trouble> {
    let mut pages = client
        .describe_policies()
        .auto_scaling_group_name(group)
        .into_paginator()
        .items()
        .send();
    let mut all = Vec::new();
    while let Some(one) = pages.next().await {
        all.push(one.map_err(|error| Trouble::of(&error, "autoscaling:DescribePolicies"))?);
    }
    Ok(all)
}

async fn put_policy(client: &Client, group: &str, policy: ScalingPolicy) -> Result<(), Trouble> {
    // What a kind of policy does not have is told as an empty list.
    let steps = policy.step_adjustments.filter(|steps| !steps.is_empty());
    let put = client
        .put_scaling_policy()
        .auto_scaling_group_name(group)
        .set_policy_name(policy.policy_name)
        .set_policy_type(policy.policy_type)
        .set_adjustment_type(policy.adjustment_type)
        .set_min_adjustment_step(policy.min_adjustment_step)
        .set_min_adjustment_magnitude(policy.min_adjustment_magnitude)
        .set_scaling_adjustment(policy.scaling_adjustment)
        .set_cooldown(policy.cooldown)
        .set_metric_aggregation_type(policy.metric_aggregation_type)
        .set_step_adjustments(steps)
        .set_estimated_instance_warmup(policy.estimated_instance_warmup)
        .set_target_tracking_configuration(policy.target_tracking_configuration)
        .set_enabled(policy.enabled)
        .set_predictive_scaling_configuration(policy.predictive_scaling_configuration)
        .send()
        .await;
    let done = put.map_err(|error| Trouble::of(&error, "autoscaling:PutScalingPolicy"));
    done.map(drop)
}

async fn actions(client: &Client, group: &str) -> Result<Vec<ScheduledUpdateGroupAction>, Trouble> {
    let mut pages = client
        .describe_scheduled_actions()
        .auto_scaling_group_name(group)
        .into_paginator()
        .items()
        .send();
    let mut all = Vec::new();
    while let Some(one) = pages.next().await {
        all.push(one.map_err(|error| Trouble::of(&error, "autoscaling:DescribeScheduledActions"))?);
    }
    Ok(all)
}

async fn put_action(
    client: &Client,
    group: &str,
    action: ScheduledUpdateGroupAction,
) -> Result<(), Trouble> {
    let put = client
        .put_scheduled_update_group_action()
        .auto_scaling_group_name(group)
        .set_scheduled_action_name(action.scheduled_action_name)
        // One that recurs has begun: a time that is past would be refused.
        .set_start_time(action.start_time.filter(|_| action.recurrence.is_none()))
        .set_end_time(action.end_time)
        .set_recurrence(action.recurrence)
        .set_min_size(action.min_size)
        .set_max_size(action.max_size)
        .set_desired_capacity(action.desired_capacity)
        .set_time_zone(action.time_zone)
        .send()
        .await;
    let permission = "autoscaling:PutScheduledUpdateGroupAction";
    let done = put.map_err(|error| Trouble::of(&error, permission));
    done.map(drop)
}

/// Deletes a group with its instances, and says whether it is gone.
///
/// # Errors
/// If AWS does not do it.
async fn delete(session: &SdkConfig, group: &str) -> Result<bool, Trouble> {
    let client = Client::new(session);
    let Some(there) = find(&client, group).await? else {
        return Ok(true);
    };
    // It says how far it is once it has begun.
    if there.status().is_some_and(|status| !status.is_empty()) {
        return Ok(false);
    }
    let asked = client
        .delete_auto_scaling_group()
        .auto_scaling_group_name(group)
        .force_delete(true)
        .send()
        .await;
    let done = asked.map_err(|error| Trouble::of(&error, "autoscaling:DeleteAutoScalingGroup"));
    done.map(|_| false)
}

impl Accounts {
    /// Makes a copy of an Auto Scaling group, or finds it, and says how far it has come. `None` if there is nothing to copy.
    pub(crate) async fn copy_group(&self, asked: &Copy<'_>) -> Result<Option<Copied>, AskError> {
        let ask = Box::pin(async {
            let session = self.session(Some(asked.account), None).await?;
            copy(&session, asked).await
        });
        self.in_time(asked.account, ask).await
    }

    /// Gives a copy how the original scales.
    pub(crate) async fn furnish_copy(&self, asked: &Copy<'_>) -> Result<(), AskError> {
        let ask = Box::pin(async {
            let session = self.session(Some(asked.account), None).await?;
            furnish(&session, asked).await
        });
        self.in_time(asked.account, ask).await
    }

    /// Deletes an Auto Scaling group with its instances, and says whether it is gone.
    pub(crate) async fn delete_group(&self, account: &str, group: &str) -> Result<bool, AskError> {
        let ask = async {
            let session = self.session(Some(account), None).await?;
            delete(&session, group).await
        };
        self.in_time(account, ask).await
    }

    /// What Auto Scaling says, within the time that it has.
    pub(super) async fn in_time<T>(
        &self,
        account: &str,
        ask: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, AskError> {
        let done = tokio::time::timeout(DEADLINE, ask).await;
        match done.unwrap_or_else(|_| Err(Trouble::late(DEADLINE))) {
            Ok(said) => Ok(said),
            Err(trouble) => Err(self.told("Auto Scaling", Some(account), trouble).await),
        }
    }
}
