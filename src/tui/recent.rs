//! The deployments that were looked at last: of those that are over, only these are kept whole.

use std::collections::VecDeque;

use crate::model::deployment::DeploymentId;

/// How many are kept.
pub(crate) const KEPT: usize = 8;

/// Their ids, that of the last one last.
#[derive(Debug, Default)]
pub(crate) struct Recent(VecDeque<DeploymentId>);

impl Recent {
    /// This one is looked at.
    pub(crate) fn touch(&mut self, id: DeploymentId) {
        if self.0.back() == Some(&id) {
            return;
        }
        self.0.retain(|other| *other != id);
        self.0.push_back(id);
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    /// Whether this one is among them.
    pub(crate) fn has(&self, id: &DeploymentId) -> bool {
        self.0.contains(id)
    }
}
