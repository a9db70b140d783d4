//! What outlives a deployment: the health of a group's hosts, its revision, and the one active slot. A second pure fold.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::deployment::Deployment;
use crate::model::deployment::{
    DeploymentId, DeploymentStatus, InstanceHealth, RevisionHealth, TargetStatus,
};
use crate::model::name::Name;
use crate::model::revision::Revision;
use crate::model::timestamp::Timestamp;

/// A deployment group's memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Hosts that this group has deployed to.
    pub hosts: BTreeMap<Name, HostRecord>,
    /// The revision of the last successful deployment.
    pub target_revision: Option<Revision>,
    /// The last deployment that succeeded.
    pub last_successful_deployment: Option<LastDeployment>,
    /// The newest deployment.
    pub last_attempted_deployment: Option<LastDeployment>,
    /// The deployment that holds the group's one slot.
    pub active: Option<DeploymentId>,
    /// The number of the last entry folded.
    pub seq: u64,
}

/// What a group knows about a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostRecord {
    /// The outcome of the last deployment to it.
    pub instance_health: InstanceHealth,
    /// What it runs, against the group's revision.
    pub revision_health: RevisionHealth,
    /// The revision that was last deployed to it successfully.
    pub revision: Option<Revision>,
    /// The last deployment that touched it.
    pub deployment: Option<DeploymentId>,
}

/// `LastDeploymentInfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastDeployment {
    /// Which.
    pub deployment_id: DeploymentId,
    /// How it ended, or that it has not.
    pub status: DeploymentStatus,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it ended.
    pub end_time: Option<Timestamp>,
}

/// One entry of a group's ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRecord {
    /// Grows by one with each entry of the group, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: LedgerEvent,
}

/// Something that a group remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    tag = "type",
    rename_all_fields = "camelCase"
)]
pub enum LedgerEvent {
    /// A deployment took the slot.
    Opened {
        /// Which.
        deployment: DeploymentId,
    },
    /// A deployment left the slot.
    Closed {
        /// Which.
        deployment: DeploymentId,
        /// How it ended.
        status: DeploymentStatus,
        /// When it had been created.
        create_time: Timestamp,
        /// What it deployed.
        revision: Revision,
        /// What became of its targets.
        outcomes: Vec<(Name, TargetStatus)>,
    },
}

impl LedgerEvent {
    /// What a deployment that has ended leaves to its group.
    pub fn closing(deployment: &Deployment) -> Self {
        Self::Closed {
            deployment: deployment.id().clone(),
            status: deployment.status,
            create_time: deployment.create_time,
            revision: deployment.spec.revision.clone(),
            outcomes: deployment
                .targets
                .iter()
                // A target that was skipped before it started was not touched; one that was stopped half way was.
                .filter(|target| target.start_time.is_some())
                .map(|target| (target.name.clone(), target.status))
                .collect(),
        }
    }
}

impl Ledger {
    /// The state after all these entries.
    pub fn fold<'a>(records: impl IntoIterator<Item = &'a LedgerRecord>) -> Self {
        let mut ledger = Self::default();
        for record in records {
            ledger.evolve(record);
        }
        ledger
    }

    /// Folds one entry into the state.
    pub fn evolve(&mut self, record: &LedgerRecord) {
        self.seq = record.seq;
        match &record.event {
            LedgerEvent::Opened { deployment } => {
                self.active = Some(deployment.clone());
                self.last_attempted_deployment = Some(LastDeployment {
                    deployment_id: deployment.clone(),
                    status: DeploymentStatus::Created,
                    create_time: record.at,
                    end_time: None,
                });
            }
            LedgerEvent::Closed {
                deployment,
                status,
                create_time,
                revision,
                outcomes,
            } => {
                if self.active.as_ref() == Some(deployment) {
                    self.active = None;
                }
                let last = LastDeployment {
                    deployment_id: deployment.clone(),
                    status: *status,
                    create_time: *create_time,
                    end_time: Some(record.at),
                };
                for (name, outcome) in outcomes {
                    self.settle(name, *outcome, *status, deployment, revision);
                }
                if *status == DeploymentStatus::Succeeded {
                    self.last_successful_deployment = Some(last.clone());
                    self.succeeded(revision, deployment);
                }
                self.last_attempted_deployment = Some(last);
            }
        }
    }

    /// A new revision for the group makes hosts old that were current and not among the targets.
    fn succeeded(&mut self, revision: &Revision, deployment: &DeploymentId) {
        let changed = self
            .target_revision
            .as_ref()
            .is_some_and(|former| former.digest != revision.digest);
        for host in self.hosts.values_mut() {
            let untouched = host.deployment.as_ref() != Some(deployment);
            if changed && untouched && host.revision_health == RevisionHealth::Current {
                host.revision_health = RevisionHealth::Old;
            }
        }
        self.target_revision = Some(revision.clone());
    }

    /// configurations.md §5: what a deployment's end means for the health of a host it touched.
    fn settle(
        &mut self,
        name: &Name,
        outcome: TargetStatus,
        overall: DeploymentStatus,
        deployment: &DeploymentId,
        revision: &Revision,
    ) {
        let host = self.hosts.entry(name.clone()).or_default();
        host.deployment = Some(deployment.clone());
        let group_succeeded = overall == DeploymentStatus::Succeeded;
        if outcome == TargetStatus::Succeeded {
            host.instance_health = InstanceHealth::Healthy;
            host.revision = Some(revision.clone());
            // After a deployment that failed as a whole, the host runs a revision that is not the group's.
            host.revision_health = if group_succeeded {
                RevisionHealth::Current
            } else {
                RevisionHealth::Unknown
            };
        } else {
            host.instance_health = InstanceHealth::Unhealthy;
            if !group_succeeded || host.revision_health == RevisionHealth::Current {
                host.revision_health = RevisionHealth::Unknown;
            }
        }
    }
}
