//! How a route is split while traffic shifts by weight (I-4, I-5, I-8, I-20): the shares come in their order and their time, are in
//! effect when the journal says so, and are kept.

use super::super::balancer::LARGEST_WEIGHT;
use super::super::cast::Cast;
use super::super::marks::{Mark, Marks};
use super::super::shape::Millis;
use super::function::{Role, parts, role};
use super::route::{Route, Server};
use super::{Invariant, Seen, Watch};
use crate::engine::Deployment;
use crate::engine::event::Event;
use crate::engine::plan::Stage;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::{Side, Split};
use crate::providers::traffic::Service;

/// So long may an entry take from what it tells to the disk.
pub(super) const WRITTEN: Millis = 5_000;

/// How the traffic of a deployment shifts, as its entries say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shifts {
    /// The share that was asked for last.
    pub asked: Option<Split>,
    /// When that was.
    asked_at: Millis,
    /// What has taken effect last, and when.
    in_effect: Option<(Split, Timestamp)>,
}

/// The steps of a deployment's configuration.
fn steps(deployment: &Deployment) -> Vec<u8> {
    let spec = &deployment.spec;
    if spec.from_split.is_some() {
        return vec![0];
    }
    // The first has nobody to share it with.
    let sets = spec.task_sets.as_ref();
    if sets.is_some_and(|sets| sets.original.is_none()) {
        return vec![100];
    }
    let Some(routing) = deployment.spec.configuration.traffic_routing_config else {
        return Vec::new();
    };
    let mut steps = Vec::new();
    if let Some(canary) = routing.time_based_canary {
        steps.push(canary.canary_percentage);
    }
    if let Some(linear) = routing.time_based_linear {
        let step = linear.linear_percentage;
        let mut share = step;
        while share < 100 {
            steps.push(share);
            share = share.saturating_add(step);
        }
    }
    steps.push(100);
    steps
}

/// The servers of a side.
fn of_side<'a>(
    route: &'a Route,
    deployment: &'a Deployment,
    side: Side,
) -> impl Iterator<Item = &'a Server> {
    let parts = parts(deployment);
    let targets = deployment.targets.iter();
    let of_it = targets.filter(move |it| parts.is_none() && it.side == Some(side));
    let hosts = of_it.map(|target| Cast::host(&target.name));
    let others = parts.into_iter().flat_map(move |parts| parts.of(side));
    hosts.chain(others).filter_map(|it| route.server(it))
}

/// The sum of the weights of a side.
fn weighs(route: &Route, deployment: &Deployment, side: Side) -> u32 {
    let serving = of_side(route, deployment, side).filter(|it| it.service == Service::In);
    serving.map(|server| server.weight).sum()
}

/// Whether a side can't have less and still have something: its servers weigh one each, and those of the other side the most.
fn has_the_least(route: &Route, deployment: &Deployment, side: Side) -> bool {
    let weights = |side: Side| {
        let servers = of_side(route, deployment, side);
        let serving = servers.filter(|server| server.service == Service::In);
        serving.map(|server| server.weight)
    };
    weights(side).all(|weight| weight == 1)
        && weights(side.other()).all(|weight| weight == LARGEST_WEIGHT)
}

/// Whether a route is split like this, as nearly as whole weights allow.
fn is_split(route: &Route, deployment: &Deployment, split: Split) -> bool {
    let [blue, green] = [Side::Blue, Side::Green].map(|side| weighs(route, deployment, side));
    match split.replacement() {
        0 => green == 0 && blue > 0,
        100 => blue == 0 && green > 0,
        share => {
            let percent = 100.0 * f64::from(green) / f64::from((blue + green).max(1));
            (percent - f64::from(share)).abs() < 2.0
                || has_the_least(route, deployment, Side::Blue) && percent < f64::from(share)
                || has_the_least(route, deployment, Side::Green) && percent > f64::from(share)
        }
    }
}

/// Whether a version of a function gets requests that is neither the former nor the next.
fn goes_elsewhere(route: &Route, deployment: &Deployment) -> bool {
    let servers = route.servers.iter().enumerate().skip(1);
    let mut others = servers.filter(|(it, _)| role(deployment, *it) == Some(Role::Bystander));
    others.any(|(_, server)| server.as_ref().is_some_and(Server::gets_requests))
}

/// Whether a route is split as its deployment says, and nobody else has a share.
pub(super) fn is_as_asked(route: &Route, deployment: &Deployment) -> bool {
    let asked = deployment.split();
    asked.is_some_and(|split| is_split(route, deployment, split))
        && !goes_elsewhere(route, deployment)
}

/// Whether each side that has a share has somebody to serve it.
fn may_be_split(route: &Route, deployment: &Deployment, split: Split) -> bool {
    let serves = |side: Side| {
        of_side(route, deployment, side).any(|it| it.service == Service::In && it.well)
    };
    let mut sides = [Side::Blue, Side::Green].into_iter();
    sides.all(|side| split.share(side) == 0 || serves(side))
}

impl Shifts {
    /// The split that was in effect last.
    pub fn last_in_effect(&self) -> Option<Split> {
        self.in_effect.map(|(split, _)| split)
    }
}

impl Watch {
    /// I-5, I-8: a share that nobody asked for by hand is the next one, and comes in its time.
    pub(super) fn shifts(&mut self, number: usize, seen: &Seen, event: &Event, at: Timestamp) {
        let Event::Shifted {
            split, by: None, ..
        } = event
        else {
            return;
        };
        let deployment = &seen.deployment;
        let frozen = deployment.paused.is_some() || deployment.is_ceasing();
        self.check(!frozen, Invariant::StopHolds, || {
            format!("traffic of deployment {number} shifted to {split} while it was not to go on")
        });
        let last = deployment.shift.map(|shift| shift.asked);
        let reached = last.map(Split::replacement);
        let steps = steps(deployment);
        let back = deployment.spec.from_split.is_some();
        let further = |step: u8, at: u8| if back { step < at } else { step > at };
        let mut due = steps.iter().copied();
        let next = due.find(|step| reached.is_none_or(|at| further(*step, at)));
        self.check(next == Some(split.replacement()), Invariant::Permission, || {
            format!("traffic of deployment {number} shifted from {last:?} to {split}, and {next:?} was due")
        });
        let Some(last) = last else { return };
        let minutes = match deployment.current_stage() {
            Some(Stage::Shift { minutes, .. }) => *minutes,
            _ => 0,
        };
        let since = seen.shifts.in_effect.filter(|(split, _)| *split == last);
        let waited = since.map(|(_, since)| at.since(since).as_secs());
        let in_time = waited.is_some_and(|waited| waited >= u64::from(60 * minutes));
        self.check(in_time || self.clock_jumped, Invariant::Permission, || {
            format!("traffic of deployment {number} shifted from {last} after {waited:?} s")
        });
    }

    /// I-20: what has shifted is in effect before anything else comes.
    pub(super) fn has_shifted(&mut self, number: usize, seen: &Seen) {
        let Some(Stage::Shift { steps, .. }) = seen.deployment.current_stage() else {
            return;
        };
        let reached = seen.shifts.in_effect.map(|(split, _)| split);
        self.check(reached == steps.last().copied(), Invariant::Sides, || {
            format!(
                "deployment {number} goes on with {reached:?} in effect, on its way to {steps:?}"
            )
        });
    }

    /// What an entry says about shares, after it is folded.
    pub(super) fn shares_after(
        &mut self,
        number: usize,
        seen: &mut Seen,
        event: &Event,
        at: Timestamp,
        marks: &mut Marks,
    ) {
        match event {
            Event::Shifted { split, by, .. } => {
                seen.shifts.asked_at = self.now;
                seen.shifts.asked = Some(*split);
                if by.is_some() {
                    marks.hit(Mark::WeighedByHand);
                } else if *split > Split::ORIGINAL && *split < Split::REPLACEMENT {
                    marks.hit(Mark::Shifted);
                }
            }
            Event::InEffect { split } => {
                seen.shifts.in_effect = Some((*split, at));
                let Some(route) = self.routes.get(seen.group) else {
                    return;
                };
                let mut targets = seen.deployment.targets.iter();
                // Nobody knows where one serves that is no longer in the project.
                let hosts = seen.deployment.spec.is_on_hosts();
                let gone =
                    hosts && targets.any(|target| self.gone.contains(&Cast::host(&target.name)));
                let exempt = gone || route.was_weighed(self.now - WRITTEN);
                let there = is_split(route, &seen.deployment, *split)
                    && !goes_elsewhere(route, &seen.deployment);
                self.check(there || exempt, Invariant::Sides, || {
                    format!("deployment {number} says that {split} is in effect, and it is not")
                });
            }
            _ => {}
        }
    }

    /// I-4: whether a deployment leaves its route split otherwise than it says, although nothing has got in the way for so long.
    pub(super) fn is_split_otherwise(&self, seen: &Seen, now: Millis, patience: Millis) -> bool {
        let Some(split) = seen.deployment.split() else {
            return false;
        };
        let Some(route) = self.routes.get(seen.group) else {
            return false;
        };
        let long = now >= seen.began.max(seen.shifts.asked_at) + patience;
        long && may_be_split(route, &seen.deployment, split)
            && !is_split(route, &seen.deployment, split)
    }
}
