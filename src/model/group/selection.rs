//! Which hosts belong to a group, or to a side of it: tag filters in the forms that `CodeDeploy` has for them.

use serde::{Deserialize, Serialize};

use super::{DeploymentGroup, Ec2TagSet, OnPremisesTagSet};
use crate::model::host::Host;
use crate::model::tags::{TagFilter, all_groups_match, any_matches};

/// Tag filters, and Auto Scaling groups by name. A host is selected if any of the forms selects it: one of `cutover.yaml` by
/// its tags, one that a fleet provisioned by its Auto Scaling group alone. So one that was provisioned for a deployment
/// gets into no other group, and not into its own before it is ready.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Selection {
    /// One of these must match.
    #[serde(alias = "tagFilters", skip_serializing_if = "Option::is_none")]
    pub ec2_tag_filters: Option<Vec<TagFilter>>,
    /// One of each group must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ec2_tag_set: Option<Ec2TagSet>,
    /// As `ec2TagFilters`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_premises_instance_tag_filters: Option<Vec<TagFilter>>,
    /// As `ec2TagSet`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_premises_tag_set: Option<OnPremisesTagSet>,
    /// Auto Scaling groups: the copies that fleets provisioned for deployments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_scaling_groups: Option<Vec<String>>,
}

/// Who is who in a blue/green deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sides {
    /// The instances that have the traffic before.
    pub original: Selection,
    /// The instances that have it afterwards (`targetInstances`).
    pub replacement: Selection,
}

impl Selection {
    /// Whether a host is selected.
    pub fn selects(&self, host: &Host) -> bool {
        if let Some(provisioned) = &host.provisioned {
            let groups = self.auto_scaling_groups.as_deref().unwrap_or_default();
            return groups.contains(&provisioned.auto_scaling_group);
        }
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

impl Selection {
    /// The hosts of one Auto Scaling group.
    pub fn auto_scaling_group(name: String) -> Self {
        Self {
            auto_scaling_groups: Some(vec![name]),
            ..Self::default()
        }
    }
}

impl DeploymentGroup {
    /// The hosts that its document selects.
    pub fn selection(&self) -> Selection {
        Selection {
            ec2_tag_filters: self.ec2_tag_filters.clone(),
            ec2_tag_set: self.ec2_tag_set.clone(),
            on_premises_instance_tag_filters: self.on_premises_instance_tag_filters.clone(),
            on_premises_tag_set: self.on_premises_tag_set.clone(),
            // They name fleets, whose hosts belong to the group when a deployment has made them the ones with the traffic.
            auto_scaling_groups: None,
        }
    }

    /// Whether its document selects this host: the union of the cloud and the on-premises selection.
    pub fn selects(&self, host: &Host) -> bool {
        self.selection().selects(host)
    }
}
