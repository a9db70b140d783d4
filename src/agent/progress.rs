//! Carrying an execution out, event by event.

use std::collections::HashSet;
use std::io;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::time::Instant;

use super::executor::{Control, Executor};
use super::hooks::EventError;
use super::log::{Entry, Execution, LogError, Script};
use super::protocol::{ExecutionEnd, Order, What};
use super::report::Report;
use super::{process, retention};
use crate::model::deployment::ExecutionId;
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};

/// What a failed event says whose script was running when the agent ended.
const RESTARTED: &str = "the agent was restarted during the event";

/// What a failed event says in which the agent met a fault of its own.
const BROKE: &str = "the agent met a fault of its own in this event; its log says where";

/// Whether the next event may start.
enum Permission {
    Granted,
    Stopped,
    /// The agent is ending; the next one carries on.
    Ending,
}

/// How far an event has come.
enum Before {
    /// It may start, or start anew, if the orchestrator still wants it.
    Nothing,
    /// It goes on behind so many scripts that ended well.
    Scripts(usize),
    /// It has failed.
    Failure(Diagnostics),
}

impl Executor {
    pub(super) async fn carry_out(&self, id: &ExecutionId) -> Result<(), LogError> {
        // The event that was started together with the end of the one before.
        let mut begun = None;
        loop {
            let Some(execution) = self.log.known().executions.get(id).cloned() else {
                return Ok(());
            };
            let Some(event) = execution.next() else {
                return self.end(id, Vec::new(), ExecutionEnd::Finished).await;
            };
            let resumed = execution.running() == Some(event);
            let before = if begun == Some(event) {
                Before::Scripts(0)
            } else if resumed {
                self.before_the_end(&execution.script).await
            } else {
                Before::Nothing
            };
            let diagnostics = match before {
                Before::Failure(diagnostics) => Some(diagnostics),
                Before::Scripts(done) => self.event(id, &execution.order, event, done).await?,
                Before::Nothing => {
                    match self.permission(id).await {
                        Permission::Ending => return Ok(()),
                        Permission::Stopped => {
                            let diagnostics = Diagnostics::unknown(RESTARTED);
                            let unfinished = resumed.then(|| ended(id, event, Some(diagnostics)));
                            let entries = unfinished.into_iter().collect();
                            return self.end(id, entries, ExecutionEnd::Stopped).await;
                        }
                        Permission::Granted => {}
                    }
                    if !resumed {
                        self.log.facts(vec![started(id, event)]).await?;
                    }
                    self.event(id, &execution.order, event, 0).await?
                }
            };
            let order = &execution.order;
            let ignored = order.ignore_application_stop_failures && event.failure_may_be_ignored();
            let fails = diagnostics.is_some() && !ignored;
            let following = order
                .events
                .iter()
                .skip_while(|other| **other != event)
                .nth(1);
            let entry = ended(id, event, diagnostics);
            if fails {
                return self.end(id, vec![entry], ExecutionEnd::Failed).await;
            }
            let Some(following) = following else {
                return self.end(id, vec![entry], ExecutionEnd::Finished).await;
            };
            let mut entries = vec![entry];
            begun = self.may_start(id).then_some(*following);
            entries.extend(begun.map(|event| started(id, event)));
            self.log.facts(entries).await?;
        }
    }

    /// Runs an event but for the scripts that are done, and answers why it failed, if it did.
    async fn event(
        &self,
        id: &ExecutionId,
        order: &Order,
        event: LifecycleEvent,
        done: usize,
    ) -> Result<Option<Diagnostics>, LogError> {
        let made = self
            .layout
            .make_deployment(&order.deployment_group_id, &order.deployment_id);
        let dir = match made {
            Ok(dir) => dir,
            Err(error) => return Ok(Some(Diagnostics::unknown(error.to_string()))),
        };
        let (log, shared) = (self.log.clone(), self.shared_log.clone());
        let settings = &self.config.output;
        let report = Report::new(
            id.clone(),
            order.clone(),
            event,
            log,
            shared,
            &dir,
            settings,
        );
        // Whatever panics in here must not leave the execution, and all that waits behind it, open for ever.
        let ran = AssertUnwindSafe(self.run(&report, done)).catch_unwind();
        let diagnostics = match ran.await {
            Ok(Ok(())) => return Ok(None),
            Ok(Err(EventError::Log(error))) => return Err(error),
            Ok(Err(EventError::Failed(diagnostics))) => diagnostics,
            Err(_) => {
                let script = self
                    .log
                    .known()
                    .executions
                    .get(id)
                    .map(|known| known.script.clone());
                self.before_the_end(&script.unwrap_or_default()).await;
                Diagnostics::unknown(BROKE)
            }
        };
        Ok(Some(Diagnostics {
            log_tail: report.tail(),
            ..diagnostics
        }))
    }

    /// Whether the next event may start at once.
    fn may_start(&self, id: &ExecutionId) -> bool {
        let control = self.controls().get(id).map(|control| *control.borrow());
        let allows = |control: Control| {
            !control.stop && control.lease.is_some_and(|lease| lease > Instant::now())
        };
        !self.stopping.is_cancelled() && control.is_some_and(allows)
    }

    /// Waits until nothing is to be done for an execution for which it would need its group: the agent is to end, or it
    /// was stopped and left nothing behind in an earlier run of the agent.
    pub(super) async fn unwanted(&self, id: &ExecutionId) {
        let is_open = |known: &Execution| known.running().is_some();
        let left = self.log.known().executions.get(id).is_some_and(is_open);
        let control = self.controls().get(id).map(watch::Sender::subscribe);
        let stopped = async {
            match control.filter(|_| !left) {
                // An execution that nobody controls any more has ended.
                Some(mut control) => drop(control.wait_for(|control| control.stop).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stopped => {}
            () = self.stopping.cancelled() => {}
        }
    }

    /// Waits until the next event may start, or must not.
    async fn permission(&self, id: &ExecutionId) -> Permission {
        let Some(mut control) = self.controls().get(id).map(watch::Sender::subscribe) else {
            return Permission::Ending;
        };
        loop {
            if self.stopping.is_cancelled() {
                return Permission::Ending;
            }
            let now = *control.borrow_and_update();
            if now.stop {
                return Permission::Stopped;
            }
            if now.lease.is_some_and(|lease| lease > Instant::now()) {
                return Permission::Granted;
            }
            tokio::select! {
                changed = control.changed() => if changed.is_err() {
                    return Permission::Ending;
                },
                () = self.stopping.cancelled() => {}
            }
        }
    }

    /// What an earlier run of the agent has left of an event that it did not end.
    async fn before_the_end(&self, script: &Script) -> Before {
        let grace = self.config.scripts.grace;
        match script {
            Script::None => return Before::Nothing,
            Script::Ended {
                result: Some(result),
            } => {
                return match &result.failure {
                    Some(failure) => Before::Failure(failure.clone()),
                    None => Before::Scripts(result.script + 1),
                };
            }
            Script::Ended { result: None } => {}
            Script::Starting { mark } => process::end_orphan(None, mark, &self.boot, grace).await,
            Script::Running { mark, process } => {
                process::end_orphan(Some(process), mark, &self.boot, grace).await;
            }
        }
        Before::Failure(Diagnostics::unknown(RESTARTED))
    }

    pub(super) async fn end(
        &self,
        id: &ExecutionId,
        mut entries: Vec<Entry>,
        end: ExecutionEnd,
    ) -> Result<(), LogError> {
        entries.push(Entry::Message(id.clone(), What::Ended { end }));
        self.log.facts(entries).await?;
        self.controls().remove(id);
        self.forget_bundles().await;
        Ok(())
    }

    /// Not being able to tidy up is no reason to fail a deployment.
    async fn forget_bundles(&self) {
        let needed: HashSet<_> = {
            let known = self.log.known();
            let open = known
                .executions
                .values()
                .filter(|known| known.state.ended.is_none());
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

fn started(id: &ExecutionId, event: LifecycleEvent) -> Entry {
    Entry::Message(id.clone(), What::EventStarted { event })
}

fn ended(id: &ExecutionId, event: LifecycleEvent, diagnostics: Option<Diagnostics>) -> Entry {
    let status = if diagnostics.is_some() {
        EventStatus::Failed
    } else {
        EventStatus::Succeeded
    };
    let what = What::EventEnded {
        event,
        status,
        diagnostics,
    };
    Entry::Message(id.clone(), what)
}
