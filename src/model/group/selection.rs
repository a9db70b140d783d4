//! Which hosts belong to a group, or to a side of it: tag filters in the forms that `CodeDeploy` has for them.

use serde::{Deserialize, Serialize};

use super::{DeploymentGroup, Ec2TagSet, OnPremisesTagSet};
use crate::model::host::{Host, Instance, Waiting};
use crate::model::tags::{TagFilter, Tags, all_groups_match, any_matches};

/// Tag filters, and Auto Scaling groups by name. A host is selected if any of the forms selects it: one of `cutover.yaml` by
/// its tags, one that a fleet provisioned by its Auto Scaling group alone. So one that was provisioned for a deployment
/// gets into no other group, and not into its own before it is ready. An instance of AWS is selected by the tags that it has
/// there, and by the Auto Scaling group that it is in service in, by groups of its account alone.
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
    /// Auto Scaling groups: the copies that fleets provisioned for deployments, and those of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_scaling_groups: Option<Vec<String>>,
    /// The AWS account whose instances are meant, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
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
        let premises = self.on_premises_instance_tag_filters.as_deref();
        self.selects_in_the_cloud(&host.tags)
            || host.instance.as_ref().is_some_and(|it| self.finds(it))
            || premises.is_some_and(|filters| any_matches(filters, &host.tags))
            || self
                .on_premises_tag_set
                .as_ref()
                .is_some_and(|set| all_groups_match(&set.on_premises_tag_set_list, &host.tags))
    }
}

impl Selection {
    /// Whether the filters for the cloud select who has these tags.
    fn selects_in_the_cloud(&self, tags: &Tags) -> bool {
        let flat = self.ec2_tag_filters.as_deref();
        let set = self.ec2_tag_set.as_ref();
        flat.is_some_and(|filters| any_matches(filters, tags))
            || set.is_some_and(|set| all_groups_match(&set.ec2_tag_set_list, tags))
    }

    /// Whether an instance of AWS is selected by what it is there.
    fn finds(&self, instance: &Instance) -> bool {
        let groups = self.auto_scaling_groups.as_deref().unwrap_or_default();
        let mut in_service = instance.auto_scaling_group.iter();
        self.account.as_ref() == Some(&instance.account)
            && (in_service.any(|group| groups.contains(group))
                || self.selects_in_the_cloud(&instance.tags))
    }

    /// What an instance waits for that comes to one of these Auto Scaling groups, or leaves it.
    pub fn waiting<'a>(&self, host: &'a Host) -> Option<(&'a Instance, &'a Waiting)> {
        let instance = host.instance.as_ref()?;
        let waits = instance.waits.as_ref()?;
        let groups = self.auto_scaling_groups.as_deref().unwrap_or_default();
        let ours =
            self.account.as_ref() == Some(&instance.account) && groups.contains(&waits.group);
        ours.then_some((instance, waits))
    }

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
            auto_scaling_groups: self.auto_scaling_groups_at_aws(),
            account: self.account.clone(),
        }
    }

    /// The Auto Scaling groups that it has in its account. Those without an account are fleets, whose hosts belong to the group
    /// when a deployment has made them the ones with the traffic.
    fn auto_scaling_groups_at_aws(&self) -> Option<Vec<String>> {
        self.account.as_ref()?;
        let named = self.auto_scaling_groups.as_ref()?;
        Some(named.iter().map(|group| group.name.clone()).collect())
    }

    /// Whether its document selects this host: the union of the cloud and the on-premises selection.
    pub fn selects(&self, host: &Host) -> bool {
        self.selection().selects(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(tags: &[(&str, &str)], instance: Option<Instance>) -> Host {
        let tags = tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Host {
            name: "i-1".parse().unwrap(),
            address: String::new(),
            tags: tags.collect(),
            zone: None,
            endpoints: std::collections::BTreeMap::new(),
            provisioned: None,
            instance,
        }
    }

    fn instance(account: &str, group: Option<&str>) -> Instance {
        Instance {
            account: account.to_owned(),
            tags: [("role".to_owned(), "web".to_owned())].into(),
            auto_scaling_group: group.map(str::to_owned),
            waits: None,
        }
    }

    #[test]
    fn instances_are_selected_in_their_own_account() {
        let filter = TagFilter {
            key: Some("role".to_owned()),
            ..TagFilter::default()
        };
        let by_tag = Selection {
            ec2_tag_filters: Some(vec![filter.clone()]),
            account: Some("prod".to_owned()),
            ..Selection::default()
        };
        assert!(by_tag.selects(&host(&[], Some(instance("prod", None)))));
        assert!(!by_tag.selects(&host(&[], Some(instance("test", None)))));
        assert!(!by_tag.selects(&host(&[], None)));
        // What a document says of it counts everywhere.
        assert!(by_tag.selects(&host(&[("role", "db")], Some(instance("test", None)))));
        let nowhere = Selection {
            account: None,
            ..by_tag.clone()
        };
        assert!(!nowhere.selects(&host(&[], Some(instance("prod", None)))));
        let premises = Selection {
            ec2_tag_filters: None,
            on_premises_instance_tag_filters: Some(vec![filter]),
            ..by_tag
        };
        assert!(!premises.selects(&host(&[], Some(instance("prod", None)))));
        let scaled = Selection {
            account: Some("prod".to_owned()),
            ..Selection::auto_scaling_group("pool".to_owned())
        };
        assert!(scaled.selects(&host(&[], Some(instance("prod", Some("pool"))))));
        assert!(!scaled.selects(&host(&[], Some(instance("prod", Some("other"))))));
        assert!(!scaled.selects(&host(&[], Some(instance("prod", None)))));
        assert!(!scaled.selects(&host(&[], Some(instance("test", Some("pool"))))));
        // Who waits is no member yet, or none any more.
        let coming = |account: &str, group: &str| {
            let waits = Waiting {
                group: group.to_owned(),
                transition: crate::model::host::Transition::Launching,
            };
            let instance = Instance {
                waits: Some(waits),
                ..instance(account, None)
            };
            host(&[], Some(instance))
        };
        assert!(!scaled.selects(&coming("prod", "pool")));
        assert!(scaled.waiting(&coming("prod", "pool")).is_some());
        assert!(scaled.waiting(&coming("prod", "other")).is_none());
        assert!(scaled.waiting(&coming("test", "pool")).is_none());
    }
}
