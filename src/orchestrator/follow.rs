//! What follows from a deployment that has ended: its rollback, or an update of the instances that fell behind.

use super::{Orchestrator, lock};
use crate::clock;
use crate::engine::event::Event;
use crate::engine::spec::RollbackTargets;
use crate::engine::{Deployment, Ledger, Spec, members, rollback};
use crate::model::deployment::{Creator, DeploymentStatus};
use crate::model::host::Host;

/// What follows: at most one deployment, and what is noted about it on the one that ended.
#[derive(Debug, Default)]
pub(super) struct Follow {
    /// An entry of the deployment that ended.
    pub note: Option<Event>,
    /// What the next deployment asks for.
    pub next: Option<Spec>,
}

impl Follow {
    fn not_rolled_back(message: String) -> Self {
        Self {
            note: Some(Event::RolledBack {
                deployment: None,
                message,
            }),
            next: None,
        }
    }
}

impl Orchestrator {
    /// What follows from the end of a deployment, of which the ledger knows already.
    pub(super) async fn follow_up(&self, ended: &Deployment, ledger: &Ledger) -> Follow {
        if rollback::wanted(ended) {
            return match self.roll_back_to(ended, ledger) {
                Ok(spec) => Follow {
                    note: Some(Event::RolledBack {
                        message: format!("{} rolls it back", spec.deployment_id),
                        deployment: Some(spec.deployment_id.clone()),
                    }),
                    next: Some(spec),
                },
                Err(message) => Follow::not_rolled_back(message),
            };
        }
        let asked = ended.stop.as_ref().and_then(|stop| stop.auto_rollback) == Some(true);
        if asked && ended.status == DeploymentStatus::Stopped {
            return Follow::not_rolled_back(format!(
                "a deployment by {} is never rolled back by itself: deploy what the group should have",
                ended.spec.creator.name()
            ));
        }
        Follow {
            note: None,
            next: self.update_after(ended, ledger).await,
        }
    }

    /// What goes back from a deployment that has ended.
    pub(super) fn roll_back_to(&self, ended: &Deployment, ledger: &Ledger) -> Result<Spec, String> {
        let (project, _) = self.0.documents.current();
        let key = ended.group_key();
        // Who belongs to the group is what its document says now.
        let group = project.group(&key).ok_or_else(|| {
            format!("{key} is no longer in the project, so there is nothing to roll back")
        })?;
        let hosts: Vec<Host> = project.selected(ledger.selection(group)).cloned().collect();
        let mut spec = rollback::spec(ended, ledger, &hosts, clock::deployment_id())?;
        if ended.spec.options.rollback_targets == RollbackTargets::Attempted {
            spec = members::for_few(spec, project.one_at_a_time());
        }
        if self.is_registered(&key.application, &spec.revision.digest) {
            Ok(spec)
        } else {
            Err(format!(
                "the record of revision {}, which it would go back to, has been deleted",
                spec.revision.label
            ))
        }
    }

    /// The update of instances that joined with a former revision (domain.md §12): those that joined while a deployment
    /// ran are brought up to date when it has succeeded; one whose launch ended after that, then.
    async fn update_after(&self, ended: &Deployment, ledger: &Ledger) -> Option<Spec> {
        // An original is as it was before.
        let frozen = self.freeze_over(&ended.group_key()).is_some();
        if frozen || ledger.active.is_some() || ended.spec.goes_back() {
            return None;
        }
        let (project, _) = self.0.documents.current();
        let mut members: Vec<Host> = project
            .selected(ledger.selection(project.group(&ended.group_key())?))
            .cloned()
            .collect();
        let former;
        let basis = if ended.status == DeploymentStatus::Succeeded && ended.spec.takes_slot() {
            ended
        } else {
            members.retain(|host| self.was_launched(ledger, host));
            let last = ledger.last_successful_deployment.as_ref()?;
            if members.is_empty() {
                return None;
            }
            former = self.deployment(&last.deployment_id).await.ok()?;
            &former
        };
        if let Some(update) = &basis.spec.updates {
            // What a person's deployment was for, or left out on purpose, is not outdated.
            let root = self.deployment(&update.root).await.ok()?;
            members.retain(|host| root.target(&host.name).is_none());
        }
        let spec = members::update(basis, ledger, &members, clock::deployment_id())?;
        Some(members::for_few(spec, project.one_at_a_time()))
    }

    /// Whether the last deployment to a host was that by which it joined.
    fn was_launched(&self, ledger: &Ledger, host: &Host) -> bool {
        let last = ledger.hosts.get(&host.name);
        let last = last.and_then(|known| known.deployment.as_ref());
        last.is_some_and(|id| {
            let summaries = lock(&self.0.summaries);
            summaries
                .get(id)
                .is_some_and(|summary| summary.creator == Creator::Autoscaling)
        })
    }
}
