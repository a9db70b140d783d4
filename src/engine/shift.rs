//! Shifting traffic by weight from the original to the replacement: which share comes next, and when (configurations.md §8).
//!
//! A share is asked of the load balancers ([`Event::Shifted`]), and the next one comes an interval after the load balancers
//! had it in effect ([`Event::InEffect`]). Time in which the deployment is paused does not count. Somebody may set any share
//! at any time; that pauses the schedule, and when it is resumed, the share that they set gets a whole interval.

use serde::{Deserialize, Serialize};

use super::deliberate::{Bug, deliberate};
use super::deployment::Deployment;
use super::event::Event;
use super::plan::Stage;
use super::schedule::Steps;
use crate::model::limits::Limits;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Split;

/// The split that was asked for last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shift {
    /// The split.
    pub asked: Split,
    /// When it was asked for.
    pub at: Timestamp,
    /// Since when all load balancers have it in effect; moved on by the time in which the deployment is paused.
    pub since: Option<Timestamp>,
}

/// What the stage says that shifts traffic.
#[derive(Clone, Copy, Debug)]
pub struct Schedule<'a> {
    /// How the route is split before.
    pub from: Split,
    /// The splits, one after the other.
    pub steps: &'a [Split],
    /// How many minutes each but the last is in effect.
    pub minutes: u32,
}

impl Schedule<'_> {
    /// The first step that goes further than a split.
    pub fn after(&self, split: Split) -> Option<Split> {
        let last = self.last();
        let further = |step: &&Split| match last.cmp(&self.from) {
            std::cmp::Ordering::Less => **step < split,
            _ => **step > split,
        };
        self.steps.iter().find(further).copied()
    }

    /// Where it leads.
    pub fn last(&self) -> Split {
        self.steps.last().copied().unwrap_or(self.from)
    }
}

impl Stage {
    /// How traffic shifts in it, if it does.
    pub fn shift(&self) -> Option<Schedule<'_>> {
        match self {
            Self::Shift {
                from,
                steps,
                minutes,
            } => Some(Schedule {
                from: *from,
                steps,
                minutes: *minutes,
            }),
            _ => None,
        }
    }
}

impl Deployment {
    /// How the route ought to be split between the sides; `None` if this deployment does not shift by weight.
    pub fn split(&self) -> Option<Split> {
        let shift = self.plan.stages.iter().find_map(Stage::shift)?;
        Some(self.shift.map_or(shift.from, |shift| shift.asked))
    }

    /// The schedule, while traffic shifts.
    pub fn shifting(&self) -> Option<Schedule<'_>> {
        self.current_stage()?.shift()
    }

    /// The next step and when it comes, while traffic shifts and the step before is in effect. While the deployment is
    /// paused it is as if it went on now.
    pub fn next_shift(&self) -> Option<(Split, Timestamp)> {
        next(self.shifting()?, self.shift?, &self.spec.limits)
    }
}

fn next(schedule: Schedule<'_>, shift: Shift, limits: &Limits) -> Option<(Split, Timestamp)> {
    let step = schedule.after(shift.asked)?;
    let usual = limits.shift_minutes(schedule.minutes);
    let interval = if deliberate(Bug::ShiftedEarly) {
        usual / 2
    } else {
        usual
    };
    Some((step, shift.since? + interval))
}

impl Shift {
    /// It is asked for at this time.
    pub(super) fn asked(split: Split, at: Timestamp) -> Self {
        Self {
            asked: split,
            at,
            since: None,
        }
    }

    /// It is in effect from this time on.
    pub(super) fn in_effect(self, at: Timestamp) -> Self {
        Self {
            since: Some(at),
            ..self
        }
    }

    /// Time in which nothing could happen has ended.
    pub(super) fn thaw(&mut self, frozen_since: Timestamp, at: Timestamp) {
        self.since = self.since.map(|since| {
            if since >= frozen_since {
                at
            } else {
                since + at.since(frozen_since)
            }
        });
    }
}

impl Steps<'_> {
    /// All load balancers have a split in effect.
    pub fn in_effect(&mut self, split: Split) {
        if let Some(shift) = &mut self.shift
            && shift.asked == split
            && shift.since.is_none()
        {
            shift.since = Some(self.now);
            self.events.push(Event::InEffect { split });
        }
    }

    /// Takes for granted that load balancers do what they were asked for.
    pub fn take_for_granted(&mut self, split: Split) {
        if let Some(shift) = &mut self.shift
            && shift.asked == split
        {
            shift.since.get_or_insert(self.now);
        }
    }

    /// Asks for a split, because somebody wants it or because it is its turn.
    pub fn ask(&mut self, asked: Split, by: Option<(String, Option<String>)>) {
        self.shift = Some(Shift::asked(asked, self.now));
        let (by, why) = by.unzip();
        self.events.push(Event::Shifted {
            split: asked,
            by,
            why: why.flatten(),
        });
    }

    /// Asks for what is due, and says whether all traffic has shifted.
    pub(super) fn shift_on(&mut self, schedule: Schedule<'_>) -> bool {
        let Some(mut shift) = self.shift else {
            if let Some(first) = schedule.steps.first()
                && !self.waits_for_people()
            {
                self.ask(*first, None);
            }
            return schedule.steps.is_empty();
        };
        if shift.since.is_none() || (self.waits_for_people() && !deliberate(Bug::PauseShifts)) {
            return false;
        }
        if let Some(frozen_since) = self.deployment.frozen_since {
            shift.thaw(frozen_since, self.now);
        }
        if shift.asked == schedule.last() {
            return true;
        }
        if let Some((step, at)) = next(schedule, shift, &self.deployment.spec.limits)
            && self.now >= at
        {
            self.ask(step, None);
        }
        false
    }
}
