//! How a deployment would go: how long its instances took the last times, and what looks wrong before it begins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::command::ApiError;
use super::snapshot::{HostStatus, Summary};
use super::{Orchestrator, internal, lock};
use crate::agent::inspect;
use crate::clock;
use crate::engine::event::{Event, Record};
use crate::engine::rehearse::Durations;
use crate::engine::{Deployment, Plan, Spec};
use crate::model::deployment::{DeploymentStatus, InstanceHealth, TargetStatus};
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::revision::Digest;
use crate::model::timestamp::{Short, Timestamp};
use crate::text::safe;

/// How many deployments back is looked.
const DEPLOYMENTS: usize = 5;

/// How many instances these have at most together, so that a big fleet's preview takes no longer than a small one's.
const INSTANCES: u32 = 20_000;

/// An agent that was not heard of for this long is worth a warning (operations.md §11).
const HEARD: Duration = Duration::from_mins(1);

/// What is known about how a deployment would go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// What it would be created from.
    pub spec: Arc<Spec>,
    /// How long it may take, by what earlier deployments took.
    pub past: Past,
    /// What looks wrong, a sentence each.
    pub warnings: Vec<String>,
}

/// How long instances took, from their start to their end, in the last deployments of the group that succeeded.
/// Milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Past {
    /// The median of each instance.
    pub instances: BTreeMap<Name, u64>,
    /// The median of all.
    pub group: Option<u64>,
    /// How many deployments were looked at.
    pub deployments: usize,
}

impl Past {
    /// What these deployments took.
    pub fn of<'a>(deployments: impl IntoIterator<Item = &'a Deployment>) -> Self {
        let mut instances: BTreeMap<Name, Vec<u64>> = BTreeMap::new();
        let mut all = Vec::new();
        let mut count = 0;
        for deployment in deployments {
            count += 1;
            for target in &deployment.targets {
                let (TargetStatus::Succeeded, Some(start), Some(end)) =
                    (target.status, target.start_time, target.end_time)
                else {
                    continue;
                };
                let took = u64::try_from(end.since(start).as_millis()).unwrap_or(u64::MAX);
                instances.entry(target.name.clone()).or_default().push(took);
                all.push(took);
            }
        }
        let medians = instances
            .into_iter()
            .filter_map(|(name, took)| Some((name, median(took)?)));
        Self {
            instances: medians.collect(),
            group: median(all),
            deployments: count,
        }
    }

    /// What to rehearse with; `None` if nothing is known.
    pub fn durations(&self) -> Option<Durations> {
        let each = self.instances.iter();
        let each = each.map(|(name, took)| (name.clone(), Duration::from_millis(*took)));
        Some(Durations {
            each: each.collect(),
            otherwise: Duration::from_millis(self.group?),
            ..Durations::default()
        })
    }
}

/// The one in the middle; of two in the middle, the longer.
fn median(mut spans: Vec<u64>) -> Option<u64> {
    spans.sort_unstable();
    spans.get(spans.len() / 2).copied()
}

impl Forecast {
    /// The deployment as it would be created now.
    pub fn deployment(&self, plan: &Plan, now: Timestamp) -> Option<Deployment> {
        Deployment::created(&Record {
            seq: 1,
            at: now,
            event: Event::Created {
                spec: Arc::clone(&self.spec),
                plan: Arc::new(plan.clone()),
            },
        })
    }
}

impl Orchestrator {
    /// What is known about how a deployment would go.
    pub(super) async fn forecast(&self, spec: Spec, plan: &Plan) -> Result<Forecast, ApiError> {
        let mut past = Vec::new();
        for id in self.successes(&spec.group_key()) {
            past.push(self.deployment(&id).await?);
        }
        let mut warnings = Vec::new();
        if spec.is_on_hosts() {
            warnings.extend(self.artifact(&spec.revision.digest).await?);
            warnings.extend(silent(&spec, &self.0.hosts.statuses(), clock::now()));
        }
        warnings.extend(tight(&spec, plan));
        Ok(Forecast {
            past: Past::of(&past),
            spec: Arc::new(spec),
            warnings,
        })
    }

    /// The last deployments of a group that succeeded, newest first.
    fn successes(&self, group: &GroupKey) -> Vec<crate::model::deployment::DeploymentId> {
        let summaries = lock(&self.0.summaries);
        let mut found: Vec<&Summary> = summaries
            .values()
            .filter(|s| s.group == *group && s.status == DeploymentStatus::Succeeded)
            .collect();
        found.sort_by_key(|summary| std::cmp::Reverse(summary.create_time));
        let mut instances = 0;
        found
            .into_iter()
            .take(DEPLOYMENTS)
            .take_while(|summary| {
                let first = instances == 0;
                instances += summary.deployment_overview.total();
                first || instances <= INSTANCES
            })
            .map(|summary| summary.deployment_id.clone())
            .collect()
    }

    /// What is wrong with the bundle of a revision.
    async fn artifact(&self, digest: &Digest) -> Result<Vec<String>, ApiError> {
        if !self.0.bundles.has(digest) {
            let message = "the revision's bundle is missing here: push it again".to_owned();
            return Ok(vec![message]);
        }
        // A digest always names the same bundle: it is unpacked once, and not at every preview.
        if let Some(known) = lock(&self.0.inspected).get(digest) {
            return Ok(known.clone());
        }
        let path = self.0.bundles.path(digest);
        let inspected = tokio::task::spawn_blocking(move || inspect::bundle(&path, None));
        let found = match inspected.await.map_err(|error| internal(&error))? {
            Ok(found) => found,
            Err(error) => {
                return Ok(vec![format!(
                    "the revision's bundle can't be read: {error}"
                )]);
            }
        };
        let findings = found.errors.iter().chain(&found.warnings);
        let findings: Vec<String> = findings
            .map(|finding| format!("AppSpec: {} [{}]", safe(&finding.message), finding.id))
            .collect();
        lock(&self.0.inspected).insert(digest.clone(), findings.clone());
        Ok(findings)
    }
}

/// Agents that were not heard of lately.
fn silent(spec: &Spec, hosts: &[HostStatus], now: Timestamp) -> Vec<String> {
    let hosts: BTreeMap<&Name, &HostStatus> = hosts.iter().map(|h| (&h.name, h)).collect();
    let warnings = spec.targets.iter().filter_map(|target| {
        let name = &target.name;
        let Some(host) = hosts.get(name) else {
            return Some(format!(
                "{name} was not asked yet whether its agent answers"
            ));
        };
        let heard = host.agent.as_ref().map(|agent| agent.read);
        match (host.reachable, heard) {
            (true, _) if now.since(host.checked) <= HEARD => None,
            (_, Some(heard)) => Some(format!(
                "the agent on {name} was last heard {} ago",
                Short(now.since(heard))
            )),
            (_, None) => Some(format!("the agent on {name} was never heard")),
        }
    });
    warnings.collect()
}

/// A minimum that leaves no room for what is unhealthy already.
fn tight(spec: &Spec, plan: &Plan) -> Option<String> {
    let window = plan.window?;
    let healthy = spec
        .targets
        .iter()
        .filter(|target| target.instance_health == InstanceHealth::Healthy)
        .count();
    let all = spec.targets.len();
    let sick = all - healthy;
    // Before the first success nobody is healthy, and that says nothing.
    let known = spec.previous_revision.is_some();
    (known && healthy <= window.floor as usize).then(|| {
        format!(
            "{sick} of {all} instances are unhealthy, and more than {} must be healthy: it ends if they fail again",
            window.floor
        )
    })
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_one_that_was_measured() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![7]), Some(7));
        assert_eq!(median(vec![9, 1, 5]), Some(5));
        assert_eq!(median(vec![9, 1]), Some(9));
    }
}
