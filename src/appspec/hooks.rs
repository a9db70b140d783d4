//! The `Hooks` section of Lambda and ECS: a function for an event.

use std::collections::BTreeMap;

use super::fields::Findings;
use super::function;
use super::spot::{Entry, Spot};
use crate::model::application::ComputePlatform;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::yaml::nearest;

const REMEDY: &str = "write a list such as - BeforeAllowTraffic: FUNCTION";

/// The functions of the events, in the order of the lifecycle.
pub(super) type Hooks = BTreeMap<LifecycleEvent, String>;

/// Reads the functions: from a list of events, or from a mapping as AppSpecs of servers have.
pub(super) fn read(document: &Spot, platform: ComputePlatform, findings: &mut Findings) -> Hooks {
    let mut hooks = Hooks::new();
    let Some(section) = document.field("Hooks") else {
        return hooks;
    };
    let mut lines = BTreeMap::new();
    for entry in entries(&section, findings) {
        let Some(event) = event(&entry, platform, findings) else {
            continue;
        };
        let line = entry.key.node.span.start.line;
        if let Some(first) = lines.insert(event, line) {
            let message = format!(
                "{event} is on line {first} already; an event has one function, which may call others"
            );
            findings.wrong("L05", &entry.key, message);
            continue;
        }
        // A list looks as if its order mattered.
        if section.node.as_sequence().is_some()
            && let Some((last, _)) = lines.last_key_value().filter(|(last, _)| **last > event)
        {
            let message = format!("{event} comes before {last}, wherever they stand in the list");
            findings.doubt("W40", &entry.key, message);
        }
        if let Some(name) = name(&entry.value, findings) {
            hooks.insert(event, name.to_owned());
        }
    }
    hooks
}

/// The events of a list's items or of a mapping.
fn entries<'a>(section: &Spot<'a>, findings: &mut Findings) -> Vec<Entry<'a>> {
    if section.node.as_mapping().is_some() {
        return section.entries();
    }
    let mut entries = Vec::new();
    for item in findings.several("L06", section, REMEDY).unwrap_or_default() {
        if findings.is_mapping("L06", &item, REMEDY) {
            entries.extend(item.entries());
        }
    }
    entries
}

fn event(
    entry: &Entry,
    platform: ComputePlatform,
    findings: &mut Findings,
) -> Option<LifecycleEvent> {
    let events = LifecycleEvent::of(platform).iter();
    let found = events
        .clone()
        .find(|event| event.name().eq_ignore_ascii_case(entry.name));
    if let Some(event) = found.filter(|event| event.carries_hooks()) {
        return Some(*event);
    }
    let known: Vec<_> = events
        .filter(|event| event.carries_hooks())
        .map(|event| event.name())
        .collect();
    let platform = platform.name();
    let message = match found {
        Some(event) => format!(
            "in {event} the orchestrator itself acts; the events that have functions on {platform} are {}",
            known.join(", ")
        ),
        None => match nearest(entry.name, &known) {
            Some(help) => format!("there is no such event on {platform} ({help})"),
            None => format!(
                "there is no such event on {platform}; its events are {}",
                known.join(", ")
            ),
        },
    };
    findings.wrong("L05", &entry.key, message);
    None
}

fn name<'a>(value: &Spot<'a>, findings: &mut Findings) -> Option<&'a str> {
    let remedy = "an event has the name or the ARN of one function";
    let text = findings.word("L06", value, remedy)?;
    match function::parse(text) {
        Ok(_) => Some(text),
        Err(message) => {
            findings.wrong("L06", value, message);
            None
        }
    }
}
