//! Turns what is asked for into an ordered list of stages. Platforms and styles differ here, not in the code that runs it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::blue_green;
use super::function;
use super::order::deployment_order;
use super::service;
use super::spec::{Spec, TargetSpec};
use super::window::{Window, window, zone_window};
use crate::model::configuration::ZonalConfig;
use crate::model::deployment::{Creator, ErrorCode, ErrorInformation};
use crate::model::lifecycle::LifecycleEvent::{self, self as E};
use crate::model::name::Name;
use crate::model::traffic::{Side, Split};

/// What a deployment will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The stages, one after another. Empty when the deployment can't start, or has nothing to do.
    pub stages: Vec<Stage>,
    /// How many instances of the whole fleet may be in flight, and must stay healthy; `None` if there are none.
    #[serde(default)]
    pub window: Option<Window>,
    /// Why the deployment can't start: it fails with this as soon as it does.
    pub impossible: Option<ErrorInformation>,
}

/// One stage of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum Stage {
    /// A fleet provisions the replacement instances, and their agents report. The plan of the rest is made again then.
    Provision {
        /// The fleet's name.
        fleet: String,
        /// How many instances.
        count: u32,
    },
    /// Instances go through their lifecycle events under a sliding window.
    Install {
        /// The availability zone that these instances are in, if zones are deployed to one after the other.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<String>,
        /// In the order in which they start.
        targets: Vec<Name>,
        /// What each of them goes through.
        events: Vec<LifecycleEvent>,
        /// How many at a time. With zones, the window of the whole fleet holds besides.
        window: Window,
    },
    /// Replacement instances go into service, under a sliding window.
    Enter {
        /// In the order in which they start.
        targets: Vec<Name>,
        /// What each of them goes through.
        events: Vec<LifecycleEvent>,
        /// How many at a time.
        window: Window,
    },
    /// A function, an endpoint or a command is called for a lifecycle event, and tells how that ended.
    Hook {
        /// What is deployed to.
        targets: Vec<Name>,
        /// The event.
        event: LifecycleEvent,
        /// The function's name, as the `AppSpec` has it.
        hook: String,
        /// One at a time, and it has to succeed.
        window: Window,
    },
    /// The replacement task set of a service is created, and steady.
    CreateTaskSet {
        /// The service.
        targets: Vec<Name>,
        /// One at a time, and it has to succeed.
        window: Window,
    },
    /// The test listener of a service leads to the replacement, or back to the original.
    TestTraffic {
        /// The service.
        targets: Vec<Name>,
        /// One at a time, and it has to succeed.
        window: Window,
    },
    /// Traffic shifts from the original to the replacement by weight, or back; all instances of both are in service.
    Shift {
        /// How the route is split before.
        from: Split,
        /// The splits, one after the other; the last one ends it.
        steps: Vec<Split>,
        /// Minutes from one step to the next.
        minutes: u32,
    },
    /// What is left to do when traffic has shifted.
    Validate {
        /// In the order in which they start.
        targets: Vec<Name>,
        /// What each of them goes through.
        events: Vec<LifecycleEvent>,
        /// How many at a time.
        window: Window,
    },
    /// Original instances go out of service, all of them or the deployment fails.
    Leave {
        /// In the order in which they start.
        targets: Vec<Name>,
        /// What each of them goes through.
        events: Vec<LifecycleEvent>,
        /// How many at a time.
        window: Window,
    },
    /// Nothing happens until an operator says so, or the time is over.
    Wait {
        /// What comes then.
        before: Before,
        /// How long at most.
        minutes: u32,
    },
    /// Traffic waits for nothing but the approvals of its reroute.
    Approval,
    /// The fleets that provisioned original instances terminate them.
    Terminate {
        /// Which instances.
        targets: Vec<Name>,
    },
    /// The task set of a service is deleted that has lost the traffic: the original, or the replacement on the way back.
    DeleteTaskSet {
        /// Which.
        side: Side,
    },
    /// Nothing starts for a while, after a zone and before the next.
    Monitor {
        /// The zone that was deployed to.
        zone: String,
        /// How long.
        seconds: u64,
    },
}

/// What a wait comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Before {
    /// Traffic moves to the replacement (`READY_WAIT`). If nobody says so in time, the deployment stops.
    Reroute,
    /// The original is terminated (`TERMINATION_WAIT`).
    Termination,
}

/// What instances do in a stage.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// In the order in which they start.
    pub targets: &'a [Name],
    /// What each of them goes through.
    pub events: &'a [LifecycleEvent],
    /// How many at a time.
    pub window: &'a Window,
    /// The availability zone that they are in, if one is deployed to after the other.
    pub zone: Option<&'a String>,
    /// The function that is called for their event, if one is.
    pub hook: Option<&'a str>,
    /// Whether their event is about the task sets of a service.
    pub task_set: bool,
}

impl Stage {
    /// What instances do in it, if they do anything.
    pub fn work(&self) -> Option<Work<'_>> {
        let (targets, events, window) = match self {
            Self::Install {
                targets,
                events,
                window,
                ..
            }
            | Self::Enter {
                targets,
                events,
                window,
            }
            | Self::Validate {
                targets,
                events,
                window,
            }
            | Self::Leave {
                targets,
                events,
                window,
            } => (targets, events.as_slice(), window),
            Self::Hook {
                targets,
                event,
                window,
                ..
            } => (targets, std::slice::from_ref(event), window),
            Self::CreateTaskSet { targets, window } => (targets, &[E::Install][..], window),
            Self::TestTraffic { targets, window } => (targets, &[E::AllowTestTraffic][..], window),
            Self::Shift { .. }
            | Self::Wait { .. }
            | Self::Approval
            | Self::Monitor { .. }
            | Self::Provision { .. }
            | Self::Terminate { .. }
            | Self::DeleteTaskSet { .. } => return None,
        };
        Some(Work {
            targets,
            events,
            window,
            zone: match self {
                Self::Install { zone, .. } => zone.as_ref(),
                _ => None,
            },
            hook: match self {
                Self::Hook { hook, .. } => Some(hook),
                _ => None,
            },
            task_set: matches!(self, Self::CreateTaskSet { .. }),
        })
    }

    /// Whether something is terminated in it, which can't be taken back.
    pub fn is_an_end(&self) -> bool {
        matches!(self, Self::Terminate { .. } | Self::DeleteTaskSet { .. })
    }

    /// The stage's name on screen.
    pub fn label(&self) -> String {
        match self {
            Self::Provision { .. } => "provision".to_owned(),
            Self::Terminate { .. } => "terminate".to_owned(),
            Self::Install { zone: None, .. } | Self::CreateTaskSet { .. } => "install".to_owned(),
            Self::Install {
                zone: Some(zone), ..
            } => format!("install {zone}"),
            Self::Enter { .. } => "reroute".to_owned(),
            Self::Hook { event, .. } => event.to_string(),
            Self::TestTraffic { .. } => "test traffic".to_owned(),
            Self::DeleteTaskSet { side } => format!("delete {}", side.label()),
            Self::Shift { .. } => "shift".to_owned(),
            Self::Validate { .. } => "validate".to_owned(),
            Self::Leave { .. } => "drain original".to_owned(),
            Self::Wait {
                before: Before::Reroute,
                ..
            } => "wait for reroute".to_owned(),
            Self::Wait {
                before: Before::Termination,
                ..
            } => "keep original".to_owned(),
            Self::Approval => "approval".to_owned(),
            Self::Monitor { zone, .. } => format!("monitor {zone}"),
        }
    }

    /// The instances of the stage.
    pub fn targets(&self) -> &[Name] {
        self.work().map_or(&[], |work| work.targets)
    }
}

/// Hosts without a zone come last, as if in a zone of this name.
const NO_ZONE: &str = "none";

/// The plan for a deployment. It is computed once, and kept in the journal.
pub fn plan(spec: &Spec) -> Plan {
    let impossible = |error| Plan {
        stages: Vec::new(),
        window: None,
        impossible: Some(error),
    };
    if let Some(function) = &spec.function {
        return function::plan(spec, function);
    }
    if let Some(appspec) = &spec.service {
        return service::plan(spec, appspec).unwrap_or_else(impossible);
    }
    // What joins the group, or is brought up to date, has no other side.
    if spec.sides.is_some() {
        return blue_green::plan(spec).unwrap_or_else(impossible);
    }
    let n = u32::try_from(spec.targets.len()).unwrap_or(u32::MAX);
    if n == 0 && spec.up_to_date > 0 {
        return Plan {
            stages: Vec::new(),
            window: None,
            impossible: None,
        };
    }
    if let Err(error) = acceptable(spec, n) {
        return impossible(error);
    }
    let fleet = match fleet_window(spec, n) {
        Ok(fleet) => fleet,
        Err(error) => return impossible(error),
    };
    let stages = match spec.configuration.zonal_config {
        None => Ok(vec![install(spec, None, &spec.targets, fleet)]),
        Some(zonal) => zones(spec, zonal, &fleet),
    };
    match stages {
        Ok(stages) => Plan {
            stages,
            window: Some(fleet),
            impossible: None,
        },
        Err(error) => impossible(error),
    }
}

/// The window of all instances that are deployed to.
pub(super) fn fleet_window(spec: &Spec, n: u32) -> Result<Window, ErrorInformation> {
    window(&spec.configuration, n).ok_or_else(|| {
        let name = &spec.configuration.deployment_config_name;
        let minimum = spec.configuration.minimum_healthy_hosts;
        let kept = minimum.map_or_else(String::new, |it| format!("{:?} {}", it.kind, it.value));
        invalid(format!(
            "{name} keeps {kept} of {n} instances healthy, which leaves none to deploy to"
        ))
    })
}

pub(super) fn acceptable(spec: &Spec, n: u32) -> Result<(), ErrorInformation> {
    if n == 0 {
        return Err(ErrorInformation {
            code: ErrorCode::NoInstances,
            message: format!(
                "the filters of deployment group {} select no host: run `cutover check`, or tag a host",
                spec.group_key()
            ),
        });
    }
    match spec.limits.instances_per_deployment {
        Some(most) if n > most => Err(ErrorInformation {
            code: ErrorCode::OverMaxInstances,
            message: format!(
                "{n} instances, and settings.limits.instancesPerDeployment of cutover.yaml allows {most}"
            ),
        }),
        _ => Ok(()),
    }
}

fn install(spec: &Spec, zone: Option<String>, targets: &[TargetSpec], window: Window) -> Stage {
    Stage::Install {
        zone,
        targets: deployment_order(targets),
        events: events(spec),
        window,
    }
}

/// What each instance of an in-place deployment goes through (lifecycle.md §2). One that joins the group had no traffic yet.
fn events(spec: &Spec) -> Vec<LifecycleEvent> {
    let traffic = spec.group.controls_traffic();
    let mut events = Vec::new();
    if spec.creator == Creator::AutoscalingTermination {
        // It never comes back.
        events.extend(LifecycleEvent::BLOCK.into_iter().filter(|_| traffic));
        events.push(LifecycleEvent::ApplicationStop);
        return events;
    }
    if traffic && spec.creator != Creator::Autoscaling {
        events.extend(LifecycleEvent::BLOCK);
    }
    events.extend(LifecycleEvent::IN_PLACE);
    if traffic {
        events.extend(LifecycleEvent::ALLOW);
    }
    events
}

/// One zone after the other, in the order of their names, with the time to watch each but the last (configurations.md §7).
fn zones(spec: &Spec, zonal: ZonalConfig, fleet: &Window) -> Result<Vec<Stage>, ErrorInformation> {
    let mut by_zone: BTreeMap<(bool, &str), Vec<TargetSpec>> = BTreeMap::new();
    for target in &spec.targets {
        let key = match &target.zone {
            Some(zone) => (false, zone.as_str()),
            None => (true, NO_ZONE),
        };
        by_zone.entry(key).or_default().push(target.clone());
    }
    let others = zonal.monitor_duration_in_seconds.unwrap_or(0);
    let first = zonal
        .first_zone_monitor_duration_in_seconds
        .unwrap_or(others);
    let last = by_zone.len() - 1;
    let mut stages = Vec::new();
    for (place, ((_, zone), targets)) in by_zone.into_iter().enumerate() {
        let n = u32::try_from(targets.len()).unwrap_or(u32::MAX);
        let per_zone = zonal.minimum_healthy_hosts_per_zone;
        let window = zone_window(per_zone, n, fleet).ok_or_else(|| {
            invalid(format!(
                "minimumHealthyHostsPerZone of {} leaves none of the {n} instances in zone {zone} to deploy to",
                spec.configuration.deployment_config_name
            ))
        })?;
        stages.push(install(spec, Some(zone.to_owned()), &targets, window));
        let seconds = if place == 0 { first } else { others };
        if place < last && seconds > 0 {
            stages.push(Stage::Monitor {
                zone: zone.to_owned(),
                seconds,
            });
        }
    }
    Ok(stages)
}

fn invalid(message: String) -> ErrorInformation {
    ErrorInformation {
        code: ErrorCode::HealthConstraintsInvalid,
        message,
    }
}
