//! Keeps the targets of one deployment where they ought to be at its load balancers, and reports what has come of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::hosts::Mode;
use super::super::{Orchestrator, Request};
use super::Errand;
use super::look::{Findings, look};
use crate::clock;
use crate::engine::input::Report;
use crate::engine::{Deployment, Input};
use crate::model::deployment::ExecutionId;
use crate::model::diagnostics::{Diagnostics, LifecycleErrorCode};
use crate::model::lifecycle::EventStatus;
use crate::model::name::Name;

/// How soon to look again while somebody waits for something.
const SOON: Duration = Duration::from_millis(50);

/// How soon to try again with a load balancer that could not be looked after.
const AGAIN: Duration = Duration::from_millis(500);

/// How soon to look again otherwise: a restart, or a change by hand, is put right within this.
const NOW_AND_THEN: Duration = Duration::from_secs(1);

/// What a keeper is asked.
#[derive(Debug)]
pub(super) enum Ask {
    Errand(Errand),
    Forget(ExecutionId),
}

/// An errand, and what its deployment was told.
struct Open {
    errand: Errand,
    begun: bool,
    /// Whether the deployment believes that the load balancers answer.
    heard: bool,
}

pub(super) struct Keeper {
    orchestrator: Orchestrator,
    state: Arc<RwLock<Deployment>>,
    asks: mpsc::UnboundedReceiver<Ask>,
    open: BTreeMap<ExecutionId, Open>,
    /// Targets that left with requests in flight, and how many.
    forced: BTreeMap<Name, u64>,
    /// Targets that did not come into service in time, and why not: they leave again.
    late: BTreeMap<Name, String>,
    /// What was wrong at the last look.
    trouble: Vec<String>,
}

impl Keeper {
    pub fn new(
        orchestrator: Orchestrator,
        state: Arc<RwLock<Deployment>>,
        asks: mpsc::UnboundedReceiver<Ask>,
    ) -> Self {
        Self {
            orchestrator,
            state,
            asks,
            open: BTreeMap::new(),
            forced: BTreeMap::new(),
            late: BTreeMap::new(),
            trouble: Vec::new(),
        }
    }

    /// Keeps them until the deployment has ended.
    pub async fn run(mut self) {
        // Nobody may have looked for a while.
        let mut pause = Duration::ZERO;
        loop {
            match timeout(pause, self.asks.recv()).await {
                Ok(Some(ask)) => self.take(ask),
                Ok(None) => return,
                Err(_) => {}
            }
            while let Ok(ask) = self.asks.try_recv() {
                self.take(ask);
            }
            self.begin().await;
            let known = self.known();
            let (project, _) = self.orchestrator.0.documents.current();
            let findings = look(
                &self.state,
                &project,
                self.orchestrator.0.traffic.connections(),
                &mut self.late,
            )
            .await;
            self.forced.extend(findings.forced.clone());
            self.tell(&findings, &known).await;
            pause = match (self.open.is_empty(), self.trouble.is_empty()) {
                (true, _) => NOW_AND_THEN,
                (false, true) => SOON,
                (false, false) => AGAIN,
            };
        }
    }

    fn take(&mut self, ask: Ask) {
        match ask {
            Ask::Errand(errand) => {
                let known = self.open.get(&errand.execution);
                // Another orchestrator may have begun it.
                let entry = |deployment: &Deployment| {
                    let target = deployment.target(&errand.target)?;
                    Some(target.event(errand.event)?.status)
                };
                let runs = entry(&self.read()) == Some(EventStatus::InProgress);
                let open = Open {
                    begun: runs || known.is_some_and(|open| open.begun),
                    heard: known.is_none_or(|open| open.heard),
                    errand,
                };
                self.open.insert(open.errand.execution.clone(), open);
            }
            Ask::Forget(execution) => {
                self.open.remove(&execution);
            }
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Deployment> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says of every errand that it has begun, and gives the deployment a moment to know: where a target ought to be follows
    /// from that.
    async fn begin(&mut self) {
        let mut told = Vec::new();
        for open in self.open.values_mut().filter(|open| !open.begun) {
            let Errand { event, mode, .. } = open.errand;
            if mode == Mode::Halt {
                report(&open.errand, Report::Ended).await;
                continue;
            }
            open.begun = true;
            let at = clock::steady();
            report(&open.errand, Report::EventStarted { event, at }).await;
            told.push((open.errand.target.clone(), event));
        }
        self.open.retain(|_, open| open.begun);
        let known = |deployment: &Deployment| {
            told.iter().all(|(target, event)| {
                let target = deployment.target(target);
                let entry = target.and_then(|target| target.event(*event));
                entry.is_none_or(|entry| entry.status != EventStatus::Pending)
            })
        };
        // If that takes longer, another look comes soon.
        let soon = async {
            while !known(&self.read()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let _later = timeout(SOON, soon).await;
    }

    /// The errands that the deployment knows to have begun. For the others it is not said yet where their targets ought to be.
    fn known(&self) -> BTreeSet<ExecutionId> {
        let state = self.read();
        let begun = |errand: &Errand| {
            let entry = state.target(&errand.target)?.event(errand.event)?;
            Some(entry.status != EventStatus::Pending)
        };
        let open = self.open.iter();
        open.filter(|(_, open)| begun(&open.errand) == Some(true))
            .map(|(execution, _)| execution.clone())
            .collect()
    }

    /// Tells the deployment what has come of its errands.
    async fn tell(&mut self, findings: &Findings, known: &BTreeSet<ExecutionId>) {
        if findings.trouble != self.trouble {
            for trouble in &findings.trouble {
                tracing::warn!(%trouble, "a load balancer can't be looked after");
            }
            self.trouble.clone_from(&findings.trouble);
        }
        let silent = !findings.trouble.is_empty();
        let mut over = Vec::new();
        for (execution, open) in &mut self.open {
            let target = &open.errand.target;
            if open.heard == silent {
                open.heard = !silent;
                let heard = if silent { Report::Lost } else { Report::Heard };
                report(&open.errand, heard).await;
            }
            let (status, diagnostics) = if let Some(why) = findings.refused.get(target) {
                (EventStatus::Failed, Some(Diagnostics::unknown(why.clone())))
            } else if silent || findings.waiting.contains(target) || !known.contains(execution) {
                continue;
            } else {
                let forced = self.forced.remove(target);
                (EventStatus::Succeeded, forced.map(cut_off))
            };
            let ended = Report::EventEnded {
                event: open.errand.event,
                status,
                at: clock::steady(),
                diagnostics,
            };
            report(&open.errand, ended).await;
            report(&open.errand, Report::Ended).await;
            // It may be tried again.
            self.late.remove(target);
            over.push(execution.clone());
        }
        for execution in over {
            self.open.remove(&execution);
        }
    }
}

/// What is to be known of a target that left with requests in flight.
fn cut_off(in_flight: u64) -> Diagnostics {
    Diagnostics {
        error_code: LifecycleErrorCode::Success,
        ..Diagnostics::unknown(format!(
            "left with {in_flight} requests in flight: its time to drain was over"
        ))
    }
}

async fn report(errand: &Errand, report: Report) {
    let input = Input::Report {
        execution: errand.execution.clone(),
        target: errand.target.clone(),
        report,
    };
    // A deployment that is over has no ear any more.
    let _over = errand.reports.send(Request::Input(input)).await;
}
