//! One deployment: inputs in, entries written, work begun and given up (`orchestrator::task`).

use std::collections::{BTreeSet, VecDeque};

use super::super::cast::Cast;
use super::super::disk::Line;
use super::super::env::{Env, Killed};
use super::super::happening::{Happening, InController};
use super::super::marks::Mark;
use super::driver::{Assignment, Mode};
use super::hooks::{Call, Hooks};
use super::keeper::{Errand, Keeper};
use super::ledger::Job;
use super::task_sets::{Creation, TaskSets};
use super::{Controller, Then};
use crate::engine::deliberate::{Bug, deliberate};
use crate::engine::event::{Event, Record};
use crate::engine::input::{Command, What};
use crate::engine::leg::Actor;
use crate::engine::pending::{Change, Work, WorkId, WorkSet, evolve_with_change};
use crate::engine::{Deployment, Input, decide, pending, refusal};
use crate::model::deployment::ExecutionId;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// At most so many inputs are decided before their entries are made durable together.
const TOGETHER: usize = 256;

/// What waits for a deployment's task.
pub(super) enum Letter {
    Input(Input),
    Command(usize, Command),
}

/// A deployment that is not over.
pub(super) struct Task {
    pub deployment: Deployment,
    /// What of it is durable, for the keeper of one behind a load balancer.
    pub published: Option<Box<Deployment>>,
    mailbox: VecDeque<Letter>,
    /// What was decided and is being made durable.
    pub decided: Option<Decided>,
    deadlines: BTreeSet<(Timestamp, ExecutionId, Name)>,
    timers: BTreeSet<Timestamp>,
    /// When it is woken next, in true time.
    armed: Option<i64>,
    works: WorkSet,
}

/// Decided, but not durable yet.
#[derive(Default)]
pub(super) struct Decided {
    pub records: Vec<Record>,
    pub changes: Vec<Change>,
    /// Who asked, and whether it was done.
    pub answers: Vec<(usize, bool)>,
}

impl Task {
    pub(super) fn new(deployment: Deployment) -> Self {
        let traffic = deployment.spec.group.controls_traffic();
        Self {
            published: traffic.then(|| Box::new(deployment.clone())),
            deployment,
            mailbox: VecDeque::new(),
            decided: None,
            deadlines: BTreeSet::new(),
            timers: BTreeSet::new(),
            armed: None,
            works: WorkSet::new(),
        }
    }

    /// What was decided is durable.
    pub(super) fn publish(&mut self, records: &[Record]) {
        if let Some(published) = &mut self.published {
            for record in records {
                published.evolve(record);
            }
        }
    }

    /// Whether nothing is decided or written right now.
    pub(super) fn is_idle(&self) -> bool {
        self.decided.is_none() && self.mailbox.is_empty()
    }

    /// What the changes say is in flight.
    pub(super) fn works(&self) -> &WorkSet {
        &self.works
    }

    /// Whether it will be woken at this time for this execution, or for itself.
    pub(super) fn has_timer(&self, at: Timestamp, execution: Option<&ExecutionId>) -> bool {
        match execution {
            Some(execution) => self
                .deadlines
                .iter()
                .any(|(when, id, _)| *when == at && id == execution),
            None => self.timers.contains(&at),
        }
    }

    fn decide(&mut self, env: &mut Env, input: &Input, decided: &mut Decided) {
        let now = env.controller_time();
        let events = decide(&self.deployment, input, now);
        if events.is_empty() && matches!(input, Input::Report { .. }) {
            env.mark(Mark::StaleReport);
        }
        let told = events.len();
        for event in events {
            let record = Record {
                seq: self.deployment.seq + 1,
                at: now,
                event,
            };
            let change = evolve_with_change(&mut self.deployment, &record);
            if env.watch.thorough {
                for work in &change.removed {
                    self.works.remove(&work.id);
                }
                for work in &change.added {
                    self.works.insert(work.id.clone(), work.clone());
                }
            }
            decided.changes.push(change);
            decided.records.push(record);
        }
        if let Input::Freeze(freeze) = input {
            env.watch.told_of_freeze(&self.deployment, freeze.as_ref());
        }
        if matches!(input, Input::Alarm { .. }) {
            env.watch.alarmed(&self.deployment);
            if told > 0 {
                env.mark(Mark::StoppedByAlarm);
            }
        }
    }

    fn expire(&mut self, env: &mut Env, decided: &mut Decided) {
        let now = env.controller_time();
        while let Some((at, _, target)) = self.deadlines.first().cloned() {
            if at > now {
                break;
            }
            self.deadlines.pop_first();
            env.mark(Mark::DeadlineExpired);
            // A function is no host of the project.
            let on_hosts = self.deployment.spec.is_on_hosts();
            let deregistered = !on_hosts || !env.registered[Cast::host(&target)];
            let input = Input::DeadlinePassed {
                target,
                deregistered,
            };
            self.decide(env, &input, decided);
        }
        while self.timers.first().is_some_and(|at| *at <= now) {
            self.timers.pop_first();
            self.decide(env, &Input::TimerElapsed, decided);
        }
    }

    /// Makes sure that it is woken when the next time comes.
    fn arm(&mut self, env: &mut Env, life: u32) {
        let deadline = self.deadlines.first().map(|(at, ..)| *at);
        let nearest = deadline
            .into_iter()
            .chain(self.timers.first().copied())
            .min();
        let Some(nearest) = nearest else { return };
        let wait =
            i64::try_from(nearest.since(env.controller_time()).as_millis()).unwrap_or(i64::MAX / 4);
        let at = env.now + wait;
        if self.armed.is_none_or(|armed| at < armed) {
            self.armed = Some(at);
            let what = InController::Due(Cast::number(self.deployment.id()));
            env.after(wait, Happening::Controller { life, what });
        }
    }
}

impl Controller {
    /// Takes a deployment up that another life of the orchestrator began.
    pub(super) fn take_up(
        &mut self,
        env: &mut Env,
        number: usize,
        deployment: Deployment,
    ) -> Result<(), Killed> {
        let mut task = Task::new(deployment);
        let mut decided = Decided::default();
        task.decide(env, &Input::Recovered, &mut decided);
        task.works = WorkSet::new();
        let lines = lines(number, &decided.records);
        if lines.is_empty() {
            self.take_in(env, number, task);
            return self.begin_all(env, number);
        }
        decided.changes.clear();
        task.decided = Some(decided);
        self.take_in(env, number, task);
        self.write(env, lines, Then::TakenUp(number));
        Ok(())
    }

    /// A deployment runs from now on, and its keeper with it.
    pub(super) fn take_in(&mut self, env: &mut Env, number: usize, task: Task) {
        if task.published.is_some() {
            let group = env.watch.group(number);
            let keeper = Keeper::new(number, group, self.life, env);
            self.keepers.insert(number, keeper);
            let style = env.shape.styles[group];
            if let Some(programs) = style.programs() {
                let kind = env.cast.hook(programs);
                self.hooks
                    .insert(number, Hooks::new(number, self.life, kind));
            }
            if style.is_service() {
                self.task_sets
                    .insert(number, TaskSets::new(number, self.life));
            }
        }
        self.tasks.insert(number, task);
    }

    /// Begins everything that is to be done for a deployment.
    pub(super) fn begin_all(&mut self, env: &mut Env, number: usize) -> Result<(), Killed> {
        let Some(task) = self.tasks.get_mut(&number) else {
            return Ok(());
        };
        let decided = task.decided.take().unwrap_or_default();
        task.publish(&decided.records);
        let works = pending(&task.deployment);
        task.works.clone_from(&works);
        // It may have come or gone while nobody orchestrated.
        let freeze = &env.freezes[env.watch.group(number)];
        if *freeze != task.deployment.frozen {
            let input = Input::Freeze(freeze.clone());
            task.mailbox.push_back(Letter::Input(input));
        }
        let lose = deliberate(Bug::TimersLost) && task.deployment.seq > 2;
        for work in works.into_values() {
            if lose && matches!(work.id, WorkId::Deadline(..)) {
                continue;
            }
            self.begin(env, number, work)?;
        }
        // Alarms are polled at once for what is taken up.
        let alarm = self.alarm_of(env, number, env.watch.group(number));
        if let Some(input) = alarm {
            return self.post(env, number, Letter::Input(input));
        }
        self.turn(env, number)
    }

    /// Hands something to a deployment's task.
    pub(super) fn post(
        &mut self,
        env: &mut Env,
        number: usize,
        letter: Letter,
    ) -> Result<(), Killed> {
        if let Some(task) = self.tasks.get_mut(&number) {
            task.mailbox.push_back(letter);
        }
        self.turn(env, number)
    }

    /// A time has come of a deployment.
    pub(super) fn due(&mut self, env: &mut Env, number: usize) -> Result<(), Killed> {
        if let Some(task) = self.tasks.get_mut(&number)
            && task.armed.is_some_and(|armed| armed <= env.now)
        {
            task.armed = None;
        }
        self.turn(env, number)
    }

    /// Decides on what waits, unless what was decided before is not durable yet.
    fn turn(&mut self, env: &mut Env, number: usize) -> Result<(), Killed> {
        let life = self.life;
        let Some(task) = self.tasks.get_mut(&number) else {
            return Ok(());
        };
        if task.decided.is_some() {
            return Ok(());
        }
        let mut decided = Decided::default();
        task.expire(env, &mut decided);
        for _ in 0..TOGETHER {
            let Some(letter) = task.mailbox.pop_front() else {
                break;
            };
            match letter {
                Letter::Input(input) => task.decide(env, &input, &mut decided),
                Letter::Command(person, command) => {
                    let refused = refusal(&task.deployment, &command);
                    env.watch
                        .pressed(&task.deployment, &command, refused.as_ref());
                    if refused.is_some() && matches!(command.what, What::Approve { .. }) {
                        env.mark(Mark::ApprovedInVain);
                    }
                    if let Some(refused) = &refused {
                        env.mark(match refused.code() {
                            "InvalidOperationException" => Mark::KeyStale,
                            _ => Mark::KeyRefused,
                        });
                    }
                    decided.answers.push((person, refused.is_none()));
                    task.decide(env, &Input::Command(command), &mut decided);
                }
            }
        }
        if decided.records.is_empty() {
            task.arm(env, life);
            return Ok(());
        }
        if deliberate(Bug::AnswerBeforeDurable) {
            env.watch
                .acknowledged(number, task.deployment.seq, &decided.answers);
        }
        let ended = decided
            .records
            .iter()
            .any(|record| matches!(record.event, Event::Ended { .. }));
        if deliberate(Bug::ActBeforeDurable) && !ended {
            let changes = std::mem::take(&mut decided.changes);
            let lines = lines(number, &decided.records);
            task.decided = Some(decided);
            self.write(env, lines, Then::Act(number));
            return self.carry_out(env, number, changes);
        }
        if ended {
            task.decided = Some(decided);
            self.with_ledgers(env, Job::Close(number));
            return Ok(());
        }
        let lines = lines(number, &decided.records);
        task.decided = Some(decided);
        self.write(env, lines, Then::Act(number));
        Ok(())
    }

    /// What a deployment decided is durable: it acts on it.
    pub(super) fn act(&mut self, env: &mut Env, number: usize) -> Result<(), Killed> {
        let Some(task) = self.tasks.get_mut(&number) else {
            return Ok(());
        };
        let decided = task.decided.take().unwrap_or_default();
        task.publish(&decided.records);
        let seq = task.deployment.seq;
        env.watch.acknowledged(number, seq, &decided.answers);
        self.carry_out(env, number, decided.changes)?;
        self.turn(env, number)
    }

    pub(super) fn carry_out(
        &mut self,
        env: &mut Env,
        number: usize,
        changes: Vec<Change>,
    ) -> Result<(), Killed> {
        let change = if deliberate(Bug::StaleWorkBegun) {
            let mut all = Change::default();
            for change in changes {
                all.added.extend(change.added);
                all.removed.extend(change.removed);
            }
            all
        } else {
            Change::net(changes)
        };
        for work in change.removed {
            self.give_up(env, number, work)?;
        }
        for work in change.added {
            self.begin(env, number, work)?;
        }
        Ok(())
    }

    fn begin(&mut self, env: &mut Env, number: usize, work: Work) -> Result<(), Killed> {
        Self::effect(env)?;
        let alarm = self.alarm_of(env, number, env.watch.group(number));
        let Some(task) = self.tasks.get_mut(&number) else {
            return Ok(());
        };
        match (work.id, work.target) {
            // One whose alarm is active does not begin.
            (WorkId::Admit(_), _) => {
                let input = alarm.unwrap_or(Input::Admitted);
                task.mailbox.push_back(Letter::Input(input));
            }
            (WorkId::Run(execution), Some(target)) => {
                self.assign(env, number, execution, &target, Mode::Run);
            }
            (WorkId::Halt(execution), Some(target)) => {
                self.assign(env, number, execution, &target, Mode::Halt);
            }
            (WorkId::Deadline(execution, at), Some(target)) => {
                task.deadlines.insert((at, execution, target));
            }
            (WorkId::Timer(_, at), _) => {
                task.timers.insert(at);
            }
            (WorkId::Terminate(_), _) => {
                let side = task.deployment.ends();
                if let (Some(sets), Some(side)) = (self.task_sets.get_mut(&number), side) {
                    sets.end(env, side);
                }
            }
            // No group of a simulated world has a fleet.
            (WorkId::Provision(_), _) | (_, None) => {}
        }
        Ok(())
    }

    fn give_up(&mut self, env: &mut Env, number: usize, work: Work) -> Result<(), Killed> {
        Self::effect(env)?;
        let Some(task) = self.tasks.get_mut(&number) else {
            return Ok(());
        };
        match (work.id, work.target) {
            (WorkId::Run(execution) | WorkId::Halt(execution), Some(target)) => {
                let wanted = task.deployment.target(&target).is_some_and(|t| {
                    t.execution.as_ref() == Some(&execution) && !t.status.is_terminal()
                });
                if !wanted {
                    if let Some(keeper) = self.keepers.get_mut(&number) {
                        keeper.forget(env, execution.clone());
                    }
                    if let Some(sets) = self.task_sets.get_mut(&number) {
                        sets.forget(&execution);
                    }
                    if let Some(hooks) = self.hooks.get_mut(&number) {
                        hooks.forget(&execution);
                    } else {
                        self.drivers[Cast::host(&target)].forget(env, execution);
                    }
                }
            }
            (WorkId::Deadline(execution, at), Some(target)) => {
                task.deadlines.remove(&(at, execution, target));
            }
            (WorkId::Timer(_, at), _) => {
                task.timers.remove(&at);
            }
            (WorkId::Terminate(_), _) => {
                if let Some(sets) = self.task_sets.get_mut(&number) {
                    sets.end_no_more();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn assign(
        &mut self,
        env: &mut Env,
        number: usize,
        execution: ExecutionId,
        target: &Name,
        mode: Mode,
    ) {
        let host = Cast::host(target);
        let Some(task) = self.tasks.get_mut(&number) else {
            return;
        };
        let Some(found) = task.deployment.target(target) else {
            return;
        };
        let actor = found.actor();
        if !env.registered[host] && actor == Actor::Host {
            return;
        }
        if mode == Mode::Run {
            env.watch.places(number, &execution);
        }
        let order = crate::orchestrator::hosts::order(&task.deployment, found);
        if actor == Actor::Hook {
            let entry = found.leg_events().first();
            let hook = entry.and_then(|entry| Some((entry.event, entry.hook.clone()?)));
            if let (Some(hooks), Some((event, name))) = (self.hooks.get_mut(&number), hook) {
                let call = Call {
                    execution,
                    target: target.clone(),
                    event,
                    name,
                    mode,
                };
                hooks.assign(env, call);
            }
            return;
        }
        if actor == Actor::TaskSets {
            let target = target.clone();
            let creation = Creation {
                execution,
                target,
                mode,
            };
            if let Some(sets) = self.task_sets.get_mut(&number) {
                sets.make(env, creation);
            }
            return;
        }
        if actor == Actor::Balancer
            && let (Some(keeper), Some(&event)) =
                (self.keepers.get_mut(&number), order.events.first())
        {
            let target = target.clone();
            let errand = Errand {
                execution,
                target,
                event,
                mode,
            };
            keeper.assign(env, errand);
            return;
        }
        let assignment = Assignment {
            execution,
            deployment: number,
            mode,
            order,
        };
        self.drivers[host].assign(env, assignment);
    }
}

/// A deployment's records as lines of the journal.
pub(super) fn lines(number: usize, records: &[Record]) -> Vec<Line> {
    records
        .iter()
        .map(|record| Line::Deployment(number, record.clone()))
        .collect()
}
