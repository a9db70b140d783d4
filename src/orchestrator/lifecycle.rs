//! Instances that wait for a lifecycle hook of their Auto Scaling group: those that come until the group's revision is on them,
//! those that leave until their application has ended (operations.md §7).
//!
//! What an instance is told follows from the ledgers and from what AWS said last, and nothing else: after a crash whoever
//! takes over says the same again, and AWS takes it once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::stream;

use super::Orchestrator;
use crate::engine::Ledger;
use crate::model::deployment::InstanceHealth;
use crate::model::group::{DeploymentGroup, OutdatedInstancesStrategy};
use crate::model::host::{Host, Transition};
use crate::providers::scaling::{self, Say, Waits};

/// So many instances are told side by side: AWS takes its time, and nobody waits longer than the hook allows.
const TOGETHER: usize = 16;

/// After so many launches in a row that came to nothing an operator has to look (operations.md §7).
const LOOP: usize = 3;

/// An instance that waits, by its account, its Auto Scaling group, the hook and its id.
type Place = (String, String, String, String);

/// How launches have ended of late.
#[derive(Debug, Default)]
pub(super) struct Launches {
    /// The instances that were abandoned since the last one that was of use, by their account and their Auto Scaling group.
    abandoned: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Launches {
    /// An instance that came was told this.
    fn told(&mut self, (account, group, _, instance): &Place, say: Say) {
        let place = (account.clone(), group.clone());
        match say {
            Say::Abandon => {
                let abandoned = self.abandoned.entry(place).or_default();
                abandoned.insert(instance.clone());
            }
            Say::Continue => drop(self.abandoned.remove(&place)),
            Say::Wait => {}
        }
    }

    /// The groups that may go on like that for ever, in a sentence each.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let all = self.abandoned.iter();
        let again = all.filter(|(_, abandoned)| abandoned.len() >= LOOP);
        again.map(|((account, group), abandoned)| {
            format!(
                "{} instances in a row of the Auto Scaling group {group} of the AWS account {account} were abandoned, for their launch deployments failed, and it goes on launching others: suspend its process Launch, look at the last of these deployments (`cutover list`), and deploy a revision that succeeds to the instances that are there",
                abandoned.len()
            )
        })
    }
}

impl Orchestrator {
    /// Tells every instance that waits for a hook of a deployment group what has become of it. Whether somebody waits.
    pub(super) async fn answer_waiting(&self) -> bool {
        let verdicts = self.verdicts().await;
        let before = self.0.scaling.stuck();
        let told = verdicts.iter().map(|it| self.answer(it)).collect();
        let told = side_by_side(told).await;
        let mut trouble: Vec<String> = told.into_iter().filter_map(Result::err).collect();
        trouble.sort();
        trouble.dedup();
        self.0.scaling.unanswered(trouble);
        if self.0.scaling.stuck() != before {
            self.show_trouble().await;
        }
        !verdicts.is_empty()
    }

    /// Tells one. Why it could not be told, in a sentence.
    async fn answer(
        &self,
        (place, (transition, say)): (&Place, &(Transition, Say)),
    ) -> Result<(), String> {
        let (account, group, hook, instance) = place;
        let waits = Waits {
            group,
            hook,
            instance,
        };
        crate::crash_point::here!("lifecycle.before-answer");
        let told = scaling::tell(self.0.scaling.accounts(), account, &waits, *say).await;
        told.map_err(|error| format!("{instance} waits for {hook}: {error}"))?;
        tracing::info!(%instance, %hook, ?say, "an instance that waits was told");
        if *say != Say::Wait {
            crate::crash_point::here!("lifecycle.answered");
        }
        if *transition == Transition::Launching {
            self.0.scaling.launches().told(place, *say);
        }
        Ok(())
    }

    /// Whether instances may wait for a deployment group at any time.
    pub(super) fn answers_hooks(&self) -> bool {
        let (project, _) = self.0.documents.current();
        let mut groups = project.groups.iter().filter(|it| it.account.is_some());
        groups.any(DeploymentGroup::names_hooks)
    }

    /// What each instance that waits is to be told. Where several deployment groups have a say, all of them have to let it go on.
    async fn verdicts(&self) -> BTreeMap<Place, (Transition, Say)> {
        let (project, _) = self.0.documents.current();
        let ledgers = self.0.ledgers.lock().await;
        let nothing = Ledger::default();
        let mut verdicts: BTreeMap<Place, (Transition, Say)> = BTreeMap::new();
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
                let (_, known) = verdicts.entry(place).or_insert((waits.transition, say));
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

/// What comes of all of these, a few at a time.
async fn side_by_side<T>(all: Vec<impl Future<Output = T>>) -> Vec<T> {
    stream::iter(all).buffered(TOGETHER).collect().await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::Barrier;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_another_who_is_told() {
        let all_at_once = Barrier::new(TOGETHER);
        let told = (0..TOGETHER).map(async |number| {
            all_at_once.wait().await;
            number
        });
        let told = timeout(Duration::from_secs(10), side_by_side(told.collect())).await;
        assert_eq!(told.unwrap(), (0..TOGETHER).collect::<Vec<_>>());
    }

    #[test]
    fn three_launches_in_a_row_that_come_to_nothing_are_told() {
        let mut launches = Launches::default();
        let place = |group: &str, id: &str| {
            let place = ["prod", group, "come", id];
            place.map(str::to_owned).into()
        };
        let mut told = |group: &str, id: &str, say: Say| {
            launches.told(&place(group, id), say);
            launches.warnings().collect::<Vec<_>>()
        };
        // Said again, it is the same instance.
        for id in ["i-1", "i-2", "i-2"] {
            assert_eq!(told("web", id, Say::Abandon), [""; 0]);
        }
        assert_eq!(told("other", "i-7", Say::Abandon), [""; 0]);
        assert_eq!(told("web", "i-3", Say::Wait), [""; 0]);
        let warned = told("web", "i-3", Say::Abandon);
        assert!(
            warned.len() == 1 && warned[0].starts_with("3 instances in a row"),
            "{warned:?}"
        );
        assert!(warned[0].contains("group web of"), "{warned:?}");
        assert_eq!(told("web", "i-4", Say::Continue), [""; 0]);
        assert_eq!(told("web", "i-5", Say::Abandon), [""; 0]);
    }
}
