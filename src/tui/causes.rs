//! Failures by cause: a hundred instances that failed for one reason are one line.

use std::collections::HashMap;

use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::model::deployment::{DeploymentId, TargetStatus};
use crate::model::name::Name;

/// Names that are told of each cause.
const NAMED: usize = 4;

/// Instances that failed for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The reason: event, script, message.
    pub text: String,
    /// The first of the instances.
    pub names: Vec<Name>,
    /// How many there are.
    pub count: usize,
}

/// The causes of one deployment, computed again only when another instance has failed.
#[derive(Debug, Default)]
pub(crate) struct Causes {
    of: Option<(DeploymentId, u32)>,
    /// The most common first.
    pub found: Vec<Cause>,
}

impl Causes {
    /// Fits the causes to a deployment.
    pub(crate) fn refresh(&mut self, deployment: &Deployment) {
        let of = (deployment.id().clone(), deployment.overview.failed);
        if self.of.as_ref() == Some(&of) {
            return;
        }
        self.of = Some(of);
        self.found.clear();
        if deployment.overview.failed == 0 {
            return;
        }
        let mut places: HashMap<String, usize> = HashMap::new();
        for target in deployment
            .targets
            .iter()
            .filter(|t| t.status == TargetStatus::Failed)
        {
            let text = cause(target);
            let place = *places.entry(text.clone()).or_insert(self.found.len());
            if place == self.found.len() {
                self.found.push(Cause {
                    text,
                    names: Vec::new(),
                    count: 0,
                });
            }
            let cause = &mut self.found[place];
            cause.count += 1;
            if cause.names.len() < NAMED {
                cause.names.push(target.name.clone());
            }
        }
        self.found
            .sort_by_key(|cause| std::cmp::Reverse(cause.count));
    }
}

/// Why a target failed, in a line: event, script, message.
pub(crate) fn cause(target: &Target) -> String {
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
