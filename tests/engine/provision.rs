//! Fleets: the replacement is provisioned before it is installed, and the original is terminated in the end.

use cutover::engine::event::Event;
use cutover::engine::input::{Report, Told, What};
use cutover::engine::ledger::{LedgerEvent, LedgerRecord};
use cutover::engine::pending::WorkId;
use cutover::engine::plan::{Before, Stage, plan};
use cutover::engine::provision::Asked;
use cutover::engine::rehearse::{Assumptions, Durations, rehearse};
use cutover::engine::spec::Provision;
use cutover::engine::{Input, Ledger, Spec, fold, outlook, rollback};
use cutover::model::deployment::DeploymentStatus::{Failed, InProgress, Ready, Stopped, Succeeded};
use cutover::model::deployment::{ErrorCode, ErrorInformation, TargetStatus};
use cutover::model::group::{Selection, Sides};
use cutover::model::host::{Host, Provisioned};
use cutover::model::lifecycle::LifecycleEvent as E;
use cutover::model::timestamp::Timestamp;
use cutover::model::traffic::Side;

use crate::world::{World, id, name, spec};

const HOUR: i64 = 3_600_000;

/// Two originals, which the fleet provisioned, and two instances to come; ten minutes to reroute, twenty to terminate.
fn asked() -> Spec {
    let mut asked = spec(2, 0, "CodeDeployDefault.AllAtOnce");
    for target in &mut asked.targets {
        target.side = Some(Side::Blue);
        target.fleet = Some("web".to_owned());
    }
    asked.sides = Some(Sides {
        original: Selection::auto_scaling_group("old".to_owned()),
        replacement: Selection::auto_scaling_group("new".to_owned()),
    });
    asked.provision = Some(Provision {
        account: None,
        fleet: "web".to_owned(),
        count: 2,
    });
    asked.group.deployment_style = cutover::model::yaml::from_str(
        "{deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL}",
    )
    .unwrap();
    asked.group.blue_green_deployment_configuration = cutover::model::yaml::from_str(
        "deploymentReadyOption: {actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 10}\n\
         terminateBlueInstancesOnDeploymentSuccess: {action: TERMINATE, terminationWaitTimeInMinutes: 20}\n",
    )
    .unwrap();
    asked
}

fn hosts(names: &[&str]) -> Vec<Host> {
    let host = |text: &&str| Host {
        name: name(text),
        address: format!("http://127.0.0.1:{}", 7000 + text.len()),
        tags: std::collections::BTreeMap::default(),
        zone: None,
        endpoints: std::collections::BTreeMap::default(),
        instance: None,
        provisioned: Some(Provisioned {
            fleet: "web".to_owned(),
            deployment: id("d-AAAAAAAAA"),
            auto_scaling_group: "new".to_owned(),
        }),
    };
    names.iter().map(host).collect()
}

fn started(spec: Spec) -> World {
    let mut world = World::new(spec);
    world.admit();
    world
}

fn tell(world: &mut World, told: Told) -> Vec<Event> {
    world.input(&Input::Fleet(told))
}

fn provisioned(world: &mut World) {
    tell(world, Told::Provisioned(hosts(&["new-a", "new-b"])));
}

fn all(world: &mut World, events: &[E]) {
    for host in world.running() {
        for event in events {
            world.event(&host, *event, true);
        }
        world.report(&host, Report::Ended);
    }
}

fn labels(plan: &cutover::engine::Plan) -> Vec<String> {
    plan.stages.iter().map(Stage::label).collect()
}

fn asks(world: &World) -> bool {
    world
        .in_flight
        .keys()
        .any(|id| matches!(id, WorkId::Provision(_) | WorkId::Terminate(_)))
}

fn elapse(world: &mut World, by: i64) {
    world.now = Timestamp(world.now.0 + by);
    world.input(&Input::TimerElapsed);
}

/// Up to the termination of the original.
fn rerouted(spec: Spec) -> World {
    let mut world = started(spec);
    provisioned(&mut world);
    tell(&mut world, Told::Report);
    all(&mut world, &E::REPLACEMENT);
    world.command(What::Continue {
        before: Before::Reroute,
    });
    all(&mut world, &E::ALLOW);
    all(&mut world, &E::BLOCK);
    world.command(What::Continue {
        before: Before::Termination,
    });
    world
}

#[test]
fn the_plan_is_made_before_the_instances_are_known_and_again_with_them() {
    let whole = [
        "provision",
        "install",
        "wait for reroute",
        "reroute",
        "drain original",
        "keep original",
        "terminate",
    ];
    let before = plan(&asked());
    assert_eq!(labels(&before), whole);
    assert_eq!(before.window.unwrap().concurrency, 2);
    let mut world = started(asked());
    assert_eq!(world.deployment.status, InProgress);
    assert!(world.running().is_empty());
    assert!(asks(&world));
    provisioned(&mut world);
    assert_eq!(labels(&world.deployment.plan), whole);
    assert_eq!(world.deployment.overview.pending, 4);
    assert!(world.running().is_empty(), "their agents have not reported");
    assert!(asks(&world));
    tell(&mut world, Told::Report);
    assert_eq!(world.running(), ["new-a", "new-b"]);
    assert!(!asks(&world));
    let green = world.deployment.target(&name("new-a")).unwrap();
    assert_eq!(green.side, Some(Side::Green));
    // What is said again changes nothing.
    assert_eq!(tell(&mut world, Told::Report), []);
    provisioned(&mut world);
    assert_eq!(world.deployment.overview.total(), 4);
    // The journal holds all of it.
    assert_eq!(fold(&world.journal).unwrap(), world.deployment);
}

#[test]
fn the_original_is_terminated_in_the_end() {
    let mut world = rerouted(asked());
    assert_eq!(world.deployment.status, InProgress);
    assert_eq!(world.deployment.fleet_work().unwrap().0, Asked::Terminate);
    let line = outlook(&world.deployment, world.now).to_string();
    assert!(
        line.starts_with("waiting for 2 instances of the original to be terminated, 0 s of 1h"),
        "{line}"
    );
    assert!(line.ends_with("then Succeeded"), "{line}");
    let stop = What::Stop {
        auto_rollback: Some(true),
    };
    let command = cutover::engine::input::Command::new(stop, "ana");
    let refused = cutover::engine::refusal(&world.deployment, &command).unwrap();
    assert_eq!(
        refused.code(),
        "UnsupportedActionForDeploymentTypeException"
    );
    let gone = vec![name("host-1"), name("host-2")];
    let told = Told::Terminated {
        targets: gone.clone(),
        trouble: None,
    };
    tell(&mut world, told);
    assert_eq!(world.deployment.status, Succeeded);
    assert_eq!(world.deployment.terminated.as_ref().unwrap().gone, gone);
    assert!(!asks(&world));
    assert_eq!(fold(&world.journal).unwrap(), world.deployment);

    let mut ledger = Ledger::default();
    let records = world.journal.iter();
    let mut events = LedgerEvent::of_fleets(records);
    events.push(LedgerEvent::closing(&world.deployment));
    for (seq, event) in (1..).zip(events) {
        let at = world.now;
        ledger.evolve(&LedgerRecord { seq, at, event });
    }
    let known: Vec<&str> = ledger
        .provisioned
        .keys()
        .map(cutover::model::name::Name::as_str)
        .collect();
    assert_eq!(known, ["new-a", "new-b"]);
    assert_eq!(
        ledger.selection(&asked().group),
        Selection::auto_scaling_group("new".to_owned())
    );
}

#[test]
fn a_fleet_that_can_not_terminate_does_not_take_the_success_away() {
    let mut world = rerouted(asked());
    tell(
        &mut world,
        Told::Terminated {
            targets: vec![name("host-1")],
            trouble: Some("it said no".to_owned()),
        },
    );
    assert_eq!(world.deployment.status, Succeeded);
    let terminated = world.deployment.terminated.clone().unwrap();
    assert_eq!(terminated.trouble.as_deref(), Some("it said no"));
    let mut world = rerouted(asked());
    elapse(&mut world, HOUR);
    assert_eq!(world.deployment.status, Succeeded);
    let trouble = world.deployment.terminated.unwrap().trouble.unwrap();
    assert!(trouble.contains("within 1h"), "{trouble}");
}

#[test]
fn originals_of_no_fleet_are_kept() {
    let mut mixed = asked();
    mixed.targets[0].fleet = None;
    assert_eq!(
        plan(&mixed).stages.last(),
        Some(&Stage::Terminate {
            targets: vec![name("host-2")]
        })
    );
    mixed.targets[1].fleet = None;
    assert_eq!(labels(&plan(&mixed)).last().unwrap(), "keep original");
    let mut world = rerouted(mixed);
    assert_eq!(world.deployment.status, Succeeded);
    assert_eq!(world.deployment.terminated, None);
    let mut kept = asked();
    let options = kept.group.blue_green_deployment_configuration.as_mut();
    options
        .unwrap()
        .terminate_blue_instances_on_deployment_success =
        cutover::model::yaml::from_str("{action: KEEP_ALIVE}").unwrap();
    assert_eq!(labels(&plan(&kept)).last().unwrap(), "drain original");
    world = rerouted(kept);
    assert_eq!(world.deployment.status, Succeeded);
}

#[test]
fn a_fleet_that_refuses_or_takes_too_long_fails_the_deployment() {
    let refusal = || ErrorInformation {
        code: ErrorCode::AutoscalingValidationError,
        message: "no room".to_owned(),
    };
    let mut world = started(asked());
    tell(&mut world, Told::Refused(refusal()));
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(world.deployment.error, Some(refusal()));
    assert_eq!(world.deployment.overview.skipped, 2);
    assert!(world.in_flight.is_empty());

    let mut world = started(asked());
    elapse(&mut world, HOUR - 1_000);
    assert_eq!(world.deployment.status, InProgress);
    elapse(&mut world, 1_000);
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(world.deployment.error.unwrap().code, ErrorCode::Timeout);

    let mut world = started(asked());
    provisioned(&mut world);
    elapse(&mut world, HOUR);
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(world.deployment.error.unwrap().code, ErrorCode::AgentIssue);
    // More than the project allows is known and not touched.
    let mut few = asked();
    few.limits.instances_per_deployment = Some(1);
    assert!(plan(&few).impossible.is_some());
}

#[test]
fn a_stop_waits_for_what_the_fleet_was_asked_for() {
    let mut world = started(asked());
    world.stop();
    assert_eq!(world.deployment.status, InProgress);
    assert!(asks(&world), "what it provisions has to be known");
    let line = outlook(&world.deployment, world.now).to_string();
    assert!(
        line.starts_with("ana stops it: waiting for web to provision 2 instances"),
        "{line}"
    );
    assert!(line.ends_with("then Stopped"), "{line}");
    provisioned(&mut world);
    assert_eq!(world.deployment.status, Stopped);
    let known = world.deployment.target(&name("new-a")).unwrap();
    assert_eq!((known.status, known.attempt), (TargetStatus::Skipped, 0));

    // One that fails, or never answers.
    let mut world = started(asked());
    world.stop();
    let (code, message) = (ErrorCode::AutoscalingValidationError, "no room".to_owned());
    tell(
        &mut world,
        Told::Refused(ErrorInformation { code, message }),
    );
    assert_eq!(world.deployment.status, Stopped);
    let error = world.deployment.error.unwrap();
    assert_eq!(error.code, ErrorCode::ManualStop);
    assert_eq!(error.message, "stopped by ana; no room");
    let mut world = started(asked());
    world.stop();
    elapse(&mut world, HOUR);
    assert_eq!(world.deployment.status, Stopped);

    // While agents are waited for there is nothing more to learn.
    let mut world = started(asked());
    provisioned(&mut world);
    world.stop();
    assert_eq!(world.deployment.status, Stopped);
}

#[test]
fn who_was_left_out_before_stays_so_and_a_pause_holds_back_what_comes() {
    let mut world = started(asked());
    world.command(What::Skip {
        target: name("host-1"),
    });
    world.command(What::Pause);
    provisioned(&mut world);
    tell(&mut world, Told::Report);
    assert!(world.running().is_empty());
    let left_out = world.deployment.target(&name("host-1")).unwrap();
    assert_eq!(left_out.status, TargetStatus::Skipped);
    assert_eq!(left_out.message.as_deref(), Some("left out by ana"));
    assert_eq!(world.deployment.overview.skipped, 1);
    world.command(What::Resume);
    assert_eq!(world.running(), ["new-a", "new-b"]);
    all(&mut world, &E::REPLACEMENT);
    assert_eq!(world.deployment.status, Ready);
    assert_eq!(fold(&world.journal).unwrap(), world.deployment);
}

#[test]
fn the_way_back_knows_who_was_provisioned() {
    let mut world = started(asked());
    provisioned(&mut world);
    tell(&mut world, Told::Report);
    all(&mut world, &E::REPLACEMENT);
    world.command(What::Continue {
        before: Before::Reroute,
    });
    world.event("new-a", E::BeforeAllowTraffic, true);
    world.event("new-a", E::AllowTraffic, true);
    world.command(What::Stop {
        auto_rollback: Some(true),
    });
    for host in world.running() {
        world.report(&host, Report::Ended);
    }
    assert_eq!(world.deployment.status, Stopped);
    let back = rollback::spec(
        &world.deployment,
        &Ledger::default(),
        &[],
        id("d-BBBBBBBBB"),
    );
    let plan = plan(&back.unwrap());
    assert_eq!(labels(&plan), ["reroute", "drain original"]);
    assert_eq!(plan.stages[1].targets(), [name("new-a"), name("new-b")]);
}

#[test]
fn it_can_be_rehearsed_with_instances_that_nobody_knows_yet() {
    let mut at_once = asked();
    let options = at_once.group.blue_green_deployment_configuration.as_mut();
    options.unwrap().deployment_ready_option = None;
    let world = World::new(at_once);
    let assumptions = Assumptions {
        durations: Durations {
            otherwise: std::time::Duration::from_secs(10),
            ..Durations::default()
        },
        fails: std::collections::BTreeSet::default(),
    };
    let rehearsed = rehearse(&world.deployment, &assumptions, world.now);
    assert_eq!(rehearsed.end.status, Succeeded);
    assert_eq!(rehearsed.end.succeeded, 4);
    let first = &rehearsed.moments[0].started;
    assert_eq!(first, &[name("new-1"), name("new-2")]);
    let world = started(asked());
    let line = outlook(&world.deployment, world.now).to_string();
    assert_eq!(
        line,
        "waiting for web to provision 2 instances, 0 s of 1h; then 2 instances"
    );
}
