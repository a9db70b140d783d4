//! Failures by cause: a hundred instances that failed for one reason are one line.

use std::collections::HashMap;

use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::model::deployment::TargetStatus;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// Names that are told of each cause.
const NAMED: usize = 4;

/// Instances that failed for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The reason: event, script, message.
    pub text: String,
    /// The first of the instances, in the order of the deployment.
    pub names: Vec<Name>,
    /// How many there are.
    pub count: usize,
    /// The one that failed before the others, when, and the end of what it wrote.
    pub first: First,
}

/// The instance that failed first of a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// Which.
    pub name: Name,
    /// When, if that is known.
    pub at: Option<Timestamp>,
    /// The end of its output.
    pub log_tail: String,
}

/// Why instances of a deployment failed, the most common cause first.
pub fn causes(deployment: &Deployment) -> Vec<Cause> {
    if deployment.overview.failed == 0 {
        return Vec::new();
    }
    let mut found: Vec<Cause> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let failed = |target: &&Target| target.status == TargetStatus::Failed;
    for target in deployment.targets.iter().filter(failed) {
        let text = cause(target);
        let place = *places.entry(text.clone()).or_insert(found.len());
        let Some(cause) = found.get_mut(place) else {
            found.push(Cause {
                text,
                names: vec![target.name.clone()],
                count: 1,
                first: first(target),
            });
            continue;
        };
        cause.count += 1;
        if cause.names.len() < NAMED {
            cause.names.push(target.name.clone());
        }
        if failed_at(target).is_some_and(|at| cause.first.at.is_none_or(|first| at < first)) {
            cause.first = first(target);
        }
    }
    found.sort_by_key(|cause| std::cmp::Reverse(cause.count));
    found
}

fn first(target: &Target) -> First {
    let diagnostics = target
        .failure()
        .and_then(|entry| entry.diagnostics.as_ref());
    First {
        name: target.name.clone(),
        at: failed_at(target),
        log_tail: diagnostics.map_or_else(String::new, |told| told.log_tail.clone()),
    }
}

/// By the orchestrator's clock: those of hosts differ.
fn failed_at(target: &Target) -> Option<Timestamp> {
    target.end_time
}

/// Why a target failed, in a line: event, script, message.
pub fn cause(target: &Target) -> String {
    let Some(entry) = target.failure() else {
        return target
            .message
            .clone()
            .unwrap_or_else(|| "no reason is known".to_owned());
    };
    let Some(diagnostics) = &entry.diagnostics else {
        return entry.event.name().to_owned();
    };
    // Most messages name the script themselves.
    let named = diagnostics.message.contains(&diagnostics.script_name);
    let script = if named {
        String::new()
    } else {
        format!(" {}", diagnostics.script_name)
    };
    format!("{}{script}: {}", entry.event, diagnostics.message)
}
