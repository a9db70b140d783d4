//! Everything a client needs to draw its first picture.

use serde::{Deserialize, Serialize};

use crate::engine::{Deployment, Ledger};
use crate::model::deployment::{
    Creator, DeploymentId, DeploymentStatus, ErrorInformation, Overview,
};
use crate::model::name::Name;
use crate::model::project::{GroupKey, Project};
use crate::model::revision::{RegisteredRevision, Revision};
use crate::model::timestamp::Timestamp;

/// The first line of the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The orchestrating process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// The documents, as last read without an error.
    pub project: Project,
    /// What is wrong with the documents now, one line each.
    pub problems: Vec<String>,
    /// Every deployment, newest first.
    pub deployments: Vec<Summary>,
    /// Those that are not over, whole.
    pub active: Vec<Deployment>,
    /// The memory of each group that has deployed.
    pub ledgers: Vec<(GroupKey, Ledger)>,
    /// The revisions of each application, newest registration first.
    pub revisions: Vec<(Name, Vec<RegisteredRevision>)>,
    /// Whether each host's agent answers.
    pub hosts: Vec<HostStatus>,
}

/// Whether a host's agent answers. An observation, not a fact of any journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostStatus {
    /// Which host.
    pub name: Name,
    /// Whether its agent answered the last time it was asked.
    pub reachable: bool,
    /// When that was.
    pub checked: Timestamp,
    /// Why not.
    pub problem: Option<String>,
}

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
    /// When it was created.
    pub create_time: Timestamp,
    /// When its first work began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub complete_time: Option<Timestamp>,
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
            create_time: deployment.create_time,
            start_time: deployment.start_time,
            complete_time: deployment.complete_time,
        }
    }
}
