//! Why instances of the selected deployment failed, computed again only when another has.

use crate::api::afterwards::causes::{Cause, causes};
use crate::engine::Deployment;
use crate::model::deployment::DeploymentId;

/// The causes of one deployment.
#[derive(Debug, Default)]
pub(crate) struct Causes {
    of: Option<(DeploymentId, u32)>,
    /// The most common first.
    pub found: Vec<Cause>,
}

impl Causes {
    /// Fits the causes to a deployment.
    pub(crate) fn refresh(&mut self, deployment: &Deployment) {
        let of = (deployment.id().clone(), deployment.overview.failed);
        if self.of.as_ref() == Some(&of) {
            return;
        }
        self.of = Some(of);
        self.found = causes(deployment);
    }
}
