//! Beginning and ending deployments: what holds the groups' ledgers (`orchestrator::create`, `orchestrator::closing`).

use std::sync::Arc;

use super::super::cast::Cast;
use super::super::disk::Line;
use super::super::env::{Env, Killed};
use super::super::marks::Mark;
use super::task::{Task, lines};
use super::{Controller, Then};
use crate::appspec::{ecs, lambda};
use crate::engine::deliberate::{Bug, deliberate};
use crate::engine::event::{Event, Record};
use crate::engine::ledger::{LedgerEvent, LedgerRecord};
use crate::engine::task_sets::TaskSets;
use crate::engine::{Deployment, Ledger, Spec, fold, members, plan, rollback};
use crate::model::approval::Step;
use crate::model::deployment::Creator;
use crate::model::timestamp::Timestamp;
use crate::orchestrator::functions::{self, only_target};

/// What needs the ledgers for itself.
pub(super) enum Job {
    /// Somebody wants a deployment.
    Deploy {
        group: usize,
        revision: usize,
        person: usize,
        current: Option<usize>,
    },
    /// Somebody wants a deployment that is over rolled back.
    RollBack { deployment: usize, person: usize },
    /// A deployment is over.
    Close(usize),
}

/// A deployment that is being created.
pub(super) struct Opening {
    deployment: Deployment,
    record: Record,
    ledger: LedgerRecord,
    group: usize,
}

impl Controller {
    /// Does something that needs the ledgers, now or when they are free.
    pub(super) fn with_ledgers(&mut self, env: &mut Env, job: Job) {
        if self.ledgers_held {
            env.mark(Mark::WaitedForLedger);
            self.waiting.push_back(job);
            return;
        }
        match job {
            Job::Deploy {
                group,
                revision,
                person,
                current,
            } => self.deploy(env, group, (revision, current), person),
            Job::RollBack { deployment, person } => self.roll_back(env, deployment, person),
            Job::Close(number) => self.close(env, number),
        }
    }

    /// Somebody rolls back by hand (`create::reroute_back`): the original gets its traffic back, if it is still there.
    fn roll_back(&mut self, env: &mut Env, number: usize, person: usize) {
        let Some(ended) = fold(env.disk.deployment(number)) else {
            return;
        };
        let group = env.watch.group(number);
        let ledger = &self.ledgers[group];
        let begun = ended.start_time.is_some() && ended.status.is_terminal();
        if !begun || !rollback::reroutes(&ended, ledger, |_| true) {
            env.mark(Mark::NoWayBack);
            return;
        }
        let members = env.cast.members(group, &env.shape, ledger);
        let id = Cast::deployment(env.numbers + 1);
        let Ok(spec) = rollback::spec(&ended, ledger, &members, id) else {
            env.mark(Mark::NoWayBack);
            return;
        };
        env.mark(Mark::RolledBackByHand);
        let number = env.new_deployment();
        let spec = Spec {
            creator: Creator::User,
            by: Cast::person(person),
            ..spec
        };
        self.open(env, group, (number, spec), person);
    }

    /// A deployment is written down as created.
    fn open(&mut self, env: &mut Env, group: usize, (number, spec): (usize, Spec), person: usize) {
        let opening = opening(spec, &self.ledgers[group], group, env.controller_time());
        let lines = vec![
            Line::Deployment(number, opening.record.clone()),
            Line::Group(group, opening.ledger.clone()),
        ];
        self.ledgers_held = true;
        self.write(env, lines, Then::Opened(Box::new(opening), person));
    }

    fn release(&mut self, env: &mut Env) {
        self.ledgers_held = false;
        while !self.ledgers_held
            && let Some(job) = self.waiting.pop_front()
        {
            self.with_ledgers(env, job);
        }
    }

    fn deploy(
        &mut self,
        env: &mut Env,
        group: usize,
        (revision, current): (usize, Option<usize>),
        person: usize,
    ) {
        let ledger = &self.ledgers[group];
        if ledger.active.is_some() && !deliberate(Bug::SlotIgnored) {
            env.mark(Mark::SlotTaken);
            return;
        }
        if env.freezes[group].is_some() {
            env.mark(Mark::RefusedFrozen);
            return;
        }
        let Ok(function) = function(env, ledger, group, (revision, current)) else {
            env.mark(Mark::FunctionRefused);
            return;
        };
        let number = env.new_deployment();
        let spec = Spec {
            by: Cast::person(person),
            ..spec(env, ledger, group, (revision, function), number)
        };
        self.open(env, group, (number, spec), person);
    }

    pub(super) fn opened(
        &mut self,
        env: &mut Env,
        opening: Opening,
        person: usize,
    ) -> Result<(), Killed> {
        let number = Cast::number(opening.deployment.id());
        self.ledgers[opening.group].evolve(&opening.ledger);
        env.watch.acknowledged(number, 1, &[(person, true)]);
        self.release(env);
        self.run(env, opening)
    }

    fn run(&mut self, env: &mut Env, opening: Opening) -> Result<(), Killed> {
        let number = Cast::number(opening.deployment.id());
        self.take_in(env, number, Task::new(opening.deployment));
        self.begin_all(env, number)
    }

    /// Ends a deployment: its last entries, the group's memory and the rollback, in one write.
    fn close(&mut self, env: &mut Env, number: usize) {
        let Some(task) = self.tasks.get_mut(&number) else {
            return;
        };
        let now = env.controller_time();
        let deployment = &mut task.deployment;
        let group = env.watch.group(number);
        let ledger = &mut self.ledgers[group];
        let closed = LedgerRecord {
            seq: ledger.seq + 1,
            at: now,
            event: LedgerEvent::closing(deployment),
        };
        ledger.evolve(&closed);
        let mut records = task
            .decided
            .as_mut()
            .map(|d| std::mem::take(&mut d.records))
            .unwrap_or_default();
        let mut opened = Vec::new();
        let mut next = None;
        if rollback::wanted(deployment) {
            let id = env.new_deployment();
            let members = env.cast.members(group, &env.shape, ledger);
            let event = match rollback::spec(deployment, ledger, &members, Cast::deployment(id)) {
                Ok(spec) => {
                    env.mark(Mark::RolledBack);
                    let opening = opening(spec, ledger, group, now);
                    ledger.evolve(&opening.ledger);
                    opened.push(Line::Deployment(id, opening.record.clone()));
                    opened.push(Line::Group(group, opening.ledger.clone()));
                    let rolled_back = Event::RolledBack {
                        message: String::new(),
                        deployment: Some(opening.deployment.id().clone()),
                    };
                    next = Some(Box::new(opening));
                    rolled_back
                }
                Err(message) => {
                    env.mark(Mark::NothingToRollBackTo);
                    Event::RolledBack {
                        deployment: None,
                        message,
                    }
                }
            };
            let record = Record {
                seq: deployment.seq + 1,
                at: now,
                event,
            };
            deployment.evolve(&record);
            records.push(record);
        }
        let mut lines = lines(number, &records);
        if let Some(decided) = &mut task.decided {
            decided.records = records;
        }
        lines.push(Line::Group(group, closed));
        lines.extend(opened);
        self.ledgers_held = true;
        self.write(env, lines, Then::Closed(number, next));
    }

    pub(super) fn closed(
        &mut self,
        env: &mut Env,
        number: usize,
        next: Option<Box<Opening>>,
    ) -> Result<(), Killed> {
        self.release(env);
        if let Some(opening) = next {
            self.run(env, *opening)?;
        }
        if let Some(task) = self.tasks.get_mut(&number) {
            let decided = task.decided.take().unwrap_or_default();
            task.publish(&decided.records);
            let seq = task.deployment.seq;
            env.watch.acknowledged(number, seq, &decided.answers);
            self.carry_out(env, number, decided.changes)?;
            let task = self.tasks.remove(&number);
            self.leave(number, task.and_then(|task| task.published));
        }
        Ok(())
    }
}

/// A deployment that would change nothing, or of which nobody says what it would change.
struct Unwanted;

/// What a revision asks of a function, if the group has one (`orchestrator::functions`).
fn function(
    env: &Env,
    ledger: &Ledger,
    group: usize,
    (revision, said): (usize, Option<usize>),
) -> Result<Option<lambda::AppSpec>, Unwanted> {
    if !env.shape.styles[group].is_function() {
        return Ok(None);
    }
    let next = Cast::version(revision);
    let current = said.or_else(|| env.cast.version_in_place(ledger));
    let current = current.filter(|version| *version != next).ok_or(Unwanted)?;
    Ok(env.cast.appspec(group, &env.shape, current, next))
}

/// What a revision asks of a service, if the group has one, and the task sets that it is about.
fn service(
    env: &Env,
    ledger: &Ledger,
    group: usize,
    (revision, number): (usize, usize),
) -> Option<(ecs::AppSpec, TaskSets)> {
    let asked = env.cast.service(group, &env.shape, revision)?;
    let sets = env
        .cast
        .task_sets(group, &env.shape, ledger, (revision, number))?;
    Some((asked, sets))
}

/// What an operator's deployment asks for.
fn spec(
    env: &Env,
    ledger: &Ledger,
    group: usize,
    (revision, function): (usize, Option<lambda::AppSpec>),
    number: usize,
) -> Spec {
    let cast = &env.cast;
    let sides = cast.sides(group, &env.shape, ledger);
    let service = service(env, ledger, group, (revision, number));
    let targets = match (&sides, &function) {
        _ if service.is_some() => vec![only_target(cast.service_target(group).clone())],
        (_, Some(asked)) => functions::target(asked).into_iter().collect(),
        (None, None) => members::targets(&cast.members(group, &env.shape, ledger), ledger),
        (Some(sides), None) => members::both_sides(&cast.hosts(group, &env.shape), sides, ledger),
    };
    let (service, task_sets) = service.unzip();
    let mut approvals = env.shape.gates.approvals[group].clone();
    let waits = sides.is_some() || function.is_some() || service.is_some();
    approvals.retain(|step, _| waits || *step == Step::Start);
    Spec {
        deployment_id: Cast::deployment(number),
        group: cast.group(group, &env.shape),
        configuration: cast.configuration(group, &env.shape),
        revision: cast.revisions[revision].clone(),
        previous_revision: ledger.target_revision.clone(),
        targets,
        up_to_date: 0,
        creator: Creator::User,
        by: String::new(),
        uid: None,
        description: String::new(),
        sides,
        function,
        service,
        task_sets: task_sets.map(Box::new),
        provision: None,
        rolls_back: None,
        way_back: false,
        approvals,
        from_split: None,
        updates: None,
        token: None,
        limits: env.shape.engine_limits(),
        options: env.shape.options(group),
    }
}

fn opening(spec: Spec, ledger: &Ledger, group: usize, now: Timestamp) -> Opening {
    let plan = plan(&spec);
    let record = Record {
        seq: 1,
        at: now,
        event: Event::Created {
            spec: Arc::new(spec),
            plan: Arc::new(plan),
        },
    };
    #[expect(clippy::expect_used, reason = "the entry above is a creation")]
    let deployment = Deployment::created(&record).expect("a creation");
    let ledger = LedgerRecord {
        seq: ledger.seq + 1,
        at: now,
        event: LedgerEvent::opening(&deployment),
    };
    Opening {
        deployment,
        record,
        ledger,
        group,
    }
}
