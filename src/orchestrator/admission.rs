//! Which deployment may begin when: no more run at a time than `settings.limits.concurrentDeployments` allows, and the
//! others wait in the order of their creation, rollbacks before all.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

use super::{Orchestrator, lock};
use crate::engine::Deployment;
use crate::model::approval::Step;
use crate::model::deployment::{DeploymentId, DeploymentStatus, ErrorCode, ErrorInformation};
use crate::model::group::GroupKey;
use crate::model::timestamp::Timestamp;

/// What a deployment that has not begun is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nobody has looked yet.
    Unknown,
    /// It waits, for what this sentence says.
    Wait(String),
    /// It may begin.
    Now,
}

/// The deployments that run and those that wait for them to end.
#[derive(Debug, Default)]
pub(super) struct Admission {
    running: BTreeSet<DeploymentId>,
    waiting: BTreeMap<Place, watch::Sender<Turn>>,
    /// Those that wait for approvals first, and have no place yet.
    unapproved: BTreeMap<DeploymentId, (Place, watch::Sender<Turn>)>,
}

/// A place among those that wait: rollbacks first, then by age.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    ordinary: bool,
    created: Timestamp,
    deployment: DeploymentId,
    group: GroupKey,
    /// Whether it goes back, which no freeze keeps it from.
    way_back: bool,
}

impl Admission {
    /// Takes in a deployment: one that has begun runs, another waits until [`review`](Self::review) lets it begin. A launch
    /// deployment neither waits nor counts.
    pub fn enter(&mut self, deployment: &Deployment) -> watch::Receiver<Turn> {
        let begun = !matches!(
            deployment.status,
            DeploymentStatus::Created | DeploymentStatus::Queued
        );
        let (turn, mut ear) = watch::channel(Turn::Unknown);
        if !deployment.spec.takes_slot() {
            turn.send_replace(Turn::Now);
            ear.mark_changed();
        } else if begun {
            self.running.insert(deployment.id().clone());
        } else {
            let place = Place {
                ordinary: deployment.spec.rolls_back.is_none(),
                created: deployment.create_time,
                deployment: deployment.id().clone(),
                group: deployment.group_key(),
                way_back: deployment.spec.is_way_back(),
            };
            if deployment.is_approved(Step::Start) {
                self.waiting.insert(place, turn);
            } else {
                let id = deployment.id().clone();
                self.unapproved.insert(id, (place, turn));
            }
        }
        ear
    }

    /// A deployment has the approvals to begin; answers whether it had waited for them.
    pub fn approved(&mut self, deployment: &DeploymentId) -> bool {
        let found = self.unapproved.remove(deployment);
        let news = found.is_some();
        self.waiting.extend(found);
        news
    }

    /// A deployment has ended, whether it had begun or not.
    pub fn leave(&mut self, deployment: &DeploymentId) {
        self.running.remove(deployment);
        self.unapproved.remove(deployment);
        self.waiting
            .retain(|place, _| &place.deployment != deployment);
    }

    /// Lets begin what may, and tells the others what they wait for.
    pub fn review(&mut self, limit: Option<u32>, frozen: impl Fn(&GroupKey) -> Option<String>) {
        let limit = limit.map_or(usize::MAX, |limit| limit as usize);
        // Who is in a freeze lets others pass.
        let stays = |place: &Place| {
            let looks = !place.way_back;
            looks.then(|| frozen(&place.group)).flatten()
        };
        let all = std::mem::take(&mut self.waiting);
        let (free, held): (BTreeMap<_, _>, BTreeMap<_, _>) = all
            .into_iter()
            .partition(|(place, _)| stays(place).is_none());
        self.waiting = free;
        while self.running.len() < limit
            && let Some((place, turn)) = self.waiting.pop_first()
        {
            turn.send_replace(Turn::Now);
            self.running.insert(place.deployment);
        }
        for (place, turn) in &held {
            tell(turn, stays(place).unwrap_or_default());
        }
        if self.waiting.is_empty() {
            self.waiting = held;
            return;
        }
        let message = self.message(limit);
        for (before, turn) in self.waiting.values().enumerate() {
            let message = match before {
                0 => message.clone(),
                1 => format!("{message}; another one is before it"),
                several => format!("{message}; {several} others are before it"),
            };
            tell(turn, message);
        }
        self.waiting.extend(held);
    }

    fn message(&self, limit: usize) -> String {
        if limit == 0 {
            return "nothing begins while settings.limits.concurrentDeployments of cutover.yaml is 0"
                .to_owned();
        }
        // Not which ones: whoever reads it may not see their groups.
        let what = match self.running.len() {
            1 => "the deployment that runs".to_owned(),
            n => format!("one of the {n} deployments that run"),
        };
        format!(
            "waits for {what} to end (settings.limits.concurrentDeployments of cutover.yaml is {limit})"
        )
    }
}

/// Says what somebody waits for, if it is new.
fn tell(turn: &watch::Sender<Turn>, message: String) {
    let wait = Turn::Wait(message);
    turn.send_if_modified(|known| {
        let news = *known != wait;
        *known = wait;
        news
    });
}

impl Orchestrator {
    /// Lets begin what may: something ended, came, or the limit changed.
    pub(super) fn admit(&self) {
        let (project, _) = self.0.documents.current();
        let limit = project.settings.limits.concurrent_deployments;
        lock(&self.0.admission).review(limit, |group| self.frozen(group));
    }

    /// What a deployment needs and is gone since it was created (operations.md §1.3, step 5).
    pub(super) fn missing(&self, deployment: &Deployment) -> Option<ErrorInformation> {
        let (project, _) = self.0.documents.current();
        let key = deployment.group_key();
        let (code, what) = if !project.applications.contains_key(&key.application) {
            let what = format!("the application {}", key.application);
            (ErrorCode::ApplicationMissing, what)
        } else if project.group(&key).is_none() {
            let what = format!("the deployment group {key}");
            (ErrorCode::DeploymentGroupMissing, what)
        } else if !self.is_registered(&key.application, &deployment.spec.revision.digest) {
            let what = format!("the record of revision {}", deployment.spec.revision.label);
            (ErrorCode::RevisionMissing, what)
        } else {
            return None;
        };
        Some(ErrorInformation {
            code,
            message: format!("{what} was deleted before the deployment began"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(letter: char) -> DeploymentId {
        format!("d-{}", String::from(letter).repeat(9))
            .parse()
            .unwrap()
    }

    /// Lets a deployment wait, as [`Admission::enter`] does.
    fn wait(
        admission: &mut Admission,
        letter: char,
        created: i64,
        rollback: bool,
    ) -> watch::Receiver<Turn> {
        let (turn, ear) = watch::channel(Turn::Unknown);
        let place = Place {
            ordinary: !rollback,
            created: Timestamp(created),
            deployment: id(letter),
            group: GroupKey {
                application: "shop".parse().unwrap(),
                group: "production".parse().unwrap(),
            },
            way_back: rollback,
        };
        admission.waiting.insert(place, turn);
        ear
    }

    /// Nothing is frozen.
    fn free(_: &GroupKey) -> Option<String> {
        None
    }

    #[test]
    fn in_a_freeze_only_what_goes_back_begins() {
        let mut admission = Admission::default();
        let ordinary = wait(&mut admission, 'A', 1, false);
        let rollback = wait(&mut admission, 'B', 2, true);
        admission.review(None, |_| Some("frozen until 18:00".to_owned()));
        assert_eq!(*rollback.borrow(), Turn::Now);
        assert_eq!(
            *ordinary.borrow(),
            Turn::Wait("frozen until 18:00".to_owned())
        );
        admission.review(None, free);
        assert_eq!(*ordinary.borrow(), Turn::Now);
    }

    #[test]
    fn they_begin_in_the_order_of_creation_and_rollbacks_before_others() {
        let mut admission = Admission::default();
        let mut young = wait(&mut admission, 'A', 3, false);
        let mut old = wait(&mut admission, 'B', 1, false);
        admission.review(Some(1), free);
        assert_eq!(*old.borrow_and_update(), Turn::Now);
        let Turn::Wait(message) = young.borrow_and_update().clone() else {
            panic!("it waits");
        };
        assert!(
            message.starts_with("waits for the deployment that runs to end"),
            "{message}"
        );
        assert!(
            message.contains("concurrentDeployments of cutover.yaml is 1"),
            "{message}"
        );
        // What they wait for has not changed: nothing is told again.
        admission.review(Some(1), free);
        assert!(!young.has_changed().unwrap());

        let rollback = wait(&mut admission, 'C', 9, true);
        admission.leave(&id('B'));
        admission.review(Some(1), free);
        assert_eq!(*rollback.borrow(), Turn::Now);
        let Turn::Wait(message) = young.borrow_and_update().clone() else {
            panic!("it waits");
        };
        assert!(
            !message.contains("d-C"),
            "others may not know of it: {message}"
        );
        // A higher limit lets it begin, too.
        admission.review(Some(2), free);
        assert_eq!(*young.borrow(), Turn::Now);
        assert!(admission.waiting.is_empty());
        assert_eq!(admission.running.len(), 2);
    }

    #[test]
    fn where_none_may_run_it_says_what_would_let_it_begin() {
        let mut admission = Admission::default();
        let ear = wait(&mut admission, 'A', 1, false);
        admission.review(Some(0), free);
        let Turn::Wait(message) = ear.borrow().clone() else {
            panic!("it waits");
        };
        assert!(message.starts_with("nothing begins while"), "{message}");
        admission.review(Some(1), free);
        assert_eq!(*ear.borrow(), Turn::Now);
    }

    #[test]
    fn one_that_is_stopped_while_it_waits_leaves_its_place() {
        let mut admission = Admission::default();
        let first = wait(&mut admission, 'A', 1, false);
        admission.review(None, free);
        let gone = wait(&mut admission, 'B', 2, false);
        let last = wait(&mut admission, 'C', 3, false);
        admission.review(Some(1), free);
        assert!(
            matches!(&*last.borrow(), Turn::Wait(m) if m.ends_with("another one is before it"))
        );
        admission.leave(&id('B'));
        admission.leave(&id('A'));
        admission.review(Some(1), free);
        assert_eq!(*first.borrow(), Turn::Now);
        assert!(matches!(&*gone.borrow(), Turn::Wait(_)));
        assert_eq!(*last.borrow(), Turn::Now);
    }
}
