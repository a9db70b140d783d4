//! The health of a group's hosts, kept a second time: the table of configurations.md §5, row by row.

use std::collections::BTreeMap;

use super::super::cast::Cast;
use super::{Invariant, Watch};
use crate::engine::ledger::{LedgerEvent, LedgerRecord};
use crate::model::deployment::{DeploymentStatus, InstanceHealth, RevisionHealth, TargetStatus};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::revision::Revision;

/// What the journal of a group should add up to.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    hosts: BTreeMap<Name, (InstanceHealth, RevisionHealth)>,
    pub revision: Option<Revision>,
    seq: u64,
}

impl Books {
    fn close(
        &mut self,
        succeeded: bool,
        revision: Option<&Revision>,
        outcomes: &[(Name, TargetStatus)],
    ) {
        use RevisionHealth::{Current, Old, Unknown};
        if succeeded
            && self
                .revision
                .as_ref()
                .is_some_and(|old| Some(&old.digest) != revision.map(|new| &new.digest))
        {
            for (name, (_, health)) in &mut self.hosts {
                let touched = outcomes.iter().any(|(other, _)| other == name);
                if !touched && *health == Current {
                    *health = Old;
                }
            }
        }
        for (name, outcome) in outcomes {
            let entry = self.hosts.entry(name.clone()).or_default();
            *entry = match (succeeded, *outcome == TargetStatus::Succeeded) {
                (true, true) => (InstanceHealth::Healthy, Current),
                (true, false) if entry.1 == Current => (InstanceHealth::Unhealthy, Unknown),
                (true, false) => (InstanceHealth::Unhealthy, entry.1),
                (false, true) => (InstanceHealth::Healthy, Unknown),
                (false, false) => (InstanceHealth::Unhealthy, Unknown),
            };
        }
        if succeeded {
            self.revision = revision.cloned();
        }
    }
}

impl Watch {
    /// An entry of a group's ledger is durable.
    pub(super) fn ledger(&mut self, group: usize, record: &LedgerRecord) {
        let seq = self.books[group].seq;
        self.check(record.seq == seq + 1, Invariant::Acknowledged, || {
            format!(
                "entry {} of the ledger of g{group} comes after {seq}",
                record.seq
            )
        });
        self.books[group].seq = record.seq;
        self.ledgers[group].evolve(record);
        if let LedgerEvent::Closed {
            deployment,
            status,
            revision,
            serving,
            task_sets,
            ..
        } = &record.event
        {
            self.takes_over(group, deployment, task_sets.as_deref());
            if let Some(serving) = serving {
                self.serves_from_now_on(Cast::number(deployment), &serving.now);
            }
            let succeeded = *status == DeploymentStatus::Succeeded;
            // What the deployment's own journal says became of its targets.
            let outcomes: Option<Vec<_>> =
                self.deployment(Cast::number(deployment)).map(|deployment| {
                    let on_hosts = deployment.spec.is_on_hosts();
                    let touched = deployment
                        .targets
                        .iter()
                        .filter(|target| on_hosts && target.attempt > 0)
                        .filter(|target| target.event(LifecycleEvent::Install).is_some());
                    touched
                        .map(|target| (target.name.clone(), target.status))
                        .collect()
                });
            if let LedgerEvent::Closed { outcomes: said, .. } = &record.event {
                let outcomes = outcomes.unwrap_or_else(|| said.clone());
                self.books[group].close(succeeded, revision.as_ref(), &outcomes);
            }
        }
        let (ledger, books) = (&self.ledgers[group], &self.books[group]);
        let wrong = books.hosts.iter().find(|(name, health)| {
            ledger
                .hosts
                .get(*name)
                .is_none_or(|host| (host.instance_health, host.revision_health) != **health)
        });
        let wrong = wrong.map(|(name, health)| {
            format!(
                "{name} should be {health:?} in g{group}, and is {:?}",
                ledger.hosts.get(name)
            )
        });
        let same_revision = ledger.target_revision == books.revision;
        if let Some(message) = wrong {
            self.violated(Invariant::Shown, || message);
        }
        self.check(same_revision, Invariant::Shown, || {
            format!("the revision of g{group} is not that of its last successful deployment")
        });
    }

    /// A write is durable as a whole: what goes together is there together.
    pub fn settled(&mut self) {
        for group in 0..self.ledgers.len() {
            let mut open = None;
            let mut two = false;
            for (_, deployment) in self
                .deployments()
                .filter(|(number, _)| self.group(*number) == group)
            {
                if !deployment.status.is_terminal() {
                    two |= open.is_some();
                    open = Some(deployment.id());
                }
            }
            let agree = open == self.ledgers[group].active.as_ref();
            self.check(!two, Invariant::OneAtATime, || {
                format!("two deployments of g{group} are not over")
            });
            self.check(agree, Invariant::OneAtATime, || {
                format!("the slot of g{group} and its deployments do not agree")
            });
        }
        for number in std::mem::take(&mut self.ended) {
            self.rollback_was_due(number);
        }
    }
}
