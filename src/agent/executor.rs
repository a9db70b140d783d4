//! Taking orders and carrying them out, event by event.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::install::place::Place;
use super::layout::{Layout, is_group_id};
use super::log::{Entry, Execution, Log, LogError, Note, Script};
use super::protocol::{ExecutionEnd, ExecutionState, Leases, Order, What};
use super::queue::Queues;
use super::report::{Report, SharedLog};
use super::script_log::ScriptLog;
use super::{AgentError, Config, hooks::EventError, io_error, process, retention};
use crate::model::deployment::ExecutionId;
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::store::bundles::Bundles;

/// What a failed event says whose script was running when the agent ended.
const RESTARTED: &str = "the agent was restarted during the event";

/// Carries out orders.
#[derive(Debug)]
pub struct Executor {
    pub(super) config: Config,
    pub(super) layout: Layout,
    pub(super) log: Log,
    pub(super) bundles: Bundles,
    pub(super) place: Place,
    pub(super) boot: String,
    shared_log: SharedLog,
    /// Held while an order is checked and taken, so that two requests with the same id cannot both take it.
    accepting: tokio::sync::Mutex<()>,
    controls: Mutex<HashMap<ExecutionId, watch::Sender<Control>>>,
    queues: Queues,
    tasks: TaskTracker,
    stopping: CancellationToken,
    abandoned: CancellationToken,
}

/// What the orchestrator wants of an execution that has not ended.
#[derive(Clone, Copy, Debug, Default)]
struct Control {
    stop: bool,
    /// Events are started until then.
    lease: Option<Instant>,
}

/// Why an order is not taken.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// It makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The same id was used for another order.
    #[error("the execution {0} is known here, with another order")]
    Conflict(ExecutionId),
    /// No such execution.
    #[error("the execution {0} is not known here")]
    Unknown(ExecutionId),
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Whether the next event may start.
enum Permission {
    Granted,
    Stopped,
    /// The agent is ending; the next one carries on.
    Ending,
}

impl Executor {
    /// Prepares to carry out orders.
    pub fn new(
        config: Config,
        layout: Layout,
        log: Log,
        boot: String,
    ) -> Result<Arc<Self>, AgentError> {
        let bundles = Bundles::open(layout.bundles())?;
        let place = Place::new(config.install_root.as_deref())
            .map_err(io_error("making the installation root"))?;
        let path = layout.deployments_log();
        let shared_log =
            ScriptLog::open(&path).map_err(io_error(format!("opening {}", path.display())))?;
        Ok(Arc::new(Self {
            config,
            layout,
            log,
            bundles,
            place,
            boot,
            shared_log: Arc::new(Mutex::new(shared_log)),
            accepting: tokio::sync::Mutex::default(),
            controls: Mutex::default(),
            queues: Queues::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            abandoned: CancellationToken::new(),
        }))
    }

    /// Carries on with what an earlier run of the agent left.
    pub fn resume(self: &Arc<Self>) {
        let open: Vec<Execution> = {
            let known = self.log.known();
            let open = known.open_executions();
            open.iter()
                .filter_map(|id| known.executions.get(id).cloned())
                .collect()
        };
        for execution in open {
            let control = Control {
                stop: execution.stop_requested,
                lease: None,
            };
            self.enqueue(&execution.state.execution, &execution.order, control);
        }
    }

    /// Cancelled when the agent is told to end.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Waits for running events, but not longer than this.
    pub async fn drained(&self, limit: Duration) {
        self.tasks.close();
        if timeout(limit, self.tasks.wait()).await.is_err() {
            self.abandon();
            self.tasks.wait().await;
        }
    }

    /// Leaves running events to the next run of the agent.
    pub fn abandon(&self) {
        self.abandoned.cancel();
    }

    /// Takes an order, unless it was taken already.
    pub async fn order(
        self: &Arc<Self>,
        id: ExecutionId,
        order: Order,
    ) -> Result<ExecutionState, OrderError> {
        check(&id, &order)?;
        let _accepting = self.accepting.lock().await;
        let known = self
            .log
            .known()
            .executions
            .get(&id)
            .map(|known| known.order == order);
        match known {
            Some(true) => self.renew(&Leases {
                executions: vec![id.clone()],
            }),
            Some(false) => return Err(OrderError::Conflict(id)),
            None => {
                let ordered = Note::Ordered {
                    order: Box::new(order.clone()),
                };
                let entries = vec![
                    Entry::Note(id.clone(), ordered),
                    Entry::Message(id.clone(), What::Accepted),
                ];
                self.log.facts(entries).await?;
                let control = Control {
                    stop: false,
                    lease: Some(Instant::now() + self.config.lease),
                };
                self.enqueue(&id, &order, control);
            }
        }
        self.state(&id)
    }

    /// Lets an execution end after its current event.
    pub async fn stop(&self, id: &ExecutionId) -> Result<ExecutionState, OrderError> {
        let execution = self.execution(id)?;
        if execution.state.ended.is_none() {
            if !execution.stop_requested {
                self.note(id, Note::StopRequested).await?;
            }
            if self
                .queues
                .withdraw(&execution.order.deployment_group_id, id)
            {
                self.end(id, Vec::new(), ExecutionEnd::Stopped).await?;
            }
            if let Some(control) = self.controls().get(id) {
                control.send_modify(|control| control.stop = true);
            }
        }
        self.state(id)
    }

    /// Lets these executions go on for another while.
    pub fn renew(&self, leases: &Leases) {
        let until = Instant::now() + self.config.lease;
        let controls = self.controls();
        for id in &leases.executions {
            if let Some(control) = controls.get(id) {
                control.send_modify(|control| control.lease = Some(until));
            }
        }
    }

    fn enqueue(self: &Arc<Self>, id: &ExecutionId, order: &Order, control: Control) {
        self.controls()
            .insert(id.clone(), watch::Sender::new(control));
        let group = order.deployment_group_id.clone();
        if self.queues.push(&group, id.clone()) {
            let this = Arc::clone(self);
            self.tasks.spawn(async move {
                let abandoned = this.abandoned.clone();
                abandoned
                    .run_until_cancelled_owned(this.serve_group(&group))
                    .await;
            });
        }
    }

    async fn serve_group(&self, group: &str) {
        while let Some(id) = self.queues.running(group) {
            if let Err(error) = self.carry_out(&id).await {
                tracing::error!(%error, execution = %id, "the execution cannot go on");
                return;
            }
            if self.stopping.is_cancelled() || !self.queues.advance(group) {
                return;
            }
        }
    }

    async fn carry_out(&self, id: &ExecutionId) -> Result<(), LogError> {
        loop {
            let Some(execution) = self.log.known().executions.get(id).cloned() else {
                return Ok(());
            };
            let Some(event) = execution.next() else {
                return self.end(id, Vec::new(), ExecutionEnd::Finished).await;
            };
            let resumed = execution.running() == Some(event);
            let diagnostics = if resumed && execution.script != Script::None {
                self.end_orphan(&execution.script).await;
                Some(Diagnostics::unknown(RESTARTED))
            } else {
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
                    let started = What::EventStarted { event };
                    self.log
                        .facts(vec![Entry::Message(id.clone(), started)])
                        .await?;
                }
                self.event(id, &execution.order, event).await?
            };
            let order = &execution.order;
            let ignored = order.ignore_application_stop_failures && event.failure_may_be_ignored();
            let fails = diagnostics.is_some() && !ignored;
            let is_last = order.events.last() == Some(&event);
            let entry = ended(id, event, diagnostics);
            if fails {
                return self.end(id, vec![entry], ExecutionEnd::Failed).await;
            }
            if is_last {
                return self.end(id, vec![entry], ExecutionEnd::Finished).await;
            }
            self.log.facts(vec![entry]).await?;
        }
    }

    /// Runs an event, and answers why it failed, if it did.
    async fn event(
        &self,
        id: &ExecutionId,
        order: &Order,
        event: LifecycleEvent,
    ) -> Result<Option<Diagnostics>, LogError> {
        let made = self
            .layout
            .make_deployment(&order.deployment_group_id, &order.deployment_id);
        let dir = match made {
            Ok(dir) => dir,
            Err(error) => return Ok(Some(Diagnostics::unknown(error.to_string()))),
        };
        let (log, shared) = (self.log.clone(), Arc::clone(&self.shared_log));
        let report = Report::new(id.clone(), order.clone(), event, log, shared, dir);
        match self.run(&report).await {
            Ok(()) => Ok(None),
            Err(EventError::Log(error)) => Err(error),
            Err(EventError::Failed(diagnostics)) => Ok(Some(Diagnostics {
                log_tail: report.tail(),
                ..diagnostics
            })),
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

    async fn end_orphan(&self, script: &Script) {
        match script {
            Script::None | Script::Ended => {}
            Script::Starting { mark } => process::end_orphan(None, mark, &self.boot).await,
            Script::Running { mark, process } => {
                process::end_orphan(Some(process), mark, &self.boot).await;
            }
        }
    }

    async fn end(
        &self,
        id: &ExecutionId,
        mut entries: Vec<Entry>,
        end: ExecutionEnd,
    ) -> Result<(), LogError> {
        entries.push(Entry::Message(id.clone(), What::Ended { end }));
        self.log.facts(entries).await?;
        self.controls().remove(id);
        self.forget_bundles();
        Ok(())
    }

    /// Not being able to tidy up is no reason to fail a deployment.
    fn forget_bundles(&self) {
        let needed: HashSet<_> = {
            let known = self.log.known();
            let open = known
                .executions
                .values()
                .filter(|known| known.state.ended.is_none());
            open.map(|known| known.order.revision.digest.clone())
                .collect()
        };
        if let Err(error) = retention::prune_bundles(&self.layout, &self.bundles, needed) {
            tracing::warn!(%error, "old bundles cannot be removed");
        }
    }

    async fn note(&self, id: &ExecutionId, note: Note) -> Result<(), LogError> {
        self.log.facts(vec![Entry::Note(id.clone(), note)]).await
    }

    fn execution(&self, id: &ExecutionId) -> Result<Execution, OrderError> {
        let known = self.log.known().executions.get(id).cloned();
        known.ok_or_else(|| OrderError::Unknown(id.clone()))
    }

    fn state(&self, id: &ExecutionId) -> Result<ExecutionState, OrderError> {
        self.execution(id).map(|execution| execution.state)
    }

    fn controls(&self) -> MutexGuard<'_, HashMap<ExecutionId, watch::Sender<Control>>> {
        self.controls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the application's files go, if not where the `AppSpec` says.
    pub(super) fn install_root(&self) -> Option<&Path> {
        self.place.root()
    }
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

fn check(id: &ExecutionId, order: &Order) -> Result<(), OrderError> {
    let invalid = |message: String| Err(OrderError::Invalid(message));
    if id.0.is_empty() || id.0.len() > 400 {
        return invalid("an execution's id has between 1 and 400 bytes".to_owned());
    }
    if !is_group_id(&order.deployment_group_id) {
        return invalid(format!(
            "{:?} is no deployment group id",
            order.deployment_group_id
        ));
    }
    if order.events.is_empty() {
        return invalid("an order needs at least one event".to_owned());
    }
    let mut seen = HashSet::new();
    for event in &order.events {
        use LifecycleEvent::{AllowTraffic, BlockTraffic};
        if matches!(event, BlockTraffic | AllowTraffic) {
            return invalid(format!(
                "{event} happens at the load balancer, not on a host"
            ));
        }
        if !seen.insert(event) {
            return invalid(format!("{event} is in the order twice"));
        }
    }
    Ok(())
}
