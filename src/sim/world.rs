//! A whole world: hosts, an orchestrator, operators, and what goes wrong between them. First a phase in which everything may
//! go wrong and only safety counts, then one in which nothing does and everything must end.

use std::rc::Rc;
use std::time::Duration;

use super::balancer::Balancer;
use super::cast::{Cast, Spot, TESTS, VERSIONS, group_of};
use super::controller::Controller;
use super::disk::{Disk, Line};
use super::env::{Env, Killed, Link};
use super::happening::{Happening, Key, Life, OnBalancer, OnHook, OnHost};
use super::hook::Hooks;
use super::host::Host;
use super::marks::{Mark, Marks};
use super::operators::{ATTENDANT, People, QUIET, nobody_answers};
use super::shape::{Millis, Setting, Shape, Style};
use super::tape::{Bytes, Reel, Tape};
use super::watch::{Invariant, Violation};
use crate::agent::protocol::TaskSetOrder;
use crate::engine::Deployment;
use crate::engine::ledger::{LedgerEvent, LedgerRecord};
use crate::engine::task_sets::Kept;
use crate::model::deployment::{DeploymentStatus, FileExistsBehavior, TargetStatus};
use crate::model::endpoint::Endpoint;
use crate::model::freeze::{Freeze, Scope};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::task_set::{Task, TaskSet};
use crate::model::traffic::Side;

/// No run has more steps than this: one that does is going round in circles.
const STEPS: u64 = 3_000_000;

/// So long is the probe of a function waited for before it is asked for again.
const ASK_AGAIN: Millis = QUIET + 1_000;

/// What came of a run.
pub struct Outcome {
    /// The first invariant that did not hold.
    pub violation: Option<Violation>,
    /// A digest of everything that happened.
    pub hash: u64,
    /// How many things happened.
    pub steps: u64,
    /// How long it was, in simulated time.
    pub time: Millis,
    /// How many deployments there were.
    pub deployments: u64,
    /// Which rare branches were taken.
    pub marks: Marks,
    /// What happened, if it was asked for.
    pub lines: Vec<String>,
    /// The journal.
    pub disk: Disk,
    /// What the world was like.
    pub shape: Shape,
    /// What was drawn, if it was kept.
    pub bytes: Bytes,
}

/// What a run is to keep and to check.
#[derive(Clone, Copy, Debug, Default)]
pub struct Care {
    /// Keep lines for people.
    pub trace: bool,
    /// Check what costs much after every step.
    pub thorough: bool,
    /// Let the hosts' clocks be right, whatever the tape says.
    pub right_clocks: bool,
}

/// Runs a world to its end.
pub fn run(cast: &Rc<Cast>, mut tape: Tape, setting: Setting, care: Care) -> Outcome {
    let shape = Shape::draw(&mut tape, setting);
    let mut env = Env::new(tape, shape, Rc::clone(cast), care.trace);
    env.watch.thorough = care.thorough;
    env.right_clocks = care.right_clocks;
    let mut world = World::new(env);
    world.live();
    let env = world.env;
    Outcome {
        violation: env.watch.violation,
        hash: env.hash,
        steps: env.steps,
        time: env.now,
        deployments: env.watch.created,
        marks: env.marks,
        lines: env.trace.map(|trace| trace.lines).unwrap_or_default(),
        disk: env.disk,
        shape: env.shape,
        bytes: env.tape.bytes(),
    }
}

struct World {
    env: Env,
    hosts: Vec<Host>,
    /// One a group that deploys behind it, and then the listeners of test traffic.
    balancers: Vec<Option<Balancer>>,
    /// What the deployments of functions call.
    hooks: Hooks,
    /// The version of each group's function that is ill, if one is; 0: none.
    ill: [usize; 2],
    controller: Option<Controller>,
    life: Life,
    people: People,
    /// When everything must be over, once nothing goes wrong any more.
    bound: Option<Millis>,
    /// The number of the first deployment that was made to see whether the hosts can be deployed to.
    probe: Option<usize>,
    /// When it was asked for.
    asked_at: Millis,
    /// The version of a group's function that somebody has given everything by hand, and when.
    whole: [Option<(usize, Millis)>; 2],
}

impl World {
    fn new(mut env: Env) -> Self {
        let mut hosts: Vec<Host> = (0..env.shape.hosts)
            .map(|index| Host::new(index, &mut env))
            .collect();
        let mut began = [const { Vec::new() }; 2];
        let groups = env.shape.groups;
        for (group, began) in began.iter_mut().enumerate().take(groups) {
            *began = history(&mut env, &mut hosts, group);
        }
        let balancer = |gate: usize| {
            let group = group_of(gate);
            let style = env.shape.styles[group];
            let there = if gate < TESTS {
                style.controls_traffic()
            } else {
                style.tests()
            };
            let serves = |server: usize| alive(&hosts, style, group, (server, 0));
            let mut made = (group < env.shape.groups && there)
                .then(|| Balancer::new(gate, &mut env, serves))?;
            made.begin_with(&mut env, &began[group]);
            Some(made)
        };
        let balancers = (0..2 * TESTS).map(balancer).collect();
        Self {
            env,
            hosts,
            balancers,
            hooks: Hooks::default(),
            ill: [0; 2],
            controller: None,
            life: 0,
            people: People::default(),
            bound: None,
            probe: None,
            asked_at: 0,
            whole: [None; 2],
        }
    }

    fn live(&mut self) {
        let env = &mut self.env;
        env.after(0, Happening::ControllerStarts);
        People::come_in(env);
        let (tick, safety) = (env.shape.faults.tick, env.shape.safety);
        env.after(tick, Happening::Fault);
        env.after(safety, Happening::Calm);
        if env.shape.alarms.changes > 0 {
            env.after(env.shape.alarms.interval, Happening::Alarms);
        }
        if env.shape.gates.freezes > 0 {
            env.after(env.shape.gates.interval, Happening::Freezes);
        }
        while self.env.watch.violation.is_none() {
            let Some(next) = self.env.next() else {
                self.env
                    .watch
                    .violated(Invariant::Ends, || "nothing happens any more".to_owned());
                break;
            };
            self.step(next);
            self.look();
            if self.bound.is_some() && self.is_over() {
                break;
            }
            if self.env.steps > STEPS {
                self.env
                    .watch
                    .violated(Invariant::Ends, || format!("not over after {STEPS} steps"));
            }
        }
    }

    fn step(&mut self, next: Happening) {
        match next {
            Happening::Request { host, request } => {
                self.hosts[host].request(&mut self.env, request);
            }
            Happening::Host { host, what } => self.hosts[host].happens(&mut self.env, what),
            Happening::Reply { host, to, reply } => {
                self.orchestrate(|controller, env, _| controller.reply(env, host, to, reply));
            }
            Happening::Lines {
                host,
                stream,
                from,
                to,
            } => {
                self.orchestrate(|controller, env, hosts| {
                    let lines = hosts[host].records.get(from..to).unwrap_or_default();
                    controller.lines(env, host, stream, lines)
                });
            }
            Happening::Controller { life, what } => {
                if life == self.life {
                    self.orchestrate(|controller, env, _| controller.happens(env, what));
                }
            }
            Happening::Balancer { gate, what } => {
                let group = group_of(gate);
                if let Some(balancer) = &mut self.balancers[gate] {
                    let (hosts, ill) = (&self.hosts, self.ill[group]);
                    let style = self.env.shape.styles[group];
                    balancer.happens(&mut self.env, what, |server| {
                        alive(hosts, style, group, (server, ill))
                    });
                }
                let env = &mut self.env;
                env.watch.routes_are_kept(env.now, gate);
            }
            Happening::BalancerTells { called, told } => {
                self.orchestrate(|controller, env, _| controller.told(env, called, *told));
            }
            Happening::Hook(what) => self.hook(what),
            Happening::HookTells { called, answer } => {
                self.orchestrate(|controller, env, _| controller.hook_told(env, called, answer));
            }
            Happening::GivesAll {
                group,
                version,
                key,
            } => self.gives_all(group, version, *key),
            Happening::ControllerStarts => self.start_controller(),
            Happening::Operator(person) => {
                self.people.press(&mut self.env, person);
                if person == ATTENDANT && self.all_over() {
                    self.ask_again();
                }
            }
            Happening::Key { person, key } => {
                if self.controller.is_none() {
                    nobody_answers(&mut self.env);
                }
                self.orchestrate(|controller, env, _| controller.key(env, person, *key));
            }
            Happening::Fault => self.fault(),
            Happening::Alarms => self.alarms(),
            Happening::Freezes => self.freezes(),
            Happening::Heals { host } => self.env.links[host] = Link::default(),
            Happening::Cut { host } => {
                if self.env.faulty {
                    self.env.links[host] = Link {
                        to_host_cut: true,
                        from_host_cut: true,
                    };
                }
            }
            Happening::Calm => self.calm(),
        }
    }

    /// Somebody gives a version everything by hand, or the task set of a service, and deploys the next. Whoever clears up leaves alone what is under way.
    fn gives_all(&mut self, group: usize, version: usize, key: Key) {
        if !self.env.faulty && self.is_busy(group) {
            return;
        }
        let service = self.env.shape.styles[group].is_service();
        let servers = if service {
            self.env.watch.primary(group)
        } else {
            vec![version]
        };
        let balancer = self.balancers[group].as_mut();
        let given = balancer.is_some_and(|it| it.give_all(&mut self.env, &servers));
        let calm = !self.env.faulty;
        self.whole[group] = (given && calm).then_some((version, self.env.now));
        People::deploy_now(&mut self.env, key);
    }

    /// Something happens at the hooks of functions.
    fn hook(&mut self, what: OnHook) {
        match what {
            OnHook::Asked(called, ticket) => self.hooks.asked(&mut self.env, called, ticket),
            OnHook::Reports {
                deployment,
                ticket,
                well,
                tries,
            } => {
                let unheard = self.env.shape.functions.hooks.unheard;
                let lost = self.env.goes_wrong(Reel::Functions, unheard);
                if lost || self.controller.is_none() {
                    return Hooks::unheard(&mut self.env, deployment, ticket, well, tries);
                }
                self.orchestrate(|controller, env, _| {
                    controller.hook_reports(env, deployment, &ticket, well)
                });
            }
        }
    }

    fn orchestrate(
        &mut self,
        what: impl FnOnce(&mut Controller, &mut Env, &[Host]) -> Result<(), Killed>,
    ) {
        let Some(controller) = &mut self.controller else {
            return;
        };
        match what(controller, &mut self.env, &self.hosts) {
            Ok(()) => {
                if self.env.watch.thorough {
                    controller.shows(&mut self.env);
                }
            }
            Err(Killed) => self.kill_controller(),
        }
    }

    fn kill_controller(&mut self) {
        let Some(controller) = self.controller.take() else {
            return;
        };
        self.env.tell(|| "the orchestrator is killed".to_owned());
        controller.die(&mut self.env);
        let wait = self.env.tape.wait(Reel::Faults, self.env.shape.faults.away);
        self.env.after(wait, Happening::ControllerStarts);
    }

    fn start_controller(&mut self) {
        if self.controller.is_some() {
            return;
        }
        self.env.tell(|| "the orchestrator starts".to_owned());
        self.life += 1;
        self.env.watch.orchestrator_starts(self.env.now, self.life);
        self.controller = Some(Controller::new(&mut self.env, self.life));
        self.orchestrate(|controller, env, _| controller.take_up_all(env));
    }

    fn fault(&mut self) {
        if !self.env.faulty {
            return;
        }
        let nothing_to_come = self.people.asked >= self.env.shape.deployments && self.all_over();
        if nothing_to_come {
            self.calm();
            return;
        }
        let faults = self.env.shape.faults;
        let some = |env: &mut Env| {
            env.tape
                .below(Reel::Faults, u32::try_from(env.shape.hosts).unwrap_or(1))
                as usize
        };
        if self.env.tape.chance(Reel::Faults, faults.agent) {
            let host = some(&mut self.env);
            self.hosts[host].kill_agent(&mut self.env);
        }
        if self.env.tape.chance(Reel::Faults, faults.reboot) {
            let host = some(&mut self.env);
            let for_ever = self.env.tape.chance(Reel::Faults, faults.for_ever);
            let deregistered = self.env.tape.below(Reel::Faults, 2) == 1;
            self.lose(host, for_ever, deregistered);
        }
        if self.env.tape.chance(Reel::Faults, faults.controller) {
            self.kill_controller();
        }
        if self.env.tape.chance(Reel::Faults, faults.partition) {
            self.env.mark(Mark::Partition);
            let host = some(&mut self.env);
            let direction = self.env.tape.below(Reel::Faults, 3);
            self.env.tell(|| format!("h{host:03} is cut off"));
            self.env.links[host] = Link {
                to_host_cut: direction != 1,
                from_host_cut: direction != 2,
            };
        }
        if self.env.tape.chance(Reel::Faults, faults.heal) {
            self.env.links.fill(Link::default());
        }
        if self.env.tape.chance(Reel::Faults, faults.swizzle) {
            self.swizzle();
        }
        self.clocks();
        self.break_balancers();
        self.fall_ill();
        self.env.after(faults.tick, Happening::Fault);
    }

    /// Every alarm is polled, and may have changed.
    fn alarms(&mut self) {
        if !self.env.faulty {
            return;
        }
        let alarms = self.env.shape.alarms;
        for group in 0..self.env.shape.groups {
            if self.env.tape.chance(Reel::Alarms, alarms.changes) {
                self.env.alarms[group] = !self.env.alarms[group];
                let active = self.env.alarms[group];
                self.env
                    .tell(|| format!("the alarm of group {group} is active: {active}"));
            }
            if self.env.alarms[group] {
                self.orchestrate(|controller, env, _| controller.alarm(env, group));
            }
        }
        self.env.after(alarms.interval, Happening::Alarms);
    }

    /// Freezes are ordered and ended.
    fn freezes(&mut self) {
        if !self.env.faulty {
            return;
        }
        let (chance, interval) = (self.env.shape.gates.freezes, self.env.shape.gates.interval);
        for group in 0..self.env.shape.groups {
            if self.env.tape.chance(Reel::Gates, chance) {
                let at = self.env.controller_time();
                let known = self.env.freezes[group].take();
                self.env.freezes[group] = known.is_none().then(|| Freeze {
                    scope: Scope::default(),
                    by: "somebody".to_owned(),
                    why: "a freeze".to_owned(),
                    at,
                    until: at + Duration::from_hours(1_000),
                });
                self.freeze(group);
            }
        }
        self.env.after(interval, Happening::Freezes);
    }

    /// Deployments are told which freeze their group is in.
    fn freeze(&mut self, group: usize) {
        let on = self.env.freezes[group].is_some();
        self.env.tell(|| format!("group {group} is frozen: {on}"));
        self.orchestrate(|controller, env, _| controller.freeze(env, group));
    }

    fn lose(&mut self, host: usize, for_ever: bool, deregistered: bool) {
        self.hosts[host].crash(&mut self.env, for_ever);
        if self.hosts[host].gone {
            self.env.mark(Mark::HostGone);
            if deregistered {
                self.env.mark(Mark::HostDeregistered);
                self.env.registered[host] = false;
                self.env.watch.gone.insert(host);
            }
        }
    }

    fn swizzle(&mut self) {
        self.env.mark(Mark::Swizzle);
        for host in 0..self.hosts.len() {
            let cut = self.env.tape.wait(Reel::Faults, 2_000);
            let heals = 2_000 + self.env.tape.wait(Reel::Faults, 10_000);
            self.env.after(cut, Happening::Cut { host });
            self.env.after(cut + heals, Happening::Heals { host });
        }
    }

    fn break_balancers(&mut self) {
        let balancers = self.env.shape.balancers;
        for balancer in self.balancers.iter_mut().flatten() {
            if self.env.tape.chance(Reel::Traffic, balancers.restart) {
                balancer.restart(&mut self.env);
            }
            if self.env.tape.chance(Reel::Traffic, balancers.by_hand) {
                balancer.by_hand(&mut self.env);
            }
        }
    }

    /// A version of a function falls ill, and the one that was is well again.
    fn fall_ill(&mut self) {
        let ill = self.env.shape.functions.ill;
        for group in 0..self.env.shape.groups {
            let function = self.env.shape.styles[group].is_function();
            if !function || !self.env.tape.chance(Reel::Functions, ill) {
                continue;
            }
            let all = u32::try_from(VERSIONS + 1).unwrap_or(1);
            let version = self.env.tape.below(Reel::Functions, all) as usize;
            self.is_ill(group, version);
        }
    }

    /// From now on this version of a group's function is ill, and no other.
    fn is_ill(&mut self, group: usize, version: usize) {
        let before = std::mem::replace(&mut self.ill[group], version);
        if version > 0 {
            self.env.mark(Mark::VersionIll);
        }
        for server in [before, version].into_iter().filter(|it| *it > 0) {
            let late = self.env.shape.balancers.check;
            let wait = self.env.tape.between(Reel::Functions, 0, late);
            let what = OnBalancer::Checks(server);
            self.env
                .after(wait, Happening::Balancer { gate: group, what });
        }
    }

    fn clocks(&mut self) {
        let faults = self.env.shape.faults;
        let jump = |env: &mut Env| env.tape.between(Reel::Clocks, -7_200, 86_400) * 1_000;
        if self.env.tape.chance(Reel::Clocks, faults.host_clock) {
            let hosts = u32::try_from(self.hosts.len()).unwrap_or(1);
            let host = self.env.tape.below(Reel::Clocks, hosts) as usize;
            self.env.mark(Mark::HostClockJumped);
            let skew = jump(&mut self.env);
            if !self.env.right_clocks {
                self.hosts[host].skew = skew;
            }
        }
        if self.env.tape.chance(Reel::Clocks, faults.controller_clock) {
            self.env.mark(Mark::ClockJumped);
            self.env.watch.clock_jumped = true;
            self.env.skew = jump(&mut self.env);
            let skew = self.env.skew;
            self.env
                .tell(|| format!("the orchestrator's clock is {} s off", skew / 1_000));
        }
    }

    /// Nothing goes wrong from here on. Some hosts may stay dead for ever; all others answer.
    fn calm(&mut self) {
        if !self.env.faulty {
            return;
        }
        self.env.tell(|| "nothing goes wrong any more".to_owned());
        self.env.faulty = false;
        self.env.alarms.fill(false);
        for group in 0..self.env.shape.groups {
            if self.env.freezes[group].take().is_some() {
                self.freeze(group);
            }
        }
        for group in 0..self.env.shape.groups {
            if self.env.shape.styles[group].is_function() {
                self.is_ill(group, 0);
            }
        }
        self.env.links.fill(Link::default());
        let some_stay_dead = self.env.tape.below(Reel::Faults, 4) == 3;
        for host in 0..self.hosts.len() {
            let dies = self.env.tape.chance(Reel::Faults, 1_500);
            if some_stay_dead && dies && self.hosts[host].up {
                self.lose(host, true, false);
            }
            let what = if self.hosts[host].up {
                OnHost::AgentStarts
            } else {
                OnHost::Boots
            };
            if !self.hosts[host].gone {
                self.env.after(500, Happening::Host { host, what });
            }
        }
        self.env.after(500, Happening::ControllerStarts);
        self.env.after(1_000, Happening::Operator(ATTENDANT));
        self.set_bound();
    }

    /// The deployments of the probe may have found their group busy with something that had been asked for before.
    fn ask_again(&mut self) {
        let Some(first) = self.probe else { return };
        for group in 0..self.env.shape.groups {
            // What is on its way would find its alias, or its listener, changed once more.
            let resets = !self.env.shape.styles[group].is_on_hosts();
            let soon = resets && self.env.now <= self.asked_at + ASK_AGAIN;
            if !self.probed(first, group) && !soon {
                self.asked_at = self.env.now;
                self.people.deploy(&mut self.env, group);
            }
        }
    }

    fn probed(&self, first: usize, group: usize) -> bool {
        let watch = &self.env.watch;
        let mut made = watch.deployments().filter(|(number, _)| *number >= first);
        made.any(|(number, _)| watch.group(number) == group)
    }

    /// Everything that is open, its rollback included, must be over by then.
    fn set_bound(&mut self) {
        let limits = self.env.shape.limits;
        let jumps: Millis = 90_000_000;
        let once = limits.total + limits.event + limits.pick_up + 600_000;
        let gone = 1_000 * Millis::from(self.env.shape.services.gone);
        let service = self.env.shape.styles.into_iter().any(Style::is_service);
        let once = once + if service { gone } else { 0 };
        let waits = self.env.shape.styles.map(Style::waits);
        let once = once + 2 * waits.into_iter().sum::<Millis>();
        let jumped = if self.env.skew == 0 { 0 } else { jumps };
        self.bound = Some(self.env.now + 3 * once + jumped);
    }

    /// Whether a group has a deployment that is not over.
    fn is_busy(&self, group: usize) -> bool {
        let watch = &self.env.watch;
        let mut open = watch
            .deployments()
            .filter(|(_, deployment)| !deployment.status.is_terminal());
        open.any(|(number, _)| watch.group(number) == group)
    }

    fn all_over(&self) -> bool {
        self.env
            .watch
            .deployments()
            .all(|(_, deployment)| deployment.status.is_terminal())
    }

    /// Looks at what can only be seen from above.
    fn look(&mut self) {
        for (host, number) in std::mem::take(&mut self.env.watch.entered) {
            self.entered(host, number);
        }
        for (host, execution) in std::mem::take(&mut self.env.watch.claims) {
            let known = self.hosts[host].known.executions.get(&execution);
            let number = Cast::deployment_of(&execution);
            let group = self.env.watch.group(number);
            let revision = self
                .env
                .watch
                .deployment(number)
                .map(|d| d.spec.revision.digest.clone());
            let installed = self.hosts[host].installed[group];
            let installed = installed.map(|at| self.env.cast.revisions[at].digest.clone());
            // An instance of the original only leaves or enters the load balancer: it keeps what it has.
            let moves = known.is_some_and(|known| {
                let events = &known.state.events;
                !events
                    .iter()
                    .any(|entry| LifecycleEvent::IN_PLACE.contains(&entry.event))
            });
            self.env
                .watch
                .claimed(host, &execution, known, moves || installed == revision);
        }
        if self.bound.is_some_and(|bound| self.env.now > bound) {
            let open: Vec<String> = self
                .env
                .watch
                .deployments()
                .filter(|(_, deployment)| !deployment.status.is_terminal())
                .map(|(number, deployment)| format!("deployment {number} is {}", deployment.status))
                .collect();
            self.env.watch.violated(Invariant::Ends, || {
                format!("not over in time: {}", open.join(", "))
            });
        }
    }

    /// I-3, its other half: what a deployment puts into service has its revision, if it installs one there.
    fn entered(&mut self, host: usize, number: usize) {
        let Some(deployment) = self.env.watch.deployment(number) else {
            return;
        };
        let group = self.env.watch.group(number);
        let target = deployment.target(self.env.cast.name(host));
        let installs = target.is_some_and(|t| t.event(LifecycleEvent::Install).is_some());
        let installed = self.hosts[host].installed[group];
        let installed = installed.map(|at| &self.env.cast.revisions[at].digest);
        let good = !installs || installed == Some(&deployment.spec.revision.digest);
        if !good {
            self.env.watch.violated(Invariant::Validated, || {
                format!("deployment {number} put h{host:03} into service without its revision")
            });
        }
    }

    /// Whether everything is over and the hosts have shown that they can be deployed to.
    fn is_over(&mut self) -> bool {
        let somebody_is_busy = self.hosts.iter().any(|host| !host.gone && !host.is_quiet());
        if self.controller.is_none() || somebody_is_busy || !self.all_over() {
            return false;
        }
        match self.probe {
            None => {
                self.probe = Some(self.env.numbers + 1);
                self.asked_at = self.env.now;
                self.env.skew = 0;
                for group in 0..self.env.shape.groups {
                    self.people.deploy(&mut self.env, group);
                }
                self.set_bound();
                false
            }
            Some(first) => {
                if !(0..self.env.shape.groups).all(|group| self.probed(first, group)) {
                    return false;
                }
                self.examine(first);
                true
            }
        }
    }

    /// I-14, its other half: a deployment in a world in which nothing goes wrong fails on no host that lives.
    fn examine(&mut self, first: usize) {
        let mut wrong = None;
        for (number, deployment) in self
            .env
            .watch
            .deployments()
            .filter(|(number, _)| *number >= first)
        {
            if !deployment.spec.is_on_hosts() {
                let group = self.env.watch.group(number);
                let whole = self.whole[group].filter(|_| self.has_its_hosts(group, deployment));
                let why = whole.and_then(|it| self.env.watch.failed_for_nothing(number, it));
                wrong = wrong.or(why);
                continue;
            }
            for target in &deployment.targets {
                let host = Cast::host(&target.name);
                let alive = !self.hosts[host].gone;
                // Without it the route would have no server: nothing went wrong there.
                let kept = target
                    .event(LifecycleEvent::BlockTraffic)
                    .and_then(|entry| entry.diagnostics.as_ref())
                    .is_some_and(|why| why.message.contains("would have no healthy server"));
                // What an original of the way back has is what it had: nothing was installed that could make it serve.
                let installs = target.event(LifecycleEvent::Install).is_some();
                let group = self.env.watch.group(number);
                let sick = !installs && !self.hosts[host].serves(group);
                if alive
                    && !kept
                    && !sick
                    && matches!(target.status, TargetStatus::Failed | TargetStatus::Unknown)
                {
                    let why = target
                        .failure()
                        .and_then(|entry| entry.diagnostics.as_ref())
                        .map(|d| d.message.clone());
                    wrong = Some(format!(
                        "deployment {number} failed on {}, which lives: {:?} {why:?}",
                        target.name, target.message
                    ));
                }
            }
        }
        if let Some(message) = wrong {
            self.env.watch.violated(Invariant::Ends, || message);
        }
        for (at, host) in self.hosts.iter().enumerate() {
            for set in host.tasks.there() {
                self.env.watch.is_recorded(at, set);
            }
        }
    }

    /// Whether all hosts of a service's task sets are there, with what they had; of a function none matters.
    fn has_its_hosts(&self, group: usize, deployment: &Deployment) -> bool {
        let watch = &self.env.watch;
        let sets = [Side::Blue, Side::Green].map(|side| deployment.task_sets(side));
        let mut hosts = sets.iter().flatten().flat_map(|set| &set.hosts);
        let known = hosts.all(|(name, _)| {
            let host = Cast::host(name);
            !self.hosts[host].gone && self.env.registered[host] && !watch.has_new_disk(host)
        });
        known || self.env.shape.styles[group].is_function()
    }
}

/// Whether what is behind a server serves: an application on a host, a version of a function that is not ill, or a task.
fn alive(hosts: &[Host], style: Style, group: usize, (server, ill): (usize, usize)) -> bool {
    match style {
        Style::Function(_) => server != ill || server == 0,
        Style::Service(_) => Spot::of(group, server).is_none_or(|spot| {
            let host = hosts.get(spot.host);
            host.is_some_and(|host| host.serves_at(spot.port))
        }),
        _ => hosts[server].serves(group),
    }
}

/// What the group's last deployment left, before the world began. Answers the servers of the tasks that it has.
fn history(env: &mut Env, hosts: &mut [Host], group: usize) -> Vec<usize> {
    let Some(reached) = env.shape.history else {
        return Vec::new();
    };
    let mut outcomes = Vec::new();
    for host in (0..hosts.len()).filter(|&host| Cast::is_member(host, group)) {
        let good = env.tape.below(Reel::Scripts, 100) < reached;
        let status = if good {
            TargetStatus::Succeeded
        } else {
            TargetStatus::Failed
        };
        outcomes.push((env.cast.name(host).clone(), status));
        if good && env.shape.styles[group].is_on_hosts() {
            hosts[host].installed[group] = Some(0);
            hosts[host].started[group] = true;
        }
    }
    let primary = former_tasks(env, hosts, group);
    let record = LedgerRecord {
        seq: 1,
        at: env.controller_time(),
        event: LedgerEvent::Closed {
            deployment: Cast::deployment(0),
            status: DeploymentStatus::Succeeded,
            began: true,
            create_time: env.controller_time(),
            revision: Some(env.cast.revisions[0].clone()),
            // No host has anything to do with a function, and none but its tasks with a service.
            outcomes: if env.shape.styles[group].is_on_hosts() {
                outcomes
            } else {
                Vec::new()
            },
            excluded: Vec::new(),
            file_exists_behavior: FileExistsBehavior::default(),
            serving: None,
            task_sets: primary.clone().map(|primary| {
                Box::new(Kept {
                    service: primary.service.clone(),
                    primary: Some(primary),
                    left: Vec::new(),
                })
            }),
        },
    };
    let line = Line::Group(group, record);
    env.watch.durable(0, &line, &mut env.marks);
    env.disk.keep(line);
    let tasks = primary.map_or(Vec::new(), |primary| primary.tasks);
    tasks
        .iter()
        .map(|task| Spot::of_task(task).server())
        .collect()
}

/// The task set that a service has before the world begins. Its number is one that no deployment has.
fn former_tasks(env: &mut Env, hosts: &mut [Host], group: usize) -> Option<TaskSet> {
    let number = Cast::former(group);
    let mut set = env.cast.task_set(group, &env.shape, 0, number)?;
    "a".clone_into(&mut set.target_group);
    let definition = set.definition.clone()?;
    for (name, count) in set.hosts.clone() {
        let order = TaskSetOrder {
            service: env.cast.service_target(group).to_string(),
            task_definition: set.task_definition.clone(),
            definition: definition.clone(),
            count,
            avoid: Vec::new(),
        };
        let ports = hosts[Cast::host(&name)].tasks.settle(env, number, order);
        set.tasks.extend(ports.into_iter().map(|port| Task {
            host: name.clone(),
            endpoint: Endpoint {
                host: env.cast.endpoint.host.clone(),
                port,
            },
        }));
    }
    Some(set)
}
