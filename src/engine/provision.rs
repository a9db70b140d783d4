//! What fleets do for a deployment: they provision the replacement before it is installed, and terminate the original in
//! the end (lifecycle.md §3.1, phases 1 and 7), as a service deletes its task set (§5). How many instances are needed is known when it is planned; which ones they
//! are is a fact of its own, and the plan is made again with them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::deployment::Deployment;
use super::event::{Event, Record};
use super::input::{Input, Told};
use super::ledger::Ledger;
use super::members::targets;
use super::plan::{Plan, Stage, plan};
use super::schedule::Steps;
use super::spec::{Provision, Spec};
use crate::model::deployment::{DeploymentStatus, ErrorCode, ErrorInformation, TargetStatus};
use crate::model::host::{Host, Provisioned, copied_group};
use crate::model::name::Name;
use crate::model::timestamp::{Short, Timestamp};
use crate::model::traffic::Side;

/// What a fleet, or a service, is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The replacement, up to the report of its last agent.
    Provision,
    /// The end of what has lost the traffic.
    Terminate,
}

/// What became of the original instances that fleets were to terminate, or of the task set that a service was to delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terminated {
    /// The instances that are gone.
    pub gone: Vec<Name>,
    /// Why others are left, or the task set.
    pub trouble: Option<String>,
}

impl Stage {
    /// The stage that asks for these.
    pub(super) fn provision(asked: &Provision) -> Self {
        Self::Provision {
            fleet: asked.fleet.clone(),
            count: asked.count,
        }
    }

    /// The stage that terminates the original instances that a fleet provisioned; `None` if there are none. Hosts of
    /// `cutover.yaml` are nobody's but the operator's.
    pub(super) fn terminate(spec: &Spec) -> Option<Self> {
        let fleets = |target: &&_| is_to_end(target);
        let targets = spec.targets.iter().filter(fleets);
        let targets: Vec<Name> = targets.map(|target| target.name.clone()).collect();
        (!targets.is_empty()).then_some(Self::Terminate { targets })
    }
}

fn is_to_end(target: &super::spec::TargetSpec) -> bool {
    target.side == Some(Side::Blue) && target.fleet.is_some()
}

impl Deployment {
    /// What a fleet, or a service, is asked for now, and until when it may take.
    pub fn fleet_work(&self) -> Option<(Asked, Timestamp)> {
        let asked = match self.current_stage()? {
            Stage::Provision { .. } => Asked::Provision,
            Stage::Terminate { .. } | Stage::DeleteTaskSet { .. } => Asked::Terminate,
            _ => return None,
        };
        let runs = self.status.is_running();
        let until = self.stage_time? + self.spec.limits.provisioning();
        runs.then_some((asked, until))
    }

    /// The side whose end is asked for: what is begun of that can't be taken back.
    pub fn ends(&self) -> Option<Side> {
        match self.current_stage()? {
            Stage::Terminate { .. } => Some(Side::Blue),
            Stage::DeleteTaskSet { side } => Some(*side),
            _ => None,
        }
    }

    /// Folds in the instances that were provisioned.
    pub(super) fn meet(&mut self, hosts: &[Host], plan: &Arc<Plan>) {
        let spec = with(&self.spec, hosts);
        let again = Self::created(&Record {
            seq: self.seq,
            at: self.create_time,
            event: Event::Created {
                spec: Arc::new(spec),
                plan: Arc::clone(plan),
            },
        });
        let Some(again) = again else { return };
        // So far nothing has become of any target, but that an operator left some out.
        let before = std::mem::replace(&mut self.targets, again.targets);
        self.spec = again.spec;
        self.plan = again.plan;
        self.fleet = again.fleet;
        self.stages = again.stages;
        self.overview = again.overview;
        self.positions = again.positions;
        self.spans = again.spans;
        self.next = 0;
        self.chosen.clear();
        self.provisioned = true;
        for left_out in before {
            if left_out.status == TargetStatus::Skipped {
                let at = left_out.end_time.unwrap_or(self.create_time);
                self.exclude_target(&left_out.name, "", None, at);
                if let Some(&position) = self.positions.get(&left_out.name) {
                    self.targets[position].message = left_out.message;
                }
            }
        }
    }

    /// Folds in what is gone.
    pub(super) fn part_with(&mut self, targets: &[Name], trouble: Option<&str>) {
        self.terminated = Some(Terminated {
            gone: targets.to_vec(),
            trouble: trouble.map(str::to_owned),
        });
    }
}

/// What is asked for, with the replacement that was provisioned.
fn with(spec: &Spec, hosts: &[Host]) -> Spec {
    let mut spec = spec.clone();
    let mut replacement = targets(hosts, &Ledger::default());
    for target in &mut replacement {
        target.side = Some(Side::Green);
    }
    spec.targets.extend(replacement);
    spec
}

impl Steps<'_> {
    /// Whether a fleet, or a service, has been asked for something that it has not answered: what it does is not called off, and is known
    /// before the deployment ends.
    pub(super) fn asks_a_fleet(&self) -> bool {
        let answered = self.answered && self.stage == self.deployment.stage;
        match self.deployment.plan.stages.get(self.stage) {
            Some(Stage::Provision { .. }) => !answered && !self.deployment.provisioned,
            Some(Stage::Terminate { .. } | Stage::DeleteTaskSet { .. }) => {
                !answered && self.deployment.terminated.is_none()
            }
            _ => false,
        }
    }

    /// Whether agents of provisioned instances have not reported yet.
    pub(super) fn awaits_agents(&self) -> bool {
        let stage = self.deployment.plan.stages.get(self.stage);
        let reported = self.answered && self.stage == self.deployment.stage;
        matches!(stage, Some(Stage::Provision { .. })) && !reported
    }
}

/// The events that an answer causes; none if nobody had asked.
pub(super) fn hear(deployment: &Deployment, told: &Told, now: Timestamp) -> Vec<Event> {
    let Some((asked, _)) = deployment.fleet_work() else {
        return Vec::new();
    };
    let mut steps = Steps::new(deployment, now);
    match (asked, told) {
        (Asked::Provision, Told::Provisioned(hosts)) if !deployment.provisioned => {
            return provisioned(deployment, hosts, now);
        }
        (Asked::Provision, Told::Refused(error)) => match &deployment.stop {
            Some(stop) => {
                let message = format!("stopped by {}; {}", stop.by, error.message);
                let code = ErrorCode::ManualStop;
                let error = ErrorInformation { code, message };
                steps.end(DeploymentStatus::Stopped, Some(error));
            }
            None => steps.end(DeploymentStatus::Failed, Some(error.clone())),
        },
        (Asked::Provision, Told::Report) if deployment.provisioned => {
            steps.answered = true;
            steps.schedule();
        }
        (Asked::Terminate, Told::Terminated { targets, trouble }) => {
            steps.answered = true;
            steps.events.push(Event::Terminated {
                targets: targets.clone(),
                trouble: trouble.clone(),
            });
            steps.schedule();
        }
        _ => {}
    }
    steps.events
}

/// The replacement is known: so is the plan.
fn provisioned(deployment: &Deployment, hosts: &[Host], now: Timestamp) -> Vec<Event> {
    let event = Event::Provisioned {
        hosts: hosts.to_vec(),
        plan: Arc::new(plan(&with(&deployment.spec, hosts))),
    };
    let mut after = deployment.clone();
    after.evolve(&Record {
        seq: deployment.seq + 1,
        at: now,
        event: event.clone(),
    });
    let mut steps = Steps::new(&after, now);
    match after.plan.impossible.clone() {
        Some(error) => steps.end(DeploymentStatus::Failed, Some(error)),
        // A stop has waited for this.
        None => steps.schedule(),
    }
    std::iter::once(event).chain(steps.events).collect()
}

/// What is made of a fleet, of a service, or of instances, that were not heard of in time.
pub(super) fn late(deployment: &Deployment, now: Timestamp) -> Option<Told> {
    let (asked, until) = deployment.fleet_work()?;
    if now < until {
        return None;
    }
    let limit = Short(deployment.spec.limits.provisioning());
    let fleet = deployment.spec.provision.as_ref();
    let fleet = fleet.map_or("", |asked| asked.fleet.as_str());
    let failed = |code, message| Some(Told::Refused(ErrorInformation { code, message }));
    match asked {
        Asked::Provision if deployment.provisioned => failed(
            ErrorCode::AgentIssue,
            format!(
                "not every instance that {fleet} provisioned had an agent that answers within {limit}: `cutover hosts` says which"
            ),
        ),
        Asked::Provision => failed(
            ErrorCode::Timeout,
            format!(
                "the fleet {fleet} provisioned nothing within {limit}: look there for what it may have begun for {}",
                deployment.id()
            ),
        ),
        Asked::Terminate => Some(Told::Terminated {
            targets: Vec::new(),
            trouble: Some(match deployment.current_stage() {
                Some(Stage::DeleteTaskSet { side }) => format!(
                    "the {} task set was not gone within {limit}: look at the service for it",
                    side.label()
                ),
                _ => format!("nothing was heard of their fleet within {limit}"),
            }),
        }),
    }
}

/// What a fleet, or a service, would say that does its work well: for whoever runs ahead of time.
pub(super) fn expected(deployment: &Deployment) -> Option<Input> {
    let (asked, _) = deployment.fleet_work()?;
    Some(Input::Fleet(match asked {
        Asked::Provision if deployment.provisioned => Told::Report,
        Asked::Provision => Told::Provisioned(imagined(deployment)),
        Asked::Terminate => Told::Terminated {
            targets: match deployment.current_stage()? {
                Stage::Terminate { targets } => targets.clone(),
                _ => Vec::new(),
            },
            trouble: None,
        },
    }))
}

/// Instances that may come.
fn imagined(deployment: &Deployment) -> Vec<Host> {
    let Some(Provision { fleet, count, .. }) = &deployment.spec.provision else {
        return Vec::new();
    };
    let from = Provisioned {
        fleet: fleet.clone(),
        deployment: deployment.id().clone(),
        auto_scaling_group: copied_group(&deployment.group_key(), deployment.id()),
    };
    let names = (1..).filter_map(|n: u32| format!("new-{n}").parse::<Name>().ok());
    let names = names.filter(|name| deployment.target(name).is_none());
    names
        .take(*count as usize)
        .map(|name| Host {
            name,
            address: String::new(),
            tags: std::collections::BTreeMap::default(),
            zone: None,
            endpoints: std::collections::BTreeMap::default(),
            provisioned: Some(from.clone()),
            instance: None,
        })
        .collect()
}
