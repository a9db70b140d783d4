//! Keeps the targets of one deployment where they ought to be at its load balancers, and reports what has come of it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::hosts::Mode;
use super::super::{Orchestrator, Request};
use super::Errand;
use super::findings::Findings;
use super::gauge;
use super::late::Late;
use super::look::look;
use super::memory::Memory;
use super::meter::Meter;
use crate::clock;
use crate::engine::input::Report;
use crate::engine::{Deployment, Input};
use crate::model::deployment::ExecutionId;
use crate::model::lifecycle::EventStatus;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Split;

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
    /// Look now: something else ought to be so.
    Look,
}

/// An errand, and what its deployment was told.
struct Open {
    errand: Errand,
    begun: bool,
    /// Whether the journal says how it ended, and whoever was to say that it is over is gone.
    ended: bool,
    /// Whether the deployment believes that the load balancers answer.
    heard: bool,
}

pub(super) struct Keeper {
    orchestrator: Orchestrator,
    state: Arc<RwLock<Deployment>>,
    asks: mpsc::UnboundedReceiver<Ask>,
    open: BTreeMap<ExecutionId, Open>,
    /// Targets that left, and with how many requests in flight.
    left: BTreeMap<Name, u64>,
    /// Targets that did not come into service in time, and why not: they leave again.
    late: Late,
    /// Who served at the last look, by load balancer.
    memories: BTreeMap<String, Memory>,
    /// When the last errand began.
    began: Timestamp,
    /// What was wrong at the last look.
    trouble: Vec<String>,
    /// What was counted, by load balancer.
    meters: BTreeMap<String, Meter>,
    /// Where the deployment hears of what is in effect.
    requests: mpsc::Sender<Request>,
}

impl Keeper {
    pub fn new(
        orchestrator: Orchestrator,
        state: Arc<RwLock<Deployment>>,
        asks: mpsc::UnboundedReceiver<Ask>,
        requests: mpsc::Sender<Request>,
    ) -> Self {
        Self {
            orchestrator,
            state,
            asks,
            open: BTreeMap::new(),
            left: BTreeMap::new(),
            late: Late::default(),
            memories: BTreeMap::new(),
            began: Timestamp(0),
            trouble: Vec::new(),
            meters: BTreeMap::new(),
            requests,
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
            let (project, _) = self.orchestrator.0.documents.current();
            let findings = look(
                &self.state,
                &project,
                self.orchestrator.0.traffic.connections(),
                &mut self.late,
                &mut self.memories,
            )
            .await;
            self.left.extend(findings.left.clone());
            self.show(&findings);
            self.tell(&findings).await;
            if let Some(split) = findings.in_effect
                && self.awaited_split() == Some(split)
            {
                let heard = Request::Input(Input::InEffect(split));
                // A deployment that is over has no ear any more.
                let _over = self.requests.send(heard).await;
            }
            let idle = self.open.is_empty() && self.awaited_split().is_none();
            // One that refuses a split is not asked again at once, either.
            let troubled = findings.balancers.iter().any(|it| it.trouble.is_some());
            pause = match (idle, troubled) {
                (true, _) => NOW_AND_THEN,
                (false, false) => SOON,
                (false, true) => AGAIN,
            };
        }
    }

    /// The split that the deployment waits for.
    fn awaited_split(&self) -> Option<Split> {
        let shift = self.read().shift?;
        shift.since.is_none().then_some(shift.asked)
    }

    /// Counts, and shows everybody how things are, about once a second and when something has changed.
    fn show(&mut self, findings: &Findings) {
        let now = clock::steady();
        let mut counted = false;
        let mut details = Vec::with_capacity(findings.balancers.len());
        for looked in &findings.balancers {
            let meter = self.meters.entry(looked.name.clone()).or_default();
            if let Some(observed) = &looked.observed {
                counted |= meter.sample(&looked.members, observed, now);
            }
            details.push(gauge::details(looked, meter));
        }
        let id = self.read().id().clone();
        self.orchestrator.show_traffic(&id, details, counted);
    }

    fn take(&mut self, ask: Ask) {
        match ask {
            Ask::Errand(errand) => {
                let known = self.open.get(&errand.execution);
                if known.is_none() {
                    self.late.forgive(&errand.target);
                }
                // Another orchestrator may have begun it.
                let entry = |deployment: &Deployment| {
                    let target = deployment.target(&errand.target)?;
                    Some(target.event(errand.event)?.status)
                };
                let status = entry(&self.read());
                let runs = status == Some(EventStatus::InProgress);
                let open = Open {
                    ended: status.is_some_and(EventStatus::is_terminal),
                    begun: runs || known.is_some_and(|open| open.begun),
                    heard: known.is_none_or(|open| open.heard),
                    errand,
                };
                self.open.insert(open.errand.execution.clone(), open);
            }
            Ask::Look => {}
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
            if mode == Mode::Halt || open.ended {
                report(&open.errand, Report::Ended).await;
                continue;
            }
            open.begun = true;
            // Each a moment after the one before: who leaves first has to be the same at every look.
            let at = clock::steady().max(self.began + Duration::from_millis(1));
            self.began = at;
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

    /// Tells the deployment what has come of its errands.
    async fn tell(&mut self, findings: &Findings) {
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
            let left = self.left.get(target).copied();
            let Some((status, diagnostics)) = findings.outcome(target, left) else {
                continue;
            };
            self.left.remove(target);
            let ended = Report::EventEnded {
                event: open.errand.event,
                status,
                at: clock::steady(),
                diagnostics,
            };
            report(&open.errand, ended).await;
            report(&open.errand, Report::Ended).await;
            // It may be tried again.
            self.late.forgive(target);
            over.push(execution.clone());
        }
        for execution in over {
            self.open.remove(&execution);
        }
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
