//! Which hosts belong to a group, or to a side of it: tag filters in the forms that `CodeDeploy` has for them.

use serde::{Deserialize, Serialize};

use super::{DeploymentGroup, Ec2TagSet, OnPremisesTagSet};
use crate::model::host::Host;
use crate::model::tags::{TagFilter, all_groups_match, any_matches};

/// Tag filters. A host is selected if any of the four forms selects it.
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

impl DeploymentGroup {
    /// The hosts that its document selects.
    pub fn selection(&self) -> Selection {
        Selection {
            ec2_tag_filters: self.ec2_tag_filters.clone(),
            ec2_tag_set: self.ec2_tag_set.clone(),
            on_premises_instance_tag_filters: self.on_premises_instance_tag_filters.clone(),
            on_premises_tag_set: self.on_premises_tag_set.clone(),
        }
    }

    /// Whether its document selects this host: the union of the cloud and the on-premises selection.
    pub fn selects(&self, host: &Host) -> bool {
        self.selection().selects(host)
    }
}
