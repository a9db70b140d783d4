//! A plan for people: the order and why, a timeline, and the minimum at each moment.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Planned;
use crate::cli::table;
use crate::engine::event::Event;
use crate::engine::plan::Stage;
use crate::engine::rehearse::Moment;
use crate::engine::spec::TargetSpec;
use crate::model::deployment::{InstanceHealth, RevisionHealth, TargetStatus};
use crate::model::name::Name;
use crate::model::timestamp::{Short, Whole};
use crate::model::traffic::Side;
use crate::text::{is_unicode, safe};

/// How many rows of a table are printed; `--output json` has all.
const ROWS: usize = 40;

/// How many cells a timeline has.
const CELLS: u128 = 36;

pub(super) fn lines(planned: &Planned) -> Vec<String> {
    let (preview, spec) = (&planned.preview, &planned.forecast.spec);
    let revision = &preview.revision.revision;
    let mut lines = vec![format!(
        "{} ({}) to {}, {}",
        safe(&revision.label),
        revision.digest.short(),
        spec.group_key(),
        preview.configuration.deployment_config_name
    )];
    if let Some(window) = &preview.plan.window {
        lines.push(format!(
            "{} instances, {} at a time, at least {} stay healthy",
            spec.targets.len(),
            window.concurrency,
            window.minimum_healthy
        ));
    }
    if !spec.is_on_hosts() {
        lines.push(safe(&spec.style_label()));
    }
    if let Some(asked) = &spec.provision {
        let fleet = safe(&asked.fleet);
        let count = asked.count;
        let first = match &asked.account {
            Some(_) => {
                format!("the Auto Scaling group {fleet} is copied first, with {count} instances")
            }
            None => format!("the fleet {fleet} is asked to provision {count} instances first"),
        };
        lines.push(format!("{first}: new-1 and so on stand for them below"));
    }
    if spec.up_to_date > 0 {
        lines.push(format!("{} have the revision already", spec.up_to_date));
    }
    lines.extend(spec.approvals.iter().map(|(step, count)| {
        let who = match count {
            1 => "somebody".to_owned(),
            n => format!("{n} people"),
        };
        format!(
            "before the {step}, {who} other than {} must approve",
            safe(&spec.by)
        )
    }));
    lines.extend(spec.alarms().map(|alarms| safe(&alarms.watched())));
    lines.extend(
        planned
            .forecast
            .warnings
            .iter()
            .map(|w| format!("warning: {w}")),
    );
    if let Some(refusal) = &preview.refusal {
        lines.push(format!("not now: {}", safe(&refusal.message)));
    }
    if planned.deployment.targets.is_empty() {
        return lines;
    }
    lines.push(String::new());
    if spec.is_on_hosts() {
        lines.extend(order(planned));
        lines.push(String::new());
        lines.extend(moments(planned));
    } else {
        lines.extend(steps(planned));
    }
    lines.push(String::new());
    lines.extend(conclusion(planned));
    lines
}

/// When an instance is deployed to, and how it ends.
struct Span {
    from: Duration,
    to: Duration,
    status: TargetStatus,
}

fn spans(moments: &[Moment]) -> BTreeMap<&Name, Span> {
    let mut spans = BTreeMap::new();
    for moment in moments {
        for (name, status) in &moment.ended {
            let span: Option<&mut Span> = spans.get_mut(name);
            if let Some(span) = span {
                (span.to, span.status) = (moment.after, *status);
            }
        }
        for name in &moment.started {
            let span = Span {
                from: moment.after,
                to: moment.after,
                status: TargetStatus::InProgress,
            };
            spans.insert(name, span);
        }
    }
    spans
}

fn order(planned: &Planned) -> Vec<String> {
    let spans = spans(&planned.rehearsed.moments);
    let all = planned.rehearsed.took;
    let specs: BTreeMap<&Name, &TargetSpec> = planned
        .forecast
        .spec
        .targets
        .iter()
        .map(|target| (&target.name, target))
        .collect();
    let unicode = is_unicode(|name| std::env::var(name).ok());
    let targets = &planned.deployment.targets;
    let rows: Vec<Vec<String>> = targets
        .iter()
        .take(ROWS)
        .enumerate()
        .map(|(place, target)| {
            let why = specs.get(&target.name).map_or_else(String::new, |t| why(t));
            let span = spans.get(&target.name);
            let start = span.map_or_else(|| "skipped".to_owned(), |span| planned.time(span.from));
            let bar = span.map_or_else(String::new, |span| bar(span, all, unicode));
            vec![
                (place + 1).to_string(),
                target.name.to_string(),
                why,
                start,
                bar,
            ]
        })
        .collect();
    let when = if planned.timed { "STARTS" } else { "STEP" };
    let mut lines = table::lines(&["", "INSTANCE", "WHY HERE", when, "TIMELINE"], &rows);
    lines.extend(rest(targets.len()));
    lines
}

fn rest(rows: usize) -> Option<String> {
    (rows > ROWS).then(|| format!("… {} more: --output json has all", rows - ROWS))
}

/// Why an instance has its place: the unhealthy come first, then those of which it is not known what they run.
fn why(target: &TargetSpec) -> String {
    let health = match target.instance_health {
        InstanceHealth::Unhealthy => "unhealthy",
        InstanceHealth::Healthy => "healthy",
    };
    let revision = match target.revision_health {
        RevisionHealth::Unknown => "nothing known to run",
        RevisionHealth::Old => "older revision",
        RevisionHealth::Current => "current revision",
    };
    let zone = target
        .zone
        .as_ref()
        .map(|zone| format!(", zone {}", safe(zone)));
    format!("{health}, {revision}{}", zone.unwrap_or_default())
}

fn bar(span: &Span, all: Duration, unicode: bool) -> String {
    let cell = |at: Duration| {
        let share = (at.as_millis() * CELLS).checked_div(all.as_millis());
        usize::try_from(share.unwrap_or(0)).unwrap_or(0)
    };
    let (from, to) = (cell(span.from), cell(span.to));
    let (good, bad) = if unicode { ('█', '░') } else { ('#', 'x') };
    let (fill, word) = match span.status {
        TargetStatus::Failed => (bad, " fails"),
        TargetStatus::Skipped => (good, " cut short"),
        _ => (good, ""),
    };
    let length = to.saturating_sub(from).max(1);
    let fill = std::iter::repeat_n(fill, length);
    std::iter::repeat_n(' ', from)
        .chain(fill)
        .collect::<String>()
        + word
}

fn moments(planned: &Planned) -> Vec<String> {
    let moments = &planned.rehearsed.moments;
    let rows: Vec<Vec<String>> = moments
        .iter()
        .take(ROWS)
        .map(|moment| {
            let ended = moment.ended.iter().map(|(name, status)| match status {
                TargetStatus::Succeeded => name.to_string(),
                status => format!("{name} ({status})"),
            });
            let started = moment.started.iter().map(ToString::to_string);
            vec![
                planned.time(moment.after),
                listed(ended),
                listed(started),
                moment.in_flight.to_string(),
                format!("{} (minimum {})", moment.healthy, planned.rehearsed.minimum),
                notes(planned, moment),
            ]
        })
        .collect();
    let when = if planned.timed { "AT" } else { "STEP" };
    let headings = [when, "ENDS", "STARTS", "IN FLIGHT", "HEALTHY", ""];
    let mut lines = table::lines(&headings, &rows);
    lines.extend(rest(moments.len()));
    lines
}

/// What comes when, where there are no instances to count.
fn steps(planned: &Planned) -> Vec<String> {
    let deployment = &planned.deployment;
    let first = deployment.plan.stages.first().map(Stage::label);
    let moments = planned.rehearsed.moments.iter().enumerate();
    let rows: Vec<Vec<String>> = moments
        .filter_map(|(at, moment)| {
            let first = first.clone().filter(|_| at == 0);
            let told = Some(notes(planned, moment)).filter(|told| !told.is_empty());
            let words: Vec<String> = first.into_iter().chain(told).collect();
            let when = planned.time(moment.after);
            (!words.is_empty()).then(|| vec![when, words.join(", ")])
        })
        .collect();
    let when = if planned.timed { "AT" } else { "STEP" };
    let mut lines = table::lines(&[when, "WHAT"], &rows[..rows.len().min(ROWS)]);
    lines.extend(rest(rows.len()));
    lines
}

fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let total = names.len();
    let mut shown: Vec<String> = names.take(3).collect();
    if total > 3 {
        shown.truncate(2);
        shown.push(format!("{} more", total - 2));
    }
    if shown.is_empty() {
        return "-".to_owned();
    }
    shown.join(" ")
}

fn notes(planned: &Planned, moment: &Moment) -> String {
    let notes = moment.events.iter().filter_map(|event| match event {
        Event::StageStarted { stage } => match planned.deployment.plan.stages.get(*stage)? {
            Stage::Install { zone, .. } => Some(format!("zone {}", safe(zone.as_ref()?))),
            stage @ (Stage::Hook { .. }
            | Stage::Enter { .. }
            | Stage::Validate { .. }
            | Stage::Leave { .. }
            | Stage::CreateTaskSet { .. }
            | Stage::TestTraffic { .. }
            | Stage::DeleteTaskSet { .. }
            | Stage::Wait { .. }
            | Stage::Approval
            | Stage::Provision { .. }
            | Stage::Terminate { .. }) => Some(stage.label()),
            // What begins with it says more.
            Stage::Shift { .. } => None,
            Stage::Monitor { zone, seconds } => Some(format!(
                "zone {} is watched for {}",
                safe(zone),
                Whole(Duration::from_secs(*seconds))
            )),
        },
        Event::Shifted { split, .. } => Some(format!(
            "{} % to {}",
            split.replacement(),
            planned.forecast.spec.side_named(Side::Green)
        )),
        Event::Halted { error } => Some(format!("no further one starts: {}", safe(&error.message))),
        Event::Held { error } => Some(format!("it holds: {}", safe(&error.message))),
        Event::TimedOut => Some("its time is over".to_owned()),
        Event::Ended { status, .. } => Some(status.to_string()),
        _ => None,
    });
    notes.collect::<Vec<_>>().join(", ")
}

fn conclusion(planned: &Planned) -> Vec<String> {
    let end = &planned.rehearsed.end;
    let what_if = match planned.fails.as_slice() {
        [] if !planned.forecast.spec.is_on_hosts() => "If nothing objects".to_owned(),
        [] => "If every host does its work well".to_owned(),
        [one] => format!("If {one} fails"),
        several => format!(
            "If {} fail",
            listed(several.iter().map(ToString::to_string))
        ),
    };
    let mut counts = Vec::new();
    if planned.forecast.spec.is_on_hosts() {
        let label = safe(&planned.preview.revision.revision.label);
        counts.push(format!("{} on {label}", end.succeeded));
    }
    if end.failed > 0 {
        counts.push(format!("{} failed", end.failed));
    }
    if end.untouched > 0 {
        counts.push(format!("{} never started", end.untouched));
    }
    let words = [safe(&end.to_string()), counts.join(", ")];
    let words: Vec<String> = words.into_iter().filter(|it| !it.is_empty()).collect();
    let past = &planned.forecast.past;
    let estimate = if planned.timed {
        format!(
            "Estimate: {}, by the medians of the last {} of this group that succeeded",
            Short(planned.rehearsed.took),
            match past.deployments {
                1 => "deployment".to_owned(),
                n => format!("{n} deployments"),
            }
        )
    } else {
        "No estimate: no deployment of this group has succeeded yet".to_owned()
    };
    vec![format!("{what_if}: {}", words.join("; ")), estimate]
}

impl Planned {
    /// A time, or the number of the step where no times are known.
    fn time(&self, after: Duration) -> String {
        if self.timed {
            Short(after).to_string()
        } else {
            after.as_secs().to_string()
        }
    }
}
