//! When the selected deployment will be over: kept, as it takes two rehearsals to know.

use std::time::Duration;

use crate::engine::Deployment;
use crate::engine::remaining::{Paces, Remaining, goes_on, remaining};
use crate::model::deployment::{DeploymentId, DeploymentStatus};
use crate::model::timestamp::Timestamp;
use crate::tui::model::Model;

/// With more instances than this it is looked at less often the more there are: two rehearsals of 10,000 would else be half of what
/// an idle cockpit costs.
const MANY: u64 = 256;
/// How old it may become: while something happens, and while nothing but time goes by.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

/// What says whether anything is known at all, and up to what: where it has changed, nothing that was known before is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stands {
    status: DeploymentStatus,
    stage: usize,
    /// Whether it ceases, halts, holds, is frozen, is paused, and waits for approval.
    bars: [bool; 6],
}

impl Stands {
    fn of(deployment: &Deployment) -> Self {
        Self {
            status: deployment.status,
            stage: deployment.stage,
            bars: [
                deployment.is_ceasing(),
                deployment.halted.is_some(),
                deployment.held.is_some(),
                deployment.frozen.is_some(),
                deployment.paused.is_some(),
                deployment.awaits_approval().is_some(),
            ],
        }
    }
}

/// How much longer one deployment works, as it was known at one time.
#[derive(Debug, Default)]
pub(crate) struct Left {
    of: Option<(DeploymentId, Stands, u64)>,
    at: Timestamp,
    found: Option<Remaining>,
    /// The earlier deployment that is asked how long its instances took, where this one has too few that are done.
    past: Option<DeploymentId>,
    /// Whether that one was there.
    helped: bool,
}

impl Left {
    /// Fits it to a deployment at this time. Answers with an earlier one that has to be fetched for that.
    pub(crate) fn refresh(
        &mut self,
        model: &Model,
        deployment: &Deployment,
    ) -> Option<DeploymentId> {
        let now = model.present();
        let stands = Stands::of(deployment);
        let of = (deployment.id().clone(), stands, deployment.seq);
        let same = self.of.as_ref().is_some_and(|(id, ..)| *id == of.0);
        let stood = self.of.as_ref().is_some_and(|(_, was, _)| *was == stands);
        let pause = if self.of.as_ref() == Some(&of) {
            PAUSES.1
        } else {
            PAUSES.0
        };
        let many = u64::try_from(deployment.targets.len()).unwrap_or(u64::MAX);
        let many = Duration::from_millis(3 * many.saturating_sub(MANY));
        let young = self.at <= now && now.since(self.at) < pause.max(many);
        let came = !self.helped
            && self
                .past
                .as_ref()
                .is_some_and(|id| held(model, id).is_some());
        if same && stood && young && !came {
            return None;
        }
        let asked = self.past.take().filter(|_| same);
        let works = goes_on(deployment);
        let live = works && model.replay.is_none();
        let view = model.view.as_ref().filter(|_| live);
        self.past = view.and_then(|view| view.example(deployment)).cloned();
        let past = self.past.as_ref().and_then(|id| held(model, id));
        self.helped = past.is_some();
        let paces = works.then(|| Paces::of(deployment, past));
        self.found = paces.and_then(|paces| remaining(deployment, &paces, now));
        (self.of, self.at) = (Some(of), now);
        let missing = self.past.clone().filter(|_| past.is_none());
        missing.filter(|id| asked.as_ref() != Some(id))
    }

    /// The earlier deployment that is asked how long its instances took.
    pub(crate) fn example(&self) -> Option<&DeploymentId> {
        self.past.as_ref()
    }

    /// What is known of it by now.
    pub(crate) fn by(&self, now: Timestamp) -> Option<Remaining> {
        self.found.map(|found| found.after(now.since(self.at)))
    }
}

fn held<'a>(model: &'a Model, id: &DeploymentId) -> Option<&'a Deployment> {
    model.view.as_ref()?.deployments.get(id)
}
