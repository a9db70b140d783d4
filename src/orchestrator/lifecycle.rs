//! Instances that wait for a lifecycle hook of their Auto Scaling group: those that come until the group's revision is on them,
//! those that leave until their application has ended (operations.md §7).
//!
//! What an instance is told follows from the ledgers and from what AWS said last, and nothing else: after a crash whoever
//! takes over says the same again, and AWS takes it once.

use std::collections::BTreeMap;

use super::Orchestrator;
use crate::engine::Ledger;
use crate::model::deployment::InstanceHealth;
use crate::model::group::{DeploymentGroup, OutdatedInstancesStrategy};
use crate::model::host::{Host, Transition};
use crate::providers::scaling::{self, Say, Waits};

/// An instance that waits, by its account, its Auto Scaling group, the hook and its id.
type Place = (String, String, String, String);

impl Orchestrator {
    /// Tells every instance that waits for a hook of a deployment group what has become of it. Whether somebody waits.
    pub(super) async fn answer_waiting(&self) -> bool {
        let verdicts = self.verdicts().await;
        let mut trouble = Vec::new();
        for ((account, group, hook, instance), say) in &verdicts {
            let waits = Waits {
                group,
                hook,
                instance,
            };
            crate::crash_point::here!("lifecycle.before-answer");
            let told = scaling::tell(self.0.scaling.accounts(), account, &waits, *say).await;
            match told {
                Ok(()) => tracing::info!(%instance, %hook, ?say, "an instance that waits was told"),
                Err(error) => trouble.push(format!("{instance} waits for {hook}: {error}")),
            }
            if *say != Say::Wait {
                crate::crash_point::here!("lifecycle.answered");
            }
        }
        trouble.sort();
        trouble.dedup();
        if self.0.scaling.unanswered(&trouble) {
            self.show_trouble().await;
        }
        !verdicts.is_empty()
    }

    /// Whether instances may wait for a deployment group at any time.
    pub(super) fn answers_hooks(&self) -> bool {
        let (project, _) = self.0.documents.current();
        let mut groups = project.groups.iter().filter(|it| it.account.is_some());
        groups.any(DeploymentGroup::names_hooks)
    }

    /// What each instance that waits is to be told. Where several deployment groups have a say, all of them have to let it go on.
    async fn verdicts(&self) -> BTreeMap<Place, Say> {
        let (project, _) = self.0.documents.current();
        let ledgers = self.0.ledgers.lock().await;
        let nothing = Ledger::default();
        let mut verdicts: BTreeMap<Place, Say> = BTreeMap::new();
        for group in project.groups.iter().filter(|it| it.account.is_some()) {
            let ledger = ledgers.get(&group.key()).unwrap_or(&nothing);
            let selection = ledger.selection(group);
            for host in &project.hosts {
                let Some((instance, waits)) = selection.waiting(host) else {
                    continue;
                };
                let Some(hook) = group.hook(waits.transition, &waits.group) else {
                    continue;
                };
                let say = match waits.transition {
                    Transition::Launching => self.coming(group, ledger, host),
                    Transition::Terminating => Some(leaving(group, ledger, host)),
                };
                let Some(say) = say else { continue };
                let place = (
                    instance.account.clone(),
                    waits.group.clone(),
                    hook.to_owned(),
                    host.name.to_string(),
                );
                let known = verdicts.entry(place).or_insert(say);
                *known = say.max(*known);
            }
        }
        verdicts
    }

    /// What an instance is told that comes. Nothing as long as its agent does not answer: AWS knows how long that may take.
    fn coming(&self, group: &DeploymentGroup, ledger: &Ledger, host: &Host) -> Option<Say> {
        let launches = group.outdated_instances_strategy == OutdatedInstancesStrategy::Update;
        if ledger.target_revision.is_none() || !launches {
            return Some(Say::Continue);
        }
        let mut joining = ledger.joining.values();
        if joining.any(|hosts| hosts.contains(&host.name)) {
            return Some(Say::Wait);
        }
        if let Some(known) = ledger.hosts.get(&host.name) {
            // One whose deployment ended before it began has no revision.
            let well = known.instance_health == InstanceHealth::Healthy && known.revision.is_some();
            return Some(if well { Say::Continue } else { Say::Abandon });
        }
        let frozen = self.freeze_over(&group.key()).is_some();
        (frozen || self.0.hosts.reached(&host.name)).then_some(Say::Wait)
    }
}

/// What an instance is told that leaves: whatever came of the deployment by which its application ended, it may go.
fn leaving(group: &DeploymentGroup, ledger: &Ledger, host: &Host) -> Say {
    let mut leaving = ledger.leaving.values();
    let ends = leaving.any(|hosts| hosts.contains(&host.name));
    let has = crate::engine::members::is_to_end(group, ledger, &host.name);
    if ends || has {
        Say::Wait
    } else {
        Say::Continue
    }
}
