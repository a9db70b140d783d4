//! What its alarms say to one deployment: from its turn to begin until it is over.

use std::future::pending;

use super::{Alarms, Subscription};
use crate::engine::{Deployment, Input};
use crate::model::alarm::Verdict;
use crate::model::group::AlarmConfiguration;
use crate::model::timestamp::Whole;

/// The alarms of a deployment. It is told nothing before [`watch`](Self::watch).
#[derive(Debug)]
pub(in crate::orchestrator) struct Guard {
    alarms: Alarms,
    /// Which are watched; none if the deployment has none, or they are switched off.
    configuration: Option<AlarmConfiguration>,
    watched: Option<Subscription>,
}

/// What a deployment is told.
#[derive(Debug)]
pub(in crate::orchestrator) enum Word {
    /// It has to wait, or to stop.
    Input(Input),
    /// Nothing keeps it from beginning.
    Quiet,
}

impl Guard {
    /// Of this deployment.
    pub fn new(alarms: &Alarms, deployment: &Deployment) -> Self {
        Self {
            alarms: alarms.clone(),
            configuration: deployment.spec.alarms().cloned(),
            watched: None,
        }
    }

    /// Watches from now on. Answers whether there is anything to watch.
    pub fn watch(&mut self) -> bool {
        let Some(configuration) = &self.configuration else {
            return false;
        };
        let names = configuration.alarms.iter().map(|alarm| &*alarm.name);
        let ignore = configuration.ignore_poll_alarm_failure;
        self.watched = Some(self.alarms.watch(names, ignore));
        true
    }

    /// The next word; never comes while nothing is watched. Nothing is lost if the wait is given up.
    pub async fn next(&mut self) -> Word {
        let Some(watched) = &mut self.watched else {
            return pending().await;
        };
        let verdict = watched.next().await;
        match &verdict {
            Verdict::Quiet => Word::Quiet,
            Verdict::Unknown { waiting } => {
                let patience = waiting.iter().map(|name| self.alarms.patience(name)).max();
                let most = Whole(patience.unwrap_or_default());
                let message = format!("{verdict}, {most} at most");
                Word::Input(Input::Queued { message })
            }
            Verdict::Active { .. } | Verdict::Unreadable { .. } => Word::Input(Input::Alarm {
                message: verdict.to_string(),
            }),
        }
    }
}
