//! Which groups have a container service instead of hosts, and what becomes of its tasks.

use super::super::tape::{Reel, Tape};
use super::traffic::{Shift, Waits};
use super::{Millis, Style};
use crate::model::routing::{TrafficRoutingConfig, TrafficRoutingType};

/// How a group gives its service another task set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    /// How long it waits, and how traffic shifts, if not all at once.
    pub waits: Waits,
    /// Which of the five hooks are called, in the order of their events.
    pub hooks: [bool; 5],
    /// Whether hooks are programs, and not called over the network.
    pub programs: bool,
    /// Whether there is a listener of test traffic.
    pub tests: bool,
    /// How many tasks there are.
    pub count: u32,
    /// Over at most how many hosts they are spread.
    pub hosts: usize,
}

/// What becomes of tasks, in ten-thousandths and milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Services {
    /// The groups that have a service.
    pub groups: [Option<Rollout>; 2],
    /// How long a task takes until it is well, in the mean.
    pub starts: Millis,
    /// How long a task may take, in seconds.
    pub start_seconds: u32,
    /// How long it may go on after it was told to end, in seconds.
    pub stop_seconds: u32,
    /// A task set is no good: none of its tasks is ever well, or all of them end by themselves.
    pub bad: u32,
    /// A task ends by itself, each time that it has been started.
    pub dies: u32,
    /// A task does not mind TERM.
    pub ignores_term: u32,
    /// A host whose machine crashes has a new disk afterwards.
    pub new_disk: u32,
    /// Something else listens at a port.
    pub occupied: u32,
    /// Somebody rolls a deployment back by hand, each time that a person has nothing else to do.
    pub back: u32,
    /// How long a task set may take to be gone, in seconds.
    pub gone: u32,
}

impl Rollout {
    /// As a configuration says it.
    pub(super) fn routing(self) -> TrafficRoutingConfig {
        let at_once = TrafficRoutingConfig {
            kind: TrafficRoutingType::AllAtOnce,
            time_based_canary: None,
            time_based_linear: None,
        };
        self.waits.shift.map_or(at_once, Shift::routing)
    }
}

impl Services {
    /// What the tape says: their own, so that what was drawn before there were any stays as it was.
    pub fn draw(tape: &mut Tape) -> Self {
        let mut d = Draw(tape);
        let groups = [d.group(), d.group()];
        Self {
            groups,
            starts: [200, 1_000, 5_000, 20_000][d.below(4) as usize],
            start_seconds: [60, 20, 120][d.below(3) as usize],
            stop_seconds: [30, 2, 10][d.below(3) as usize],
            bad: d.one_in(3, 5_000),
            dies: d.one_in(3, 4_000),
            ignores_term: d.one_in(3, 5_000),
            new_disk: d.one_in(3, 6_000),
            occupied: d.one_in(4, 1_000),
            back: d.one_in(2, 4_000),
            gone: [600, 120, 60][d.below(3) as usize],
        }
    }

    /// The style of a group that has one.
    pub fn style(&self, group: usize) -> Option<Style> {
        self.groups.get(group)?.map(Style::Service)
    }
}

struct Draw<'a>(&'a mut Tape);

impl Draw<'_> {
    fn below(&mut self, n: u32) -> u32 {
        self.0.below(Reel::Services, n)
    }

    /// Up to so much in one of `n` runs, nothing in the others.
    fn one_in(&mut self, n: u32, most: u32) -> u32 {
        let on = self.below(n) + 1 == n;
        let value = 1 + self.below(most);
        if on { value } else { 0 }
    }

    fn minutes(&mut self) -> Option<u32> {
        let minutes = self.below(6);
        (self.below(2) == 1).then_some(minutes)
    }

    fn group(&mut self) -> Option<Rollout> {
        let some = self.below(5) == 4;
        let shifts = self.below(3) > 0;
        let shift = Shift {
            percent: [50, 34, 10, 99][self.below(4) as usize],
            minutes: 1 + self.below(3),
            canary: self.below(2) == 1,
        };
        let rollout = Rollout {
            waits: Waits {
                reroute: self.minutes(),
                // Mostly the original is deleted.
                termination: self.minutes().or_else(|| (self.below(4) > 0).then_some(0)),
                shift: shifts.then(|| shift.in_few_steps()),
            },
            hooks: std::array::from_fn(|_| self.below(3) == 2),
            programs: self.below(4) == 3,
            tests: self.below(3) > 0,
            count: 1 + self.below(3),
            hosts: 1 + self.below(3) as usize,
        };
        some.then_some(rollout)
    }
}
