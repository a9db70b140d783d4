//! Carrying an execution out: doing what the core decides, step by step.

use std::collections::HashSet;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;

use super::core::{self, Control, Ending, Orphan, Step, Then};
use super::executor::Executor;
use super::hooks::EventError;
use super::log::LogError;
use super::protocol::Order;
use super::report::Report;
use super::{process, retention};
use crate::model::deployment::ExecutionId;
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::LifecycleEvent;

/// What a failed event says in which the agent met a fault of its own.
const BROKE: &str = "the agent met a fault of its own in this event; its log says where";

impl Executor {
    /// Carries an execution out to its end, or to the agent's.
    pub(super) async fn carry_out(
        &self,
        id: &ExecutionId,
        order: &Arc<Order>,
    ) -> Result<(), LogError> {
        let mut ending = None;
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            match self.advance(id, ending.take()).await? {
                Then::Wait => tokio::select! {
                    // The executor holds the other side.
                    _ = changed.changed() => {}
                    () = self.stopping.cancelled() => {}
                },
                Then::Run { event, from } => {
                    ending = Some(self.event(id, order, event, from).await?);
                }
                Then::EndOrphan(orphan) => {
                    crate::crash_point::here!("agent.before-orphan-end");
                    self.end_orphan(&orphan).await;
                    crate::crash_point::here!("agent.after-orphan-end");
                    ending = Some(Ending::Orphaned);
                }
                Then::Leave => return Ok(()),
                Then::Over => {
                    self.forget(id).await;
                    return Ok(());
                }
            }
        }
    }

    /// Takes the next step: what is decided becomes durable.
    async fn advance(&self, id: &ExecutionId, ending: Option<Ending>) -> Result<Then, LogError> {
        let _deciding = self.deciding.lock().await;
        let Step { entries, then } = self.step(id, ending);
        if !entries.is_empty() {
            crate::crash_point::here!("agent.before-step");
            self.log.facts(entries).await?;
            crate::crash_point::here!("agent.after-step");
        }
        Ok(then)
    }

    fn step(&self, id: &ExecutionId, ending: Option<Ending>) -> Step {
        let known = self.log.known();
        let control = Control {
            lease_live: self.renewals().is_live(id, self.started.elapsed()),
            ending: self.stopping.is_cancelled(),
        };
        core::step(&known, id, control, ending)
    }

    /// Waits until nothing is to be done for an execution for which it would need its group: it has ended or is about to,
    /// or the agent is.
    pub(super) async fn unneeded(&self, id: &ExecutionId) {
        let mut changed = self.changed.subscribe();
        while !self.stopping.is_cancelled() {
            changed.mark_unchanged();
            // What an interrupted event left may be in use by whoever has the group.
            let interrupted = self.log.known().is_running(id);
            if !interrupted && self.step(id, None).then == Then::Over {
                return;
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = self.stopping.cancelled() => {}
            }
        }
    }

    /// Runs an event but for the scripts that are done, and answers why it failed, if it did.
    async fn event(
        &self,
        id: &ExecutionId,
        order: &Arc<Order>,
        event: LifecycleEvent,
        done: usize,
    ) -> Result<Ending, LogError> {
        let made = self
            .layout
            .make_deployment(&order.deployment_group_id, &order.deployment_id);
        let dir = match made {
            Ok(dir) => dir,
            Err(error) => return Ok(Ending::Failed(Diagnostics::unknown(error.to_string()))),
        };
        let (log, shared) = (self.log.clone(), self.shared_log.clone());
        let settings = &self.config.output;
        let report = Report::new(
            id.clone(),
            Arc::clone(order),
            event,
            log,
            shared,
            &dir,
            settings,
        );
        // Whatever panics in here must not leave the execution, and all that waits behind it, open for ever.
        let ran = AssertUnwindSafe(self.run(&report, done)).catch_unwind();
        let diagnostics = match ran.await {
            Ok(Ok(())) => return Ok(Ending::Succeeded),
            Ok(Err(EventError::Log(error))) => return Err(error),
            Ok(Err(EventError::Failed(diagnostics))) => diagnostics,
            Err(_) => {
                let orphan = {
                    let known = self.log.known();
                    let execution = known.executions.get(id);
                    execution.and_then(|execution| execution.script.orphan())
                };
                if let Some(orphan) = orphan {
                    self.end_orphan(&orphan).await;
                }
                Diagnostics::unknown(BROKE)
            }
        };
        Ok(Ending::Failed(Diagnostics {
            log_tail: report.tail(),
            ends_with: None,
            ..diagnostics
        }))
    }

    async fn end_orphan(&self, orphan: &Orphan) {
        process::end_orphan(orphan, &self.boot, self.config.scripts.grace).await;
    }

    /// Forgets what only matters until an execution ends.
    pub(super) async fn forget(&self, id: &ExecutionId) {
        self.renewals().forget(id);
        self.forget_bundles().await;
    }

    /// Not being able to tidy up is no reason to fail a deployment.
    async fn forget_bundles(&self) {
        let needed: HashSet<_> = {
            let known = self.log.known();
            let open = known.open();
            open.map(|known| known.order.revision.digest.clone())
                .collect()
        };
        let (layout, bundles) = (self.layout.clone(), self.bundles.clone());
        // Reads every deployment's record, and removing much takes time.
        let work = move || retention::prune_bundles(&layout, &bundles, needed);
        let pruned = tokio::task::spawn_blocking(work).await;
        if let Err(error) = pruned.map_err(io::Error::other).flatten() {
            tracing::warn!(%error, "old bundles cannot be removed");
        }
    }
}
