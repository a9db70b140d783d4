//! The `hooks` section.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fields::{Findings, position, present};
use super::{DEFAULT_TIMEOUT, Hook, environment, paths};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::yaml::{Node, Value, nearest};

/// All scripts of an event together should not be given longer than this.
const EVENT_LIMIT: Duration = Duration::from_hours(1);

pub(super) fn read(document: &Node, findings: &mut Findings) -> BTreeMap<String, Vec<Hook>> {
    let mut hooks = BTreeMap::new();
    let Some(node) = present(document, "hooks") else {
        return hooks;
    };
    let Some(events) = node.as_mapping() else {
        let message = format!("hooks is a mapping of events, but this is {}", node.kind());
        findings.error("E52", node, message);
        return hooks;
    };
    for (name, scripts) in events {
        if scripts.is_null() {
            continue;
        }
        remark_on(name, findings);
        let scripts = scripts_of(scripts, name, findings);
        hooks.insert(name.as_str().unwrap_or_default().to_owned(), scripts);
    }
    hooks
}

/// Says so if scripts of an event of this name never run.
fn remark_on(name: &Node, findings: &mut Findings) {
    let text = name.as_str().unwrap_or_default();
    match LifecycleEvent::from_name(text) {
        Some(event) if event.carries_hooks() => {}
        None if !matches!(text, "Start" | "End") => {
            let names = LifecycleEvent::ALL.iter().map(|event| event.name());
            let help = nearest(text, names).map_or(String::new(), |help| format!(" ({help})"));
            findings.warning(
                "E18",
                name,
                format!("there is no event {text}; its scripts never run{help}"),
            );
        }
        _ => findings.warning(
            "E18",
            name,
            format!("{text} is reserved; its scripts never run"),
        ),
    }
}

fn scripts_of(node: &Node, name: &Node, findings: &mut Findings) -> Vec<Hook> {
    let label = format!("hooks.{}", name.as_str().unwrap_or_default());
    let entries = findings.list("E52", &label, node);
    let mut total = Duration::ZERO;
    let mut hooks = Vec::new();
    for entry in entries {
        if entry.as_mapping().is_none() {
            let message = format!(
                "a script is a mapping with a location, but this is {}",
                entry.kind()
            );
            findings.error("E52", entry, message);
            continue;
        }
        let Some(hook) = script(entry, findings) else {
            continue;
        };
        // Defaults are no statement of the author's.
        if present(entry, "timeout").is_some() {
            total = total.saturating_add(hook.timeout);
        }
        hooks.push(hook);
    }
    if total > EVENT_LIMIT {
        let message = format!(
            "the timeouts of the event's scripts add up to {} s, more than an hour",
            total.as_secs()
        );
        findings.warning("E51", name, message);
    }
    hooks
}

fn script(entry: &Node, findings: &mut Findings) -> Option<Hook> {
    let location = findings.required("E50", "location", entry);
    let timeout = timeout(entry, findings);
    let runas = findings.optional("E52", "runas", entry).map(str::to_owned);
    let sudo = sudo(entry, findings);
    let environment = environment::read(entry, findings);
    let location = location?;
    let path = paths::inside(location).filter(|path| !path.as_os_str().is_empty());
    if path.is_none() {
        let message = format!("the script {location} leads out of the revision");
        findings.error("E09", entry.get("location").unwrap_or(entry), message);
    }
    Some(Hook {
        location: location.to_owned(),
        path: path?,
        timeout: timeout?,
        runas,
        sudo,
        environment,
        position: position(entry),
    })
}

/// Everything is true but what YAML 1.1 calls false: that is what `CodeDeploy`'s agent makes of the key.
fn sudo(entry: &Node, findings: &mut Findings) -> bool {
    let Some(node) = present(entry, "sudo") else {
        return false;
    };
    let is = |words: [&str; 3]| {
        let written = node.as_str().unwrap_or_default();
        words.iter().any(|word| written.eq_ignore_ascii_case(word))
    };
    let (yes, no) = (is(["true", "yes", "on"]), is(["false", "no", "off"]));
    let plain = matches!(node.value, Value::Scalar { plain: true, .. });
    if !yes && !(plain && no) {
        let message =
            "this means sudo: true, because it is neither false nor null; write true or false";
        findings.warning("W34", node, message);
    }
    !(plain && no)
}

/// Seconds; what follows the number is ignored, as `CodeDeploy` does.
fn timeout(entry: &Node, findings: &mut Findings) -> Option<Duration> {
    let Some(node) = present(entry, "timeout") else {
        return Some(DEFAULT_TIMEOUT);
    };
    let text = match &node.value {
        Value::Scalar { text, .. } => text.trim(),
        _ => "",
    };
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let end = unsigned
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(unsigned.len());
    let (number, rest) = unsigned.split_at(end);
    match number.parse::<u64>() {
        Ok(seconds) if seconds > 0 => {
            if !rest.is_empty() {
                findings.warning(
                    "E51",
                    node,
                    format!("the timeout {text} is read as {seconds} seconds"),
                );
            }
            Some(Duration::from_secs(seconds))
        }
        _ => {
            findings.error("E51", node, "a timeout is a number of seconds above zero");
            None
        }
    }
}
