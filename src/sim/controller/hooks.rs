//! Calls hooks for the deployments of functions (`orchestrator::hooks`): a webhook until it has taken its call, a program once.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::env::Env;
use super::super::happening::{CalledHook, Happening, InController, Life, OnHook};
use super::super::hook::time_taken;
use super::super::marks::Mark;
use super::super::shape::Millis;
use super::super::tape::Reel;
use super::Heard;
use super::driver::Mode;
use crate::engine::Deployment;
use crate::engine::input::Report;
use crate::model::connections::HookKind;
use crate::model::deployment::ExecutionId;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::orchestrator::hooks::due::{Due, due, failure, status};
use crate::orchestrator::hooks::report::{HookStatus, find, reports};
use crate::providers::notify::Answer;

/// How long a hook may take to answer a call.
const PATIENCE: Millis = 10_000;

/// How soon one is called again that has not taken it.
const AGAIN: Millis = 2_000;

/// How soon to look again whether it is written that a program begins.
const WRITTEN: Millis = 5;

/// A hook that is to be called.
pub(super) struct Call {
    pub execution: ExecutionId,
    pub target: Name,
    pub event: LifecycleEvent,
    /// As the `AppSpec` has it.
    pub name: String,
    pub mode: Mode,
}

/// What whoever calls is at.
enum Step {
    Begins,
    /// The answer to a call.
    Waits,
    /// Until it is time to call again.
    Rests,
    /// That it is written that the program begins.
    Writes,
    /// The program's end.
    Runs,
    /// Nothing more is to be done here.
    Done,
}

struct Open {
    call: Call,
    turn: u32,
    step: Step,
}

/// The hooks that a deployment has called.
pub(super) struct Hooks {
    deployment: usize,
    life: Life,
    open: BTreeMap<ExecutionId, Open>,
    turns: u32,
    kind: HookKind,
}

impl Hooks {
    pub(super) fn new(deployment: usize, life: Life, kind: HookKind) -> Self {
        Self {
            deployment,
            life,
            open: BTreeMap::new(),
            turns: 0,
            kind,
        }
    }

    /// Whether it works on a hook.
    pub(super) fn wants(&self, execution: &ExecutionId, halts: bool) -> bool {
        let mode = if halts { Mode::Halt } else { Mode::Run };
        let open = self.open.get(execution);
        open.is_some_and(|open| open.call.mode == mode)
    }

    pub(super) fn assign(&mut self, env: &mut Env, call: Call) {
        if let Some(open) = self.open.get_mut(&call.execution) {
            open.call.mode = call.mode;
            if matches!(open.step, Step::Rests) {
                let execution = call.execution;
                self.next(env, &execution, Step::Rests, 0);
            }
            return;
        }
        let execution = call.execution.clone();
        let open = Open {
            call,
            turn: 0,
            step: Step::Begins,
        };
        self.open.insert(execution.clone(), open);
        self.next(env, &execution, Step::Begins, 0);
    }

    pub(super) fn forget(&mut self, execution: &ExecutionId) {
        self.open.remove(execution);
    }

    /// Goes on with this step after a while, and not before; answers the turn that it is.
    fn next(&mut self, env: &mut Env, execution: &ExecutionId, step: Step, wait: Millis) -> u32 {
        self.turns += 1;
        if let Some(open) = self.open.get_mut(execution) {
            open.step = step;
            open.turn = self.turns;
        }
        let what = InController::Calls(self.deployment, self.turns);
        let life = self.life;
        env.after(wait, Happening::Controller { life, what });
        self.turns
    }

    /// It is time to go on. `state` is what is durable of the deployment.
    pub(super) fn goes_on(&mut self, env: &mut Env, turn: u32, state: &Deployment) -> Vec<Heard> {
        let mut open = self.open.values().filter(|open| open.turn == turn);
        let Some(open) = open.next() else {
            return Vec::new();
        };
        let execution = open.call.execution.clone();
        let at = status(state, &open.call.target, open.call.event, &execution);
        let halts = open.call.mode == Mode::Halt;
        match open.step {
            Step::Begins => {
                let name = &open.call.name;
                let due = due(at, halts, name, Some(&self.kind));
                self.begin(env, &execution, due)
            }
            Step::Waits => self.not_now(env, &execution, None),
            // It may have taken the call all the same, and have reported.
            Step::Rests if halts || at.is_none_or(EventStatus::is_terminal) => {
                self.over(&execution)
            }
            Step::Rests => {
                self.post(env, &execution);
                Vec::new()
            }
            Step::Writes => {
                match at {
                    Some(EventStatus::InProgress) => {
                        env.watch.runs_program(self.deployment, &execution);
                        let wait = time_taken(env);
                        self.next(env, &execution, Step::Runs, wait);
                    }
                    Some(EventStatus::Pending) => {
                        self.next(env, &execution, Step::Writes, WRITTEN);
                    }
                    _ => self.done(&execution),
                }
                Vec::new()
            }
            Step::Runs => {
                let fails = env.shape.functions.hooks.fails;
                let well = !env.goes_wrong(Reel::Functions, fails);
                env.watch.hook_reported(&execution, well);
                self.ends(env, &execution, (!well).then(|| "exit code 1".to_owned()))
            }
            Step::Done => Vec::new(),
        }
    }

    fn begin(&mut self, env: &mut Env, execution: &ExecutionId, due: Due) -> Vec<Heard> {
        match due {
            Due::Over => return self.over(execution),
            Due::Fail(why) => {
                env.mark(Mark::HookInterrupted);
                return self.ends(env, execution, Some(why));
            }
            Due::Wait => self.done(execution),
            Due::Post => self.post(env, execution),
            Due::Run => {
                let heard = self.starts(env, execution);
                self.next(env, execution, Step::Writes, WRITTEN);
                return heard;
            }
        }
        Vec::new()
    }

    fn post(&mut self, env: &mut Env, execution: &ExecutionId) {
        let deployment = self.deployment;
        env.watch.calls(deployment, execution);
        let turn = self.next(env, execution, Step::Waits, PATIENCE);
        let hooks = env.shape.functions.hooks;
        if env.goes_wrong(Reel::Functions, hooks.unheard) {
            env.mark(Mark::HookUnheard);
            return;
        }
        let called = CalledHook {
            life: self.life,
            deployment,
            turn,
        };
        let wait = env.tape.wait(Reel::Functions, hooks.delay);
        let what = OnHook::Asked(called, execution.clone());
        env.after(wait, Happening::Hook(what));
    }

    /// A hook answers a call.
    pub(super) fn told(&mut self, env: &mut Env, turn: u32, answer: Answer) -> Vec<Heard> {
        let mut open = self.open.values();
        let waits = |open: &&Open| open.turn == turn && matches!(open.step, Step::Waits);
        let Some(open) = open.find(waits) else {
            return Vec::new();
        };
        let execution = open.call.execution.clone();
        match answer {
            Answer::Taken(_) => {
                let heard = self.starts(env, &execution);
                self.done(&execution);
                heard
            }
            Answer::Refused(why) => self.ends(env, &execution, Some(why)),
            Answer::NotNow { wait, .. } => self.not_now(env, &execution, wait),
        }
    }

    /// It has not taken the call: it is called again, unless nobody wants that any more.
    fn not_now(
        &mut self,
        env: &mut Env,
        execution: &ExecutionId,
        wait: Option<Duration>,
    ) -> Vec<Heard> {
        let asked = wait.map_or(0, |wait| Millis::try_from(wait.as_millis()).unwrap_or(0));
        let open = self.open.get(execution);
        let halts = open.is_some_and(|open| open.call.mode == Mode::Halt);
        let wait = if halts { 0 } else { AGAIN.max(asked) };
        self.next(env, execution, Step::Rests, wait);
        Vec::new()
    }

    fn done(&mut self, execution: &ExecutionId) {
        if let Some(open) = self.open.get_mut(execution) {
            open.step = Step::Done;
        }
    }

    fn starts(&self, env: &Env, execution: &ExecutionId) -> Vec<Heard> {
        let at = env.controller_time();
        let open = self.open.get(execution);
        let event = open.map(|open| open.call.event);
        self.heard(
            execution,
            event.map(|event| Report::EventStarted { event, at }),
        )
    }

    fn over(&mut self, execution: &ExecutionId) -> Vec<Heard> {
        self.done(execution);
        self.heard(execution, [Report::Ended])
    }

    fn ends(&mut self, env: &Env, execution: &ExecutionId, why: Option<String>) -> Vec<Heard> {
        let Some(open) = self.open.get(execution) else {
            return Vec::new();
        };
        let ended = Report::EventEnded {
            event: open.call.event,
            status: match why {
                None => EventStatus::Succeeded,
                Some(_) => EventStatus::Failed,
            },
            at: env.controller_time(),
            diagnostics: why.map(|why| failure(&open.call.name, why)),
        };
        self.done(execution);
        self.heard(execution, [ended, Report::Ended])
    }

    fn heard(
        &self,
        execution: &ExecutionId,
        reports: impl IntoIterator<Item = Report>,
    ) -> Vec<Heard> {
        let Some(open) = self.open.get(execution) else {
            return Vec::new();
        };
        let target = &open.call.target;
        let heard = |report| Heard::new(self.deployment, execution, target, report);
        reports.into_iter().map(heard).collect()
    }
}

/// A hook reports with its ticket (`orchestrator::hooks::report`); nothing comes of it if nobody waits for it.
pub(super) fn reported(
    env: &mut Env,
    number: usize,
    state: &Deployment,
    ticket: &ExecutionId,
    well: bool,
) -> Vec<Heard> {
    let open = find(state, ticket).filter(|found| !found.status.is_terminal());
    let Some(found) = open else {
        env.mark(Mark::HookInVain);
        return Vec::new();
    };
    if found.status == EventStatus::Pending {
        env.mark(Mark::HookEarly);
    }
    env.watch.hook_reported(ticket, well);
    let (status, mark) = if well {
        (HookStatus::Succeeded, Mark::HookSucceeded)
    } else {
        (HookStatus::Failed, Mark::HookFailed)
    };
    env.mark(mark);
    let reports = reports(&found, status, env.controller_time());
    let heard = |report| Heard::new(number, ticket, &found.target, report);
    reports.map(heard).into()
}
