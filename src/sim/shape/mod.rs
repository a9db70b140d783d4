//! What a world is like: how large, how slow, how unlucky. Every run draws its own, with half of what can go wrong left
//! out altogether, since some bugs only show where everything else is calm.

mod functions;
mod gates;
mod services;
mod traffic;

pub use functions::Functions;
pub use gates::Gates;
pub use services::Services;
pub use traffic::{Balancers, Style};

use super::cast::Cast;
use super::tape::{Reel, Tape};
use crate::engine::spec::OnFailure;

/// Milliseconds.
pub type Millis = i64;

/// What every run of a campaign has in common.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting {
    /// So many hosts, instead of a number that the tape draws.
    pub hosts: Option<u32>,
}

/// What a world is like.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Machines with an agent.
    pub hosts: usize,
    /// Deployment groups: 1 or 2. The second one shares every second host.
    pub groups: usize,
    /// Availability zones; 0: hosts have none.
    pub zones: u32,
    /// How many instances must stay healthy, by group.
    pub minimum: [Minimum; 2],
    /// Whether failed deployments, and stopped ones, are rolled back.
    pub roll_back: (bool, bool),
    /// Go on after a failed `ApplicationStop`.
    pub ignore_stop_failures: bool,
    /// Whether a failure that ends the deployment waits for an operator first.
    pub hold: bool,
    /// Whether each zone's instances are deployed together, with a monitor time between zones.
    pub zonal: bool,
    /// How many seconds a zone is watched, and the first one.
    pub monitor: (u64, u64),
    /// How many instances of each zone stay healthy: whether it is a count, and the value.
    pub per_zone: Option<(bool, u32)>,
    /// At most so many deployments are created by operators before the world is healed.
    pub deployments: u32,
    /// How long things go wrong.
    pub safety: Millis,
    /// How the group's hosts were before: in percent, how many the last deployment reached. `None`: there was none.
    pub history: Option<u32>,
    /// Limits of the engine.
    pub limits: Limits,
    /// Messages.
    pub network: Network,
    /// Scripts.
    pub scripts: Scripts,
    /// Breakdowns.
    pub faults: Faults,
    /// Operators.
    pub operators: Operators,
    /// How each group deploys.
    pub styles: [Style; 2],
    /// Load balancers.
    pub balancers: Balancers,
    /// Alarms.
    pub alarms: Alarms,
    /// Approvals and freezes.
    pub gates: Gates,
    /// Functions.
    pub functions: Functions,
    /// Container services.
    pub services: Services,
}

/// The kind and value of a minimum of healthy hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Minimum {
    /// `CodeDeployDefault.AllAtOnce`.
    AllAtOnce,
    /// `CodeDeployDefault.OneAtATime`.
    OneAtATime,
    /// `CodeDeployDefault.HalfAtATime`.
    HalfAtATime,
    /// So many hosts.
    Count(u32),
    /// So many percent.
    Percent(u32),
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To the next event.
    pub pick_up: Millis,
    /// One event.
    pub event: Millis,
    /// The whole deployment.
    pub total: Millis,
}

/// What becomes of messages, in ten-thousandths and milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Network {
    /// Lost for good.
    pub loss: u32,
    /// Arrives twice.
    pub doubled: u32,
    /// At least so late.
    pub delay: Millis,
    /// And so much later in the mean.
    pub jitter: Millis,
}

/// What scripts do, in ten-thousandths and milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Scripts {
    /// At most so many scripts an event.
    pub per_event: u32,
    /// How long one takes.
    pub duration: Millis,
    /// Exits with an error.
    pub fails: u32,
    /// Never ends by itself.
    pub hangs: u32,
    /// Does not mind TERM.
    pub ignores_term: u32,
    /// How long one may take.
    pub timeout: Millis,
    /// An order is refused.
    pub refused: u32,
    /// A host on which everything fails.
    pub broken_host: u32,
}

/// What breaks, in ten-thousandths a step or a tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The agent is killed, at each entry of its log.
    pub agent_at_entry: u32,
    /// The orchestrator is killed, at each effect.
    pub controller_at_effect: u32,
    /// Time between ticks of the faults below.
    pub tick: Millis,
    /// Some agent is killed.
    pub agent: u32,
    /// Some host reboots.
    pub reboot: u32,
    /// It stays down for good.
    pub for_ever: u32,
    /// The orchestrator is killed.
    pub controller: u32,
    /// Some host is cut off, in one direction or both.
    pub partition: u32,
    /// All that are cut off are reached again.
    pub heal: u32,
    /// Hosts are cut off one after the other and come back in another order.
    pub swizzle: u32,
    /// Some host's clock jumps.
    pub host_clock: u32,
    /// The orchestrator's clock jumps.
    pub controller_clock: u32,
    /// How long something that was killed stays away, in the mean.
    pub away: Millis,
    /// A write fails and is tried again.
    pub disk: u32,
    /// How long a write takes to be durable, in the mean.
    pub sync: Millis,
    /// Agents drop their oldest messages after so many; 0: never.
    pub short_log: u32,
    /// Whether scripts are killed with their agent, or run on.
    pub takes_scripts_along: bool,
}

/// What operators do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Operators {
    /// How many there are, besides the one who deploys.
    pub people: u32,
    /// Time between keys of one of them.
    pub pause: Millis,
    /// Looks at an old picture, in ten-thousandths.
    pub stale: u32,
    /// Presses the same key twice, in ten-thousandths.
    pub twice: u32,
}

/// What alarms do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alarms {
    /// Goes off, or is quiet again, in ten-thousandths a poll; 0: no group has alarms.
    pub changes: u32,
    /// Time between polls.
    pub interval: Millis,
    /// Whether what an alarm stopped is rolled back.
    pub roll_back: bool,
}

impl Alarms {
    /// What the tape says: the alarms' own, so that what was drawn before there were any stays as it was.
    fn draw(tape: &mut Tape) -> Self {
        let some = tape.below(Reel::Alarms, 4) == 3;
        let changes = 1 + tape.below(Reel::Alarms, 2_000);
        Self {
            changes: if some { changes } else { 0 },
            interval: tape.between(Reel::Alarms, 1_000, 15_000),
            roll_back: tape.below(Reel::Alarms, 2) == 1,
        }
    }
}

impl Shape {
    /// What the tape says.
    pub fn draw(tape: &mut Tape, setting: Setting) -> Self {
        let alarms = Alarms::draw(tape);
        let gates = Gates::draw(tape);
        let functions = Functions::draw(tape);
        let services = Services::draw(tape);
        let mut d = Draw(tape);
        let drawn = match d.below(16) {
            0..=11 => 1 + d.below(6),
            12..=14 => 3 + d.below(8),
            _ => 8 + d.below(13),
        };
        let hosts = setting.hosts.unwrap_or(drawn).max(1);
        let zones = d.one_in(3, |d| 1 + d.below(4));
        let mut shape = Self {
            hosts: hosts as usize,
            groups: 1 + d.one_in(4, |_| 1) as usize,
            zones,
            minimum: [d.minimum(hosts), d.minimum(hosts)],
            roll_back: (d.one_in(2, |_| 1) == 1, d.one_in(3, |_| 1) == 1),
            ignore_stop_failures: d.one_in(4, |_| 1) == 1,
            hold: d.one_in(5, |_| 1) == 1,
            zonal: zones > 0 && d.one_in(2, |_| 1) == 1,
            monitor: (u64::from(d.below(120)), u64::from(d.below(120))),
            per_zone: d.per_zone(),
            deployments: 1 + d.below(3),
            safety: d.between(60_000, 1_200_000),
            history: match d.below(4) {
                0 => None,
                1 | 2 => Some(100),
                _ => Some(d.below(100)),
            },
            limits: Limits {
                pick_up: d.between(30_000, 300_000),
                event: d.between(60_000, 900_000),
                total: d.between(1_800_000, 28_800_000),
            },
            network: Network {
                loss: d.one_in(2, |d| 1 + d.below(1_500)),
                doubled: d.one_in(2, |d| 1 + d.below(4_000)),
                delay: d.between(0, 30),
                jitter: match d.below(20) {
                    0..=9 => 1,
                    10..=18 => d.between(1, 100),
                    _ => 5_000,
                },
            },
            scripts: Scripts {
                per_event: 1 + d.below(3),
                duration: [50, 1_000, 3_000, 8_000, 20_000][d.below(5) as usize],
                fails: d.one_in(2, |d| 1 + d.below(1_000)),
                hangs: d.one_in(3, |d| 1 + d.below(200)),
                ignores_term: d.one_in(2, |d| 1 + d.below(5_000)),
                timeout: d.between(20_000, 120_000),
                refused: d.one_in(8, |d| 1 + d.below(500)),
                broken_host: d.one_in(4, |d| 1 + d.below(3_000)),
            },
            faults: d.faults(),
            operators: Operators {
                people: d.one_in(2, |d| 1 + d.below(3)),
                pause: d.between(1_000, 40_000),
                stale: d.one_in(2, |d| 1 + d.below(5_000)),
                twice: d.one_in(2, |d| 1 + d.below(3_000)),
            },
            // What came later is drawn last: a tape that was kept before says the same as ever.
            styles: [d.style(), d.style()],
            balancers: d.balancers(),
            alarms,
            gates,
            functions,
            services,
        };
        for style in &mut shape.styles {
            d.shifts(style);
        }
        shape.settle();
        shape
    }

    /// What does not go together is made to.
    fn settle(&mut self) {
        for (group, style) in self.styles.iter_mut().enumerate() {
            let function = self.functions.style(group);
            if let Some(other) = function.or_else(|| self.services.style(group)) {
                *style = other;
            }
            let members = (0..self.hosts).filter(|&host| Cast::is_member(host, group));
            if group >= self.groups {
                *style = Style::Alone;
            } else if matches!(style, Style::BlueGreen(_)) && members.count() < 2 {
                *style = Style::Behind;
            }
            // The last server of a route waits for another to come back, which is deployed to meanwhile.
            if style.controls_traffic() {
                self.limits.event = self.limits.event.max(400_000);
            }
            // A share for a side that nobody serves any more waits until everything is over.
            if !style.is_on_hosts() {
                self.limits.total = self.limits.total.min(4 * 3_600_000);
            } else if style.routing().is_some() {
                self.limits.total = self.limits.total.min(3_600_000);
            }
        }
    }
}

impl Shape {
    /// The limits as the engine takes them.
    pub fn engine_limits(&self) -> crate::model::limits::Limits {
        let seconds = |millis: Millis| u32::try_from(millis / 1_000).unwrap_or(u32::MAX);
        let usual = crate::model::limits::Limits::default();
        crate::model::limits::Limits {
            pick_up_seconds: seconds(self.limits.pick_up),
            event_seconds: seconds(self.limits.event),
            deployment_seconds: seconds(self.limits.total),
            enter_seconds: if self.styles.into_iter().all(Style::is_on_hosts) {
                usual.enter_seconds
            } else {
                self.functions.enter
            },
            provisioning_seconds: Some(self.services.gone),
            ..usual
        }
    }

    /// The options of every deployment of a group.
    pub fn options(&self, group: usize) -> crate::engine::spec::Options {
        crate::engine::spec::Options {
            ignore_application_stop_failures: self.ignore_stop_failures
                && self.styles[group].is_on_hosts(),
            on_failure: if self.hold {
                OnFailure::Hold
            } else {
                OnFailure::End
            },
            ..Default::default()
        }
    }
}

struct Draw<'a>(&'a mut Tape);

impl Draw<'_> {
    fn below(&mut self, n: u32) -> u32 {
        self.0.below(Reel::Shape, n)
    }

    fn between(&mut self, low: Millis, high: Millis) -> Millis {
        self.0.between(Reel::Shape, low, high)
    }

    /// Something in one of `n` runs, nothing in the others.
    fn one_in(&mut self, n: u32, value: impl FnOnce(&mut Self) -> u32) -> u32 {
        let on = self.below(n) + 1 == n;
        let value = value(self);
        if on { value } else { 0 }
    }

    fn minimum(&mut self, hosts: u32) -> Minimum {
        let value = self.below(hosts + 1);
        let percent = self.below(100);
        match self.below(8) {
            0 | 1 => Minimum::AllAtOnce,
            2 | 3 => Minimum::OneAtATime,
            4 => Minimum::HalfAtATime,
            5 | 6 => Minimum::Count(value),
            _ => Minimum::Percent(percent),
        }
    }

    fn per_zone(&mut self) -> Option<(bool, u32)> {
        let (some, counts) = (self.below(3) > 0, self.below(2) == 1);
        let value = if counts {
            self.below(4)
        } else {
            self.below(100)
        };
        some.then_some((counts, value))
    }

    fn faults(&mut self) -> Faults {
        Faults {
            agent_at_entry: self.one_in(3, |d| 1 + d.below(150)),
            controller_at_effect: self.one_in(3, |d| 1 + d.below(150)),
            tick: self.between(500, 10_000),
            agent: self.one_in(3, |d| 1 + d.below(600)),
            reboot: self.one_in(4, |d| 1 + d.below(300)),
            for_ever: self.one_in(4, |d| 1 + d.below(3_000)),
            controller: self.one_in(3, |d| 1 + d.below(400)),
            partition: self.one_in(3, |d| 1 + d.below(1_000)),
            heal: 1 + self.below(4_000),
            swizzle: self.one_in(10, |d| 1 + d.below(200)),
            host_clock: self.one_in(4, |d| 1 + d.below(500)),
            controller_clock: self.one_in(8, |d| 1 + d.below(200)),
            away: self.between(100, 20_000),
            disk: self.one_in(5, |d| 1 + d.below(500)),
            sync: match self.below(5) {
                4 => self.between(100, 2_000),
                _ => self.between(0, 20),
            },
            short_log: self.one_in(5, |d| 4 + d.below(30)),
            takes_scripts_along: self.one_in(2, |_| 1) == 1,
        }
    }
}
