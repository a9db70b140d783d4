//! Hosts that join a group, and those that leave it: each gets the group's revision by a launch deployment of its own, or loses
//! its application by a termination deployment, beside whatever runs (operations.md §7).

use std::sync::PoisonError;

use super::create::opening;
use super::feed::FeedItem;
use super::{Orchestrator, checks, lock};
use crate::clock;
use crate::engine::ledger::LedgerEvent;
use crate::engine::{Ledger, Spec, members, plan};
use crate::model::group::{DeploymentGroup, OutdatedInstancesStrategy};
use crate::model::host::{Host, Transition};
use crate::model::project::Project;

/// Whether somebody may have joined: the documents changed, an agent answers, or a deployment has ended.
pub(super) fn may_have_joined(item: &FeedItem) -> bool {
    match item {
        // Who could not join in a freeze can when it is over.
        FeedItem::Project { .. } | FeedItem::Freezes { .. } => true,
        FeedItem::Host(host) => host.reachable,
        FeedItem::Ledger { record, .. } => matches!(record.event, LedgerEvent::Closed { .. }),
        _ => false,
    }
}

impl Orchestrator {
    /// Begins a launch deployment for every host that joined a group and whose agent answers.
    pub(super) async fn launch_newcomers(&self) {
        let (project, _) = self.0.documents.current();
        let groups = project.groups.iter().filter(|group| {
            group.outdated_instances_strategy == OutdatedInstancesStrategy::Update
                && checks::has_hosts(&project, group)
        });
        for group in groups {
            if self.freeze_over(&group.key()).is_some() {
                continue;
            }
            let mut ledgers = self.0.ledgers.lock().await;
            // A group that has never deployed has no revision to give.
            let Some(ledger) = ledgers.get_mut(&group.key()) else {
                continue;
            };
            for host in self.newcomers(&project, group, ledger) {
                let configuration = project.one_at_a_time();
                let spec = configuration.and_then(|configuration| {
                    let id = clock::deployment_id();
                    let limits = project.settings.limits;
                    members::launch(group, configuration, limits, ledger, &host, id)
                });
                let Some(spec) = spec else { continue };
                self.open_beside(spec, ledger).await;
            }
        }
    }

    /// Begins a termination deployment for every instance that waits for that before it is terminated.
    pub(super) async fn end_leaving(&self) {
        let (project, _) = self.0.documents.current();
        let groups = project.groups.iter();
        for group in groups.filter(|it| it.names_hooks()) {
            let mut ledgers = self.0.ledgers.lock().await;
            let Some(ledger) = ledgers.get_mut(&group.key()) else {
                continue;
            };
            let selection = ledger.selection(group);
            let leaves = |host: &&Host| {
                let waits = selection.waiting(host);
                let leaves = waits.is_some_and(|(_, it)| {
                    let hook = group.hook(it.transition, &it.group);
                    it.transition == Transition::Terminating && hook.is_some()
                });
                let mut ends = ledger.leaving.values();
                leaves && !ends.any(|hosts| hosts.contains(&host.name))
            };
            let leaving: Vec<&Host> = project.hosts.iter().filter(leaves).collect();
            for host in leaving {
                let configuration = project.one_at_a_time();
                let spec = configuration.and_then(|configuration| {
                    let id = clock::deployment_id();
                    let limits = project.settings.limits;
                    members::termination(group, configuration, limits, ledger, host, id)
                });
                let Some(spec) = spec else { continue };
                self.open_beside(spec, ledger).await;
            }
        }
    }

    /// Begins a deployment that takes no slot.
    async fn open_beside(&self, spec: Spec, ledger: &mut Ledger) {
        let now = clock::steady();
        let plan = plan(&spec);
        let (mut batch, mut opening) = opening(spec, plan, ledger, now);
        opening.used = self.used(&opening.deployment, now);
        batch.revisions.extend(opening.used.clone());
        self.append(batch).await;
        ledger.evolve(&opening.ledger);
        self.begin(opening);
    }

    /// The hosts that joined a group and whose agents answer.
    fn newcomers(&self, project: &Project, group: &DeploymentGroup, ledger: &Ledger) -> Vec<Host> {
        let handle = match &ledger.active {
            Some(id) => match lock(&self.0.active).get(id).cloned() {
                Some(handle) => Some(handle),
                // It is just beginning: its end will be the occasion to look again.
                None => return Vec::new(),
            },
            None => None,
        };
        let state = handle
            .as_ref()
            .map(|handle| handle.state.read().unwrap_or_else(PoisonError::into_inner));
        let selection = ledger.selection(group);
        let waits = |host: &Host, transition| {
            let waits = selection.waiting(host).map(|(_, waits)| waits);
            waits.is_some_and(|it| {
                it.transition == transition && group.hook(transition, &it.group).is_some()
            })
        };
        let comes = |host: &&Host| waits(host, Transition::Launching);
        let coming = project.hosts.iter().filter(comes);
        // By a tag, those that wait are selected too: those that leave get nothing any more.
        let there = project
            .selected(selection.clone())
            .filter(|host| !comes(host) && !waits(host, Transition::Terminating));
        members::newcomers(there.chain(coming), ledger, state.as_deref())
            .into_iter()
            .filter(|host| self.0.hosts.reached(&host.name))
            .cloned()
            .collect()
    }
}
