//! A deployment's view of its alarms.

use futures_util::FutureExt as _;
use futures_util::future::select_all;
use tokio::sync::watch;

use crate::model::alarm::{AlarmStatus, Verdict, verdict};

/// The alarms of one deployment, which are polled for as long as this is kept.
#[derive(Debug)]
pub struct Subscription {
    alarms: Vec<watch::Receiver<AlarmStatus>>,
    ignore_poll_failure: bool,
    told: Option<Verdict>,
}

impl Subscription {
    pub(super) fn new(
        alarms: Vec<watch::Receiver<AlarmStatus>>,
        ignore_poll_failure: bool,
    ) -> Self {
        Self {
            alarms,
            ignore_poll_failure,
            told: None,
        }
    }

    /// What the alarms mean now.
    pub fn verdict(&self) -> Verdict {
        let statuses: Vec<AlarmStatus> = self
            .alarms
            .iter()
            .map(|alarm| alarm.borrow().clone())
            .collect();
        verdict(&statuses, self.ignore_poll_failure)
    }

    /// The next verdict that is another than the one before; the first time, the verdict as it is. Nothing is lost if the
    /// wait is given up.
    pub async fn next(&mut self) -> Verdict {
        loop {
            for alarm in &mut self.alarms {
                alarm.mark_unchanged();
            }
            let verdict = self.verdict();
            if self.told.as_ref() != Some(&verdict) {
                self.told = Some(verdict.clone());
                return verdict;
            }
            if self.alarms.is_empty() {
                std::future::pending::<()>().await;
            }
            // Whoever polls keeps its end for as long as this one is here.
            let changes = self.alarms.iter_mut().map(|alarm| alarm.changed().boxed());
            let _changed = select_all(changes).await;
        }
    }
}
