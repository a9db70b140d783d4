//! Keeps the targets of one deployment where they ought to be at their load balancer (`orchestrator::traffic`): looks, puts right
//! what differs, looks again, and tells what has come of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::super::balancer::LARGEST_WEIGHT;
use super::super::cast::{BALANCER, Cast, TESTS};
use super::super::env::Env;
use super::super::happening::{
    AskedBalancer, Called, Happening, InController, Life, OnBalancer, Told,
};
use super::super::marks::Mark;
use super::super::shape::Millis;
use super::super::tape::Reel;
use super::Heard;
use super::driver::Mode;
use crate::engine::deliberate::{Bug, deliberate};
use crate::engine::input::Report;
use crate::engine::{Deployment, Input};
use crate::model::deployment::ExecutionId;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::status::BalancerDetails;
use crate::model::traffic::{Side, Split};
use crate::orchestrator::task_sets::end::let_go;
use crate::orchestrator::traffic::findings::{Findings, Looked};
use crate::orchestrator::traffic::gauge;
use crate::orchestrator::traffic::late::Late;
use crate::orchestrator::traffic::memory::Memory;
use crate::orchestrator::traffic::meter::Meter;
use crate::orchestrator::traffic::round::{Member, Round, Times, differing};
use crate::orchestrator::traffic::route::Route;
use crate::orchestrator::traffic::shares::is_split;
use crate::providers::traffic::{Observed, TrafficError};

/// How long a load balancer may take to answer.
const PATIENCE: Millis = 10_000;

/// How soon to see whether it is its turn.
const TURN: Millis = 10;

/// How long a deployment may take to know that an errand has begun.
const SOON: Millis = 50;

/// An event at the load balancer that is to be carried out.
pub(super) struct Errand {
    pub execution: ExecutionId,
    pub target: Name,
    pub event: LifecycleEvent,
    pub mode: Mode,
}

/// An errand, and what its deployment was told.
struct Open {
    errand: Errand,
    begun: bool,
    ended: bool,
    heard: bool,
}

enum Ask {
    Errand(Errand),
    Forget(ExecutionId),
}

/// What it waits for.
enum State {
    /// The next look.
    Rests,
    /// That the deployment knows what has begun.
    Begins,
    /// How things are.
    Looks(Box<Looks>),
}

/// A look that is not over.
struct Looks {
    /// The load balancer that it is at.
    gate: usize,
    looked: Looked,
    /// What it is about, if that is no hosts.
    route: Option<Route>,
    /// What is to be looked at next.
    rest: VecDeque<Route>,
    /// The split that the deployment asked for when it began.
    asked: Option<Split>,
    findings: Findings,
    kept: BTreeSet<Name>,
    empty: Option<Side>,
    /// The answer to this request.
    number: u32,
    step: Step,
}

enum Step {
    Observes,
    Applies(Vec<Name>),
    ObservesAgain,
}

/// What comes of a look at how things are.
enum Next {
    /// Something was asked for.
    Waits,
    /// All is as it ought to be.
    Settles,
    /// Nothing may be changed.
    Leaves,
}

pub(super) struct Keeper {
    /// Its deployment has ended like this, and it finishes its look.
    pub left: Option<Box<Deployment>>,
    deployment: usize,
    group: usize,
    life: Life,
    asks: Vec<Ask>,
    open: BTreeMap<ExecutionId, Open>,
    left_with: BTreeMap<Name, u64>,
    late: Late,
    /// Of the listener of production traffic, and of that of test traffic.
    memories: [Memory; 2],
    /// How the load balancers were at the last look.
    seen: Option<Vec<BalancerDetails>>,
    began: Timestamp,
    troubled: bool,
    state: State,
    turns: u32,
    requests: u32,
}

impl Keeper {
    pub(super) fn new(deployment: usize, group: usize, life: Life, env: &mut Env) -> Self {
        let mut keeper = Self {
            left: None,
            deployment,
            group,
            life,
            asks: Vec::new(),
            open: BTreeMap::new(),
            left_with: BTreeMap::new(),
            late: Late::default(),
            memories: <[Memory; 2]>::default(),
            seen: None,
            began: Timestamp(0),
            troubled: false,
            state: State::Rests,
            turns: 0,
            requests: 0,
        };
        keeper.after(env, 0);
        keeper
    }

    /// Whether it is in the middle of a look.
    pub(super) fn looks(&self) -> bool {
        !matches!(self.state, State::Rests)
    }

    /// Whether nothing goes to a side of the deployment any more, by the last look.
    pub(super) fn has_let_go(&self, state: &Deployment, side: Side) -> bool {
        let seen = self.seen.as_ref();
        seen.is_some_and(|seen| let_go(state, seen, side))
    }

    /// Whether it works on an errand.
    pub(super) fn wants(&self, execution: &ExecutionId, halts: bool) -> bool {
        let mode = if halts { Mode::Halt } else { Mode::Run };
        let asked = self.asks.iter().any(|ask| {
            matches!(ask, Ask::Errand(errand) if errand.execution == *execution && errand.mode == mode)
        });
        asked
            || self
                .open
                .get(execution)
                .is_some_and(|open| open.errand.mode == mode)
    }

    pub(super) fn assign(&mut self, env: &mut Env, errand: Errand) {
        self.ask(env, Ask::Errand(errand));
    }

    pub(super) fn forget(&mut self, env: &mut Env, execution: ExecutionId) {
        self.ask(env, Ask::Forget(execution));
    }

    fn ask(&mut self, env: &mut Env, ask: Ask) {
        self.asks.push(ask);
        if matches!(self.state, State::Rests) {
            self.after(env, 0);
        }
    }

    /// Goes on after a while, and not before.
    fn after(&mut self, env: &mut Env, wait: Millis) {
        self.turns += 1;
        let what = InController::Keeps(self.deployment, self.turns);
        let life = self.life;
        env.after(wait, Happening::Controller { life, what });
    }

    /// The keeper before it is in the middle of a look: it waits for its turn.
    pub(super) fn waits(&mut self, env: &mut Env, turn: u32) {
        if turn == self.turns {
            env.mark(Mark::KeeperWaits);
            self.after(env, TURN);
        }
    }

    /// It is time to go on. `state` is what is durable of its deployment.
    pub(super) fn goes_on(&mut self, env: &mut Env, turn: u32, state: &Deployment) -> Vec<Heard> {
        if turn != self.turns {
            return Vec::new();
        }
        match self.state {
            State::Rests => {
                self.take_asks(state);
                let heard = self.begin(env);
                self.state = State::Begins;
                let told = heard.iter().any(Heard::is_start);
                self.after(env, if told { SOON } else { 0 });
                heard
            }
            State::Begins => {
                self.look(env, state);
                Vec::new()
            }
            State::Looks(_) => Vec::new(),
        }
    }

    fn take_asks(&mut self, state: &Deployment) {
        for ask in std::mem::take(&mut self.asks) {
            match ask {
                Ask::Errand(errand) => {
                    let known = self.open.get(&errand.execution);
                    if known.is_none() {
                        self.late.forgive(&errand.target);
                    }
                    let target = state.target(&errand.target);
                    let entry = target.and_then(|target| target.event(errand.event));
                    let runs = entry.is_some_and(|e| e.status == EventStatus::InProgress);
                    let open = Open {
                        ended: entry.is_some_and(|entry| entry.status.is_terminal()),
                        begun: runs || known.is_some_and(|open| open.begun),
                        heard: known.is_none_or(|open| open.heard),
                        errand,
                    };
                    self.open.insert(open.errand.execution.clone(), open);
                }
                Ask::Forget(execution) => {
                    self.open.remove(&execution);
                }
            }
        }
    }

    /// Says of every errand that it has begun. What only has to be finished never begins.
    fn begin(&mut self, env: &Env) -> Vec<Heard> {
        let mut heard = Vec::new();
        for open in self.open.values_mut().filter(|open| !open.begun) {
            let event = open.errand.event;
            let halts = open.errand.mode == Mode::Halt || open.ended;
            open.begun = !halts;
            let report = if halts {
                Report::Ended
            } else {
                let at = env.controller_time();
                let at = at.max(self.began + Duration::from_millis(1));
                self.began = at;
                Report::EventStarted { event, at }
            };
            heard.push(open.errand.heard(self.deployment, report));
        }
        self.open.retain(|_, open| open.begun);
        heard
    }

    fn look(&mut self, env: &mut Env, state: &Deployment) {
        let routes = Route::of(state, &env.cast.directory).unwrap_or_default();
        let mut rest: VecDeque<Route> = routes.into();
        env.watch.looks(self.deployment);
        let route = rest.pop_front();
        let findings = Findings::default();
        self.visit(env, state, (route, rest), findings, state.split());
    }

    /// Looks at one load balancer.
    fn visit(
        &mut self,
        env: &mut Env,
        state: &Deployment,
        (route, rest): (Option<Route>, VecDeque<Route>),
        mut findings: Findings,
        asked: Option<Split>,
    ) {
        let mut looked = Looked::new(BALANCER, state);
        looked.largest_weight = LARGEST_WEIGHT;
        let times = Times {
            drain: Duration::from_millis(env.shape.balancers.drain.unsigned_abs()),
            enter: state.spec.limits.enter(),
        };
        let mut gate = self.group;
        looked.members = if let Some(route) = &route {
            looked.asked = route.split(state);
            looked.production = route.is_production();
            gate += if looked.production { 0 } else { TESTS };
            findings.servers(route, state, times)
        } else {
            let members = state.targets.iter().filter_map(|target| {
                let there = env.registered[Cast::host(&target.name)];
                let endpoint = there.then(|| Ok(env.cast.endpoint.clone()));
                findings.member(target, endpoint, BALANCER, times)
            });
            members.collect()
        };
        for member in &looked.members {
            let host = Cast::host(&member.name);
            env.watch.wants(self.deployment, gate, host, member.place);
        }
        let number = self.observe(env, gate, &looked.members);
        self.state = State::Looks(Box::new(Looks {
            gate,
            looked,
            route,
            rest,
            asked,
            findings,
            kept: BTreeSet::new(),
            empty: None,
            number,
            step: Step::Observes,
        }));
    }

    fn observe(&mut self, env: &mut Env, gate: usize, members: &[Member]) -> u32 {
        let hosts = members.iter().map(|member| Cast::host(&member.name));
        self.request(env, gate, AskedBalancer::Observe(hosts.collect()))
    }

    fn request(&mut self, env: &mut Env, gate: usize, asked: AskedBalancer) -> u32 {
        self.requests += 1;
        let number = self.requests;
        let called = Called {
            life: self.life,
            deployment: self.deployment,
            gate,
            number,
        };
        let life = self.life;
        let what = InController::BalancerSilent(self.deployment, number);
        env.after(PATIENCE, Happening::Controller { life, what });
        if env.goes_wrong(Reel::Traffic, env.shape.balancers.unheard) {
            env.mark(Mark::BalancerUnheard);
            env.tell(|| format!("the balancer g{gate} does not hear {asked:?}"));
            env.watch.disturbed(env.now, gate);
            return number;
        }
        let wait = env.tape.wait(Reel::Traffic, env.shape.balancers.delay);
        let what = OnBalancer::Asked(called, Box::new(asked));
        env.after(wait, Happening::Balancer { gate, what });
        number
    }

    /// A load balancer did not answer in time.
    pub(super) fn silent(&mut self, env: &mut Env, number: u32, state: &Deployment) -> Vec<Heard> {
        let told = TrafficError::Unreachable {
            balancer: "it".to_owned(),
            reason: "no answer".to_owned(),
        };
        self.told(env, number, Err(told), state)
    }

    /// A load balancer answers.
    pub(super) fn told(
        &mut self,
        env: &mut Env,
        number: u32,
        told: Result<Told, TrafficError>,
        state: &Deployment,
    ) -> Vec<Heard> {
        let ours = matches!(&self.state, State::Looks(looks) if looks.number == number);
        if !ours {
            return Vec::new();
        }
        let State::Looks(mut looks) = std::mem::replace(&mut self.state, State::Rests) else {
            return Vec::new();
        };
        let step = std::mem::replace(&mut looks.step, Step::ObservesAgain);
        let deployment = self.deployment;
        env.tell(|| format!("the keeper of deployment {deployment} is told {told:?}"));
        if let Ok(Told::Observed(_, seen)) = &told {
            env.watch.knows(looks.gate, *seen);
        }
        match (step, told) {
            (Step::Observes, Ok(Told::Observed(observed, seen))) => {
                if let Some(route) = &looks.route {
                    if looks.looked.production {
                        env.watch.finds(self.deployment, &observed);
                    }
                    if observed.others > 0 && env.shape.styles[self.group].is_function() {
                        env.mark(Mark::AliasOfOthers);
                    }
                    let fault = looks.looked.judge(route, state, &observed);
                    looks.findings.refused.extend(fault);
                }
                match self.put_right(env, &mut looks, &observed, seen) {
                    Next::Waits => {}
                    Next::Settles => return self.settle(env, *looks, *observed, state),
                    Next::Leaves => {
                        looks.looked.observed = Some(*observed);
                        return self.conclude(env, *looks, state);
                    }
                }
            }
            (Step::Applies(_), Ok(Told::Done)) => {
                if deliberate(Bug::AcceptedIsDone) {
                    return self.conclude(env, *looks, state);
                }
                looks.number = self.observe(env, looks.gate, &looks.looked.members);
            }
            (Step::Applies(differing), Err(error)) if !error.is_passing() => {
                looks.looked.trouble = Some(error.to_string());
                self.memories[looks.gate / TESTS].was_refused(&differing);
                looks
                    .findings
                    .refuse(&looks.looked.members, &differing, &error);
                looks.number = self.observe(env, looks.gate, &looks.looked.members);
            }
            (Step::ObservesAgain, Ok(Told::Observed(observed, _))) => {
                return self.settle(env, *looks, *observed, state);
            }
            (_, Err(error)) => {
                looks.findings.trouble.push(error.to_string());
                looks.looked.trouble = Some(error.to_string());
                return self.conclude(env, *looks, state);
            }
            (_, Ok(_)) => {}
        }
        self.state = State::Looks(looks);
        Vec::new()
    }

    /// Asks for what ought to be so, if it is not.
    fn put_right(
        &mut self,
        env: &mut Env,
        looks: &mut Looks,
        observed: &Observed,
        seen: u64,
    ) -> Next {
        let now = env.controller_time();
        let judges = env.shape.balancers.judges;
        let looked = &mut looks.looked;
        let places: Vec<_> = looked.members.iter().map(|member| member.place).collect();
        let memory = &mut self.memories[looks.gate / TESTS];
        memory.put_right(&mut looked.members, observed, now);
        let restored = looked.members.iter().zip(places);
        for (member, _) in restored.filter(|(member, place)| member.place != *place) {
            let host = Cast::host(&member.name);
            env.watch
                .restores(self.deployment, looks.gate, host, member.place);
        }
        let late = self.late.at(looks.route.as_ref());
        for member in &mut looked.members {
            member.give_up_if_late(observed, judges, late, now);
        }
        let Some(Round {
            wanted,
            kept,
            left,
            empty,
        }) = looked.round(observed, now)
        else {
            return Next::Leaves;
        };
        looks.kept = kept;
        looks.empty = empty;
        let differing = differing(&wanted, observed);
        let splits = |split| is_split(split, &looked.members, observed, LARGEST_WEIGHT);
        if differing.is_empty() && wanted.split.is_none_or(splits) {
            return Next::Settles;
        }
        looks.findings.left.extend(left);
        memory.asks(&wanted, now);
        env.watch.asks(self.deployment, looks.gate, wanted.split);
        looks.number = self.request(env, looks.gate, AskedBalancer::Apply(wanted, seen));
        looks.step = Step::Applies(differing);
        Next::Waits
    }

    fn settle(
        &mut self,
        env: &mut Env,
        mut looks: Looks,
        observed: Observed,
        state: &Deployment,
    ) -> Vec<Heard> {
        let judges = env.shape.balancers.judges;
        let (members, kept) = (&looks.looked.members, &looks.kept);
        let findings = &mut looks.findings;
        let late = self.late.at(looks.route.as_ref());
        findings.settle(state, members, &observed, judges, kept, late);
        if !kept.is_empty() {
            env.mark(Mark::LastServerKept);
        }
        looks.looked.observed = Some(observed);
        if let Some(side) = looks.empty {
            looks.looked.withhold(side);
        }
        self.conclude(env, looks, state)
    }

    /// A load balancer has been looked at, and the next one is; or the look is over.
    fn conclude(&mut self, env: &mut Env, looks: Looks, state: &Deployment) -> Vec<Heard> {
        let Looks {
            looked,
            mut rest,
            asked,
            mut findings,
            ..
        } = looks;
        findings.balancers.push(looked);
        if let Some(route) = rest.pop_front() {
            self.visit(env, state, (Some(route), rest), findings, asked);
            return Vec::new();
        }
        let troubled = |looked: &Looked| looked.trouble.is_some();
        let withheld = findings.balancers.iter().any(troubled);
        findings.conclude(asked);
        if env.shape.styles[self.group].is_service() {
            let all = findings.balancers.iter();
            let all = all.map(|looked| gauge::details(looked, &Meter::default()));
            self.seen = Some(all.collect());
        }
        let awaited = |split| {
            let shift = state.shift?;
            (shift.since.is_none() && shift.asked == split).then_some(Input::InEffect(split))
        };
        let in_effect = findings.in_effect.and_then(awaited);
        let mut heard = self.tell(env, &findings);
        let awaits = state.shift.is_some_and(|shift| shift.since.is_none());
        self.rest(env, awaits && !withheld);
        heard.extend(in_effect.map(|input| Heard {
            deployment: self.deployment,
            input,
        }));
        heard
    }

    /// Tells the deployment what has come of its errands.
    fn tell(&mut self, env: &mut Env, findings: &Findings) -> Vec<Heard> {
        let at = env.controller_time();
        self.troubled = !findings.trouble.is_empty();
        self.left_with.extend(findings.left.clone());
        let mut heard = Vec::new();
        let mut over = Vec::new();
        for (execution, open) in &mut self.open {
            let target = &open.errand.target;
            if open.heard == self.troubled {
                open.heard = !self.troubled;
                let report = if self.troubled {
                    Report::Lost
                } else {
                    Report::Heard
                };
                heard.push(open.errand.heard(self.deployment, report));
            }
            let left = self.left_with.get(target).copied();
            let Some((status, diagnostics)) = findings.outcome(target, left) else {
                continue;
            };
            self.left_with.remove(target);
            env.watch.says(
                self.deployment,
                open.errand.event,
                status,
                diagnostics.as_ref(),
            );
            let ended = Report::EventEnded {
                event: open.errand.event,
                status,
                at,
                diagnostics,
            };
            heard.push(open.errand.heard(self.deployment, ended));
            heard.push(open.errand.heard(self.deployment, Report::Ended));
            self.late.forgive(target);
            over.push(execution.clone());
        }
        for execution in over {
            self.open.remove(&execution);
        }
        heard
    }

    fn rest(&mut self, env: &mut Env, awaits: bool) {
        self.state = State::Rests;
        let (soon, now_and_then) = env.shape.balancers.look;
        let wait = if !self.asks.is_empty() {
            0
        } else if self.open.is_empty() && !awaits {
            now_and_then
        } else {
            soon
        };
        if !self.open.is_empty() || !self.asks.is_empty() || !deliberate(Bug::KeeperSleeps) {
            self.after(env, wait);
        }
    }
}

impl Errand {
    fn heard(&self, deployment: usize, report: Report) -> Heard {
        Heard::new(deployment, &self.execution, &self.target, report)
    }
}
