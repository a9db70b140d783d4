//! One deployment's task: inputs in, entries appended, work begun and given up. It decides nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::AbortOnDropHandle;

use super::admission::Turn;
use super::alarms::guard::{Guard, Word};
use super::command::ApiError;
use super::duty::Duty;
use super::feed::FeedItem;
use super::hooks::Call;
use super::hosts::{Assignment, Mode};
use super::task_sets::Creation;
use super::traffic::Errand;
use super::{Handle, Orchestrator, Request, lock};
use crate::clock;
use crate::engine::event::{Event, Record};
use crate::engine::input::Report;
use crate::engine::leg::Actor;
use crate::engine::pending::{Change, Work, WorkId, evolve_with_change, wants};
use crate::engine::target::Target;
use crate::engine::{Deployment, Input, decide, pending, refusal};
use crate::model::deployment::{DeploymentStatus, ExecutionId};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::notification::Notification;
use crate::model::project::HookSettings;
use crate::model::timestamp::Timestamp;
use crate::store::journal::Batch;

/// Requests that may wait for a deployment's task.
const QUEUE: usize = 1024;

/// At most so many inputs are decided before their entries are made durable together.
const TOGETHER: usize = 256;

/// How long to wait before trying again to write what could not be written.
const RETRY: Duration = Duration::from_secs(1);

impl Orchestrator {
    /// Runs a deployment from where it stands until it is over. `recovered` says that another orchestrator began it.
    pub(super) fn run(&self, deployment: Deployment, recovered: bool) {
        let (requests, waiting) = mpsc::channel(QUEUE);
        let published = Arc::new(RwLock::new(deployment.clone()));
        let turn = lock(&self.0.admission).enter(&deployment);
        lock(&self.0.active).insert(
            deployment.id().clone(),
            Handle {
                requests: requests.clone(),
                state: Arc::clone(&published),
                tasks: Arc::default(),
            },
        );
        self.0
            .traffic
            .keep(self, &deployment, &published, &requests);
        let guard = Guard::new(&self.0.alarms, &deployment);
        let task = Task {
            orchestrator: self.clone(),
            deployment,
            published,
            requests,
            turn,
            guard,
            deadlines: BTreeSet::new(),
            timers: BTreeSet::new(),
            executions: BTreeMap::new(),
            fleets: BTreeMap::new(),
            creations: BTreeMap::new(),
            suspending: None,
        };
        tokio::spawn(task.run(waiting, recovered));
    }
}

struct Task {
    orchestrator: Orchestrator,
    /// The state with everything decided, durable or about to be.
    deployment: Deployment,
    /// The state as others may see it: durable.
    published: Arc<RwLock<Deployment>>,
    requests: mpsc::Sender<Request>,
    /// When it may begin.
    turn: watch::Receiver<Turn>,
    /// What may stop it.
    guard: Guard,
    deadlines: BTreeSet<(Timestamp, ExecutionId, Name)>,
    /// Times of the deployment's own.
    timers: BTreeSet<Timestamp>,
    /// Executions that hosts were asked to run or stop.
    executions: BTreeMap<ExecutionId, Name>,
    /// What fleets are asked for; called off when it is dropped.
    fleets: BTreeMap<WorkId, AbortOnDropHandle<()>>,
    /// Task sets that are being created; nobody waits for one any more when it is dropped.
    creations: BTreeMap<ExecutionId, AbortOnDropHandle<()>>,
    /// Whether what Auto Scaling must not do is suspended; `None` if nobody has asked for it.
    suspending: Option<bool>,
}

/// What an operator will be told, and where.
type Answered = (oneshot::Sender<Result<(), ApiError>>, Result<(), ApiError>);

/// Decided, but not durable yet.
#[derive(Default)]
struct Decided {
    records: Vec<Record>,
    notifications: Vec<Notification>,
    changes: Vec<Change>,
    answers: Vec<Answered>,
    /// Hosts that are to be told again, by whoever drives them now.
    moved: BTreeSet<Name>,
}

impl Task {
    async fn run(mut self, mut waiting: mpsc::Receiver<Request>, recovered: bool) {
        if recovered {
            let mut decided = Decided::default();
            self.decide(&Input::Recovered, &mut decided);
            self.write(&decided.records, decided.notifications).await;
            self.publish(decided.records);
        }
        // It may have come or gone while nobody orchestrated.
        let mut decided = Decided::default();
        let freeze = self.orchestrator.freeze_over(&self.deployment.group_key());
        self.decide(&Input::Freeze(freeze), &mut decided);
        // All that is pending is begun below.
        decided.changes.clear();
        self.carry_out(decided).await;
        if self.deployment.status.is_running() {
            self.guard.watch();
        }
        for work in pending(&self.deployment).into_values() {
            self.begin(work).await;
        }
        let _watched = self.orchestrator.watch_tasks(&self.published);
        while !self.deployment.status.is_terminal() {
            let decided = self.next(&mut waiting).await;
            self.carry_out(decided).await;
        }
        lock(&self.orchestrator.0.active).remove(self.deployment.id());
        self.orchestrator.0.traffic.leave(self.deployment.id());
        let copies = self.deployment.copies_at_aws();
        if self.suspending.is_some() || copies || self.deployment.suspends() {
            self.orchestrator.resume_processes();
        }
        // Whoever follows a target that never started learns that nothing will come.
        for target in &self.deployment.targets {
            let outputs = &self.orchestrator.0.outputs;
            outputs.close(self.deployment.id(), &target.name);
        }
        tracing::info!(id = %self.deployment.id(), status = %self.deployment.status, "a deployment has ended");
    }

    /// Waits for something to happen, and decides on it and on what else has queued up.
    async fn next(&mut self, waiting: &mut mpsc::Receiver<Request>) -> Decided {
        let mut decided = Decided::default();
        let deadline = self.deadlines.first().map(|(at, ..)| *at);
        let nearest = deadline
            .into_iter()
            .chain(self.timers.first().copied())
            .min();
        let waits = self.waits();
        tokio::select! {
            request = waiting.recv() => if let Some(request) = request {
                self.take(request, &mut decided);
            },
            turn = turn(&mut self.turn, waits) => self.take_turn(turn, &mut decided),
            word = self.guard.next() => self.take_word(word, &mut decided),
            () = until(nearest) => self.expire(&mut decided),
        }
        for _ in 1..TOGETHER {
            let Ok(request) = waiting.try_recv() else {
                break;
            };
            self.take(request, &mut decided);
        }
        decided
    }

    fn take(&mut self, request: Request, decided: &mut Decided) {
        match request {
            Request::Input(input) => {
                self.decide(&input, decided);
                // A freeze may have come before Auto Scaling answered, and be over now.
                if self.suspending == Some(true) && self.waits() {
                    self.begin_all(decided);
                }
            }
            Request::Command(command, answer) => {
                let refused = refusal(&self.deployment, &command);
                self.decide(&Input::Command(command), decided);
                let result = refused.map_or(Ok(()), |why| {
                    Err(ApiError::new(why.code(), why.to_string()))
                });
                decided.answers.push((answer, result));
            }
            Request::Suspended(Ok(())) => {
                self.suspending = Some(true);
                self.begin_all(decided);
            }
            // Whoever goes back does not wait for AWS: what it undoes has suspended the same, as a rule.
            Request::Suspended(Err(error)) if self.deployment.spec.is_way_back() => {
                tracing::warn!(id = %self.deployment.id(), why = error.message, "it begins all the same");
                self.suspending = Some(true);
                self.begin_all(decided);
            }
            Request::Suspended(Err(error)) => self.decide(&Input::Missing(error), decided),
            Request::Moved(hosts) => self.hosts_moved(&hosts, decided),
        }
    }

    /// Begins, unless its alarms are to be asked first; or waits.
    fn take_turn(&mut self, turn: Turn, decided: &mut Decided) {
        match turn {
            Turn::Unknown => {}
            Turn::Wait(message) => self.decide(&Input::Queued { message }, decided),
            Turn::Now if self.guard.watch() => {}
            Turn::Now => self.begin_all(decided),
        }
    }

    fn take_word(&mut self, word: Word, decided: &mut Decided) {
        match word {
            Word::Input(input) => self.decide(&input, decided),
            Word::Quiet if self.waits() => self.begin_all(decided),
            Word::Quiet => {}
        }
    }

    /// Begins, unless what it needs is gone by now.
    fn begin_all(&mut self, decided: &mut Decided) {
        let input = match self.orchestrator.missing(&self.deployment) {
            Some(error) => Input::Missing(error),
            None if self.must_suspend() => return,
            None => Input::Admitted,
        };
        self.decide(&input, decided);
    }

    /// Whether Auto Scaling has to be asked first not to do certain things. It is asked once, and begins all when it answers.
    fn must_suspend(&mut self) -> bool {
        let asked = self.suspending;
        if asked.is_none() && self.deployment.suspends() {
            self.suspending = Some(false);
            let orchestrator = self.orchestrator.clone();
            orchestrator.suspend_for(self.deployment.clone(), self.requests.clone());
        }
        self.suspending == Some(false)
    }

    /// Whether it has not begun.
    fn waits(&self) -> bool {
        use DeploymentStatus::{Created, Queued};
        matches!(self.deployment.status, Created | Queued)
    }

    /// Whoever drove these hosts says nothing more; whoever drives them from now on says when they answer.
    fn hosts_moved(&mut self, hosts: &BTreeSet<Name>, decided: &mut Decided) {
        let ours: Vec<(ExecutionId, Name)> = self
            .executions
            .iter()
            .filter(|(_, target)| hosts.contains(*target))
            .map(|(execution, target)| (execution.clone(), target.clone()))
            .collect();
        for (execution, target) in ours {
            decided.moved.insert(target.clone());
            let report = Report::Lost;
            let input = Input::Report {
                execution,
                target,
                report,
            };
            self.decide(&input, decided);
        }
    }

    fn expire(&mut self, decided: &mut Decided) {
        let now = clock::steady();
        while let Some((at, _, target)) = self.deadlines.first().cloned() {
            if at > now {
                break;
            }
            self.deadlines.pop_first();
            self.deadline_passed(target, decided);
        }
        while self.timers.first().is_some_and(|at| *at <= now) {
            self.timers.pop_first();
            self.decide(&Input::TimerElapsed, decided);
        }
    }

    fn deadline_passed(&mut self, target: Name, decided: &mut Decided) {
        let (project, _) = self.orchestrator.0.documents.current();
        let deregistered = project.host(&target).is_none();
        let input = Input::DeadlinePassed {
            target,
            deregistered,
        };
        self.decide(&input, decided);
    }

    fn decide(&mut self, input: &Input, decided: &mut Decided) {
        let now = clock::steady();
        for event in decide(&self.deployment, input, now) {
            let record = Record {
                seq: self.deployment.seq + 1,
                at: now,
                event,
            };
            let change = evolve_with_change(&mut self.deployment, &record);
            let told = self.orchestrator.notifications(&self.deployment, &record);
            decided.notifications.extend(told);
            decided.changes.push(change);
            decided.records.push(record);
        }
    }

    /// Makes what was decided durable, then tells and acts on it. Nothing is done that is not written.
    async fn carry_out(&mut self, mut decided: Decided) {
        if !decided.records.is_empty() {
            let ended = decided
                .records
                .iter()
                .any(|record| matches!(record.event, Event::Ended { .. }));
            if ended {
                let closed = self
                    .orchestrator
                    .close(&mut self.deployment, decided.records, decided.notifications)
                    .await;
                self.publish(closed);
            } else {
                crate::crash_point::here!("task.before-write");
                self.write(&decided.records, decided.notifications).await;
                crate::crash_point::here!("task.before-publish");
                self.publish(decided.records);
            }
        }
        crate::crash_point::here!("task.before-work");
        // Decided together, done together: what is over already is never begun.
        let change = Change::net(decided.changes.drain(..));
        for work in change.removed {
            self.give_up(&work).await;
        }
        for work in change.added {
            self.begin(work).await;
        }
        let moved: Vec<(ExecutionId, Name)> = self
            .executions
            .iter()
            .filter(|(_, target)| decided.moved.contains(*target))
            .map(|(execution, target)| (execution.clone(), target.clone()))
            .collect();
        for (execution, target) in moved {
            let halts = self.deployment.is_ceasing();
            let mode = if halts { Mode::Halt } else { Mode::Run };
            self.assign(execution, target, mode).await;
        }
        crate::crash_point::here!("task.before-answer");
        for (answer, result) in decided.answers {
            // Whoever asked may have gone; the decision stands.
            let _gone = answer.send(result);
        }
    }

    async fn write(&self, records: &[Record], notifications: Vec<Notification>) {
        let id = self.deployment.id();
        let batch = Batch {
            records: records.iter().map(|r| (id.clone(), r.clone())).collect(),
            notifications,
            ..Batch::default()
        };
        let key = self.deployment.group_key();
        self.orchestrator.append_of(&key, records, batch).await;
    }

    fn publish(&self, records: Vec<Record>) {
        let shifts = |record: &Record| matches!(record.event, Event::Shifted { .. });
        let shifts = records.iter().any(shifts);
        for record in records {
            self.published
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .evolve(&record);
            self.orchestrator.publish(FeedItem::Record {
                deployment: self.deployment.id().clone(),
                record,
            });
        }
        if shifts {
            self.orchestrator.0.traffic.look(self.deployment.id());
        }
    }

    async fn begin(&mut self, work: Work) {
        match (work.id, work.target) {
            (WorkId::Run(execution), Some(target)) => {
                self.assign(execution, target, Mode::Run).await;
            }
            (WorkId::Halt(execution), Some(target)) => {
                self.assign(execution, target, Mode::Halt).await;
            }
            (WorkId::Deadline(execution, at), Some(target)) => {
                self.deadlines.insert((at, execution, target));
            }
            (WorkId::Timer(_, at), _) => {
                self.timers.insert(at);
            }
            (id @ (WorkId::Provision(_) | WorkId::Terminate(_)), _) => {
                let asking = self.orchestrator.clone().ask_fleets(
                    &id,
                    &self.published,
                    self.requests.clone(),
                );
                self.fleets.insert(id, asking);
            }
            (WorkId::Admit(id), _) => {
                if lock(&self.orchestrator.0.admission).approved(&id) {
                    self.orchestrator.admit();
                }
            }
            (_, None) => {}
        }
    }

    async fn give_up(&mut self, work: &Work) {
        match (&work.id, &work.target) {
            (WorkId::Run(execution) | WorkId::Halt(execution), Some(target))
                if self.executions.contains_key(execution)
                    && !wants(&self.deployment, execution, target) =>
            {
                self.executions.remove(execution);
                self.creations.remove(execution);
                let id = self.deployment.id();
                self.orchestrator.0.traffic.forget(id, execution);
                self.orchestrator.0.hooks.forget(execution);
                self.orchestrator.0.hosts.forget(target, execution).await;
            }
            (WorkId::Deadline(execution, at), Some(target)) => {
                self.deadlines
                    .remove(&(*at, execution.clone(), target.clone()));
            }
            (WorkId::Timer(_, at), _) => {
                self.timers.remove(at);
            }
            (id @ (WorkId::Provision(_) | WorkId::Terminate(_)), _) => {
                self.fleets.remove(id);
            }
            _ => {}
        }
    }

    async fn assign(&mut self, execution: ExecutionId, target: Name, mode: Mode) {
        let Some(found) = self.deployment.target(&target) else {
            return;
        };
        let order = super::hosts::order(&self.deployment, found);
        self.executions.insert(execution.clone(), target.clone());
        if found.actor() == Actor::Hook {
            if let Some(call) = self.call(&execution, found, mode) {
                self.orchestrator.0.hooks.assign(call);
            }
            return;
        }
        if found.actor() == Actor::TaskSets {
            let duty = self.duty(&execution, found, LifecycleEvent::Install);
            let creation = Creation { duty, mode };
            // One that has begun goes on: agents finish what they were told.
            self.creations
                .entry(execution)
                .or_insert_with(|| self.orchestrator.create_task_set(creation));
            return;
        }
        if found.actor() == Actor::Balancer
            && let Some(&event) = order.events.first()
        {
            let errand = Errand {
                execution,
                target,
                event,
                mode,
                reports: self.requests.clone(),
            };
            let traffic = &self.orchestrator.0.traffic;
            traffic.assign(self.deployment.id(), errand);
            return;
        }
        let (project, _) = self.orchestrator.0.documents.current();
        let address = project.host(&target).map(|host| host.address.clone());
        let assignment = Assignment {
            order,
            execution,
            deployment: self.deployment.id().clone(),
            target,
            mode,
            by: self.wanted_by(mode),
            reports: self.requests.clone(),
        };
        crate::crash_point::here!("task.before-assign");
        self.orchestrator.0.hosts.assign(assignment, address).await;
        crate::crash_point::here!("task.after-assign");
    }

    /// The hook of the event that a target has come to.
    fn call(&self, execution: &ExecutionId, target: &Target, mode: Mode) -> Option<Call> {
        let entry = target.leg_events().first()?;
        let name = entry.hook.clone()?;
        let (project, _) = self.orchestrator.0.documents.current();
        Some(Call {
            duty: self.duty(execution, target, entry.event),
            deployment: self.deployment.id().clone(),
            hook: project.connections.hook(&name).cloned(),
            report_to: project.settings.hooks.as_ref().map(HookSettings::report_to),
            name,
            mode,
        })
    }

    /// The event that a target has come to, for whoever carries it out here.
    fn duty(&self, execution: &ExecutionId, target: &Target, event: LifecycleEvent) -> Duty {
        Duty {
            execution: execution.clone(),
            target: target.name.clone(),
            event,
            state: Arc::clone(&self.published),
            reports: self.requests.clone(),
        }
    }

    /// Who wants that an execution is in this mode: the host keeps it with the command.
    fn wanted_by(&self, mode: Mode) -> String {
        let stop = self.deployment.stop.as_ref().map(|stop| &stop.by);
        match mode {
            Mode::Run => self.deployment.spec.by.clone(),
            Mode::Halt => stop.map_or_else(|| "orchestrator".to_owned(), Clone::clone),
        }
    }
}

async fn until(deadline: Option<Timestamp>) {
    match deadline {
        Some(at) => tokio::time::sleep(at.since(clock::steady())).await,
        None => std::future::pending().await,
    }
}

/// What a deployment that has not begun is told next; never ends for one that has.
async fn turn(turn: &mut watch::Receiver<Turn>, waits: bool) -> Turn {
    if waits && turn.changed().await.is_ok() {
        return turn.borrow_and_update().clone();
    }
    std::future::pending().await
}

impl Orchestrator {
    /// Appends until it is durable. A full disk stops a rollout; it does not lose it: what is decided waits here.
    pub(super) async fn append(&self, batch: Batch) {
        while let Err(error) = self.0.journal.append(batch.clone()).await {
            tracing::error!(%error, "nothing goes on before the journal can be written");
            tokio::time::sleep(RETRY).await;
        }
        if !batch.notifications.is_empty() {
            self.tell(batch.notifications.into_iter().map(|told| told.receiver));
        }
    }
}
