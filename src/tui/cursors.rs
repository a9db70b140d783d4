//! Where the cursor was within each application, group and deployment, as ids: whoever goes elsewhere and comes back finds what
//! was selected there, unless there is something since that they must not miss.

use std::collections::VecDeque;

use super::model::Selected;
use crate::api::view::View;
use crate::engine::Deployment;
use crate::model::deployment::DeploymentId;
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

/// The cursors.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    groups: Memory<Name, GroupKey, ()>,
    /// With the deployment that ran there.
    deployments: Memory<GroupKey, DeploymentId, Option<DeploymentId>>,
    /// With how many instances had failed.
    instances: Memory<DeploymentId, Name, u32>,
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
            self.deployments
                .put(group, id, active(view, group).cloned());
        }
        if let (Some(deployment), Some(name)) = (deployment, &selected.instance) {
            let failed = deployment.overview.failed;
            self.instances.put(deployment.id(), name, failed);
        }
    }

    /// The group that was selected in an application.
    pub(crate) fn group(&self, application: &Name) -> Option<&GroupKey> {
        self.groups.of(application).map(|(group, ())| group)
    }

    /// The deployment that was selected in a group, unless another runs there since.
    pub(crate) fn deployment(&self, view: &View, group: &GroupKey) -> Option<&DeploymentId> {
        let (id, ran) = self.deployments.of(group)?;
        let runs = active(view, group);
        (runs.is_none() || runs == ran.as_ref()).then_some(id)
    }

    /// The instance that was selected in a deployment, if it takes part, and no other has failed since.
    pub(crate) fn instance(&self, deployment: &Deployment) -> Option<&Name> {
        let (name, failed) = self.instances.of(deployment.id())?;
        let fits = deployment.overview.failed <= *failed && deployment.target(name).is_some();
        fits.then_some(name)
    }
}

/// The deployment that runs in a group.
fn active<'a>(view: &'a View, group: &GroupKey) -> Option<&'a DeploymentId> {
    view.ledgers.get(group)?.active.as_ref()
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
