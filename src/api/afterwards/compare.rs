//! Two deployments beside each other: what was asked for, how long it took, what failed, and when traffic moved.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::causes::causes;
use super::markdown::inline;
use crate::engine::Deployment;
use crate::engine::spec::Options;
use crate::model::deployment::DeploymentId;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::timestamp::{Short, Timestamp};

/// What stands where one of the two has nothing.
const NOTHING: &str = "-";
/// A time that differs by less is the same: nobody acts on it.
const SLACK: Duration = Duration::from_millis(500);

/// Two deployments, line by line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The one that the other is measured by.
    pub before: DeploymentId,
    /// The one that is looked at.
    pub after: DeploymentId,
    /// What is compared, in parts.
    pub lines: Vec<Line>,
}

/// One thing, as it is in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The part that it belongs to.
    pub part: Part,
    /// What.
    pub what: String,
    /// In the one.
    pub before: String,
    /// In the other.
    pub after: String,
    /// How they differ.
    pub change: Change,
}

/// What lines are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// What was asked for, and what came of it.
    Deployment,
    /// The settings of configuration, group and deployment.
    Settings,
    /// The instances.
    Instances,
    /// How long it took.
    Times,
    /// When load balancers were asked for shares.
    Traffic,
    /// Why instances failed.
    Failures,
}

/// How two things differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// Not at all.
    Same,
    /// They are not the same.
    Different,
    /// The other is better: faster, or with fewer failures.
    Better,
    /// The other is worse: slower, or with more failures.
    Worse,
}

impl Part {
    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::Settings => "Settings",
            Self::Instances => "Instances",
            Self::Times => "Times",
            Self::Traffic => "Traffic",
            Self::Failures => "Failures",
        }
    }
}

impl Change {
    /// Its sign where there are only letters.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Same => " ",
            Self::Different => "*",
            Self::Better => "+",
            Self::Worse => "!",
        }
    }
}

/// Compares what is known of two deployments at a time.
pub fn compare(before: &Deployment, after: &Deployment, now: Timestamp) -> Comparison {
    let mut lines = deployment(before, after);
    lines.extend(settings(before, after));
    lines.extend(instances(before, after));
    lines.extend(times(before, after, now));
    lines.extend(traffic(before, after));
    lines.extend(failures(before, after));
    Comparison {
        before: before.id().clone(),
        after: after.id().clone(),
        lines,
    }
}

impl Comparison {
    /// As a table in Markdown; what differs is bold.
    pub fn markdown(&self) -> String {
        let mut lines = vec![
            format!("| | {} | {} | |", self.before, self.after),
            "|---|---|---|---|".to_owned(),
        ];
        let mut part = None;
        for line in &self.lines {
            if part != Some(line.part) {
                lines.push(format!("| **{}** | | | |", line.part.title()));
                part = Some(line.part);
            }
            let after = match line.change {
                Change::Same => inline(&line.after),
                _ => format!("**{}**", inline(&line.after)),
            };
            let word = match line.change {
                Change::Same => "",
                Change::Different => "different",
                Change::Better => "better",
                Change::Worse => "worse",
            };
            let (what, before) = (inline(&line.what), inline(&line.before));
            lines.push(format!("| {what} | {before} | {after} | {word} |"));
        }
        lines.join("\n") + "\n"
    }
}

fn line(part: Part, what: impl Into<String>, [before, after]: [String; 2]) -> Line {
    let change = if before == after {
        Change::Same
    } else {
        Change::Different
    };
    Line {
        part,
        what: what.into(),
        before,
        after,
        change,
    }
}

/// A line in which less is better.
fn measured(
    part: Part,
    what: impl Into<String>,
    [before, after]: [String; 2],
    change: Change,
) -> Line {
    Line {
        change,
        ..line(part, what, [before, after])
    }
}

fn deployment(before: &Deployment, after: &Deployment) -> Vec<Line> {
    let both = |of: fn(&Deployment) -> String| [of(before), of(after)];
    let part = Part::Deployment;
    vec![
        line(part, "group", both(|d| d.group_key().to_string())),
        line(part, "revision", both(|d| d.spec.revision.label.clone())),
        line(
            part,
            "content",
            both(|d| d.spec.revision.digest.short().to_owned()),
        ),
        line(
            part,
            "by",
            both(|d| format!("{} ({})", d.spec.by, d.spec.creator.name())),
        ),
        line(part, "ended", both(|d| d.status.to_string())),
        line(
            part,
            "why",
            both(|d| {
                let error = d.error.as_ref();
                error.map_or_else(|| NOTHING.to_owned(), |error| error.code.name().to_owned())
            }),
        ),
    ]
}

fn settings(before: &Deployment, after: &Deployment) -> Vec<Line> {
    let both = |of: fn(&Deployment) -> String| [of(before), of(after)];
    let part = Part::Settings;
    let mut lines = vec![
        line(
            part,
            "configuration",
            both(|d| d.spec.configuration.deployment_config_name.to_string()),
        ),
        line(part, "style", both(|d| d.spec.style_label())),
    ];
    let all = [before, after].map(|deployment| {
        let mut all = flat(&deployment.spec.configuration);
        all.remove("deploymentConfigName");
        all.remove("computePlatform");
        // What nobody has set is no news.
        let usual = flat(&Options::default());
        let options = flat(&deployment.spec.options).into_iter();
        all.extend(options.filter(|(name, value)| usual.get(name) != Some(value)));
        all
    });
    let names: BTreeSet<&String> = all.iter().flat_map(BTreeMap::keys).collect();
    let usual = flat(&Options::default());
    lines.extend(names.into_iter().map(|name| {
        let absent = || {
            usual
                .get(name)
                .cloned()
                .unwrap_or_else(|| NOTHING.to_owned())
        };
        let [one, other] = &all;
        let of = |all: &BTreeMap<String, String>| all.get(name).cloned().unwrap_or_else(absent);
        line(part, name, [of(one), of(other)])
    }));
    lines
}

/// The settings of a document in a line each.
fn flat(document: &impl Serialize) -> BTreeMap<String, String> {
    match serde_json::to_value(document) {
        Ok(Value::Object(fields)) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            fields.map(|(name, value)| (name, plain(&value))).collect()
        }
        _ => BTreeMap::new(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            if let (Some(Value::String(kind)), Some(value)) =
                (fields.get("type"), fields.get("value"))
            {
                return format!("{} {kind}", plain(value));
            }
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| match value {
                    // `type` says what the rest is about.
                    Value::String(text) if name == "type" => text.clone(),
                    Value::Object(_) => plain(value),
                    other => format!("{name} {}", plain(other)),
                })
                .collect();
            fields.join(", ")
        }
        other => other.to_string(),
    }
}

fn instances(before: &Deployment, after: &Deployment) -> Vec<Line> {
    let part = Part::Instances;
    let both = |of: fn(&Deployment) -> u32| [of(before), of(after)];
    let fewer = |what: &str, [before, after]: [u32; 2]| {
        let change = change(&before, &after, before == after);
        measured(part, what, [before.to_string(), after.to_string()], change)
    };
    vec![
        line(
            part,
            "all",
            both(|d| d.overview.total()).map(|n| n.to_string()),
        ),
        line(
            part,
            "succeeded",
            both(|d| d.overview.succeeded).map(|n| n.to_string()),
        ),
        fewer("failed", both(|d| d.overview.failed)),
        fewer("skipped", both(|d| d.overview.skipped)),
    ]
}

/// Less is better.
fn change<T: PartialOrd>(before: &T, after: &T, same: bool) -> Change {
    if same {
        Change::Same
    } else if after < before {
        Change::Better
    } else {
        Change::Worse
    }
}

fn times(before: &Deployment, after: &Deployment, now: Timestamp) -> Vec<Line> {
    let both = [before, after];
    let waited = both.map(|d| {
        d.start_time
            .map(|_| d.waited.by(d.complete_time.unwrap_or(now)))
    });
    let took = both.map(|d| d.duration(now));
    let worked = [0, 1].map(|n: usize| {
        let (took, waited) = (took.get(n)?.as_ref()?, waited.get(n)?.as_ref()?);
        Some(took.saturating_sub(*waited))
    });
    let mut lines = vec![
        spans("from start to end", took),
        spans("of it, working", worked),
        spans("of it, waiting", waited),
    ];
    let each = both.map(events);
    let mut order: Vec<LifecycleEvent> = Vec::new();
    for deployment in [before, after] {
        for entry in deployment.targets.iter().flat_map(|target| &target.events) {
            if !order.contains(&entry.event) {
                order.push(entry.event);
            }
        }
    }
    let [one, other] = &each;
    for event in order {
        let ran = [one.get(event.name()), other.get(event.name())];
        if ran.iter().all(Option::is_none) {
            continue;
        }
        let median = ran.map(|spans| spans.and_then(|spans| spans.get(spans.len() / 2).copied()));
        let slowest = ran.map(|spans| spans.and_then(|spans| spans.last().copied()));
        lines.push(spans(format!("{event}, median"), median));
        lines.push(spans(format!("{event}, slowest"), slowest));
    }
    lines
}

fn spans(what: impl Into<String>, spans: [Option<Duration>; 2]) -> Line {
    let shown =
        spans.map(|span| span.map_or_else(|| NOTHING.to_owned(), |span| Short(span).to_string()));
    let change = match spans {
        [Some(before), Some(after)] => {
            // A tenth more or less is how it always is.
            let slack = SLACK.max(before / 10);
            change(&before, &after, before.abs_diff(after) <= slack)
        }
        [None, None] => Change::Same,
        _ => Change::Different,
    };
    measured(Part::Times, what, shown, change)
}

/// How long each event took where it ended, the shortest first.
fn events(deployment: &Deployment) -> BTreeMap<&'static str, Vec<Duration>> {
    let mut all: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
    for entry in deployment.targets.iter().flat_map(|target| &target.events) {
        if let (Some(start), Some(end)) = (entry.start_time, entry.end_time) {
            all.entry(entry.event.name())
                .or_default()
                .push(end.since(start));
        }
    }
    for spans in all.values_mut() {
        spans.sort_unstable();
    }
    all
}

fn traffic(before: &Deployment, after: &Deployment) -> Vec<Line> {
    let both = [before, after].map(|deployment| {
        let began = deployment.start_time;
        let steps = deployment.shifts.iter().map(|(split, at)| {
            let after = began.map_or_else(String::new, |began| Short(at.since(began)).to_string());
            (split.replacement(), after)
        });
        // The last time that a share was asked for counts.
        steps.collect::<BTreeMap<u8, String>>()
    });
    let shares: BTreeSet<u8> = both.iter().flat_map(BTreeMap::keys).copied().collect();
    let of = |n: usize, share: u8| both.get(n).and_then(|all| all.get(&share).cloned());
    let lines = shares.into_iter().map(|share| {
        let found = [0, 1].map(|n| of(n, share).unwrap_or_else(|| NOTHING.to_owned()));
        line(
            Part::Traffic,
            format!("{share} % replacement, after"),
            found,
        )
    });
    lines.collect()
}

fn failures(before: &Deployment, after: &Deployment) -> Vec<Line> {
    let both = [before, after].map(causes);
    let mut texts: Vec<&str> = Vec::new();
    for cause in both.iter().flatten() {
        if !texts.contains(&cause.text.as_str()) {
            texts.push(&cause.text);
        }
    }
    let count = |n: usize, text: &str| {
        let found = both
            .get(n)
            .and_then(|all| all.iter().find(|cause| cause.text == text));
        found.map_or(0, |cause| cause.count)
    };
    let lines = texts.into_iter().map(|text| {
        let counts = [0, 1].map(|n| count(n, text));
        let [one, other] = counts;
        measured(
            Part::Failures,
            text,
            counts.map(|n| n.to_string()),
            change(&one, &other, one == other),
        )
    });
    lines.collect()
}
