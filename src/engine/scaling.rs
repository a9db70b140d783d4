//! What Auto Scaling must not do while a deployment runs (operations.md §7).

use std::collections::BTreeSet;

use super::deployment::Deployment;
use crate::model::group::{DeploymentType, ScalingProcess, Selection, SuspendedProcesses};

impl Deployment {
    /// Whether Auto Scaling must not do certain things while it runs. Launch deployments, and those of replacements, leave
    /// everything as it is.
    pub fn suspends(&self) -> bool {
        let group = &self.spec.group;
        let options = group.ec2_deployment_options.as_ref();
        let in_place = group.deployment_style.deployment_type == DeploymentType::InPlace;
        let some = options.is_some_and(|it| !it.auto_scaling_group_processes_to_suspend.is_empty());
        some && in_place && group.account.is_some() && self.spec.takes_slot()
    }

    /// Whether it copies an Auto Scaling group, which does not scale as long as it runs.
    pub fn copies_at_aws(&self) -> bool {
        let asked = self.spec.provision.as_ref();
        asked.is_some_and(|asked| asked.account.is_some())
    }

    /// What is to be suspended of the Auto Scaling groups that this selects.
    pub fn to_suspend(&self, selection: &Selection) -> Vec<SuspendedProcesses> {
        let options = self.spec.group.ec2_deployment_options.as_ref();
        let Some((options, account)) = options.zip(selection.account.as_ref()) else {
            return Vec::new();
        };
        let processes = options.auto_scaling_group_processes_to_suspend.iter();
        let processes: BTreeSet<ScalingProcess> = processes.copied().collect();
        let groups = selection.auto_scaling_groups.iter().flatten();
        groups
            .map(|group| SuspendedProcesses {
                account: account.clone(),
                group: group.clone(),
                processes: processes.clone(),
            })
            .collect()
    }
}
