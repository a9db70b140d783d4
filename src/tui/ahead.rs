//! What happens next with the selected deployment: the engine's own words, kept until something changes.

use std::time::Duration;

use crate::engine::Deployment;
use crate::engine::outlook::{Outlook, outlook};
use crate::model::deployment::DeploymentId;
use crate::model::timestamp::Timestamp;

/// With more instances than this in flight, looking ahead costs more than every entry of a flood is worth.
const MANY: usize = 256;
/// How old the words may become then: while something happens, and while nothing but time goes by.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

/// The outlook of one deployment, as it was at one time.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    of: Option<(DeploymentId, u64)>,
    at: Timestamp,
    /// What it waits for, and what comes then; `None` once it has ended.
    pub outlook: Option<Outlook>,
}

impl Ahead {
    /// Fits it to a deployment at this time.
    pub(crate) fn refresh(&mut self, deployment: &Deployment, now: Timestamp) {
        let same = self
            .of
            .as_ref()
            .is_some_and(|(id, _)| id == deployment.id());
        let newest = self
            .of
            .as_ref()
            .is_some_and(|(_, seq)| *seq == deployment.seq);
        // Its times are in whole seconds.
        let second = self.at.0.div_euclid(1000) == now.0.div_euclid(1000);
        let pause = if newest { PAUSES.1 } else { PAUSES.0 };
        let busy =
            deployment.in_flight.len() > MANY && now.since(self.at) < pause && self.at <= now;
        if same && ((newest && second) || busy) {
            return;
        }
        self.of = Some((deployment.id().clone(), deployment.seq));
        self.at = now;
        let over = deployment.status.is_terminal();
        self.outlook = (!over).then(|| outlook(deployment, now));
    }
}
