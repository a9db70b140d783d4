//! What outlives a deployment: the health of a group's hosts, its revision, and the one active slot. A second pure fold.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::deliberate::{Bug, deliberate};
use super::deployment::Deployment;
use super::event::{Event, Record};
use super::rollback;
use super::task_sets::Kept;
use crate::model::deployment::{
    Creator, DeploymentId, DeploymentStatus, FileExistsBehavior, InstanceHealth, RevisionHealth,
    TargetStatus,
};
use crate::model::group::{DeploymentGroup, Selection, SuspendedProcesses};
use crate::model::host::Host;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::revision::{Digest, Revision};
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
    /// What Install did with files that existed in the last deployment that succeeded: rollbacks do so too.
    #[serde(default)]
    pub file_exists_behavior: FileExistsBehavior,
    /// The newest deployment.
    pub last_attempted_deployment: Option<LastDeployment>,
    /// The newest deployment that has begun and is over: what rollbacks go by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_begun: Option<DeploymentId>,
    /// The deployment that holds the group's one slot.
    pub active: Option<DeploymentId>,
    /// Launch deployments that run beside it, with their hosts.
    #[serde(default)]
    pub joining: BTreeMap<DeploymentId, Vec<Name>>,
    /// Termination deployments that run beside it, with their hosts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub leaving: BTreeMap<DeploymentId, Vec<Name>>,
    /// Which side of a blue/green group has the traffic, once a deployment has moved it.
    #[serde(default)]
    pub serving: Option<Serving>,
    /// The task sets of its services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_sets: Vec<Kept>,
    /// What was seen at the place that the group follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<Watched>,
    /// Hosts that fleets provisioned for the group, for as long as they are there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub provisioned: BTreeMap<Name, Host>,
    /// Processes of Auto Scaling groups that are suspended for deployments, until they are resumed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub suspended: BTreeMap<DeploymentId, Vec<SuspendedProcesses>>,
    /// The number of the last entry folded.
    pub seq: u64,
}

/// Which side of a blue/green group has the traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Serving {
    /// The instances that belong to the group, instead of those that its document selects.
    pub now: Selection,
    /// The instances that had the traffic before: the next replacement, if nothing else is said.
    pub before: Selection,
    /// What the document selected then. Once it selects something else, that counts.
    pub document: Selection,
}

/// What was seen at the place that a group follows. A new place, in the document, begins anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watched {
    /// The place.
    pub from: String,
    /// What was there is known by this; nothing was there if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// When it came there, where several things can be in one place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
    /// Its content, if it was fetched: the same again is nothing new, whatever it is known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What came of it.
    pub found: Found,
    /// When it was noted.
    pub at: Timestamp,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (&self.found, &self.mark) {
            (Found::Nothing, None) => "nothing is there".to_owned(),
            (Found::Nothing, Some(_)) => "nothing new".to_owned(),
            (Found::Deployed { deployment }, _) => format!("{deployment} deploys it"),
            (Found::Had, _) => "the group had it already".to_owned(),
            (Found::Broken { message }, _) => format!("not deployed: {message}"),
            (Found::Unread { message }, _) => format!("it can't be read: {message}"),
        };
        let mark = self.mark.as_deref().map(|mark| format!(" ({mark})"));
        f.pad(&format!("{what}{}", mark.unwrap_or_default()))
    }
}

/// What came of what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    tag = "type",
    rename_all_fields = "camelCase"
)]
pub enum Found {
    /// Nothing new.
    Nothing,
    /// It was deployed.
    Deployed {
        /// By which deployment.
        deployment: DeploymentId,
    },
    /// The group had it already.
    Had,
    /// It is no revision that can be deployed.
    Broken {
        /// Why not.
        message: String,
    },
    /// Nobody knows what is there now.
    Unread {
        /// Why not.
        message: String,
    },
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
    /// A launch deployment began, which takes no slot.
    Joining {
        /// Which.
        deployment: DeploymentId,
        /// The hosts that join the group.
        hosts: Vec<Name>,
    },
    /// A termination deployment began, which takes no slot.
    Leaving {
        /// Which.
        deployment: DeploymentId,
        /// The hosts that leave the group.
        hosts: Vec<Name>,
    },
    /// A fleet provisioned hosts for the group.
    Provisioned {
        /// Which.
        hosts: Vec<Host>,
    },
    /// Hosts that a fleet had provisioned are gone.
    Terminated {
        /// Which.
        hosts: Vec<Name>,
    },
    /// Something was seen at the place that the group follows.
    Watched {
        /// What.
        watched: Watched,
    },
    /// Processes of Auto Scaling groups are about to be suspended for a deployment.
    Suspending {
        /// Which.
        deployment: DeploymentId,
        /// The processes.
        processes: Vec<SuspendedProcesses>,
    },
    /// What was suspended for a deployment goes on.
    Resumed {
        /// Which.
        deployment: DeploymentId,
    },
    /// A deployment ended, and left its slot if it had it.
    Closed {
        /// Which.
        deployment: DeploymentId,
        /// How it ended.
        status: DeploymentStatus,
        /// Whether it had begun to change something: one that had not leaves nothing to go back from. Entries of a time before this was written
        /// are of some that had, for all that is known.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        began: bool,
        /// When it had been created.
        create_time: Timestamp,
        /// What the group has if it succeeded: what it deployed, or what instances have that traffic went back to; none if those
        /// had nothing of the group's.
        revision: Option<Revision>,
        /// What became of its targets.
        outcomes: Vec<(Name, TargetStatus)>,
        /// Targets that an operator left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        excluded: Vec<Name>,
        /// What Install did with files that existed.
        #[serde(default)]
        file_exists_behavior: FileExistsBehavior,
        /// Which side has the traffic now, if it has moved for good.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        serving: Option<Box<Serving>>,
        /// The task sets that are there now, if it was about some.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task_sets: Option<Box<Kept>>,
    },
}

impl LedgerEvent {
    /// What entries of a deployment's journal mean for its group's hosts, in their order.
    pub fn of_fleets<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Self> {
        let events = records
            .into_iter()
            .filter_map(|record| match &record.event {
                Event::Provisioned { hosts, .. } => {
                    // Instances of AWS are whatever AWS says that they are.
                    let ours = hosts.iter().filter(|host| host.provisioned.is_some());
                    let hosts: Vec<Host> = ours.cloned().collect();
                    (!hosts.is_empty()).then_some(Self::Provisioned { hosts })
                }
                Event::Terminated { targets, .. } if !targets.is_empty() => {
                    Some(Self::Terminated {
                        hosts: targets.clone(),
                    })
                }
                _ => None,
            });
        events.collect()
    }

    /// A deployment begins.
    pub fn opening(deployment: &Deployment) -> Self {
        let id = deployment.id().clone();
        let creator = deployment.spec.creator;
        if deployment.spec.takes_slot() {
            return Self::Opened { deployment: id };
        }
        let hosts = deployment.targets.iter().map(|target| target.name.clone());
        let hosts = hosts.collect();
        let deployment = id;
        match creator {
            Creator::AutoscalingTermination => Self::Leaving { deployment, hosts },
            _ => Self::Joining { deployment, hosts },
        }
    }

    /// What a deployment that has ended leaves to its group.
    pub fn closing(deployment: &Deployment) -> Self {
        let targets = || deployment.targets.iter();
        Self::Closed {
            deployment: deployment.id().clone(),
            status: deployment.status,
            began: rollback::has_changed_something(deployment),
            create_time: deployment.create_time,
            revision: if deployment.spec.goes_back() {
                deployment.spec.previous_revision.clone()
            } else {
                Some(deployment.spec.revision.clone())
            },
            outcomes: targets()
                .filter(|_| deployment.spec.is_on_hosts())
                // A target that was skipped before it started was not touched; one that was stopped half way was. One that
                // only left or entered the load balancer has what it had.
                .filter(|target| target.attempt > 0)
                .filter(|target| target.event(LifecycleEvent::Install).is_some())
                .map(|target| (target.name.clone(), target.status))
                .collect(),
            excluded: targets()
                .filter(|target| target.attempt == 0 && target.message.is_some())
                .map(|target| target.name.clone())
                .collect(),
            file_exists_behavior: deployment.spec.options.file_exists_behavior,
            serving: serving(deployment).map(Box::new),
            task_sets: deployment.leaves().map(Box::new),
        }
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_yes(began: &bool) -> bool {
    *began
}

/// Which side has the traffic after a blue/green deployment that succeeded (domain.md §8).
fn serving(deployment: &Deployment) -> Option<Serving> {
    let spec = &deployment.spec;
    let sides = spec.sides.clone()?;
    let turned = deliberate(Bug::ServingTurned);
    let (now, before) = if spec.goes_back() || turned {
        (sides.original, sides.replacement)
    } else {
        (sides.replacement, sides.original)
    };
    (deployment.status == DeploymentStatus::Succeeded).then(|| Serving {
        now,
        before,
        document: spec.group.selection(),
    })
}

impl Ledger {
    /// The hosts that belong to a group: those that its document selects, unless a blue/green deployment has moved the traffic
    /// to others since it was written.
    pub fn selection(&self, group: &DeploymentGroup) -> Selection {
        let written = group.selection();
        match self.serving(group) {
            Some(serving) => serving.now.clone(),
            None => written,
        }
    }

    /// Which side of a group has the traffic, if a deployment has moved it since its document was written.
    pub fn serving(&self, group: &DeploymentGroup) -> Option<&Serving> {
        let serving = self.serving.as_ref();
        serving.filter(|serving| serving.document == group.selection())
    }

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
            LedgerEvent::Opened { deployment } => self.open(deployment, record.at),
            LedgerEvent::Joining { deployment, hosts } => {
                self.joining.insert(deployment.clone(), hosts.clone());
            }
            LedgerEvent::Leaving { deployment, hosts } => {
                self.leaving.insert(deployment.clone(), hosts.clone());
            }
            LedgerEvent::Watched { watched } => self.watched = Some(watched.clone()),
            LedgerEvent::Suspending {
                deployment,
                processes,
            } => {
                self.suspended.insert(deployment.clone(), processes.clone());
            }
            LedgerEvent::Resumed { deployment } => {
                self.suspended.remove(deployment);
            }
            LedgerEvent::Provisioned { hosts } => {
                let named = hosts.iter().map(|host| (host.name.clone(), host.clone()));
                self.provisioned.extend(named);
            }
            LedgerEvent::Terminated { hosts } => {
                for name in hosts {
                    self.provisioned.remove(name);
                    // Another host may get the name.
                    self.hosts.remove(name);
                }
            }
            LedgerEvent::Closed {
                deployment,
                status,
                began,
                create_time,
                revision,
                outcomes,
                excluded,
                file_exists_behavior,
                serving,
                task_sets,
            } => {
                if let Some(hosts) = self.leaving.remove(deployment) {
                    // Whatever came of it, they go.
                    self.hosts.retain(|name, _| !hosts.contains(name));
                    return;
                }
                let hosts = self.joining.remove(deployment);
                let joined = hosts.is_some();
                // Also one that ended before it began is not tried again: an operator looks.
                for name in hosts.into_iter().flatten() {
                    self.hosts.entry(name).or_default();
                }
                let ours = self.target_revision.as_ref().map(|ours| &ours.digest);
                // What joins gets the group's revision, or that of a while ago.
                let current = if joined {
                    ours.is_some() && ours == revision.as_ref().map(|revision| &revision.digest)
                } else {
                    *status == DeploymentStatus::Succeeded
                };
                for (name, outcome) in outcomes {
                    self.settle(name, *outcome, current, deployment, revision.as_ref());
                    if joined && *outcome == TargetStatus::Succeeded && !current {
                        let host = self.hosts.entry(name.clone()).or_default();
                        host.revision_health = RevisionHealth::Old;
                    }
                }
                for name in excluded {
                    self.hosts.entry(name.clone()).or_default();
                }
                if joined {
                    return;
                }
                if self.active.as_ref() == Some(deployment) && !deliberate(Bug::SlotKept) {
                    self.active = None;
                }
                let last = LastDeployment {
                    deployment_id: deployment.clone(),
                    status: *status,
                    create_time: *create_time,
                    end_time: Some(record.at),
                };
                if let Some(kept) = task_sets {
                    self.task_sets.retain(|it| it.service != kept.service);
                    self.task_sets.push(Kept::clone(kept));
                }
                if *status == DeploymentStatus::Succeeded || deliberate(Bug::FailedRevisionKept) {
                    self.last_successful_deployment = Some(last.clone());
                    self.file_exists_behavior = *file_exists_behavior;
                    if let Some(serving) = serving {
                        self.serving = Some(Serving::clone(serving));
                    }
                    self.succeeded(revision.as_ref(), deployment);
                }
                self.last_attempted_deployment = Some(last);
                if *began {
                    self.last_begun = Some(deployment.clone());
                }
            }
        }
    }

    /// A deployment takes the slot.
    fn open(&mut self, deployment: &DeploymentId, at: Timestamp) {
        self.active = Some(deployment.clone());
        self.last_attempted_deployment = Some(LastDeployment {
            deployment_id: deployment.clone(),
            status: DeploymentStatus::Created,
            create_time: at,
            end_time: None,
        });
    }

    /// A new revision for the group makes hosts old that were current and not among the targets.
    fn succeeded(&mut self, revision: Option<&Revision>, deployment: &DeploymentId) {
        let digest = revision.map(|revision| &revision.digest);
        let former = self.target_revision.as_ref();
        let changed = former.is_some_and(|former| Some(&former.digest) != digest);
        for host in self.hosts.values_mut() {
            let untouched = host.deployment.as_ref() != Some(deployment);
            if changed && untouched && host.revision_health == RevisionHealth::Current {
                host.revision_health = RevisionHealth::Old;
            }
        }
        self.target_revision = revision.cloned();
    }

    /// configurations.md §5: what a deployment's end means for the health of a host it touched.
    fn settle(
        &mut self,
        name: &Name,
        outcome: TargetStatus,
        current: bool,
        deployment: &DeploymentId,
        revision: Option<&Revision>,
    ) {
        let host = self.hosts.entry(name.clone()).or_default();
        host.deployment = Some(deployment.clone());
        if outcome == TargetStatus::Succeeded {
            host.instance_health = InstanceHealth::Healthy;
            host.revision = revision.cloned();
            // `current`: this makes it the group's. After a deployment that failed as a whole it runs one that is not.
            host.revision_health = if current {
                RevisionHealth::Current
            } else {
                RevisionHealth::Unknown
            };
        } else {
            host.instance_health = if deliberate(Bug::FailureLooksHealthy) {
                InstanceHealth::Healthy
            } else {
                InstanceHealth::Unhealthy
            };
            if !current || host.revision_health == RevisionHealth::Current {
                host.revision_health = RevisionHealth::Unknown;
            }
        }
    }
}
