//! Where the cursor was within each application, group and deployment, as ids: whoever goes elsewhere and comes back finds what
//! was selected there, unless there is something since that they must not miss.

use std::collections::VecDeque;

use super::model::Selected;
use crate::api::view::View;
use crate::engine::Deployment;
use crate::model::deployment::{DeploymentId, TargetStatus};
use crate::model::group::GroupKey;
use crate::model::name::Name;

/// Parents of a kind that are remembered.
const KEPT: usize = 200;

/// What was selected within each parent, and what was known as it was selected. The parent that was seen last is the last.
#[derive(Debug)]
struct Memory<P, C, K>(VecDeque<(P, C, K)>);

impl<P, C, K> Default for Memory<P, C, K> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<P: Clone + PartialEq, C: Clone + PartialEq, K> Memory<P, C, K> {
    fn put(&mut self, parent: &P, child: &C, known: K) {
        if let Some((last, selected, seen)) = self.0.back_mut()
            && last == parent
        {
            if selected != child {
                *selected = child.clone();
            }
            *seen = known;
            return;
        }
        self.0.retain(|(other, ..)| other != parent);
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((parent.clone(), child.clone(), known));
    }

    fn of(&self, parent: &P) -> Option<(&C, &K)> {
        let mut all = self.0.iter().rev();
        let found = all.find(|(other, ..)| other == parent);
        found.map(|(_, child, known)| (child, known))
    }
}

/// What was known of a group.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    newest: Option<DeploymentId>,
    /// The deployment that ran there.
    active: Option<DeploymentId>,
}

/// Which instances of a deployment had failed, as positions, and up to which record.
#[derive(Debug)]
struct Failed {
    seq: u64,
    positions: Vec<usize>,
}

/// The cursors.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    groups: Memory<Name, GroupKey, ()>,
    deployments: Memory<GroupKey, DeploymentId, Group>,
    instances: Memory<DeploymentId, Name, Failed>,
}

impl Cursors {
    /// Remembers what is selected.
    pub(crate) fn remember(
        &mut self,
        selected: &Selected,
        view: &View,
        deployment: Option<&Deployment>,
    ) {
        if let (Some(application), Some(group)) = (&selected.application, &selected.group) {
            self.groups.put(application, group, ());
        }
        if let (Some(group), Some(id)) = (&selected.group, &selected.deployment) {
            self.deployments.put(group, id, known(view, group));
        }
        if let (Some(deployment), Some(name)) = (deployment, &selected.instance) {
            let last = self.instances.0.back();
            let is_known = last.is_some_and(|(id, child, known)| {
                id == deployment.id() && child == name && known.seq == deployment.seq
            });
            if !is_known {
                let (seq, positions) = (deployment.seq, failed(deployment));
                let known = Failed { seq, positions };
                self.instances.put(deployment.id(), name, known);
            }
        }
    }

    /// The group that was selected in an application.
    pub(crate) fn group(&self, application: &Name) -> Option<&GroupKey> {
        self.groups.of(application).map(|(group, ())| group)
    }

    /// The deployment that was selected in a group, unless another was made or runs there since.
    pub(crate) fn deployment(&self, view: &View, group: &GroupKey) -> Option<&DeploymentId> {
        let (id, was) = self.deployments.of(group)?;
        let is = known(view, group);
        let fits = is.newest == was.newest && (is.active.is_none() || is.active == was.active);
        fits.then_some(id)
    }

    /// The instance that was selected in a deployment, if it takes part, and no other has failed since.
    pub(crate) fn instance(&self, deployment: &Deployment) -> Option<&Name> {
        let (name, was) = self.instances.of(deployment.id())?;
        let old = |position: &usize| was.positions.binary_search(position).is_ok();
        let fits = failed(deployment).iter().all(old) && deployment.target(name).is_some();
        fits.then_some(name)
    }
}

fn known(view: &View, group: &GroupKey) -> Group {
    let of_group = |id: &&DeploymentId| {
        let summary = view.summaries.get(*id);
        summary.is_some_and(|summary| summary.group == *group)
    };
    let ledger = view.ledgers.get(group);
    Group {
        newest: view.newest.iter().find(of_group).cloned(),
        active: ledger.and_then(|ledger| ledger.active.clone()),
    }
}

/// The instances that have failed, in their order.
fn failed(deployment: &Deployment) -> Vec<usize> {
    if deployment.overview.failed == 0 {
        return Vec::new();
    }
    let targets = deployment.targets.iter().enumerate();
    let failed = targets.filter(|(_, target)| target.status == TargetStatus::Failed);
    failed.map(|(position, _)| position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_an_end_and_forgets_first_what_was_seen_first() {
        let mut memory: Memory<usize, usize, ()> = Memory::default();
        for parent in 0..KEPT {
            memory.put(&parent, &1, ());
        }
        memory.put(&0, &2, ());
        memory.put(&KEPT, &1, ());
        assert_eq!(memory.0.len(), KEPT);
        assert_eq!(memory.of(&0), Some((&2, &())));
        assert_eq!(memory.of(&1), None);
        assert_eq!(memory.of(&2), Some((&1, &())));
    }
}
