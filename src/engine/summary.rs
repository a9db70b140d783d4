//! A deployment in a list: what is left when the targets are left out.

use serde::{Deserialize, Serialize};

use super::deployment::Deployment;
use super::waited::Waited;
use crate::model::deployment::{
    Creator, DeploymentId, DeploymentStatus, ErrorInformation, Overview,
};
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::revision::Revision;
use crate::model::timestamp::Timestamp;

/// A deployment in a list (`DeploymentInfo`, shortened).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Its id.
    pub deployment_id: DeploymentId,
    /// Where to.
    pub group: GroupKey,
    /// What.
    pub revision: Revision,
    /// How many at a time.
    pub deployment_config_name: Name,
    /// Where it stands.
    pub status: DeploymentStatus,
    /// Why it did not succeed.
    pub error_information: Option<ErrorInformation>,
    /// Targets by status.
    pub deployment_overview: Overview,
    /// Who or what created it.
    pub creator: Creator,
    /// The person, or the deployment that caused it.
    pub by: String,
    /// The deployment that this one rolls back.
    pub rolls_back: Option<DeploymentId>,
    /// The deployment that rolls this one back.
    pub rolled_back_by: Option<DeploymentId>,
    /// The deployment whose outdated instances it brings up to date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates: Option<DeploymentId>,
    /// What the caller knows it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When its first work began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub complete_time: Option<Timestamp>,
    /// How long of the time since it began it waited.
    #[serde(default)]
    pub waited: Waited,
}

impl From<&Deployment> for Summary {
    fn from(deployment: &Deployment) -> Self {
        let spec = &deployment.spec;
        Self {
            deployment_id: spec.deployment_id.clone(),
            group: spec.group_key(),
            revision: spec.revision.clone(),
            deployment_config_name: spec.configuration.deployment_config_name.clone(),
            status: deployment.status,
            error_information: deployment.error.clone(),
            deployment_overview: deployment.overview,
            creator: spec.creator,
            by: spec.by.clone(),
            rolls_back: spec.rolls_back.clone(),
            rolled_back_by: deployment
                .rollback
                .as_ref()
                .and_then(|rollback| rollback.deployment.clone()),
            updates: spec.updates.as_ref().map(|update| update.root.clone()),
            token: spec.token.clone(),
            create_time: deployment.create_time,
            start_time: deployment.start_time,
            complete_time: deployment.complete_time,
            waited: deployment.waited,
        }
    }
}
