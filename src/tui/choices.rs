//! While a blue/green deployment waits for a person: what each key would do now, in numbers, and whether the side that it is
//! about is well. Kept, as it is made from every instance.

use std::collections::BTreeSet;

use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::engine::plan::{Before, Stage};
use crate::model::deployment::{DeploymentId, TargetStatus};
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Side;
use crate::tui::action::Action;
use crate::tui::consequence;
use crate::tui::model::Model;
use crate::tui::panes::alarms;

/// Something that should be so before traffic moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// Whether it is so; `None` if nobody can tell.
    pub well: Option<bool>,
    pub text: String,
}

/// What it was made of: the deployment, the hosts, their servers, the requests, what has changed, and the second.
type Of = (DeploymentId, [u64; 4], Option<Timestamp>, i64);

/// What can be done, and what speaks for it.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    of: Option<Of>,
    /// Whose health it is.
    pub side: Option<Side>,
    /// What each key does, a few sentences each.
    pub keys: Vec<(Action, String)>,
    pub checks: Vec<Check>,
}

impl Choices {
    /// Fits it to the picture, when something is new, and once a second.
    pub(crate) fn refresh(&mut self, model: &Model, deployment: &Deployment) {
        let now = model.present();
        let news = [
            deployment.seq,
            model.view.as_ref().map_or(0, |view| view.host_news),
            model.servers.news,
            u64::try_from(model.changes.found.len()).unwrap_or(u64::MAX),
        ];
        let looked = model.gauge(deployment).map(|gauge| gauge.status.at);
        let of = (
            deployment.id().clone(),
            news,
            looked,
            now.0.div_euclid(1000),
        );
        if self.of.as_ref() == Some(&of) {
            return;
        }
        let wait = deployment.wait_ends().filter(|_| {
            let recorded = model.replay.is_some();
            deployment.spec.is_on_hosts() && !deployment.status.is_terminal() && !recorded
        });
        // The time of a wait that is paused or frozen stands still.
        let counted = deployment.frozen_since.unwrap_or(now);
        *self = match wait {
            None => Self::default(),
            Some((before, until)) => Self {
                side: Some(match before {
                    Before::Reroute => Side::Green,
                    Before::Termination => Side::Blue,
                }),
                keys: consequence::choices(model, deployment, before, until.since(counted)),
                checks: checks(model, deployment, before),
                of: None,
            },
        };
        self.of = Some(of);
    }
}

/// What should be so: of the replacement before traffic moves to it, of the original while it is the way back.
fn checks(model: &Model, deployment: &Deployment, before: Before) -> Vec<Check> {
    let side = match before {
        Before::Reroute => Side::Green,
        Before::Termination => Side::Blue,
    };
    let on = |side: Side| {
        let targets = deployment.targets.iter();
        targets.filter(move |target| target.side == Some(side))
    };
    let all = on(side).count();
    let full = |count: usize, text: &str| Check {
        well: Some(count == all),
        text: format!("{count}/{all} {text}"),
    };
    let mut checks = Vec::new();
    if before == Before::Reroute {
        checks.push(full(
            on(side)
                .filter(|target| is_installed(deployment, target))
                .count(),
            "installed",
        ));
    }
    let hosts = model.view.as_ref().map(|view| &view.hosts);
    let answers = |target: &&Target| {
        let host = hosts.and_then(|hosts| hosts.get(&target.name));
        host.is_some_and(|host| host.reachable)
    };
    checks.push(full(on(side).filter(answers).count(), "answer"));
    checks.extend(health(model, deployment, side));
    if let Some((well, all)) = alarms::well(model) {
        checks.push(Check {
            well: Some(well == all),
            text: format!("{well}/{all} alarms OK"),
        });
    }
    let changed = model.changes.found.len();
    checks.push(Check {
        well: Some(changed == 0),
        text: match changed {
            0 => "no host has changed since".to_owned(),
            1 => "something has changed since".to_owned(),
            n => format!("{n} things have changed since"),
        },
    });
    checks
}

/// How many of a side load balancers find well. One that is out of service is not always looked at: then nobody can tell.
fn health(model: &Model, deployment: &Deployment, side: Side) -> Option<Check> {
    if !deployment.spec.has_routes() {
        return None;
    }
    let targets: Vec<&Target> = deployment
        .targets
        .iter()
        .filter(|target| target.side == Some(side))
        .collect();
    let seats: Vec<_> = targets
        .iter()
        .filter_map(|target| model.servers.seat(deployment, &target.name))
        .collect();
    let unwell = seats.iter().filter(|seat| seat.unwell.is_some()).count();
    let found = seats.iter().filter(|seat| seat.found_well).count();
    Some(match (unwell, found) {
        (0, 0) => Check {
            well: None,
            text: "health at the load balancers is not known".to_owned(),
        },
        _ => Check {
            well: match unwell {
                0 => (found == targets.len()).then_some(true),
                _ => Some(false),
            },
            text: format!("{found}/{} well at the load balancers", targets.len()),
        },
    })
}

/// Whether a replacement instance has got through the stages that install.
fn is_installed(deployment: &Deployment, target: &Target) -> bool {
    let installs = |stage: &usize| {
        let stage = deployment.plan.stages.get(*stage);
        matches!(stage, Some(Stage::Install { .. }))
    };
    let stages: BTreeSet<usize> = target.events.iter().map(|entry| entry.stage).collect();
    let through = stages
        .iter()
        .filter(|stage| installs(stage))
        .all(|stage| *stage < target.stage);
    let well = matches!(target.status, TargetStatus::Ready | TargetStatus::Succeeded);
    well && (through || target.status == TargetStatus::Succeeded)
}
