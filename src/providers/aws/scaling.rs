//! Auto Scaling groups, and which of their instances are in service.

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::LifecycleState;

use super::Trouble;

/// What the request needs.
const PERMISSION: &str = "autoscaling:DescribeAutoScalingGroups";

/// So many groups may be asked for at a time.
const TOGETHER: usize = 50;

/// The instances of groups, as they are now.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// The group that an instance is in service in.
    pub serving: BTreeMap<String, String>,
    /// Groups that there are.
    pub known: BTreeSet<String>,
}

/// Asks for these groups.
///
/// # Errors
/// If AWS does not say.
pub(super) async fn members(
    session: &SdkConfig,
    groups: &BTreeSet<String>,
) -> Result<Members, Trouble> {
    let client = Client::new(session);
    let groups: Vec<String> = groups.iter().cloned().collect();
    let mut members = Members::default();
    for some in groups.chunks(TOGETHER) {
        let mut next = None;
        loop {
            let asked = client
                .describe_auto_scaling_groups()
                .set_auto_scaling_group_names(Some(some.to_vec()))
                .set_next_token(next)
                .send()
                .await;
            let answer = asked.map_err(|error| Trouble::of(&error, PERMISSION))?;
            for group in answer.auto_scaling_groups() {
                let Some(name) = group.auto_scaling_group_name() else {
                    continue;
                };
                members.known.insert(name.to_owned());
                let instances = group.instances().iter();
                let serving =
                    instances.filter(|it| it.lifecycle_state() == Some(&LifecycleState::InService));
                let ids = serving.filter_map(|instance| instance.instance_id());
                let entries = ids.map(|id| (id.to_owned(), name.to_owned()));
                members.serving.extend(entries);
            }
            next = answer.next_token().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
    }
    Ok(members)
}
