//! What moving traffic between the sides of a blue/green deployment does, in numbers.

use crate::api::gauge::Gauge;
use crate::engine::plan::{Before, Stage};
use crate::engine::{Deployment, rollback};
use crate::model::name::Name;
use crate::model::timestamp::Whole;
use crate::model::traffic::status::BalancerStatus;
use crate::model::traffic::{Side, Split};
use crate::tui::model::Model;
use crate::tui::words::{instances, listed, rate};

/// Over how many samples a rate is told: enough that one odd second does not matter.
const RATE: usize = 10;
/// How many names are told.
const NAMED: usize = 4;

/// How many instances a side has, and which: `the 2 of the original (web-1, web-2)`. Of a function, the version.
fn those(deployment: &Deployment, side: Side) -> String {
    if !deployment.spec.is_on_hosts() {
        return deployment.spec.side_named(side);
    }
    let names = names(deployment, side);
    format!(
        "the {} of the {} ({})",
        names.len(),
        side.label(),
        listed(names, NAMED)
    )
}

fn names(deployment: &Deployment, side: Side) -> Vec<&Name> {
    let targets = deployment.spec.targets.iter();
    let targets = targets.filter(|target| target.side == Some(side));
    targets.map(|target| &target.name).collect()
}

/// What comes when a wait is ended.
pub(super) fn after_wait(deployment: &Deployment, before: Before) -> Vec<String> {
    if before == Before::Termination {
        let mut later = deployment.plan.stages.iter().skip(deployment.stage + 1);
        let then = if later.any(|stage| matches!(stage, Stage::Terminate { .. })) {
            "Those that fleets provisioned are terminated."
        } else {
            "They stay out of service until a rollback or another deployment."
        };
        return vec![format!(
            "It ends now instead of keeping {} for a way back. {then}",
            those(deployment, Side::Blue)
        )];
    }
    let mut lines = vec![format!(
        "Traffic moves from {} to {}.",
        those(deployment, Side::Blue),
        those(deployment, Side::Green)
    )];
    let later = deployment.plan.stages.iter().skip(deployment.stage + 1);
    let shifts = later.clone().any(|stage| stage.shift().is_some());
    for stage in later {
        match stage {
            Stage::Enter { window, .. } if !shifts => lines.push(format!(
                "{} at a time go into service; the original is taken out after that.",
                window.concurrency
            )),
            Stage::Shift { steps, minutes, .. } => lines.push(schedule(steps, *minutes)),
            Stage::Wait {
                before: Before::Termination,
                minutes,
            } => lines.push(format!(
                "The original is kept for {minutes} min afterwards."
            )),
            _ => {}
        }
    }
    lines
}

/// What becomes of the requests that the original works on.
pub(super) fn drained(model: &Model, deployment: &Deployment) -> Option<String> {
    let mut later = deployment.plan.stages.iter().skip(deployment.stage + 1);
    let drains = later.any(|stage| matches!(stage, Stage::Leave { .. }));
    let gauge = model.gauge(deployment).filter(|_| drains)?;
    let on = |balancer: &BalancerStatus| balancer.side(Side::Blue).in_flight;
    let requests: Option<u64> = gauge.status.production().map(on).sum();
    Some(match requests? {
        0 => "No request is in flight on the original now.".to_owned(),
        1 => "1 request is in flight on the original now, which drains.".to_owned(),
        n => format!("{n} requests are in flight on the original now, which drains."),
    })
}

/// `By weight: 10 %, then 20 %, … 100 %, each for 5 min.`
fn schedule(steps: &[Split], minutes: u32) -> String {
    let share = |split: &Split| format!("{} %", split.replacement());
    match steps {
        [] | [_] => "All of it at once, by weight.".to_owned(),
        [first, last] => format!(
            "By weight: {} first, {} after {minutes} min.",
            share(first),
            share(last)
        ),
        [first, .., last] => format!(
            "By weight, in {} steps from {} to {}, {minutes} min apart.",
            steps.len(),
            share(first),
            share(last)
        ),
    }
}

/// What a share by hand changes: from what to what, and who serves it.
pub(super) fn share(model: &Model, deployment: &Deployment, to: Split) -> Vec<String> {
    let from = deployment.split().unwrap_or(Split::ORIGINAL);
    let one = |side: Side| {
        let servers = match model.gauge(deployment) {
            Some(gauge) => well(gauge, side),
            None => names(deployment, side).len(),
        };
        let word = if servers == 1 { "server" } else { "servers" };
        format!(
            "{} goes from {} % to {} %, on {servers} {word} in service and well.",
            begins(deployment, side),
            from.share(side),
            to.share(side)
        )
    };
    let mut lines = vec![one(Side::Green), one(Side::Blue)];
    if to.replacement() == 100 {
        lines.push(format!(
            "All of the traffic is then on {}, until somebody resumes.",
            deployment.spec.side_named(Side::Green)
        ));
    } else {
        lines.push("Nothing shifts by itself after that, until somebody resumes.".to_owned());
    }
    lines
}

/// A side at the beginning of a sentence.
fn begins(deployment: &Deployment, side: Side) -> String {
    let named = deployment.spec.side_named(side);
    let mut letters = named.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// How many servers of a side serve, where there are fewest.
fn well(gauge: &Gauge, side: Side) -> usize {
    let balancers = gauge.status.production();
    let least = balancers.map(|balancer| balancer.side(side).well).min();
    usize::try_from(least.unwrap_or(0)).unwrap_or(usize::MAX)
}

/// What would refuse a share: a load balancer where a side that gets some has nobody to serve it.
pub(super) fn nobody(model: &Model, deployment: &Deployment, to: Split) -> Option<String> {
    let gauge = model.gauge(deployment)?;
    let empty = |side: Side| {
        let mut balancers = gauge.status.production();
        balancers.find(|balancer| to.share(side) > 0 && balancer.side(side).well == 0)
    };
    let found = |side: Side| empty(side).map(|balancer| (side, balancer));
    let (side, balancer) = found(Side::Green).or_else(|| found(Side::Blue))?;
    Some(format!(
        "{} has no server in service and well at {}: {} % of the requests would find nobody",
        deployment.spec.side_named(side),
        balancer.name,
        to.share(side)
    ))
}

/// Requests a second now, of both sides together.
fn requests(gauge: &Gauge) -> Option<f64> {
    let rate = |side| Some(gauge.recent(side, RATE)?.rate());
    Some(rate(Side::Blue)? + rate(Side::Green)?)
}

/// How many requests a second move, at the present rate, and what each server gets then.
pub(super) fn moves(model: &Model, deployment: &Deployment, to: Split) -> Option<String> {
    let gauge = model.gauge(deployment)?;
    let Some(all) = requests(gauge) else {
        return Some("nobody counts requests here: how many move is not known".to_owned());
    };
    let balancers = gauge.status.production();
    let now = balancers.filter_map(|balancer| balancer.in_effect).max();
    let from = now
        .or(deployment.split())
        .unwrap_or(if deployment.spec.rolls_back.is_some() {
            Split::REPLACEMENT
        } else {
            Split::ORIGINAL
        });
    let part = |share: u8| all * f64::from(share) / 100.0;
    let points = from.replacement().abs_diff(to.replacement());
    let side = if to > from { Side::Green } else { Side::Blue };
    let servers = match well(gauge, side) {
        0 => names(deployment, side).len(),
        n => n,
    };
    let each = part(to.share(side)) / f64::from(u32::try_from(servers.max(1)).unwrap_or(u32::MAX));
    Some(format!(
        "of {} req/s at present about {} move to {}: then {} req/s {}",
        rate(all),
        rate(part(points)),
        deployment.spec.side_named(side),
        rate(each),
        if deployment.spec.is_on_hosts() {
            format!("on each of its {}", instances(servers))
        } else {
            "there".to_owned()
        }
    ))
}

/// How long until the wait would end by itself, and how.
pub(super) fn left(model: &Model, deployment: &Deployment) -> Option<String> {
    let (before, end) = deployment.wait_ends()?;
    let now = deployment.frozen_since.unwrap_or(model.present());
    let left = Whole(end.since(now));
    Some(match before {
        Before::Reroute => format!("{left} are left of the wait; at zero it stops"),
        Before::Termination => format!("{left} are left of the wait; it ends by itself then"),
    })
}

/// What pausing or resuming means to the traffic.
pub(super) fn held(deployment: &Deployment, resumes: bool) -> Option<String> {
    if let Some((before, _)) = deployment.wait_ends() {
        let what = match before {
            Before::Reroute => "to reroute",
            Before::Termination => "for which the original is kept",
        };
        let stands = if resumes { "goes on" } else { "stands still" };
        return Some(format!("The time {what} {stands}."));
    }
    deployment.shifting()?;
    let split = deployment.split()?;
    let (green, blue) = (split.share(Side::Green), split.share(Side::Blue));
    let first = begins(deployment, Side::Green);
    let second = deployment.spec.side_named(Side::Blue);
    Some(if resumes {
        let next = match (deployment.next_shift(), deployment.frozen_since) {
            (Some((next, at)), Some(frozen)) => {
                let after = Whole(at.since(frozen));
                format!("{} % follow after {after}", next.replacement())
            }
            _ => "the steps go on from there".to_owned(),
        };
        format!("{first} has {green} % now, {second} {blue} %; {next}.")
    } else {
        format!("{first} keeps {green} %, {second} {blue} %, until somebody resumes.")
    })
}

/// What a rollback does.
///
/// # Errors
/// Why there is no way back.
pub(super) fn way_back(deployment: &Deployment) -> Result<Vec<String>, String> {
    rollback::way_back(deployment)?;
    if !deployment.spec.is_on_hosts() {
        return Ok(vec![format!(
            "A rollback gives {} all traffic back at once, and calls no hooks.",
            deployment.spec.side_named(Side::Blue)
        )]);
    }
    Ok(vec![
        format!(
            "A rollback gives all traffic back to {}; nothing is installed.",
            those(deployment, Side::Blue)
        ),
        format!(
            "Then {} leave the load balancers.",
            those(deployment, Side::Green)
        ),
    ])
}
