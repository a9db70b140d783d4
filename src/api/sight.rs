//! What somebody may see: pictures and feeds with everything else left out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::caller::Caller;
use super::feed::FeedItem;
use super::snapshot::{HostStatus, Snapshot};
use crate::engine::Deployment;
use crate::engine::event::Event;
use crate::model::access::{Access, Person, Right, Where, may};
use crate::model::deployment::DeploymentId;
use crate::model::freeze::Scope;
use crate::model::group::{DeploymentGroup, GroupKey};
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::secret::SecretSources;

/// What one person may see. It learns, from what it lets pass, which deployments, hosts and alarms belong to it.
#[derive(Clone, Debug)]
pub struct Sight {
    person: Person,
    access: Option<Access>,
    /// Everything.
    whole: bool,
    deployments: BTreeSet<DeploymentId>,
    hosts: BTreeSet<Name>,
    alarms: BTreeSet<String>,
}

impl Sight {
    /// What a caller may see of a project.
    pub fn new(project: &Project, caller: &Caller) -> Self {
        let (access, person) = (project.access.clone(), caller.person.clone());
        let whole = may(access.as_ref(), &person, Right::See, Where::Project);
        Self {
            person,
            access,
            whole,
            deployments: BTreeSet::new(),
            hosts: BTreeSet::new(),
            alarms: BTreeSet::new(),
        }
    }

    /// Whether nothing is hidden.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether a deployment group may be seen.
    pub fn group(&self, key: &GroupKey) -> bool {
        self.sees(Where::Group(key))
    }

    fn sees(&self, place: Where<'_>) -> bool {
        may(self.access.as_ref(), &self.person, Right::See, place)
    }

    /// Whether the documents as they are now give this person another sight.
    pub fn is_outdated(&self, item: &FeedItem) -> bool {
        let FeedItem::Project { project, .. } = item else {
            return false;
        };
        project.access != self.access
    }

    /// The part of the documents that may be seen.
    pub fn project(&self, project: &Project) -> Project {
        let mut seen = project.clone();
        if self.whole {
            return seen;
        }
        seen.groups.retain(|group| self.group(&group.key()));
        seen.applications
            .retain(|name, _| self.sees(Where::Within(name)));
        seen.automatic_deployments
            .retain(|one| self.group(&one.key()));
        let groups = &seen.groups;
        let balancers = names(groups, DeploymentGroup::load_balancers);
        let (alarms, receivers) = (names(groups, alarms_of), names(groups, receivers_of));
        let fleets = names(groups, fleets_of);
        // Where they are kept is nobody's affair who may not change that.
        seen.secrets = SecretSources::default();
        let connections = &mut seen.connections;
        connections
            .load_balancers
            .retain(|one| balancers.contains(&one.name));
        connections.alarms.retain(|one| alarms.contains(&one.name));
        connections
            .receivers
            .retain(|one| receivers.contains(&one.name));
        connections.fleets.retain(|one| fleets.contains(&one.name));
        // Which of them a group uses is said by revisions.
        connections.hooks.clear();
        let environments: BTreeSet<&Name> =
            groups.iter().flat_map(|group| &group.environment).collect();
        seen.environments
            .retain(|name, _| environments.contains(name));
        let members: BTreeSet<Name> = groups
            .iter()
            .flat_map(|group| project.members(group))
            .map(|host| host.name.clone())
            .collect();
        seen.hosts
            .retain(|host| members.contains(&host.name) || self.hosts.contains(&host.name));
        for host in &mut seen.hosts {
            host.endpoints.retain(|name, _| balancers.contains(name));
        }
        if let Some(access) = &mut seen.access {
            let people = &mut access.people;
            people.retain(|entry| self.concerns(entry.application.as_ref(), entry.group.as_ref()));
            access.approvals.retain(|demand| {
                let (application, group) = (demand.application.as_ref(), demand.group.as_ref());
                application.is_none() || self.concerns(application, group)
            });
        }
        seen
    }

    /// Whether something is about a place that may be seen.
    fn concerns(&self, application: Option<&Name>, group: Option<&Name>) -> bool {
        match (application, group) {
            (Some(application), Some(group)) => self.group(&GroupKey {
                application: application.clone(),
                group: group.clone(),
            }),
            (Some(application), None) => self.sees(Where::Within(application)),
            (None, _) => false,
        }
    }

    /// Learns what belongs to the documents' groups.
    fn learn_project(&mut self, seen: &Project) {
        self.hosts
            .extend(seen.hosts.iter().map(|host| host.name.clone()));
        self.alarms.extend(names(&seen.groups, alarms_of));
    }

    /// Learns what belongs to a deployment that may be seen.
    fn learn(&mut self, deployment: &Deployment) {
        let spec = &deployment.spec;
        self.deployments.insert(spec.deployment_id.clone());
        self.hosts
            .extend(spec.targets.iter().map(|target| target.name.clone()));
        let alarms = spec.alarms().into_iter().flat_map(|all| &all.alarms);
        self.alarms.extend(alarms.map(|alarm| alarm.name.clone()));
    }

    /// The part of a picture that may be seen.
    pub fn snapshot(&mut self, mut picture: Snapshot) -> Snapshot {
        picture.person = Some(self.person.clone());
        if self.whole {
            return picture;
        }
        picture.ledgers.retain(|(key, _)| self.group(key));
        for (_, ledger) in &picture.ledgers {
            self.hosts.extend(ledger.hosts.keys().cloned());
        }
        picture.active.retain(|one| self.group(&one.group_key()));
        for deployment in &picture.active {
            self.learn(deployment);
        }
        picture.deployments.retain(|one| self.group(&one.group));
        let ids = picture
            .deployments
            .iter()
            .map(|one| one.deployment_id.clone());
        self.deployments.extend(ids);
        picture.project = self.project(&picture.project);
        self.learn_project(&picture.project);
        picture.problems = veiled(picture.problems);
        picture
            .revisions
            .retain(|(name, _)| self.sees(Where::Within(name)));
        picture.hosts.retain(|host| self.hosts.contains(&host.name));
        for host in &mut picture.hosts {
            self.host(host);
        }
        picture
            .alarms
            .retain(|alarm| self.alarms.contains(&alarm.name));
        picture.freezes.retain(|freeze| self.scope(&freeze.scope));
        let deployments = &self.deployments;
        picture
            .traffic
            .retain(|one| deployments.contains(&one.deployment));
        picture
            .tasks
            .retain(|one| deployments.contains(&one.deployment));
        picture.looks.retain(|look| self.group(&look.group));
        picture
    }

    /// Whether something that may be seen is in the scope of a freeze.
    fn scope(&self, scope: &Scope) -> bool {
        match (&scope.application, &scope.group) {
            (Some(application), Some(group)) => self.group(&GroupKey {
                application: application.clone(),
                group: group.clone(),
            }),
            (Some(application), None) => self.sees(Where::Within(application)),
            (None, _) => true,
        }
    }

    /// What of a host belongs to groups that may be seen.
    fn host(&self, host: &mut HostStatus) {
        let Some(facts) = host.agent.as_mut().and_then(|agent| agent.facts.as_mut()) else {
            return;
        };
        let sees = |application: &str, group: &str| {
            let key = application.parse().ok().zip(group.parse().ok());
            key.is_some_and(|(application, group)| self.group(&GroupKey { application, group }))
        };
        let facts = Arc::make_mut(facts);
        facts.installed.retain(|one| {
            let key = one
                .application_name
                .as_ref()
                .zip(one.deployment_group_name.as_ref());
            key.is_some_and(|(application, group)| sees(application, group))
        });
        facts
            .running
            .retain(|one| sees(&one.application_name, &one.deployment_group_name));
    }

    /// What of an item of the feed may be seen; `None` if nothing.
    pub fn item(&mut self, item: FeedItem) -> Option<FeedItem> {
        if let FeedItem::Snapshot(picture) = item {
            return Some(FeedItem::Snapshot(Box::new(self.snapshot(*picture))));
        }
        if self.whole {
            return Some(item);
        }
        match item {
            // It is above.
            FeedItem::Snapshot(_) => None,
            FeedItem::Record { deployment, record } => {
                match &record.event {
                    Event::Created { spec, .. } if self.group(&spec.group_key()) => {
                        if let Some(created) = Deployment::created(&record) {
                            self.learn(&created);
                        }
                    }
                    Event::Provisioned { hosts, .. } if self.deployments.contains(&deployment) => {
                        self.hosts
                            .extend(hosts.iter().map(|host| host.name.clone()));
                    }
                    _ => {}
                }
                let seen = self.deployments.contains(&deployment);
                seen.then_some(FeedItem::Record { deployment, record })
            }
            FeedItem::Ledger { ref group, .. } => self.group(group).then_some(item),
            FeedItem::Revision {
                ref application, ..
            }
            | FeedItem::RevisionDeleted {
                ref application, ..
            } => self.sees(Where::Within(application)).then_some(item),
            FeedItem::Pruned { mut deployments } => {
                deployments.retain(|id| self.deployments.remove(id));
                (!deployments.is_empty()).then_some(FeedItem::Pruned { deployments })
            }
            FeedItem::Freezes { mut freezes } => {
                freezes.retain(|freeze| self.scope(&freeze.scope));
                Some(FeedItem::Freezes { freezes })
            }
            FeedItem::Project { project, problems } => {
                let project = Box::new(self.project(&project));
                self.learn_project(&project);
                let problems = veiled(problems);
                Some(FeedItem::Project { project, problems })
            }
            FeedItem::Host(mut host) => {
                self.host(&mut host);
                self.hosts
                    .contains(&host.name)
                    .then_some(FeedItem::Host(host))
            }
            FeedItem::Swept { began, mut unasked } => {
                unasked.retain(|name| self.hosts.contains(name));
                Some(FeedItem::Swept { began, unasked })
            }
            FeedItem::Alarm { ref name, .. } | FeedItem::AlarmReleased { ref name } => {
                self.alarms.contains(name).then_some(item)
            }
            FeedItem::Traffic(ref status) => self
                .deployments
                .contains(&status.deployment)
                .then_some(item),
            FeedItem::Tasks(ref status) => self
                .deployments
                .contains(&status.deployment)
                .then_some(item),
            FeedItem::Look(ref look) => self.group(&look.group).then_some(item),
            FeedItem::Alive => Some(item),
        }
    }
}

/// What is wrong with documents names what is in them.
fn veiled(problems: Vec<String>) -> Vec<String> {
    if problems.is_empty() {
        return problems;
    }
    vec!["the documents have errors: whoever may see the whole project can read them".to_owned()]
}

/// The names of one kind that groups use.
fn names(groups: &[DeploymentGroup], of: fn(&DeploymentGroup) -> Vec<&str>) -> BTreeSet<String> {
    groups.iter().flat_map(of).map(str::to_owned).collect()
}

fn alarms_of(group: &DeploymentGroup) -> Vec<&str> {
    let all = group.alarm_configuration.iter().flat_map(|all| &all.alarms);
    all.map(|alarm| alarm.name.as_str()).collect()
}

fn receivers_of(group: &DeploymentGroup) -> Vec<&str> {
    let all = group.trigger_configurations.iter().flatten();
    all.map(|one| one.trigger_target_arn.as_str()).collect()
}

fn fleets_of(group: &DeploymentGroup) -> Vec<&str> {
    let all = group.auto_scaling_groups.iter().flatten();
    all.map(|one| one.name.as_str()).collect()
}
