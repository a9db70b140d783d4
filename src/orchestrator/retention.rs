//! How long ended deployments are kept (operations.md §9): as many of each group as `settings.limits.deploymentsKept` says,
//! and all that something refers to. Without that setting everything is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::feed::FeedItem;
use super::snapshot::Summary;
use super::{Orchestrator, lock};
use crate::engine::Ledger;
use crate::engine::ledger::LedgerEvent;
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::store::journal::Batch;

/// So many deployments of each group are kept in any case.
const LEAST: usize = 20;

/// Whether there may be something to prune: a deployment has ended, or the setting has changed.
pub(super) fn may_have_grown(item: &FeedItem) -> bool {
    match item {
        FeedItem::Project { .. } => true,
        FeedItem::Ledger { record, .. } => matches!(record.event, LedgerEvent::Closed { .. }),
        _ => false,
    }
}

impl Orchestrator {
    /// Prunes what need not be kept: the journal first, in one transaction, then the output.
    pub(super) async fn prune(&self) {
        let (project, _) = self.0.documents.current();
        let Some(kept) = project.settings.limits.deployments_kept else {
            return;
        };
        // Held, so that nothing begins to refer to what is being pruned.
        let ledgers = self.0.ledgers.lock().await;
        let pruned = superfluous(&lock(&self.0.summaries), &ledgers, kept as usize);
        if pruned.is_empty() {
            return;
        }
        self.append(Batch {
            pruned: pruned.iter().cloned().collect(),
            ..Batch::default()
        })
        .await;
        lock(&self.0.summaries).retain(|id, _| !pruned.contains(id));
        drop(ledgers);
        tracing::info!(count = pruned.len(), "old deployments are no longer kept");
        self.publish(FeedItem::Pruned {
            deployments: pruned.clone(),
        });
        self.remove_outputs(pruned).await;
    }

    /// Removes what a crash kept from being removed: output of deployments and bundles of revisions that are not known.
    pub(super) async fn sweep(&self) {
        let known = |id: &DeploymentId| lock(&self.0.summaries).contains_key(id);
        match self.0.outputs.deployments() {
            Ok(found) => {
                let left = found.into_iter().filter(|id| !known(id)).collect();
                self.remove_outputs(left).await;
            }
            Err(error) => tracing::warn!(%error, "the output can't be looked through"),
        }
        self.sweep_bundles().await;
    }

    async fn remove_outputs(&self, deployments: BTreeSet<DeploymentId>) {
        let outputs = self.0.outputs.clone();
        let removing = tokio::task::spawn_blocking(move || {
            for id in deployments {
                if let Err(error) = outputs.remove(&id) {
                    tracing::warn!(%id, %error, "output that is no longer kept can't be removed");
                }
            }
        });
        if let Err(error) = removing.await {
            tracing::warn!(%error, "output that is no longer kept can't be removed");
        }
    }
}

/// The ended deployments that are neither among the last of their group nor referred to by what is kept: as a group's last
/// successful or last attempted deployment, as a rollback or what it rolls back, as an update or what it updates.
fn superfluous(
    summaries: &BTreeMap<DeploymentId, Summary>,
    ledgers: &BTreeMap<GroupKey, Ledger>,
    kept: usize,
) -> BTreeSet<DeploymentId> {
    let mut by_group: BTreeMap<&GroupKey, Vec<&Summary>> = BTreeMap::new();
    for summary in summaries.values() {
        by_group.entry(&summary.group).or_default().push(summary);
    }
    let mut stay: Vec<&DeploymentId> = Vec::new();
    for group in by_group.values_mut() {
        group.sort_by_key(|summary| {
            std::cmp::Reverse((summary.create_time, &summary.deployment_id))
        });
        let running = |summary: &Summary| !summary.status.is_terminal();
        let many = group.iter().enumerate();
        let last = many.filter(|(place, summary)| *place < kept.max(LEAST) || running(summary));
        stay.extend(last.map(|(_, summary)| &summary.deployment_id));
    }
    for ledger in ledgers.values() {
        stay.extend(&ledger.active);
        stay.extend(&ledger.last_begun);
        stay.extend(ledger.joining.keys());
        stay.extend(ledger.leaving.keys());
        let last = [
            &ledger.last_successful_deployment,
            &ledger.last_attempted_deployment,
        ];
        stay.extend(last.into_iter().flatten().map(|last| &last.deployment_id));
    }
    // What is linked stays together.
    let mut links: BTreeMap<&DeploymentId, Vec<&DeploymentId>> = BTreeMap::new();
    for summary in summaries.values() {
        let id = &summary.deployment_id;
        let linked = [
            &summary.rolls_back,
            &summary.rolled_back_by,
            &summary.updates,
        ];
        for other in linked.into_iter().flatten() {
            links.entry(id).or_default().push(other);
            links.entry(other).or_default().push(id);
        }
    }
    let mut kept = BTreeSet::new();
    while let Some(id) = stay.pop() {
        if kept.insert(id) {
            stay.extend(links.get(id).into_iter().flatten());
        }
    }
    summaries
        .keys()
        .filter(|id| !kept.contains(id))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ledger::LastDeployment;
    use crate::engine::waited::Waited;
    use crate::model::deployment::{Creator, DeploymentStatus, Overview};
    use crate::model::revision::{Digest, Revision};
    use crate::model::timestamp::Timestamp;

    fn id(number: usize) -> DeploymentId {
        format!("d-{number:09}").parse().unwrap()
    }

    fn key() -> GroupKey {
        GroupKey {
            application: "shop".parse().unwrap(),
            group: "production".parse().unwrap(),
        }
    }

    /// The deployments 1 to `count`, the highest number the newest.
    fn history(count: usize) -> BTreeMap<DeploymentId, Summary> {
        let summary = |number: usize| Summary {
            deployment_id: id(number),
            group: key(),
            revision: Revision {
                digest: Digest::from_bytes(&[0; 32]),
                label: "1.0".to_owned(),
                size: 1,
            },
            deployment_config_name: "CodeDeployDefault.OneAtATime".parse().unwrap(),
            status: DeploymentStatus::Succeeded,
            error_information: None,
            deployment_overview: Overview::default(),
            creator: Creator::User,
            by: "ana".to_owned(),
            rolls_back: None,
            rolled_back_by: None,
            updates: None,
            token: None,
            create_time: Timestamp(i64::try_from(number).unwrap()),
            start_time: None,
            complete_time: None,
            waited: Waited::default(),
        };
        (1..=count)
            .map(|number| (id(number), summary(number)))
            .collect()
    }

    fn pruned(
        summaries: &BTreeMap<DeploymentId, Summary>,
        ledger: &Ledger,
        kept: usize,
    ) -> Vec<DeploymentId> {
        let ledgers = BTreeMap::from([(key(), ledger.clone())]);
        superfluous(summaries, &ledgers, kept).into_iter().collect()
    }

    #[test]
    fn the_last_twenty_of_each_group_stay_whatever_the_setting_says() {
        let ledger = Ledger::default();
        assert_eq!(pruned(&history(20), &ledger, 0), []);
        assert_eq!(pruned(&history(22), &ledger, 3), [id(1), id(2)]);
        assert_eq!(pruned(&history(22), &ledger, 21), [id(1)]);
        let mut two_groups = history(22);
        for number in 1..=11 {
            let summary = two_groups.get_mut(&id(number)).unwrap();
            summary.group.group = "staging".parse().unwrap();
        }
        assert_eq!(pruned(&two_groups, &ledger, 0), []);
    }

    #[test]
    fn what_is_referred_to_stays() {
        let mut summaries = history(30);
        let at = |number: usize| LastDeployment {
            deployment_id: id(number),
            status: DeploymentStatus::Succeeded,
            create_time: Timestamp(1),
            end_time: None,
        };
        let ledger = Ledger {
            last_successful_deployment: Some(at(2)),
            last_attempted_deployment: Some(at(3)),
            ..Ledger::default()
        };
        let mut change =
            |number: usize, act: fn(&mut Summary)| act(summaries.get_mut(&id(number)).unwrap());
        change(4, |one| one.status = DeploymentStatus::InProgress);
        // 12 is among the last twenty: what it rolls back stays, and what that had updated.
        change(12, |one| one.rolls_back = Some(id(5)));
        change(5, |one| one.updates = Some(id(6)));
        // An old pair refers to itself alone.
        change(7, |one| one.rolled_back_by = Some(id(8)));
        change(8, |one| one.rolls_back = Some(id(7)));
        let expected = [1, 7, 8, 9, 10].map(id);
        assert_eq!(pruned(&summaries, &ledger, 0), expected);
    }
}
