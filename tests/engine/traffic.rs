//! In place behind a load balancer: instances leave it and come back, host and load balancer taking turns.

use cutover::engine::Spec;
use cutover::engine::input::Report;
use cutover::engine::leg::Actor;
use cutover::engine::traffic::{Place, place};
use cutover::model::deployment::DeploymentStatus::{Failed, InProgress, Stopped, Succeeded};
use cutover::model::deployment::{Creator, TargetStatus};
use cutover::model::group::{DeploymentOption, DeploymentStyle, DeploymentType};
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};

use crate::world::{World, name, spec};

const ONE: &str = "CodeDeployDefault.OneAtATime";

fn balanced(n: usize) -> Spec {
    let mut asked = spec(n, 0, ONE);
    asked.group.deployment_style = DeploymentStyle {
        deployment_type: DeploymentType::InPlace,
        deployment_option: DeploymentOption::WithTrafficControl,
    };
    asked
}

fn started(spec: Spec) -> World {
    let mut world = World::new(spec);
    world.admit();
    world
}

fn execution(world: &World, host: &str) -> String {
    let target = world.deployment.target(&name(host)).unwrap();
    target.execution.as_ref().unwrap().to_string()
}

fn place_of(world: &World, host: &str) -> Option<Place> {
    place(world.deployment.target(&name(host)).unwrap())
}

/// The instance goes through these events.
fn go(world: &mut World, host: &str, events: &[E]) {
    for event in events {
        world.event(host, *event, true);
    }
}

const HOST: [E; 9] = [
    E::AfterBlockTraffic,
    E::ApplicationStop,
    E::DownloadBundle,
    E::BeforeInstall,
    E::Install,
    E::AfterInstall,
    E::ApplicationStart,
    E::ValidateService,
    E::BeforeAllowTraffic,
];

#[test]
fn host_and_load_balancer_take_turns() {
    let mut world = started(balanced(2));
    let actor = |world: &World| world.deployment.target(&name("host-1")).unwrap().actor();
    assert_eq!(place_of(&world, "host-1"), None, "it serves as it did");
    assert_eq!(execution(&world, "host-1"), "d-AAAAAAAAA~host-1~0~1");
    go(&mut world, "host-1", &[E::BeforeBlockTraffic]);
    assert_eq!(actor(&world), Actor::Balancer);
    assert_eq!(execution(&world, "host-1"), "d-AAAAAAAAA~host-1~0~1~1");
    go(&mut world, "host-1", &[E::BlockTraffic]);
    assert_eq!(place_of(&world, "host-1"), Some(Place::Out));
    assert_eq!(
        (actor(&world), execution(&world, "host-1").as_str()),
        (Actor::Host, "d-AAAAAAAAA~host-1~0~1~2")
    );
    go(&mut world, "host-1", &HOST);
    assert_eq!(place_of(&world, "host-1"), Some(Place::Out));
    assert_eq!(actor(&world), Actor::Balancer);
    go(&mut world, "host-1", &[E::AllowTraffic]);
    assert_eq!(place_of(&world, "host-1"), Some(Place::In));
    assert_eq!(execution(&world, "host-1"), "d-AAAAAAAAA~host-1~0~1~4");
    assert_eq!(world.running(), ["host-1"]);
    go(&mut world, "host-1", &[E::AfterAllowTraffic]);
    world.report("host-1", Report::Ended);
    assert_eq!(world.running(), ["host-2"]);
    go(&mut world, "host-2", &E::SERVER);
    world.report("host-2", Report::Ended);
    assert_eq!(world.deployment.status, Succeeded);
    assert!(world.begun.values().all(|times| *times == 1));
    assert_eq!(world.begun.len(), 10, "five legs on each of two");
}

#[test]
fn a_stop_finishes_the_event_and_begins_no_other_leg() {
    let mut world = started(balanced(2));
    go(&mut world, "host-1", &[E::BeforeBlockTraffic]);
    let at = world.now;
    let event = E::BlockTraffic;
    world.report("host-1", Report::EventStarted { event, at });
    world.stop();
    assert_eq!(world.deployment.status, InProgress, "it drains");
    world.event("host-1", E::BlockTraffic, true);
    assert_eq!(world.deployment.status, Stopped);
    let target = world.deployment.target(&name("host-1")).unwrap();
    assert_eq!(target.status, TargetStatus::Skipped);
    assert_eq!(
        target.event(E::AfterBlockTraffic).unwrap().status,
        EventStatus::Skipped
    );
    assert_eq!(place_of(&world, "host-1"), Some(Place::Out), "it stays out");
}

#[test]
fn one_that_fails_in_between_stays_out() {
    let mut world = started(balanced(2));
    go(
        &mut world,
        "host-1",
        &[E::BeforeBlockTraffic, E::BlockTraffic, E::AfterBlockTraffic],
    );
    world.event("host-1", E::ApplicationStop, false);
    world.report("host-1", Report::Ended);
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(place_of(&world, "host-1"), Some(Place::Out));
    assert_eq!(place_of(&world, "host-2"), None);
}

#[test]
fn a_failed_event_before_or_after_the_block_may_be_ignored() {
    for ignores in [false, true] {
        let mut asked = balanced(1);
        asked.options.ignore_application_stop_failures = ignores;
        let mut world = started(asked);
        world.event("host-1", E::BeforeBlockTraffic, false);
        if ignores {
            assert_eq!(execution(&world, "host-1"), "d-AAAAAAAAA~host-1~0~1~1");
            go(&mut world, "host-1", &E::SERVER[1..]);
        }
        world.report("host-1", Report::Ended);
        let expected = if ignores { Succeeded } else { Failed };
        assert_eq!(world.deployment.status, expected);
    }
}

#[test]
fn one_that_joins_has_no_traffic_to_lose() {
    let mut asked = balanced(1);
    asked.creator = Creator::Autoscaling;
    let world = started(asked);
    let target = world.deployment.target(&name("host-1")).unwrap();
    let events: Vec<E> = target.events.iter().map(|entry| entry.event).collect();
    assert_eq!(events, [&E::IN_PLACE[..], &E::ALLOW].concat());
    assert_eq!(
        place_of(&world, "host-1"),
        Some(Place::Out),
        "nobody has validated it"
    );
}
