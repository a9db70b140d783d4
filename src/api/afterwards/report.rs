//! A deployment for those who were not there, as Markdown: what, who and when, what failed, what was done about it, where the
//! traffic is, and where to look further. Journals hold no secrets, and text from outside is text and nothing else.

use std::fmt::Write as _;

use super::causes::{Cause, causes};
use super::markdown::{fenced, inline};
use super::timeline::{Moment, timeline};
use crate::engine::deployment::{Deployment, Target};
use crate::engine::event::Record;
use crate::model::deployment::DeploymentStatus;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::{Short, Timestamp};
use crate::model::traffic::Side;
use crate::text::utc;

/// Causes that are told with the end of what the first of them wrote.
const CAUSES: usize = 8;
/// Lines of output that are told of each.
const LINES: usize = 12;
/// Moments at the beginning and at the end of a long story.
const MOMENTS: (usize, usize) = (40, 30);

/// The report of a deployment, from its state and its journal, as it is at a time.
pub fn report(deployment: &Deployment, records: &[Record], now: Timestamp) -> String {
    let mut lines = vec![
        format!(
            "# {} to {}: {}",
            deployment.id(),
            inline(&deployment.group_key().to_string()),
            deployment.status
        ),
        String::new(),
    ];
    lines.extend(
        facts(deployment, now)
            .into_iter()
            .map(|(what, text)| format!("- **{what}:** {text}")),
    );
    lines.extend(failures(&causes(deployment)));
    lines.extend([
        String::new(),
        "## What happened (UTC)".to_owned(),
        String::new(),
    ]);
    lines.extend(moments(&timeline(records)));
    lines.extend(further(deployment));
    lines.join("\n") + "\n"
}

fn facts(deployment: &Deployment, now: Timestamp) -> Vec<(&'static str, String)> {
    let spec = &deployment.spec;
    let before = spec.previous_revision.as_ref();
    let before = before.map_or_else(String::new, |before| {
        format!(", instead of {}", inline(&before.label))
    });
    let mut facts = vec![
        (
            "What",
            format!(
                "{} ({}){before}",
                inline(&spec.revision.label),
                spec.revision.digest.short()
            ),
        ),
        (
            "Who",
            format!("{} ({})", inline(&spec.by), spec.creator.name()),
        ),
    ];
    if !spec.description.is_empty() {
        facts.push(("Description", inline(&spec.description)));
    }
    facts.push((
        "How",
        format!(
            "{}, {}",
            inline(&spec.style_label()),
            spec.configuration.deployment_config_name
        ),
    ));
    facts.push(("When", when(deployment, now)));
    if let Some(error) = &deployment.error {
        facts.push((
            "Why",
            format!(
                "{}: {}",
                error.code.name().replace('_', "\\_"),
                inline(&error.message)
            ),
        ));
    }
    let overview = deployment.overview;
    facts.push((
        "Instances",
        format!(
            "{} in all: {} succeeded, {} failed, {} skipped, {} not done",
            overview.total(),
            overview.succeeded,
            overview.failed,
            overview.skipped,
            overview.pending + overview.in_progress + overview.ready
        ),
    ));
    if let Some(stop) = &deployment.stop {
        let why = stop
            .why
            .as_ref()
            .map_or_else(String::new, |why| format!(": {}", inline(why)));
        facts.push((
            "Stopped",
            format!("by {} at {}{why}", inline(&stop.by), utc(stop.at)),
        ));
    }
    facts.extend(
        spec.rolls_back
            .iter()
            .map(|id| ("Rolls back", id.to_string())),
    );
    if let Some(rollback) = &deployment.rollback {
        facts.push(match &rollback.deployment {
            Some(id) => ("Rolled back", format!("by {id}")),
            None => ("Rolled back", format!("no: {}", inline(&rollback.message))),
        });
    }
    facts.extend(traffic(deployment).map(|text| ("Traffic", text)));
    facts
}

fn when(deployment: &Deployment, now: Timestamp) -> String {
    let mut text = format!("created {}", utc(deployment.create_time));
    if let Some(start) = deployment.start_time {
        let _ = write!(text, ", began {}", utc(start));
    }
    match deployment.complete_time {
        Some(end) => {
            let _ = write!(text, ", ended {}", utc(end));
        }
        None => {
            let _ = write!(text, ", not over at {}", utc(now));
        }
    }
    if let Some(took) = deployment.duration(now) {
        let waited = deployment
            .waited
            .by(deployment.complete_time.unwrap_or(now));
        let _ = write!(text, "; it took {}", Short(took));
        if !waited.is_zero() {
            let _ = write!(text, ", {} of it waiting", Short(waited));
        }
    }
    text
}

/// Where the traffic is, as far as the journal tells; nothing where no load balancer takes part.
fn traffic(deployment: &Deployment) -> Option<String> {
    let done = |target: &Target, event: LifecycleEvent| {
        let entry = target.event(event);
        entry.is_some_and(|entry| entry.status == EventStatus::Succeeded)
    };
    let count = |side: Option<Side>, event: LifecycleEvent| {
        let of = deployment
            .targets
            .iter()
            .filter(|target| target.side == side);
        of.filter(|target| done(target, event)).count()
    };
    if let Some((split, at)) = deployment.shifts.last() {
        return Some(format!(
            "{} % original, {} % replacement, asked for at {}",
            split.share(Side::Blue),
            split.share(Side::Green),
            utc(*at)
        ));
    }
    if deployment.spec.is_blue_green() {
        let (entered, left) = (
            count(Some(Side::Green), LifecycleEvent::AllowTraffic),
            count(Some(Side::Blue), LifecycleEvent::BlockTraffic),
        );
        let verdict = match (deployment.status, entered, left) {
            (DeploymentStatus::Succeeded, ..) => "on the side that it was to go to: ",
            (_, 0, 0) => "as it was before: ",
            _ => "on its way: ",
        };
        return Some(format!(
            "{verdict}{entered} replacement instances were put into service, {left} originals taken out"
        ));
    }
    let takes_part = |target: &Target| target.event(LifecycleEvent::BlockTraffic).is_some();
    if !deployment.targets.iter().any(takes_part) {
        return None;
    }
    let out: Vec<&str> = deployment
        .targets
        .iter()
        .filter(|target| {
            done(target, LifecycleEvent::BlockTraffic)
                && !done(target, LifecycleEvent::AllowTraffic)
        })
        .map(|target| target.name.as_str())
        .collect();
    Some(match out.split_at_checked(8) {
        _ if out.is_empty() => "all instances are in service as far as it took them out".to_owned(),
        Some((some, rest)) if !rest.is_empty() => {
            format!(
                "out of service: {} and {} others",
                some.join(", "),
                rest.len()
            )
        }
        _ => format!("out of service: {}", out.join(", ")),
    })
}

fn failures(causes: &[Cause]) -> Vec<String> {
    if causes.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "## What failed".to_owned(), String::new()];
    let earliest = causes.iter().filter_map(|cause| cause.first.at).min();
    for (place, cause) in causes.iter().take(CAUSES).enumerate() {
        let names: Vec<&str> = cause.names.iter().map(Name::as_str).collect();
        let others = cause.count - names.len();
        let others = if others > 0 {
            format!(" and {others} others")
        } else {
            String::new()
        };
        lines.push(format!(
            "{}. **{}** on {}{others}",
            place + 1,
            inline(&cause.text),
            names.join(", ")
        ));
        lines.push(String::new());
        let first = &cause.first;
        if let Some(at) = first.at {
            let earliest = if Some(at) == earliest {
                ", before all others"
            } else {
                ""
            };
            lines.push(format!(
                "   First: {} at {}{earliest}.",
                first.name,
                utc(at)
            ));
            lines.push(String::new());
        }
        let tail: Vec<&str> = first.log_tail.lines().collect();
        let tail = &tail[tail.len().saturating_sub(LINES)..];
        if !tail.is_empty() {
            lines.extend(fenced(tail, "   "));
            lines.push(String::new());
        }
    }
    if causes.len() > CAUSES {
        lines.push(format!("And {} other causes.", causes.len() - CAUSES));
    }
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn moments(all: &[Moment]) -> Vec<String> {
    let told = |moment: &Moment| format!("- {} {}", utc(moment.at), inline(&moment.what));
    let (first, last) = MOMENTS;
    let Some(left_out) = all.len().checked_sub(first + last).filter(|more| *more > 0) else {
        return all.iter().map(told).collect();
    };
    let mut lines: Vec<String> = all.iter().take(first).map(told).collect();
    lines.push(format!("- … {left_out} more"));
    lines.extend(all.iter().skip(first + left_out).map(told));
    lines
}

fn further(deployment: &Deployment) -> Vec<String> {
    let id = deployment.id();
    let mut commands = vec![
        (
            format!("cutover open {id}"),
            "the cockpit, there".to_owned(),
        ),
        (
            format!("cutover show {id}"),
            "every instance and event".to_owned(),
        ),
        (
            format!("cutover replay {id}"),
            "how it went, at any speed".to_owned(),
        ),
    ];
    if let Some(cause) = causes(deployment).first() {
        let name = &cause.first.name;
        commands.insert(
            1,
            (
                format!("cutover logs {id} {name}"),
                "all that its scripts wrote there".to_owned(),
            ),
        );
    }
    let mut lines = vec![
        String::new(),
        "## To look further".to_owned(),
        String::new(),
    ];
    lines.extend(
        commands
            .into_iter()
            .map(|(command, what)| format!("- `{command}`: {what}")),
    );
    lines
}
