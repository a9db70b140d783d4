//! A blue/green deployment in each of its stages: four hosts, two on each side.

use super::Cockpit;
use super::sample::{self, Run};
use crate::api::feed::FeedItem;
use crate::engine::input::{Command, Input, Report, What};
use crate::engine::plan::Before;
use crate::engine::spec::Spec;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::status::{
    BalancerDetails, BalancerStatus, Counted, Presence, ServerStatus, SideStatus, TrafficStatus,
};
use crate::model::traffic::{Side, Split};
use crate::tui::message::Message;

pub(super) const REROUTE: What = What::Continue {
    before: Before::Reroute,
};
pub(super) const END_WAIT: What = What::Continue {
    before: Before::Termination,
};

/// `web-1` and `web-2` are the original, `web-3` and `web-4` the replacement.
pub(super) fn project() -> Project {
    let mut project = sample::project(4);
    for (place, host) in project.hosts.iter_mut().enumerate() {
        let side = if place < 2 { "blue" } else { "green" };
        host.tags.insert("side".to_owned(), side.to_owned());
    }
    project
}

fn both_sides(spec: &mut Spec) {
    let from = |text: &str| crate::model::yaml::from_str(text).unwrap();
    let tagged = |side: &str| -> crate::model::group::Selection {
        crate::model::yaml::from_str(&format!("ec2TagFilters: [{{Key: side, Value: {side}}}]\n"))
            .unwrap()
    };
    spec.sides = Some(crate::model::group::Sides {
        original: tagged("blue"),
        replacement: tagged("green"),
    });
    for (place, target) in spec.targets.iter_mut().enumerate() {
        target.side = Some(if place < 2 { Side::Blue } else { Side::Green });
    }
    spec.group.deployment_style = crate::model::yaml::from_str(
        "{deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL}",
    )
    .unwrap();
    spec.group.load_balancer_info =
        Some(crate::model::yaml::from_str("{targetGroupInfoList: [{name: web}]}").unwrap());
    spec.group.blue_green_deployment_configuration = Some(from(
        "deploymentReadyOption: {actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 10}\n\
         terminateBlueInstancesOnDeploymentSuccess: {action: TERMINATE, terminationWaitTimeInMinutes: 20}\n",
    ));
    spec.configuration.traffic_routing_config = Some(
        crate::model::yaml::from_str(
            "{type: TimeBasedLinear, timeBasedLinear: {linearPercentage: 10, linearInterval: 5}}",
        )
        .unwrap(),
    );
}

/// One that has not begun.
pub(super) fn made(change: impl FnOnce(&mut Spec)) -> Run {
    let ledger = sample::ledger(4);
    let at = sample::now(-60_000);
    Run::created(&project(), sample::LIVE, "1.8.0", at, &ledger, |spec| {
        both_sides(spec);
        change(spec);
    })
}

/// Everything in flight goes through these events, host after host.
pub(super) fn all(run: &mut Run, events: &[LifecycleEvent]) {
    let stage = run.deployment.stage;
    while run.deployment.stage == stage {
        let Some(host) = run.deployment.running().next().map(|t| t.name.clone()) else {
            return;
        };
        for event in events {
            let (event, at) = (*event, run.now());
            run.report(host.as_str(), Report::EventStarted { event, at });
            run.wait(400);
            let (status, at) = (EventStatus::Succeeded, run.now());
            let ended = Report::EventEnded {
                event,
                status,
                at,
                diagnostics: None,
            };
            run.report(host.as_str(), ended);
        }
        run.report(host.as_str(), Report::Ended);
    }
}

/// The replacement is installed, and somebody has to say that traffic may move.
pub(super) fn ready() -> Run {
    let mut run = made(|_| {});
    run.input(&Input::Admitted);
    all(&mut run, &LifecycleEvent::REPLACEMENT);
    run.wait(48_000);
    run
}

/// Traffic shifts: the replacement has its second share.
pub(super) fn shifting() -> Run {
    let mut run = ready();
    run.command("ana", "", REROUTE);
    all(&mut run, &LifecycleEvent::ALLOW[..2]);
    in_effect(&mut run, 10);
    run.wait(300_000);
    run.input(&Input::TimerElapsed);
    in_effect(&mut run, 20);
    run.wait(67_000);
    run
}

pub(super) fn in_effect(run: &mut Run, share: u8) {
    run.input(&Input::InEffect(Split::new(share).unwrap()));
}

/// All of it has moved, and the original is kept for a while.
pub(super) fn kept() -> Run {
    let mut run = shifting();
    let split = Split::REPLACEMENT;
    run.command("ana", "", What::Weight { split });
    in_effect(&mut run, 100);
    run.command("ana", "", What::Resume);
    all(&mut run, &LifecycleEvent::ALLOW[2..]);
    all(&mut run, &LifecycleEvent::BLOCK);
    run.wait(130_000);
    run
}

/// The way back, in the middle of the shift.
pub(super) fn going_back() -> Run {
    let mut run = shifting();
    let stop = What::Stop {
        auto_rollback: Some(true),
    };
    run.input(&Input::Command(Command::new(stop, "ana")));
    let spec = crate::engine::rollback::spec(
        &run.deployment,
        &sample::ledger(4),
        &project().hosts,
        sample::id("d-ROLLBACK0"),
    )
    .unwrap();
    let at = run.now();
    let mut back = Run::created(
        &project(),
        "d-ROLLBACK0",
        "1.7.2",
        at,
        &sample::ledger(4),
        |it| {
            *it = spec;
        },
    );
    back.input(&Input::Admitted);
    in_effect(&mut back, 0);
    back
}

/// What load balancers say: the replacement's share as asked, in effect and measured, and requests a second.
#[derive(Clone, Copy)]
pub(super) struct Traffic {
    pub asked: Option<u8>,
    pub in_effect: u8,
    pub measured: Option<u8>,
    /// Servers of the replacement in service.
    pub entered: u32,
    /// Servers of the original in service.
    pub stayed: u32,
    /// Requests a second; nothing where nobody counts.
    pub rate: Option<u64>,
    pub errors: u64,
}

pub(super) const WAITS: Traffic = Traffic {
    asked: Some(0),
    in_effect: 0,
    measured: Some(0),
    entered: 0,
    stayed: 2,
    rate: Some(812),
    errors: 0,
};

pub(super) const SHIFTS: Traffic = Traffic {
    asked: Some(20),
    in_effect: 20,
    measured: Some(19),
    entered: 2,
    errors: 3,
    ..WAITS
};

impl Traffic {
    /// The status at a time; the rate goes up and down with it.
    pub(super) fn status(self, of: &str, at: Timestamp) -> TrafficStatus {
        let wave = u64::try_from(at.0.div_euclid(1000).rem_euclid(30)).unwrap();
        let counted = |share: u8, errors| {
            self.rate.map(|rate| Counted {
                millis: 1000,
                requests: (rate + wave * 5 - 75) * u64::from(share) / 100,
                errors,
            })
        };
        let side = |in_service, share, errors| SideStatus {
            servers: 2,
            in_service,
            well: in_service,
            draining: 0,
            in_flight: Some(u64::from(share) / 9),
            counted: counted(share, errors),
        };
        let split = |share| Split::new(share).unwrap();
        TrafficStatus {
            deployment: sample::id(of),
            at,
            balancers: vec![BalancerStatus {
                name: "web".to_owned(),
                kind: Some("HAProxy".to_owned()),
                asked: self.asked.map(split),
                in_effect: Some(split(self.in_effect)),
                measured: self.measured,
                original: side(self.stayed, 100 - self.in_effect, 0),
                replacement: side(self.entered, self.in_effect, self.errors * (wave % 2)),
                trouble: None,
                tests: false,
            }],
        }
    }

    /// The cockpit hears of it for half a minute.
    pub(super) fn told(self, cockpit: &mut Cockpit, of: &str) {
        let now = cockpit.real;
        for second in (0..30).rev() {
            let at = Timestamp(now.0 - second * 1000);
            cockpit.tell(FeedItem::Traffic(self.status(of, at)));
        }
        self.answered(cockpit, of, None);
    }

    /// The cockpit is told of each server; one of them may be unwell.
    pub(super) fn answered(self, cockpit: &mut Cockpit, of: &str, unwell: Option<&str>) {
        let details = self.details(of, cockpit.real, unwell);
        cockpit.send(Message::Servers(sample::id(of), Ok(vec![details])));
    }

    /// What a load balancer answers about each server.
    pub(super) fn details(self, of: &str, at: Timestamp, unwell: Option<&str>) -> BalancerDetails {
        let servers = (1..=4).map(|n| {
            let name = sample::name(&format!("web-{n}"));
            let side = if n > 2 { Side::Green } else { Side::Blue };
            let well = unwell != Some(name.as_str());
            let in_service = match side {
                Side::Blue => self.stayed,
                Side::Green => self.entered,
            };
            ServerStatus {
                name,
                side,
                service: if in_service > 0 {
                    Presence::In
                } else {
                    Presence::Out
                },
                healthy: Some(well),
                trouble: (!well).then(|| "the check answered 503".to_owned()),
                weight: None,
                in_flight: Some(3),
                requests: None,
                errors: None,
            }
        });
        BalancerDetails {
            status: self.status(of, at).balancers.remove(0),
            servers: servers.collect(),
        }
    }
}

/// The cockpit with a run on the screen, and what its load balancers say.
pub(super) fn cockpit(run: &Run, traffic: Traffic) -> Cockpit {
    let mut cockpit = Cockpit::with(sample::snapshot(project(), &run.deployment));
    cockpit.at(run.now());
    cockpit.wait(0);
    traffic.told(&mut cockpit, run.deployment.id().as_str());
    cockpit.keys("tab");
    cockpit
}

/// A host as it is now.
pub(super) fn host(name: &str, reachable: bool) -> FeedItem {
    let mut host = sample::status(name, sample::facts());
    host.reachable = reachable;
    host.problem = (!reachable).then(|| "connection refused".to_owned());
    FeedItem::Host(host)
}

pub(super) fn named(text: &str) -> Name {
    sample::name(text)
}
