//! Which groups have a function instead of hosts, and what becomes of its versions and hooks.

use super::super::tape::{Reel, Tape};
use super::traffic::Shift;
use super::{Millis, Style};
use crate::model::routing::{TrafficRoutingConfig, TrafficRoutingType};

/// How a group releases versions of its function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// How traffic shifts, if not all at once.
    pub shift: Option<Shift>,
    /// Whether a hook is called before traffic shifts.
    pub before: bool,
    /// Whether one is called after it.
    pub after: bool,
    /// Whether hooks are programs, and not called over the network.
    pub programs: bool,
}

/// What becomes of functions, in ten-thousandths and milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Functions {
    /// The groups that have one.
    pub groups: [Option<Release>; 2],
    /// Hooks.
    pub hooks: Hooks,
    /// Whoever deploys names a version that they have not looked up.
    pub mistaken: u32,
    /// Whoever deploys gives a version everything by hand first.
    pub reset: u32,
    /// Some version falls ill, or is well again, at each tick of the faults.
    pub ill: u32,
    /// How long a version has to come into service, in seconds.
    pub enter: u32,
}

/// What hooks do, in ten-thousandths and milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hooks {
    /// How long a call or an answer takes, in the mean.
    pub delay: Millis,
    /// How long until one reports, in the mean.
    pub takes: Millis,
    /// A call, or a report, does not arrive.
    pub unheard: u32,
    /// A call is taken, and the answer is lost.
    pub unanswered: u32,
    /// A call is not taken now.
    pub not_now: u32,
    /// A call is refused.
    pub refuses: u32,
    /// It reports that it failed.
    pub fails: u32,
    /// It never reports.
    pub silent: u32,
    /// It reports twice, and not always the same.
    pub twice: u32,
}

impl Release {
    /// As a configuration says it.
    pub(super) fn routing(self) -> TrafficRoutingConfig {
        let at_once = TrafficRoutingConfig {
            kind: TrafficRoutingType::AllAtOnce,
            time_based_canary: None,
            time_based_linear: None,
        };
        self.shift.map_or(at_once, Shift::routing)
    }
}

impl Functions {
    /// What the tape says: their own, so that what was drawn before there were any stays as it was.
    pub fn draw(tape: &mut Tape) -> Self {
        let mut d = Draw(tape);
        let groups = [d.group(), d.group()];
        Self {
            groups,
            hooks: Hooks {
                delay: d.between(0, 200),
                takes: [200, 1_000, 20_000, 300_000][d.below(4) as usize],
                unheard: d.one_in(3, 3_000),
                unanswered: d.one_in(3, 3_000),
                not_now: d.one_in(4, 5_000),
                refuses: d.one_in(6, 1_000),
                fails: d.one_in(3, 4_000),
                silent: d.one_in(5, 3_000),
                twice: d.one_in(3, 4_000),
            },
            mistaken: d.one_in(3, 4_000),
            reset: d.one_in(3, 8_000),
            ill: d.one_in(4, 600),
            enter: [3_600, 120, 40][d.below(3) as usize],
        }
    }

    /// The style of a group that has one.
    pub fn style(&self, group: usize) -> Option<Style> {
        self.groups.get(group)?.map(Style::Function)
    }
}

struct Draw<'a>(&'a mut Tape);

impl Draw<'_> {
    fn below(&mut self, n: u32) -> u32 {
        self.0.below(Reel::Functions, n)
    }

    fn between(&mut self, low: Millis, high: Millis) -> Millis {
        self.0.between(Reel::Functions, low, high)
    }

    /// Up to so much in one of `n` runs, nothing in the others.
    fn one_in(&mut self, n: u32, most: u32) -> u32 {
        let on = self.below(n) + 1 == n;
        let value = 1 + self.below(most);
        if on { value } else { 0 }
    }

    fn group(&mut self) -> Option<Release> {
        let some = self.below(5) == 4;
        let (shifts, canary) = (self.below(3) > 0, self.below(2) == 1);
        let shift = Shift {
            percent: [50, 34, 10, 99][self.below(4) as usize],
            minutes: 1 + self.below(3),
            canary,
        };
        let release = Release {
            shift: shifts.then(|| shift.in_few_steps()),
            before: self.below(3) > 0,
            after: self.below(3) == 2,
            programs: self.below(4) == 3,
        };
        some.then_some(release)
    }
}
