//! The client's picture: the fold of the feed. Live view, attach and replay are this one code path.

use std::collections::BTreeMap;

use super::feed::FeedItem;
use super::gauge::Gauge;
use super::snapshot::{HostStatus, Snapshot, Summary};
use crate::engine::ledger::Watched;
use crate::engine::remaining::Paces;
use crate::engine::{Deployment, Ledger};
use crate::model::access::Person;
use crate::model::alarm::AlarmStatus;
use crate::model::automatic::{AutomaticDeployment, Look};
use crate::model::deployment::{DeploymentId, DeploymentStatus};
use crate::model::freeze::Freeze;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::revision::RegisteredRevision;
use crate::model::task_counts::TasksStatus;

/// Everything a client knows.
#[derive(Clone, Debug)]
pub struct View {
    /// The orchestrating process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// The documents.
    pub project: Project,
    /// What is wrong with the documents now.
    pub problems: Vec<String>,
    /// Who looks, as the door knows them; nobody where there is no door, as in a replay.
    pub person: Option<Person>,
    /// Every deployment, in the order of creation.
    pub summaries: BTreeMap<DeploymentId, Summary>,
    /// Ids of all deployments, newest first.
    pub newest: Vec<DeploymentId>,
    /// Deployments held whole: the active ones, and those that were asked for.
    pub deployments: BTreeMap<DeploymentId, Deployment>,
    /// The memory of each group.
    pub ledgers: BTreeMap<GroupKey, Ledger>,
    /// The revisions of each application, newest registration first.
    pub revisions: BTreeMap<Name, Vec<RegisteredRevision>>,
    /// What is known of each host that was asked.
    pub hosts: BTreeMap<Name, HostStatus>,
    /// What is known of each alarm that is watched.
    pub alarms: BTreeMap<String, AlarmStatus>,
    /// The freezes that hold.
    pub freezes: Vec<Freeze>,
    /// Where the traffic goes of each deployment that is not over, or was not when this client came.
    pub traffic: BTreeMap<DeploymentId, Gauge>,
    /// The tasks of each deployment of a service that is not over, or was not when this client came.
    pub tasks: BTreeMap<DeploymentId, TasksStatus>,
    /// When the places that groups follow were looked at last.
    pub looks: BTreeMap<GroupKey, Look>,
    /// Counts what was told about hosts, so that whoever lists them knows when to look again.
    pub host_news: u64,
}

/// The feed and the picture do not fit together: fetch this deployment anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap(pub DeploymentId);

impl From<Snapshot> for View {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            pid: snapshot.pid,
            version: snapshot.version,
            project: snapshot.project,
            problems: snapshot.problems,
            person: snapshot.person,
            newest: snapshot
                .deployments
                .iter()
                .map(|summary| summary.deployment_id.clone())
                .collect(),
            summaries: snapshot
                .deployments
                .into_iter()
                .map(|summary| (summary.deployment_id.clone(), summary))
                .collect(),
            deployments: snapshot
                .active
                .into_iter()
                .map(|deployment| (deployment.id().clone(), deployment))
                .collect(),
            freezes: snapshot.freezes,
            ledgers: snapshot.ledgers.into_iter().collect(),
            revisions: snapshot.revisions.into_iter().collect(),
            hosts: snapshot
                .hosts
                .into_iter()
                .map(|host| (host.name.clone(), host))
                .collect(),
            alarms: snapshot
                .alarms
                .into_iter()
                .map(|alarm| (alarm.name.clone(), alarm))
                .collect(),
            traffic: snapshot
                .traffic
                .into_iter()
                .map(|status| (status.deployment.clone(), Gauge::from(status)))
                .collect(),
            tasks: snapshot
                .tasks
                .into_iter()
                .map(|status| (status.deployment.clone(), status))
                .collect(),
            looks: snapshot
                .looks
                .into_iter()
                .map(|look| (look.group.clone(), look))
                .collect(),
            host_news: 0,
        }
    }
}

impl View {
    /// Folds one item into the picture.
    ///
    /// # Errors
    /// A [`Gap`] if an entry was missed: the deployment's state is no longer kept until it is fetched again.
    pub fn apply(&mut self, item: FeedItem) -> Result<(), Gap> {
        match item {
            FeedItem::Snapshot(snapshot) => {
                self.renew(*snapshot);
                Ok(())
            }
            FeedItem::Record { deployment, record } => self.record(deployment, &record),
            FeedItem::Ledger { group, record } => {
                let ledger = self.ledgers.entry(group).or_default();
                if record.seq > ledger.seq {
                    ledger.evolve(&record);
                }
                Ok(())
            }
            FeedItem::Revision {
                application,
                revision,
            } => {
                let known = self.revisions.entry(application).or_default();
                known.retain(|other| other.revision.digest != revision.revision.digest);
                known.push(revision);
                known.sort_by_key(|other| std::cmp::Reverse(other.register_time));
                Ok(())
            }
            FeedItem::RevisionDeleted {
                application,
                digest,
            } => {
                if let Some(known) = self.revisions.get_mut(&application) {
                    known.retain(|other| other.revision.digest != digest);
                }
                Ok(())
            }
            FeedItem::Pruned { deployments } => {
                self.newest.retain(|id| !deployments.contains(id));
                self.summaries.retain(|id, _| !deployments.contains(id));
                self.deployments.retain(|id, _| !deployments.contains(id));
                self.traffic.retain(|id, _| !deployments.contains(id));
                self.tasks.retain(|id, _| !deployments.contains(id));
                Ok(())
            }
            FeedItem::Project { project, problems } => {
                self.project = *project;
                self.problems = problems;
                self.host_news += 1;
                Ok(())
            }
            FeedItem::Freezes { freezes } => {
                self.freezes = freezes;
                Ok(())
            }
            FeedItem::Host(host) => {
                self.hosts.insert(host.name.clone(), host);
                self.host_news += 1;
                Ok(())
            }
            FeedItem::Swept { began, unasked } => {
                for host in self.hosts.values_mut() {
                    if !unasked.contains(&host.name) {
                        host.confirm(began);
                    }
                }
                Ok(())
            }
            FeedItem::Alarm { name, observation } => {
                let known = self.alarms.entry(name);
                known
                    .or_insert_with_key(|name| AlarmStatus::new(name.clone()))
                    .observe(observation);
                Ok(())
            }
            FeedItem::AlarmReleased { name } => {
                self.alarms.remove(&name);
                Ok(())
            }
            FeedItem::Traffic(status) => {
                if let Some(gauge) = self.traffic.get_mut(&status.deployment) {
                    gauge.observe(status);
                } else {
                    let id = status.deployment.clone();
                    self.traffic.insert(id, Gauge::from(status));
                }
                Ok(())
            }
            FeedItem::Tasks(status) => {
                self.tasks.insert(status.deployment.clone(), status);
                Ok(())
            }
            FeedItem::Look(look) => {
                self.looks.insert(look.group.clone(), look);
                Ok(())
            }
            FeedItem::Alive => Ok(()),
        }
    }

    /// Begins anew with this picture.
    fn renew(&mut self, snapshot: Snapshot) {
        // Deployments that were opened stay open, so that a reconnection does not close a screen.
        let mut fresh = Self::from(snapshot);
        fresh.host_news = self.host_news + 1;
        for (id, gauge) in std::mem::take(&mut self.traffic) {
            if let Some(now) = fresh.traffic.get_mut(&id) {
                let status = now.status.clone();
                *now = gauge;
                now.observe(status);
            }
        }
        for (id, deployment) in std::mem::take(&mut self.deployments) {
            if deployment.status.is_terminal() && fresh.summaries.contains_key(&id) {
                fresh.deployments.entry(id).or_insert(deployment);
            }
        }
        *self = fresh;
    }

    fn record(&mut self, id: DeploymentId, record: &crate::engine::Record) -> Result<(), Gap> {
        if let Some(deployment) = self.deployments.get_mut(&id) {
            if record.seq == deployment.seq + 1 {
                deployment.evolve(record);
                self.summaries.insert(id, Summary::from(&*deployment));
            } else if record.seq > deployment.seq + 1 {
                self.deployments.remove(&id);
                return Err(Gap(id));
            }
            return Ok(());
        }
        if self.summaries.contains_key(&id) {
            // Not held whole. Only what is over is not, and nothing but a word about its rollback still comes.
            return Err(Gap(id));
        }
        if let Some(deployment) = Deployment::created(record) {
            self.summaries
                .insert(id.clone(), Summary::from(&deployment));
            self.newest.insert(0, id.clone());
            self.deployments.insert(id, deployment);
            return Ok(());
        }
        Err(Gap(id))
    }

    /// Takes a deployment that was fetched whole.
    pub fn hold(&mut self, deployment: Deployment) {
        let id = deployment.id().clone();
        if self
            .deployments
            .get(&id)
            .is_none_or(|held| held.seq <= deployment.seq)
        {
            self.summaries
                .insert(id.clone(), Summary::from(&deployment));
            self.deployments.insert(id, deployment);
        }
    }

    /// Keeps of the deployments that are over only these whole.
    pub fn release(&mut self, kept: impl Fn(&DeploymentId) -> bool) {
        self.deployments
            .retain(|id, deployment| !deployment.status.is_terminal() || kept(id));
    }

    /// The place that a group follows, when it was looked at last, and what was seen there; `None` if it follows none.
    pub fn follows(
        &self,
        group: &GroupKey,
    ) -> Option<(&AutomaticDeployment, Option<&Look>, Option<&Watched>)> {
        let entry = self.project.automatic_deployment(group)?;
        let from = entry.from.to_string();
        // What was seen elsewhere says nothing of it.
        let look = self.looks.get(group).filter(|look| look.from == from);
        let watched = self.ledgers.get(group);
        let watched = watched.and_then(|ledger| ledger.watched.as_ref());
        let watched = watched.filter(|watched| watched.from == from);
        Some((entry, look, watched))
    }

    /// The newest deployment of the same group that succeeded: how long its instances took says how long those of this one
    /// take, while it runs and too few of its own are done.
    pub fn example(&self, deployment: &Deployment) -> Option<&DeploymentId> {
        let runs = deployment.start_time.is_some() && !deployment.status.is_terminal();
        if !runs || !Paces::lack(deployment) {
            return None;
        }
        let group = deployment.group_key();
        self.newest.iter().find(|id| {
            let summary = self
                .summaries
                .get(id)
                .filter(|summary| summary.group == group);
            summary.is_some_and(|summary| summary.status == DeploymentStatus::Succeeded)
        })
    }

    /// Deployments that are not over.
    pub fn running(&self) -> impl Iterator<Item = &Summary> {
        self.newest
            .iter()
            .filter_map(|id| self.summaries.get(id))
            .filter(|summary| !summary.status.is_terminal())
    }
}
