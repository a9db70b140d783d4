//! What is asked for: a snapshot of everything that a deployment depends on.

use serde::{Deserialize, Serialize};

use crate::model::configuration::DeploymentConfiguration;
use crate::model::deployment::{
    Creator, DeploymentId, FileExistsBehavior, InstanceHealth, RevisionHealth,
};
use crate::model::group::GroupKey;
use crate::model::group::{AutoRollbackConfiguration, DeploymentGroup};
use crate::model::name::Name;
use crate::model::revision::Revision;

/// The documents and facts a deployment was created from. Later edits do not change it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// The deployment's id.
    pub deployment_id: DeploymentId,
    /// The group, whole.
    pub group: DeploymentGroup,
    /// How many instances may be down.
    pub configuration: DeploymentConfiguration,
    /// What is deployed.
    pub revision: Revision,
    /// The revision of the group's last successful deployment.
    pub previous_revision: Option<Revision>,
    /// The instances, in the order of the project document.
    pub targets: Vec<TargetSpec>,
    /// Who or what created the deployment.
    pub creator: Creator,
    /// The person, or the deployment that caused it.
    pub by: String,
    /// Free text of at most 256 characters.
    pub description: String,
    /// The failed or stopped deployment that this one rolls back.
    pub rolls_back: Option<DeploymentId>,
    /// Overrides of the group's settings for this deployment.
    pub options: Options,
}

/// Settings of one deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Options {
    /// What Install does with files that exist, where the `AppSpec` says nothing.
    pub file_exists_behavior: FileExistsBehavior,
    /// Go on after a failed `ApplicationStop`, `BeforeBlockTraffic` or `AfterBlockTraffic`.
    pub ignore_application_stop_failures: bool,
    /// Replaces the group's whole automatic rollback configuration.
    pub auto_rollback_configuration: Option<AutoRollbackConfiguration>,
}

/// One instance as it is before the deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetSpec {
    /// The host's name.
    pub name: Name,
    /// Its availability zone.
    pub zone: Option<String>,
    /// The outcome of the group's last deployment to it.
    pub instance_health: InstanceHealth,
    /// What it runs, against the group's revision.
    pub revision_health: RevisionHealth,
}

impl Spec {
    /// The group's address.
    pub fn group_key(&self) -> GroupKey {
        self.group.key()
    }

    /// The automatic rollback configuration that applies.
    pub fn auto_rollback(&self) -> Option<&AutoRollbackConfiguration> {
        self.options
            .auto_rollback_configuration
            .as_ref()
            .or(self.group.auto_rollback_configuration.as_ref())
    }
}
