//! How much longer a deployment works, as a range: it is rehearsed with instances as quick, and with instances as slow, as
//! those that are done were.
//!
//! It goes as far as nobody has to say anything: to the end, or to the next wait for a person. Where nothing like what is
//! left was ever done, nothing is known.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use serde::Serialize;

use super::deployment::{Deployment, Target};
use super::event::Event;
use super::input::{Command, What};
use super::plan::{Before, Stage};
use super::rehearse::{Assumptions, Durations, Overdue, Rehearsed, rehearse, rehearse_after};
use crate::model::deployment::{DeploymentStatus, TargetStatus};
use crate::model::lifecycle::EventStatus;
use crate::model::timestamp::Timestamp;

/// So many of a kind say how long the others take; where there are fewer, earlier deployments are asked, too, and the range
/// is wider.
const ENOUGH: usize = 3;
/// One of so many is quicker, and one slower, than what is told.
const ODD: usize = 10;

/// How long targets took in stages of one kind.
type Took = HashMap<Discriminant<Stage>, Vec<Duration>>;

/// How long targets took in stages of each kind.
#[derive(Clone, Debug, Default)]
pub struct Paces {
    own: Took,
    /// In an earlier deployment.
    past: Took,
}

impl Paces {
    /// Those of a deployment, and those of an earlier one for stages of which it knows little.
    pub fn of(deployment: &Deployment, past: Option<&Deployment>) -> Self {
        Self {
            own: samples(deployment),
            past: past.map(samples).unwrap_or_default(),
        }
    }

    /// How long a target takes in such a stage at least and at most, but for a few; `None` if none has got through one.
    /// Where few of its own have, those of the earlier one count too, and the range is wider.
    pub fn range(&self, stage: &Stage) -> Option<(Duration, Duration)> {
        let own = self.own.get(&discriminant(stage));
        if own.is_some_and(|own| own.len() >= ENOUGH) {
            return nearly_all(own?);
        }
        let past = self.past.get(&discriminant(stage));
        let mut known = [own, past]
            .into_iter()
            .flatten()
            .filter_map(|took| nearly_all(took));
        let first = known.next()?;
        let (quick, slow) = known.fold(first, |all, one| (all.0.min(one.0), all.1.max(one.1)));
        Some((quick * 2 / 3, slow * 3 / 2))
    }

    /// Whether stages of this deployment are ahead of which too little is known without an earlier one.
    pub fn lack(deployment: &Deployment) -> bool {
        let took = samples(deployment);
        let known = |stage: &Stage| took.get(&discriminant(stage)).map_or(0, Vec::len);
        let ahead = deployment.plan.stages.iter().skip(deployment.stage);
        let mut work = ahead.filter(|stage| stage.work().is_some());
        work.any(|stage| known(stage) < ENOUGH)
    }
}

/// The quickest and the slowest, but for the odd ones.
fn nearly_all(took: &[Duration]) -> Option<(Duration, Duration)> {
    let mut took = took.to_vec();
    took.sort_unstable();
    let last = took.len().checked_sub(1)?;
    Some((*took.get(last / ODD)?, *took.get(last - last / ODD)?))
}

fn samples(deployment: &Deployment) -> Took {
    let mut found = Took::new();
    for target in &deployment.targets {
        for (place, took) in parts(target) {
            if let Some(stage) = deployment.plan.stages.get(place) {
                found.entry(discriminant(stage)).or_default().push(took);
            }
        }
    }
    found
}

/// The stages that a target has got through, each with how long it took there.
fn parts(target: &Target) -> Vec<(usize, Duration)> {
    let stages: BTreeSet<usize> = target.events.iter().map(|entry| entry.stage).collect();
    if let (1, Some(place)) = (stages.len(), stages.first()) {
        let took = target.end_time.zip(target.start_time);
        let took = took.filter(|_| target.status == TargetStatus::Succeeded);
        return took
            .map(|(end, start)| (*place, end.since(start)))
            .into_iter()
            .collect();
    }
    let through = |place: &usize| {
        let part = || target.events.iter().filter(|entry| entry.stage == *place);
        let busy = target.status == TargetStatus::InProgress && target.stage == *place;
        let well = part().all(|entry| entry.status == EventStatus::Succeeded);
        let start = part().filter_map(|entry| entry.start_time).min()?;
        let end = part().filter_map(|entry| entry.end_time).max()?;
        (well && !busy).then(|| (*place, end.since(start)))
    };
    stages.iter().filter_map(through).collect()
}

/// How much longer it works. Its `Display` is a few words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remaining {
    /// As long as this at least, in milliseconds.
    #[serde(serialize_with = "super::rehearse::milliseconds")]
    pub least: Duration,
    /// As long as this at most, in milliseconds.
    #[serde(serialize_with = "super::rehearse::milliseconds")]
    pub most: Duration,
    /// What is reached then.
    pub to: Goal,
    /// What somebody has to say before that time begins to run, if it does not run yet.
    pub once: Option<Once>,
}

/// What is reached without anybody's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Goal {
    /// The end.
    End,
    /// The wait for somebody who reroutes.
    Reroute,
    /// The wait for people who approve the reroute.
    Approval,
    /// The time for which the original is kept, when the replacement has all traffic.
    Kept,
}

/// What somebody has to say first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Once {
    /// That it goes on, as it is paused.
    Resumed,
    /// That traffic moves.
    Rerouted,
}

/// Whether a deployment works by itself, or would at one word: of one that does not, nothing is known.
pub fn goes_on(deployment: &Deployment) -> bool {
    word(deployment).is_some()
}

/// What somebody has to say before it works, if it does not by itself; `None` if no word is enough.
fn word(deployment: &Deployment) -> Option<(Option<Once>, Option<What>)> {
    use DeploymentStatus::{Created, Queued};
    let stands = deployment.is_ceasing()
        || deployment.halted.is_some()
        || deployment.held.is_some()
        || deployment.frozen.is_some()
        || deployment.awaits_approval().is_some();
    let begun = !matches!(deployment.status, Created | Queued);
    if !begun || stands || deployment.status.is_terminal() {
        return None;
    }
    match deployment.wait_ends() {
        // Two words in a row are nobody's plan.
        Some(_) if deployment.paused.is_some() => None,
        Some((Before::Termination, _)) => None,
        Some((before @ Before::Reroute, _)) => {
            Some((Some(Once::Rerouted), Some(What::Continue { before })))
        }
        None if deployment.paused.is_some() => Some((Some(Once::Resumed), Some(What::Resume))),
        None => Some((None, None)),
    }
}

/// How much longer a deployment works from now on, if all goes well; `None` where that is not known, or time alone decides.
/// The cost is that of two rehearsals.
pub fn remaining(deployment: &Deployment, paces: &Paces, now: Timestamp) -> Option<Remaining> {
    let (once, what) = word(deployment)?;
    let from = deployment.stage + usize::from(once == Some(Once::Rerouted));
    let ahead = deployment.plan.stages.iter().enumerate().skip(from);
    let (mut quick, mut slow) = (BTreeMap::new(), BTreeMap::new());
    for (place, stage) in ahead.take_while(|(_, stage)| goal(stage).is_none()) {
        if stage.work().is_some() {
            let (least, most) = paces.range(stage)?;
            quick.insert(place, least);
            slow.insert(place, most);
        } else if !matches!(stage, Stage::Shift { .. } | Stage::Monitor { .. }) {
            // How long fleets take is theirs.
            return None;
        }
    }
    let run = |stages: BTreeMap<usize, Duration>, overdue: Overdue| {
        let durations = Durations {
            stages,
            overdue,
            ..Durations::default()
        };
        let fails = BTreeSet::new();
        let assumptions = Assumptions { durations, fails };
        match &what {
            Some(what) => {
                let command = Command::new(what.clone(), "somebody");
                rehearse_after(deployment, &command, &assumptions, now).ok()
            }
            None => Some(rehearse(deployment, &assumptions, now)),
        }
    };
    let (least, to) = reached(&run(quick, Overdue::EndsNow)?)?;
    let (most, _) = reached(&run(slow, Overdue::AsLongAgain)?)?;
    Some(Remaining {
        least: least.min(most),
        most,
        to,
        once,
    })
}

fn goal(stage: &Stage) -> Option<Goal> {
    match stage {
        Stage::Wait {
            before: Before::Reroute,
            ..
        } => Some(Goal::Reroute),
        Stage::Wait {
            before: Before::Termination,
            ..
        } => Some(Goal::Kept),
        Stage::Approval => Some(Goal::Approval),
        _ => None,
    }
}

/// What a rehearsal comes to first, and when.
fn reached(rehearsed: &Rehearsed) -> Option<(Duration, Goal)> {
    let stage = |event: &Event| match event {
        Event::StageStarted { stage } => goal(rehearsed.plan.stages.get(*stage)?),
        _ => None,
    };
    let mut moments = rehearsed.moments.iter();
    let waits = moments.find_map(|moment| {
        let goal = moment.events.iter().find_map(stage)?;
        Some((moment.after, goal))
    });
    let over = rehearsed.end.status.is_terminal();
    waits.or_else(|| over.then_some((rehearsed.took, Goal::End)))
}

impl Remaining {
    /// The same when so much time has passed.
    #[must_use]
    pub fn after(self, passed: Duration) -> Self {
        if self.once.is_some() {
            return self;
        }
        Self {
            least: self.least.saturating_sub(passed),
            most: self.most.saturating_sub(passed),
            ..self
        }
    }
}

impl fmt::Display for Remaining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = range(self.least, self.most);
        let goal = match self.to {
            Goal::End => "over",
            Goal::Reroute => "ready to reroute",
            Goal::Approval => "ready to be approved",
            Goal::Kept => "all traffic moved",
        };
        match (self.once, self.to) {
            (None, Goal::End) => write!(f, "{range} left"),
            (None, _) => write!(f, "{goal} in {range}"),
            (Some(Once::Resumed), Goal::End) => write!(f, "{range} left once resumed"),
            (Some(Once::Resumed), _) => write!(f, "{goal} {range} after it is resumed"),
            (Some(Once::Rerouted), _) => write!(f, "{goal} {range} after the reroute"),
        }
    }
}

/// `about 3-5 min`, `up to 40 s`: never narrower than it is.
fn range(least: Duration, most: Duration) -> String {
    let (step, unit) = match most.as_secs() {
        ..100 => (5, "s"),
        100..10_800 => (60, "min"),
        _ => (3600, "h"),
    };
    let each = if unit == "s" { 1 } else { step };
    let least = least.as_secs() / step * step / each;
    let most = most.as_millis().div_ceil(1000 * u128::from(step));
    let most = u64::try_from(most).unwrap_or(u64::MAX).max(1);
    let most = most.saturating_mul(step) / each;
    match least {
        0 => format!("up to {most} {unit}"),
        least if least == most => format!("about {most} {unit}"),
        least => format!("about {least}-{most} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_never_narrower_than_it_is() {
        let range = |least, most| range(Duration::from_millis(least), Duration::from_millis(most));
        assert_eq!(range(0, 0), "up to 5 s");
        assert_eq!(range(4_999, 11_000), "up to 15 s");
        assert_eq!(range(21_000, 38_100), "about 20-40 s");
        assert_eq!(range(20_000, 20_000), "about 20 s");
        assert_eq!(range(59_000, 100_000), "up to 2 min");
        assert_eq!(range(185_000, 299_000), "about 3-5 min");
        assert_eq!(range(3_700_000, 10_800_000), "about 1-3 h");
    }
}
