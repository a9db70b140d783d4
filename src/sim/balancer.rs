//! A load balancer: it applies late, loses answers, breaks off in the middle, forgets everything when it restarts, and is changed
//! by hand. It knows servers by the numbers of their hosts, of a function's versions, or of places at which tasks can serve.

use super::cast::{Cast, TASK_SERVERS, VERSIONS, group_of};
use super::env::Env;
use super::happening::{AskedBalancer, Called, Happening, Life, OnBalancer, Told};
use super::marks::Mark;
use super::shape::{Millis, Style};
use super::tape::Reel;
use crate::model::traffic::{Side, Split};
use crate::providers::traffic::{
    At, Observed, Seen, Server as Wish, Service, TrafficError, Wanted, weights,
};

/// The weight of a server that nobody has given another.
pub const WEIGHT: u32 = 100;

/// The largest weight that a server can be given.
pub const LARGEST_WEIGHT: u32 = 2 * WEIGHT;

/// A load balancer of a group.
pub struct Balancer {
    gate: usize,
    life: Life,
    up: bool,
    /// By host; those that it does not have are `None`.
    servers: Vec<Option<Server>>,
    /// When the last change that it accepted takes effect: they do so in their order.
    tail: Millis,
}

/// A server as it is now.
#[derive(Clone, Debug)]
struct Server {
    service: Service,
    weight: u32,
    /// Whether it finds it well.
    well: bool,
    /// When each request in flight ends, of one that gets nothing new.
    flight: Vec<Millis>,
}

/// One server changes.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Which.
    pub host: usize,
    /// To what.
    pub service: Service,
    /// With which weight.
    pub weight: u32,
    /// For which split of the route.
    pub split: Option<Split>,
    /// Who asked.
    pub called: Called,
    /// What the watch had counted when that was decided on.
    pub seen: u64,
}

impl Balancer {
    /// The load balancer of this number, as its own configuration has it. `alive` says which applications do.
    pub fn new(gate: usize, env: &mut Env, alive: impl Fn(usize) -> bool) -> Self {
        let mut balancer = Self {
            gate,
            life: 1,
            up: true,
            servers: Vec::new(),
            tail: 0,
        };
        balancer.configure(env, alive);
        balancer
    }

    /// Has what its own configuration says, which nobody has changed since the world began.
    fn configure(&mut self, env: &mut Env, alive: impl Fn(usize) -> bool) {
        let shape = &env.shape;
        let (adds, group) = (shape.balancers.adds, group_of(self.gate));
        let style = shape.styles[group];
        let blue_green = matches!(style, Style::BlueGreen(_));
        let server = |host: usize| {
            let out = if style.is_service() {
                true
            } else if style.is_function() {
                // The first version has everything.
                host != 1
            } else {
                blue_green && Cast::side(host, group) == Side::Green
            };
            let service = if out { Service::Out } else { Service::In };
            let there = !style.is_on_hosts() || Cast::is_member(host, group);
            // A server that is no version, and no task, is there from the beginning.
            let foreign = !style.is_on_hosts() && host == 0;
            let there = there && (foreign || !(out && adds));
            there.then(|| Server {
                service,
                weight: WEIGHT,
                well: alive(host) || !shape.balancers.judges,
                flight: Vec::new(),
            })
        };
        let servers = if style.is_function() {
            VERSIONS + 1
        } else if style.is_service() {
            TASK_SERVERS
        } else {
            shape.hosts
        };
        self.servers = (0..servers).map(server).collect();
        let servers = self.servers.iter().map(|server| {
            let server = server.as_ref()?;
            Some((server.service, server.well))
        });
        env.watch.configured(env.now, self.gate, servers);
    }

    /// Something arrives or happens here. `alive` says which applications do.
    pub fn happens(&mut self, env: &mut Env, what: OnBalancer, alive: impl Fn(usize) -> bool) {
        match what {
            OnBalancer::Asked(called, asked) => self.asked(env, called, *asked),
            OnBalancer::Changes(life, step) if life == self.life => self.change(env, step),
            OnBalancer::Checks(host) => self.check(env, host, alive(host)),
            OnBalancer::Returns(life) if life == self.life => {
                self.up = true;
                self.configure(env, alive);
            }
            // What it had accepted before it restarted.
            OnBalancer::Changes(..) | OnBalancer::Returns(_) => {}
        }
    }

    fn asked(&mut self, env: &mut Env, called: Called, asked: AskedBalancer) {
        if !self.up {
            // Nothing listens: the connection is refused at once.
            return Self::answer(env, called, Err(unreachable("nothing listens")));
        }
        match asked {
            AskedBalancer::Observe(hosts) => {
                let observed = self.observe(env, &hosts);
                let seen = env.watch.counted(self.gate);
                Self::answer(env, called, Ok(Told::Observed(Box::new(observed), seen)));
            }
            AskedBalancer::Apply(wanted, seen) => self.apply(env, called, &wanted, seen),
        }
    }

    fn answer(env: &mut Env, called: Called, told: Result<Told, TrafficError>) {
        let unanswered = env.shape.balancers.unanswered;
        let done = matches!(told, Ok(Told::Done));
        let told = if env.goes_wrong(Reel::Traffic, unanswered) {
            env.watch.disturbed(env.now, called.gate);
            env.mark(Mark::BalancerUnanswered);
            if done {
                env.mark(Mark::AppliedUnanswered);
            }
            // A connection that breaks is noticed at once; one that hangs is given up by whoever waits.
            if env.tape.below(Reel::Traffic, 2) == 1 {
                return;
            }
            Err(unreachable("the connection broke"))
        } else {
            told
        };
        let wait = env.tape.wait(Reel::Traffic, env.shape.balancers.delay);
        let told = Box::new(told);
        env.after(wait, Happening::BalancerTells { called, told });
    }

    fn observe(&self, env: &mut Env, hosts: &[usize]) -> Observed {
        let balancers = env.shape.balancers;
        let mut observed = Observed {
            epoch: Some(self.life.to_string()),
            ..Observed::default()
        };
        for (host, server) in self.servers.iter().enumerate() {
            let Some(server) = server else { continue };
            if !hosts.contains(&host) {
                let gets_requests =
                    server.service == Service::In && server.well && server.weight > 0;
                observed.others += usize::from(gets_requests);
                continue;
            }
            let seen = Seen {
                service: server.service,
                healthy: balancers.judges.then_some(server.well),
                trouble: None,
                weight: Some(server.weight),
                in_flight: balancers.counts.then(|| server.in_flight(env.now)),
                requests: None,
                errors: None,
            };
            if let Some(name) = env.cast.server(group_of(self.gate), host, &env.shape) {
                observed.servers.insert(name.clone(), seen);
            }
        }
        observed
    }

    /// Into service and up first, down and out of it last. What was accepted takes effect in its order, sooner or later.
    fn apply(&mut self, env: &mut Env, called: Called, wanted: &Wanted<At>, seen: u64) {
        let balancers = env.shape.balancers;
        if env.goes_wrong(Reel::Traffic, balancers.refuses) {
            env.mark(Mark::BalancerRefused);
            env.watch.disturbed(env.now, self.gate);
            return Self::answer(
                env,
                called,
                Err(TrafficError::Refused {
                    balancer: "the load balancer".to_owned(),
                    reason: "not today".to_owned(),
                }),
            );
        }
        let weights = weights(wanted, LARGEST_WEIGHT);
        let step = |server: &Wish<At>| Step {
            host: Cast::host(&server.name),
            service: server.service,
            weight: weights.get(&server.name).copied().unwrap_or(0),
            split: wanted.split,
            called,
            seen,
        };
        // What is there already needs nothing.
        let differs = |step: &Step| {
            let there = self.servers[step.host].as_ref();
            there.is_none_or(|there| (there.service, there.weight) != (step.service, step.weight))
        };
        let mut steps: Vec<Step> = wanted.servers.iter().map(step).filter(differs).collect();
        steps.sort_by_key(|step| (step.service, step.weight == 0));
        let breaks = env.goes_wrong(Reel::Traffic, balancers.breaks_off);
        let accepted = if breaks {
            env.mark(Mark::ChangeBrokenOff);
            env.watch.disturbed(env.now, self.gate);
            let all = u32::try_from(steps.len()).unwrap_or(0);
            env.tape.below(Reel::Traffic, all + 1) as usize
        } else {
            steps.len()
        };
        for step in steps.into_iter().take(accepted) {
            self.later(env, OnBalancer::Changes(self.life, step));
        }
        let told = if breaks {
            Err(unreachable("the connection broke"))
        } else {
            Ok(Told::Done)
        };
        Self::answer(env, called, told);
    }

    fn later(&mut self, env: &mut Env, what: OnBalancer) {
        let late = env.shape.balancers.late;
        let at = env.now + env.tape.between(Reel::Traffic, 0, late);
        self.tail = self.tail.max(at);
        if self.tail > env.now {
            env.mark(Mark::AppliedLate);
        }
        let wait = self.tail - env.now;
        let gate = self.gate;
        env.after(wait, Happening::Balancer { gate, what });
    }

    fn change(&mut self, env: &mut Env, step: Step) {
        let (host, service, weight) = (step.host, step.service, step.weight);
        let now = env.now;
        env.tell(|| {
            format!(
                "the balancer of g{} has h{host:03} {service:?} with {weight}",
                step.called.gate
            )
        });
        let flight = self.set(env, host, service);
        if let Some(server) = &mut self.servers[host] {
            server.weight = weight;
        }
        if env.watch.changed(now, self.gate, &step, &flight) {
            env.mark(Mark::PutRight);
        }
    }

    /// Sets a server's service; answers when each request that it still works on ends.
    fn set(&mut self, env: &mut Env, host: usize, service: Service) -> Vec<Millis> {
        let well = !env.shape.balancers.judges;
        let server = self.servers[host].get_or_insert(Server {
            service: Service::Out,
            weight: WEIGHT,
            well,
            flight: Vec::new(),
        });
        if server.service == Service::In && service != Service::In && server.well {
            let mean = env.shape.balancers.request;
            let requests = env.tape.below(Reel::Traffic, 4);
            let ends = (0..requests).map(|_| env.now + env.tape.wait(Reel::Traffic, mean));
            server.flight = ends.collect();
        }
        server.service = service;
        let flight = server.flight.clone();
        if service != Service::Draining {
            server.flight.clear();
        }
        // It looks again soon after something comes to it.
        if service == Service::In {
            let gate = self.gate;
            let wait = env
                .tape
                .between(Reel::Traffic, 0, env.shape.balancers.check);
            let what = OnBalancer::Checks(host);
            env.after(wait, Happening::Balancer { gate, what });
        }
        flight
    }

    /// It looks whether an application serves.
    fn check(&mut self, env: &mut Env, host: usize, alive: bool) {
        if !env.shape.balancers.judges || !self.up {
            return;
        }
        let Some(server) = &mut self.servers[host] else {
            return;
        };
        if server.well != alive {
            server.well = alive;
            env.watch.found(env.now, self.gate, host, alive);
        }
    }

    /// It restarts: requests are cut, and everything that it was told is forgotten.
    pub fn restart(&mut self, env: &mut Env) {
        let (gate, now) = (self.gate, env.now);
        env.tell(|| format!("the balancer of g{gate} restarts"));
        env.mark(Mark::BalancerRestarted);
        self.life += 1;
        self.up = false;
        self.servers.fill(None);
        env.watch
            .configured(now, gate, self.servers.iter().map(|_| None));
        let wait = env.tape.wait(Reel::Traffic, env.shape.balancers.away);
        let what = OnBalancer::Returns(self.life);
        env.after(wait, Happening::Balancer { gate, what });
    }

    /// Somebody gives these servers everything by hand; answers whether anybody listened.
    pub fn give_all(&mut self, env: &mut Env, servers: &[usize]) -> bool {
        if !self.up {
            return false;
        }
        let (gate, now) = (self.gate, env.now);
        env.tell(|| format!("somebody gives servers {servers:?} of g{gate} everything"));
        env.mark(if env.shape.styles[group_of(gate)].is_service() {
            Mark::ListenerReset
        } else {
            Mark::AliasReset
        });
        for &server in servers {
            let flight = self.set(env, server, Service::In);
            env.watch
                .changed_by_hand(now, gate, server, Service::In, &flight);
        }
        for other in 0..self.servers.len() {
            if let Some(there) = &mut self.servers[other] {
                there.weight = if servers.contains(&other) { WEIGHT } else { 0 };
                let weight = there.weight;
                env.watch.weighed_by_hand(now, gate, other, weight);
            }
        }
        true
    }

    /// What serves when the world begins.
    pub fn begin_with(&mut self, env: &mut Env, servers: &[usize]) {
        for &server in servers {
            let fresh = Server {
                service: Service::In,
                weight: WEIGHT,
                well: true,
                flight: Vec::new(),
            };
            self.servers[server] = Some(fresh);
            env.watch.serves_from_the_beginning(self.gate, server);
        }
    }

    /// Somebody changes a server by hand.
    pub fn by_hand(&mut self, env: &mut Env) {
        let hosts = u32::try_from(self.servers.len()).unwrap_or(1);
        let host = env.tape.below(Reel::Traffic, hosts) as usize;
        let service = [Service::In, Service::Draining, Service::Out];
        let choice = env.tape.below(Reel::Traffic, 5) as usize;
        let (gate, now) = (self.gate, env.now);
        let Some(there) = self.servers[host].as_mut().filter(|_| self.up) else {
            return;
        };
        let Some(&service) = service.get(choice) else {
            there.weight = WEIGHT * u32::from(choice == 3);
            let weight = there.weight;
            env.tell(|| format!("somebody has h{host:03} weigh {weight}"));
            env.mark(Mark::BalancerByHand);
            env.watch.weighed_by_hand(now, gate, host, weight);
            return;
        };
        if there.service == service {
            return;
        }
        env.tell(|| format!("somebody has h{host:03} {service:?} at the balancer of g{gate}"));
        env.mark(Mark::BalancerByHand);
        let flight = self.set(env, host, service);
        env.watch.changed_by_hand(now, gate, host, service, &flight);
    }
}

impl Server {
    fn in_flight(&self, now: Millis) -> u64 {
        if self.service == Service::In && self.well {
            return 2;
        }
        let open = self.flight.iter().filter(|end| **end > now);
        u64::try_from(open.count()).unwrap_or(0)
    }
}

fn unreachable(reason: &str) -> TrafficError {
    TrafficError::Unreachable {
        balancer: "the load balancer".to_owned(),
        reason: reason.to_owned(),
    }
}
