//! The `hooks` section.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{DEFAULT_TIMEOUT, Hook, Position, Workdir, environment, paths};
use crate::appspec::fields::{Findings, position, present};
use crate::model::yaml::{Node, Value};

/// All scripts of an event together should not be given longer than this.
const EVENT_LIMIT: Duration = Duration::from_hours(1);

const KEYS: [&str; 6] = [
    "location",
    "timeout",
    "runas",
    "sudo",
    "workdir",
    "environment",
];

/// The scripts of each event, and where the events are named.
pub(super) fn read(
    document: &Node,
    findings: &mut Findings,
) -> (BTreeMap<String, Vec<Hook>>, BTreeMap<String, Position>) {
    let (mut hooks, mut positions) = (BTreeMap::new(), BTreeMap::new());
    let Some(node) = present(document, "hooks") else {
        return (hooks, positions);
    };
    let Some(events) = node.as_mapping() else {
        let message = format!("hooks is a mapping of events, but this is {}", node.kind());
        findings.error("E52", node, message);
        return (hooks, positions);
    };
    for (name, scripts) in events {
        if scripts.is_null() {
            continue;
        }
        let scripts = scripts_of(scripts, name, findings);
        let event = name.as_str().unwrap_or_default();
        hooks.insert(event.to_owned(), scripts);
        positions.insert(event.to_owned(), position(name));
    }
    (hooks, positions)
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
            "the timeouts of the event's scripts add up to {} s, more than the {} s that an event may take",
            total.as_secs(),
            EVENT_LIMIT.as_secs(),
        );
        findings.warning("W32", name, message);
    }
    hooks
}

fn script(entry: &Node, findings: &mut Findings) -> Option<Hook> {
    findings.unknown_keys(entry, &KEYS);
    let location = findings.required("E50", "location", entry);
    let timeout = timeout(entry, findings);
    let runas = findings.optional("E52", "runas", entry).map(str::to_owned);
    let sudo = sudo(entry, findings);
    let workdir = workdir(entry, findings);
    let environment = environment::read(entry, findings);
    let location = location?;
    let path = paths::inside(location).filter(|path| !path.as_os_str().is_empty());
    if path.is_none() {
        let message = format!("the script {location:?} is not a file in the revision");
        findings.error("E09", entry.get("location").unwrap_or(entry), message);
    }
    Some(Hook {
        location: location.to_owned(),
        path: path?,
        timeout: timeout?,
        runas,
        sudo,
        workdir,
        environment,
        position: position(entry),
    })
}

/// Everything is true but what YAML calls false: that is what `CodeDeploy`'s agent makes of the key.
fn sudo(entry: &Node, findings: &mut Findings) -> bool {
    let Some(node) = present(entry, "sudo") else {
        return false;
    };
    node.as_bool().unwrap_or_else(|| {
        let message =
            "this means sudo: true, because it is neither false nor null; write true or false";
        findings.warning("W34", node, message);
        true
    })
}

/// There is one value, which no folder's name can be mistaken for.
fn workdir(entry: &Node, findings: &mut Findings) -> Workdir {
    match present(entry, "workdir") {
        None => Workdir::Root,
        Some(node) if node.as_str() == Some("bundle") => Workdir::Bundle,
        Some(node) => {
            let message = "write workdir: bundle for the revision's root; without the key a script starts in /";
            findings.error("E55", node, message);
            Workdir::Root
        }
    }
}

/// Seconds. What follows the number is ignored, as `CodeDeploy`'s agent does.
fn timeout(entry: &Node, findings: &mut Findings) -> Option<Duration> {
    let Some(node) = present(entry, "timeout") else {
        return Some(DEFAULT_TIMEOUT);
    };
    let (text, plain) = match &node.value {
        Value::Scalar { text, plain } => (text.trim(), *plain),
        _ => ("", false),
    };
    let Some(seconds) = seconds(text, plain).filter(|seconds| *seconds > 0) else {
        findings.error("E51", node, "a timeout is a number of seconds above zero");
        return None;
    };
    // Clocks cannot count further than some centuries.
    let seconds = seconds.min(u32::MAX.into());
    let written = text.strip_prefix('+').unwrap_or(text);
    if written != seconds.to_string() {
        findings.warning(
            "W33",
            node,
            format!("the timeout {text:?} is read as {seconds} s"),
        );
    }
    Some(Duration::from_secs(seconds))
}

/// The number that a text begins with. One without quotes may be written as YAML 1.1 allows: `1_800`, `1,800` or `0:30:00`.
fn seconds(text: &str, plain: bool) -> Option<u64> {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if plain && let Some(seconds) = sexagesimal(unsigned) {
        return Some(seconds);
    }
    let mut number: Option<u64> = None;
    for c in unsigned.chars() {
        match c.to_digit(10) {
            Some(digit) => {
                let digit = u64::from(digit);
                let more = number.unwrap_or(0).saturating_mul(10).saturating_add(digit);
                number = Some(more);
            }
            None if number.is_some() && (c == '_' || plain && c == ',') => {}
            None => break,
        }
    }
    number
}

/// `1:30` is ninety.
fn sexagesimal(text: &str) -> Option<u64> {
    let (first, rest) = text.split_once(':')?;
    rest.split(':')
        .try_fold(first.parse().ok()?, |total: u64, part| {
            let digits =
                (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            let part = part
                .parse::<u64>()
                .ok()
                .filter(|part| digits && *part < 60)?;
            Some(total.saturating_mul(60).saturating_add(part))
        })
}
