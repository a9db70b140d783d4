//! A rehearsal as people read it: a few steps, however many instances there are.

use std::collections::BTreeSet;
use std::time::Duration;

use super::deployment::{Deployment, Target};
use super::event::Event;
use super::plan::{Before, Stage};
use super::rehearse::Rehearsed;
use super::words::counted;
use crate::model::name::Name;
use crate::model::timestamp::Whole;
use crate::model::traffic::{Side, Split};

/// Something that would happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long after the beginning of the rehearsal.
    pub after: Duration,
    /// What, in a sentence without a full stop.
    pub text: String,
    /// Whether it takes as long as instances, or what else is deployed to, need for it.
    pub works: bool,
}

/// What a rehearsal of this deployment comes to, the end last.
pub fn steps(deployment: &Deployment, rehearsed: &Rehearsed) -> Vec<Step> {
    let mut steps = Vec::new();
    steps.extend(rest(deployment, rehearsed));
    for moment in &rehearsed.moments {
        for event in &moment.events {
            let Some((text, works)) = of(deployment, rehearsed, event) else {
                continue;
            };
            steps.push(Step {
                after: moment.after,
                text,
                works,
            });
        }
    }
    steps.push(Step {
        after: rehearsed.took,
        text: rehearsed.end.to_string(),
        works: false,
    });
    steps
}

/// What becomes of the stage in the middle of which it goes on: as much of it as really starts, which is not all that is left
/// of one that stays paused, or holds.
fn rest(deployment: &Deployment, rehearsed: &Rehearsed) -> Option<Step> {
    let stage = deployment.plan.stages.get(deployment.stage)?;
    let tally = deployment.stages.get(deployment.stage)?;
    let ceases =
        |event: &Event| matches!(event, Event::StopRequested { .. } | Event::Paused { .. });
    let mut events = rehearsed.moments.iter().flat_map(|moment| &moment.events);
    if !deployment.status.is_running() || stage.work().is_none() || events.any(ceases) {
        return None;
    }
    let started = rehearsed.moments.iter().flat_map(|moment| &moment.started);
    let started: BTreeSet<&Name> = started.collect();
    // One that is through this stage starts in a later one.
    let starts = |(position, target): &(usize, &Target)| {
        let here = target.stage == deployment.stage && !deployment.in_flight.contains(position);
        here && started.contains(&target.name)
    };
    let starts = deployment.targets.iter().enumerate().filter(starts).count();
    let starts = u32::try_from(starts).unwrap_or(u32::MAX);
    let runs = tally.in_flight;
    let text = match (starts, runs) {
        (0, 0) => return None,
        (0, runs) => format!("what runs finishes: {}", counted(runs, "instance")),
        _ if starts < tally.waiting => format!(
            "{}: {}, and no other",
            stage.label(),
            counted(starts + runs, "instance")
        ),
        _ => format!(
            "the rest of {}: {}",
            stage.label(),
            counted(starts + runs, "instance")
        ),
    };
    Some(Step {
        after: Duration::ZERO,
        text,
        works: true,
    })
}

/// What an event is called, and whether work begins with it; nothing if it is of no interest.
fn of(deployment: &Deployment, rehearsed: &Rehearsed, event: &Event) -> Option<(String, bool)> {
    Some(match event {
        Event::Started | Event::StageStarted { .. } => {
            // The first stage begins with the deployment.
            let stage = match event {
                Event::StageStarted { stage } => *stage,
                _ => 0,
            };
            let stage = rehearsed.plan.stages.get(stage)?;
            // What begins with it says more.
            if stage.shift().is_some() {
                return None;
            }
            (stage_words(deployment, stage), stage.work().is_some())
        }
        Event::Shifted { split, .. } => (traffic(deployment, *split), false),
        Event::Paused { .. } => (
            "nothing new starts until somebody resumes".to_owned(),
            false,
        ),
        Event::StopRequested { .. } if deployment.in_flight.is_empty() => {
            ("nothing new starts, and nothing runs".to_owned(), false)
        }
        Event::StopRequested { .. } => ("nothing new starts: what runs finishes".to_owned(), false),
        Event::Halted { error } => (format!("no further one starts: {}", error.message), false),
        Event::Held { error } => (format!("it holds: {}", error.message), false),
        Event::TimedOut => ("its time is over".to_owned(), false),
        _ => return None,
    })
}

fn traffic(deployment: &Deployment, split: Split) -> String {
    let share = |side| {
        format!(
            "{} % to {}",
            split.share(side),
            deployment.spec.side_named(side)
        )
    };
    format!("traffic: {}, {}", share(Side::Green), share(Side::Blue))
}

fn stage_words(deployment: &Deployment, stage: &Stage) -> String {
    let many = |n: usize| counted(u32::try_from(n).unwrap_or(u32::MAX), "instance");
    match stage {
        Stage::Provision { fleet, count } => {
            format!("{fleet} provisions {}", counted(*count, "instance"))
        }
        Stage::Wait {
            before: Before::Reroute,
            minutes,
        } => format!("it waits up to {minutes} min for somebody to reroute it"),
        Stage::Wait {
            before: Before::Termination,
            minutes,
        } => format!("the original is kept for {minutes} min"),
        Stage::Approval => "it waits for the approval of its reroute".to_owned(),
        Stage::Terminate { targets } => {
            format!("{} of the original are terminated", many(targets.len()))
        }
        Stage::Monitor { zone, seconds } => {
            let span = Whole(Duration::from_secs(*seconds));
            format!("zone {zone} is watched for {span}")
        }
        stage => match stage.work() {
            Some(work) if deployment.spec.is_on_hosts() => format!(
                "{}: {}, {} at a time",
                stage.label(),
                many(work.targets.len()),
                work.window.concurrency
            ),
            _ => stage.label(),
        },
    }
}
