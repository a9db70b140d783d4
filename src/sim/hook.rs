//! What is called for lifecycle events, far away: it takes its call late or never, loses the answer, knows a ticket that it was given
//! before, and reports early, late, twice, or never.

use std::collections::BTreeSet;
use std::time::Duration;

use super::env::Env;
use super::happening::{CalledHook, Happening, OnHook};
use super::marks::Mark;
use super::shape::Millis;
use super::tape::Reel;
use crate::model::deployment::ExecutionId;
use crate::providers::notify::Answer;

/// How often a report is tried again that nobody took down.
const TRIES: u32 = 5;

/// How soon.
const AGAIN: Millis = 5_000;

/// All hooks.
#[derive(Debug, Default)]
pub struct Hooks {
    taken: BTreeSet<ExecutionId>,
}

impl Hooks {
    /// A call arrives.
    pub fn asked(&mut self, env: &mut Env, called: CalledHook, ticket: ExecutionId) {
        let hooks = env.shape.functions.hooks;
        let reel = Reel::Functions;
        let answer = if self.taken.contains(&ticket) {
            env.mark(Mark::HookCalledAgain);
            Answer::Taken(String::new())
        } else if env.goes_wrong(reel, hooks.not_now) {
            env.mark(Mark::HookNotNow);
            Answer::NotNow {
                why: "not now".to_owned(),
                wait: (env.tape.below(reel, 2) == 1).then_some(Duration::from_secs(20)),
            }
        } else if env.goes_wrong(reel, hooks.refuses) {
            env.mark(Mark::HookRefused);
            Answer::Refused("not today".to_owned())
        } else {
            self.taken.insert(ticket.clone());
            Self::begins(env, called.deployment, ticket);
            Answer::Taken(String::new())
        };
        if env.goes_wrong(reel, hooks.unanswered) {
            env.mark(Mark::HookUnanswered);
            return;
        }
        let wait = env.tape.wait(reel, hooks.delay);
        env.after(wait, Happening::HookTells { called, answer });
    }

    /// It looks at what it has to look at, and reports when it has.
    fn begins(env: &mut Env, deployment: usize, ticket: ExecutionId) {
        let hooks = env.shape.functions.hooks;
        let reel = Reel::Functions;
        let well = !env.goes_wrong(reel, hooks.fails);
        let wait = time_taken(env);
        if env.goes_wrong(reel, hooks.silent) {
            return;
        }
        if env.goes_wrong(reel, hooks.twice) {
            let well = env.tape.below(reel, 2) == 0;
            let wait = wait + env.tape.wait(reel, hooks.takes);
            Self::report(env, wait, deployment, ticket.clone(), well, 0);
        }
        Self::report(env, wait, deployment, ticket, well, TRIES);
    }

    fn report(
        env: &mut Env,
        wait: Millis,
        deployment: usize,
        ticket: ExecutionId,
        well: bool,
        tries: u32,
    ) {
        let what = OnHook::Reports {
            deployment,
            ticket,
            well,
            tries,
        };
        env.after(wait, Happening::Hook(what));
    }

    /// Nobody took a report down: it tries again.
    pub fn unheard(env: &mut Env, deployment: usize, ticket: ExecutionId, well: bool, tries: u32) {
        if let Some(left) = tries.checked_sub(1) {
            Self::report(env, AGAIN, deployment, ticket, well, left);
        }
    }
}

/// How long a hook takes.
pub fn time_taken(env: &mut Env) -> Millis {
    let wait = env
        .tape
        .wait(Reel::Functions, env.shape.functions.hooks.takes);
    if env.faulty { wait } else { wait.min(1_000) }
}
