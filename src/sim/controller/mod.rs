//! The orchestrator, small: what `orchestrator::task`, `closing`, `create` and `hosts::driver` do, without their sockets and
//! threads. Everything it decides is decided by the engine; all that is here is when it writes and when it acts.

mod driver;
mod hooks;
mod keeper;
mod ledger;
mod task;
mod task_sets;

use std::collections::{BTreeMap, VecDeque};

use super::cast::Cast;
use super::disk::Line;
use super::env::{Env, Killed};
use super::happening::{
    Asked, Called, CalledHook, Happening, InController, Key, Life, Reply, Told,
};
use super::marks::Mark;
use super::tape::Reel;
use crate::agent::core::Record as HostLine;
use crate::engine::deliberate::{Bug, deliberate};
use crate::engine::input::Report;
use crate::engine::{Deployment, Input, Ledger, fold};
use crate::model::deployment::ExecutionId;
use crate::model::traffic::Side;
use crate::providers::notify::Answer;
use crate::providers::traffic::TrafficError;
use driver::Driver;
use hooks::Hooks;
use keeper::Keeper;
use ledger::{Job, Opening};
use task::{Letter, Task};
use task_sets::TaskSets;

/// An orchestrator that runs.
pub struct Controller {
    /// Which life of it.
    life: Life,
    /// The deployments that are not over.
    tasks: BTreeMap<usize, Task>,
    ledgers: Vec<Ledger>,
    /// Whether somebody ends or begins a deployment right now.
    ledgers_held: bool,
    waiting: VecDeque<Job>,
    drivers: Vec<Driver>,
    /// Of the deployments behind a load balancer.
    keepers: BTreeMap<usize, Keeper>,
    /// Of the deployments of functions and services.
    hooks: BTreeMap<usize, Hooks>,
    /// Of the deployments of services.
    task_sets: BTreeMap<usize, TaskSets>,
    /// Written, but not durable yet, the oldest first.
    writes: VecDeque<Write>,
    /// So many of them become durable together next.
    syncing: usize,
}

/// Entries that become durable together, and who waits for that.
struct Write {
    lines: Vec<Line>,
    then: Then,
}

/// What happens when a write is durable.
enum Then {
    /// The deployment acts on what it decided.
    Act(usize),
    /// The deployment, taken up after a restart, does what is to be done.
    TakenUp(usize),
    /// The deployment is over, and its rollback begins.
    Closed(usize, Option<Box<Opening>>),
    /// A deployment begins, which somebody asked for.
    Opened(Box<Opening>, usize),
}

/// What a driver heard about an execution of a deployment.
struct Heard {
    deployment: usize,
    input: Input,
}

impl Heard {
    fn new(
        deployment: usize,
        execution: &ExecutionId,
        host: &crate::model::name::Name,
        report: Report,
    ) -> Self {
        Self {
            deployment,
            input: Input::Report {
                execution: execution.clone(),
                target: host.clone(),
                report,
            },
        }
    }
}

impl Heard {
    /// Whether it says that an event has started.
    fn is_start(&self) -> bool {
        let Input::Report { report, .. } = &self.input else {
            return false;
        };
        matches!(report, Report::EventStarted { .. })
    }
}

impl Controller {
    /// Starts, and reads the groups' ledgers.
    pub fn new(env: &mut Env, life: Life) -> Self {
        Self {
            life,
            tasks: BTreeMap::new(),
            ledgers: env.disk.ledgers.iter().map(Ledger::fold).collect(),
            ledgers_held: false,
            waiting: VecDeque::new(),
            drivers: (0..env.shape.hosts)
                .map(|host| Driver::new(host, life))
                .collect(),
            keepers: BTreeMap::new(),
            hooks: BTreeMap::new(),
            task_sets: BTreeMap::new(),
            writes: VecDeque::new(),
            syncing: 0,
        }
    }

    /// Takes up what is not over.
    pub fn take_up_all(&mut self, env: &mut Env) -> Result<(), Killed> {
        let found: Vec<usize> = (0..env.disk.deployments.len()).collect();
        for number in found {
            let Some(deployment) = fold(env.disk.deployment(number)) else {
                continue;
            };
            env.watch.read_back(number, &deployment);
            if !deployment.status.is_terminal() {
                self.take_up(env, number, deployment)?;
            }
        }
        Ok(())
    }

    /// Killed: what was written may be durable or lost, in the order in which it was written.
    pub fn die(self, env: &mut Env) {
        env.mark(Mark::ControllerKilled);
        env.watch.orchestrator_died(env.now);
        let (function, service) = env.watch.shifts_single();
        if function {
            env.mark(Mark::KilledWhileShifting);
        }
        if service {
            env.mark(Mark::KilledWhileMoving);
        }
        let pending = u32::try_from(self.writes.len()).unwrap_or(0);
        let kept = env.tape.below(Reel::Disk, pending + 1) as usize;
        if kept < self.writes.len() {
            env.mark(Mark::WriteLost);
        }
        for write in self.writes.into_iter().take(kept) {
            env.mark(Mark::WriteKept);
            make_durable(env, write.lines);
        }
    }

    /// Something happens here by itself.
    pub fn happens(&mut self, env: &mut Env, what: InController) -> Result<(), Killed> {
        match what {
            InController::Synced => self.synced(env),
            InController::Due(number) => self.due(env, number),
            InController::Lease(host, session) => {
                self.drivers[host].lease(env, session);
                Ok(())
            }
            InController::TimesOut(host, session, number) => {
                let heard = self.drivers[host].times_out(env, session, number);
                self.deliver(env, heard)
            }
            InController::StreamBroken(host, session) => {
                let heard = self.drivers[host].stream_broken(env, session);
                self.deliver(env, heard)
            }
            InController::Rested(host, session) => {
                self.drivers[host].rested(env, session);
                Ok(())
            }
            InController::Keeps(number, turn) => {
                let group = env.watch.group(number);
                let mut earlier = self.keepers.range(..number);
                let waits = earlier.any(|(before, _)| env.watch.group(*before) == group);
                self.keep(env, number, |keeper, env, state| {
                    if waits {
                        keeper.waits(env, turn);
                        return Vec::new();
                    }
                    keeper.goes_on(env, turn, state)
                })
            }
            InController::BalancerSilent(number, request) => {
                self.keep(env, number, |keeper, env, state| {
                    keeper.silent(env, request, state)
                })
            }
            InController::Calls(number, turn) => self.call(env, number, |hooks, env, state| {
                hooks.goes_on(env, turn, state)
            }),
            InController::Makes(number, turn) => {
                self.make(env, number, |sets, env, state, let_go| {
                    sets.goes_on(env, turn, state, let_go)
                })
            }
        }
    }

    /// Something happens to those who have task sets made and ended for a deployment, who know what is durable.
    fn make(
        &mut self,
        env: &mut Env,
        number: usize,
        what: impl FnOnce(&mut TaskSets, &mut Env, &Deployment, &dyn Fn(Side) -> bool) -> Vec<Heard>,
    ) -> Result<(), Killed> {
        let task = self.tasks.get(&number);
        let state = task.and_then(|task| task.published.as_deref());
        let (Some(sets), Some(state)) = (self.task_sets.get_mut(&number), state) else {
            return Ok(());
        };
        let keeper = self.keepers.get(&number);
        let let_go = |side| keeper.is_some_and(|keeper| keeper.has_let_go(state, side));
        let heard = what(sets, env, state, &let_go);
        self.deliver(env, heard)
    }

    /// A hook answers a call.
    pub fn hook_told(
        &mut self,
        env: &mut Env,
        called: CalledHook,
        answer: Answer,
    ) -> Result<(), Killed> {
        if called.life != self.life {
            return Ok(());
        }
        self.call(env, called.deployment, |hooks, env, _| {
            hooks.told(env, called.turn, answer)
        })
    }

    /// A hook reports how it ended.
    pub fn hook_reports(
        &mut self,
        env: &mut Env,
        number: usize,
        ticket: &ExecutionId,
        well: bool,
    ) -> Result<(), Killed> {
        let task = self.tasks.get(&number);
        let Some(state) = task.and_then(|task| task.published.as_deref()) else {
            env.mark(Mark::HookInVain);
            return Ok(());
        };
        let heard = hooks::reported(env, number, state, ticket, well);
        self.deliver(env, heard)
    }

    /// Something happens to the hooks of a deployment, whose callers know what is durable.
    fn call(
        &mut self,
        env: &mut Env,
        number: usize,
        what: impl FnOnce(&mut Hooks, &mut Env, &Deployment) -> Vec<Heard>,
    ) -> Result<(), Killed> {
        let task = self.tasks.get(&number);
        let state = task.and_then(|task| task.published.as_deref());
        let (Some(hooks), Some(state)) = (self.hooks.get_mut(&number), state) else {
            return Ok(());
        };
        let heard = what(hooks, env, state);
        self.deliver(env, heard)
    }

    /// A load balancer answers.
    pub fn told(
        &mut self,
        env: &mut Env,
        called: Called,
        told: Result<Told, TrafficError>,
    ) -> Result<(), Killed> {
        if called.life != self.life {
            return Ok(());
        }
        self.keep(env, called.deployment, |keeper, env, state| {
            keeper.told(env, called.number, told, state)
        })
    }

    /// Something happens to the keeper of a deployment, which knows what is durable.
    fn keep(
        &mut self,
        env: &mut Env,
        number: usize,
        what: impl FnOnce(&mut Keeper, &mut Env, &Deployment) -> Vec<Heard>,
    ) -> Result<(), Killed> {
        let Some(keeper) = self.keepers.get_mut(&number) else {
            return Ok(());
        };
        if let Some(state) = keeper.left.take() {
            what(keeper, env, &state);
            self.leave(number, Some(state));
            return Ok(());
        }
        let task = self.tasks.get(&number);
        let Some(state) = task.and_then(|task| task.published.as_deref()) else {
            return Ok(());
        };
        let heard = what(keeper, env, state);
        self.deliver(env, heard)
    }

    /// A deployment has ended: its keeper leaves everything as it is, when it has finished its look.
    fn leave(&mut self, number: usize, state: Option<Box<Deployment>>) {
        self.hooks.remove(&number);
        self.task_sets.remove(&number);
        let Some(keeper) = self.keepers.get_mut(&number) else {
            return;
        };
        if keeper.looks() {
            keeper.left = state;
        } else {
            self.keepers.remove(&number);
        }
    }

    /// A host answers.
    pub fn reply(
        &mut self,
        env: &mut Env,
        host: usize,
        to: Asked,
        reply: Reply,
    ) -> Result<(), Killed> {
        if to.life != self.life {
            return Ok(());
        }
        if let Some(number) = TaskSets::deployment_of(to) {
            return self.make(env, number, |sets, env, _, _| sets.told(env, to, &reply));
        }
        let heard = self.drivers[host].reply(env, to, reply);
        self.deliver(env, heard)
    }

    /// Lines of a host's log arrive.
    pub fn lines(
        &mut self,
        env: &mut Env,
        host: usize,
        stream: Asked,
        lines: &[HostLine],
    ) -> Result<(), Killed> {
        if stream.life != self.life {
            return Ok(());
        }
        let heard = self.drivers[host].lines(env, stream, lines);
        self.deliver(env, heard)
    }

    /// An operator's key arrives.
    pub fn key(&mut self, env: &mut Env, person: usize, key: Key) -> Result<(), Killed> {
        match key {
            Key::Deploy {
                group,
                revision,
                current,
            } => {
                let job = Job::Deploy {
                    group,
                    revision,
                    person,
                    current,
                };
                self.with_ledgers(env, job);
                Ok(())
            }
            Key::RollBack { deployment } => {
                let job = Job::RollBack { deployment, person };
                self.with_ledgers(env, job);
                Ok(())
            }
            Key::Command {
                deployment,
                mut command,
            } => {
                // As the door does it.
                command.by = Cast::person(person);
                if self.tasks.contains_key(&deployment) {
                    self.post(env, deployment, Letter::Command(person, command))
                } else {
                    env.mark(Mark::KeyRefused);
                    Ok(())
                }
            }
        }
    }

    /// The alarm of a group is active: its deployments are told.
    pub fn alarm(&mut self, env: &mut Env, group: usize) -> Result<(), Killed> {
        let told: Vec<usize> = self.tasks.keys().copied().collect();
        for number in told {
            if let Some(input) = self.alarm_of(env, number, group) {
                self.post(env, number, Letter::Input(input))?;
            }
        }
        Ok(())
    }

    /// The freeze of a group has come, or has gone: its deployments are told, and those that waited for its end begin.
    pub fn freeze(&mut self, env: &mut Env, group: usize) -> Result<(), Killed> {
        let told: Vec<usize> = self.tasks.keys().copied().collect();
        for number in told {
            if env.watch.group(number) != group {
                continue;
            }
            let freeze = env.freezes[group].clone();
            let thawed = freeze.is_none();
            self.post(env, number, Letter::Input(Input::Freeze(freeze)))?;
            if thawed {
                let alarm = self.alarm_of(env, number, group);
                let begins = alarm.unwrap_or(Input::Admitted);
                self.post(env, number, Letter::Input(begins))?;
            }
        }
        Ok(())
    }

    /// What a deployment of this group is told of its alarm, if it is watched and active.
    fn alarm_of(&self, env: &Env, number: usize, group: usize) -> Option<Input> {
        let watched = self.tasks.get(&number)?.deployment.spec.alarms().is_some();
        let concerns = env.watch.group(number) == group && env.alarms[group] && watched;
        concerns.then(|| Input::Alarm {
            message: "alarm active: alarm".to_owned(),
        })
    }

    /// Says what is in flight to those who check.
    pub fn shows(&self, env: &mut Env) {
        for (&number, task) in &self.tasks {
            if task.is_idle() {
                let now = env.controller_time();
                let Env {
                    watch, registered, ..
                } = env;
                watch.waits(
                    number,
                    &task.deployment,
                    task.works(),
                    |host, execution, halts| {
                        let keeper = self.keepers.get(&number);
                        let hooks = self.hooks.get(&number);
                        let sets = self.task_sets.get(&number);
                        let on_hosts = task.deployment.spec.is_on_hosts();
                        (on_hosts && !registered[host])
                            || hooks.is_some_and(|hooks| hooks.wants(execution, halts))
                            || sets.is_some_and(|sets| sets.wants(execution))
                            || self.drivers[host].wants(execution, halts)
                            || keeper.is_some_and(|keeper| keeper.wants(execution, halts))
                    },
                );
                watch.timers(number, now, |at, execution| task.has_timer(at, execution));
            }
        }
    }

    fn deliver(&mut self, env: &mut Env, heard: Vec<Heard>) -> Result<(), Killed> {
        for Heard { deployment, input } in heard {
            if self.tasks.contains_key(&deployment) {
                self.post(env, deployment, Letter::Input(input))?;
            }
        }
        Ok(())
    }

    /// Appends to the journal; whoever waits goes on when it is durable.
    fn write(&mut self, env: &mut Env, lines: Vec<Line>, then: Then) {
        self.writes.push_back(Write { lines, then });
        if self.syncing == 0 {
            self.sync(env);
        }
    }

    fn sync(&mut self, env: &mut Env) {
        self.syncing = self.writes.len();
        let wait = env.tape.wait(Reel::Disk, env.shape.faults.sync);
        let what = InController::Synced;
        env.after(
            wait,
            Happening::Controller {
                life: self.life,
                what,
            },
        );
    }

    /// What was being made durable is, or has to be tried again.
    fn synced(&mut self, env: &mut Env) -> Result<(), Killed> {
        if env.goes_wrong(Reel::Disk, env.shape.faults.disk) {
            env.mark(Mark::WriteFailed);
            let what = InController::Synced;
            env.after(
                1_000,
                Happening::Controller {
                    life: self.life,
                    what,
                },
            );
            return Ok(());
        }
        let done: Vec<Write> = self.writes.drain(..self.syncing).collect();
        self.syncing = 0;
        let mut then = Vec::with_capacity(done.len());
        for write in done {
            make_durable(env, write.lines);
            then.push(write.then);
        }
        if !self.writes.is_empty() {
            self.sync(env);
        }
        for then in then {
            match then {
                Then::Act(number) => self.act(env, number)?,
                Then::TakenUp(number) => self.begin_all(env, number)?,
                Then::Closed(number, opening) => self.closed(env, number, opening)?,
                Then::Opened(opening, person) => self.opened(env, *opening, person)?,
            }
        }
        Ok(())
    }

    /// The orchestrator may be killed between any two effects.
    fn effect(env: &mut Env) -> Result<(), Killed> {
        if env.goes_wrong(Reel::Faults, env.shape.faults.controller_at_effect) {
            env.mark(Mark::ControllerKilledAtEffect);
            return Err(Killed);
        }
        Ok(())
    }
}

fn make_durable(env: &mut Env, lines: Vec<Line>) {
    let torn = deliberate(Bug::TornBatch) && lines.len() > 2;
    let keep = if torn { lines.len() - 1 } else { lines.len() };
    for line in lines.into_iter().take(keep) {
        env.digest(match &line {
            Line::Deployment(number, record) => (*number as u64) << 32 | record.seq,
            Line::Group(group, record) => 1 << 60 | (*group as u64) << 32 | record.seq,
        });
        env.tell(|| super::trace::words(&line));
        let (now, marks) = (env.now, &mut env.marks);
        env.watch.durable(now, &line, marks);
        env.disk.keep(line);
    }
    env.watch.settled();
}
