//! What happens in which order, and when.

use cutover::engine::deployment::TargetEvent;
use cutover::engine::input::{Command, What};
use cutover::engine::leg::Actor;
use cutover::engine::plan::{Before, plan};
use cutover::engine::traffic::tested as test_side;
use cutover::engine::{Input, Spec};
use cutover::model::approval::Step;
use cutover::model::configuration::DeploymentConfiguration;
use cutover::model::deployment::DeploymentStatus::{InProgress, Ready, Stopped, Succeeded};
use cutover::model::deployment::ErrorCode;
use cutover::model::group::TriggerEvent;
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};
use cutover::model::traffic::Side;

use super::{
    AT_ONCE, CANARY, HOOKS, S, deletes, events, next, service, started, step, tested, to_the_end,
    upto, upto_wait, waiting, whole,
};
use crate::blue_green::{MINUTE, REROUTE, elapse, labels, timers};
use crate::functions::{error, in_effect, share};
use crate::shift::timeline;
use crate::world::{World, name};

#[test]
fn the_stages_are_those_of_the_group_and_of_the_appspec() {
    assert_eq!(
        labels(&whole()),
        [
            "BeforeInstall",
            "install",
            "AfterInstall",
            "test traffic",
            "AfterAllowTestTraffic",
            "wait for reroute",
            "BeforeAllowTraffic",
            "reroute",
            "shift",
            "AfterAllowTraffic",
            "keep original",
            "delete original"
        ]
    );
    assert_eq!(
        labels(&service(AT_ONCE, &[])),
        ["install", "reroute", "shift", "delete original"]
    );
}

#[test]
fn where_there_is_no_test_listener_nobody_calls_the_hook_of_test_traffic() {
    let stages = labels(&service(AT_ONCE, &HOOKS));
    assert!(!stages.contains(&"AfterAllowTestTraffic".to_owned()));
    assert!(!stages.contains(&"test traffic".to_owned()));
    let mut nobody = tested(service(AT_ONCE, &HOOKS));
    let info = nobody.group.load_balancer_info.as_mut().unwrap();
    let route = &mut info.target_group_pair_info_list[0].test_traffic_route;
    route.as_mut().unwrap().listener_arns.clear();
    assert_eq!(
        labels(&nobody),
        stages,
        "a route without a listener is none"
    );
    let mut world = started(service(AT_ONCE, &HOOKS));
    to_the_end(&mut world);
    let names = [
        E::BeforeInstall,
        E::Install,
        E::AfterInstall,
        E::BeforeAllowTraffic,
        E::AllowTraffic,
        E::AfterAllowTraffic,
    ];
    let done = names.map(|event| (event, EventStatus::Succeeded));
    assert_eq!(events(&world), done);
    assert_eq!(world.deployment.status, Succeeded);
}

#[test]
fn every_event_comes_in_its_turn_and_begins_once() {
    let mut world = started(whole());
    to_the_end(&mut world);
    assert_eq!(world.deployment.status, Succeeded);
    let done = E::ECS.map(|event| (event, EventStatus::Succeeded));
    assert_eq!(events(&world), done);
    assert_eq!(world.begun.len(), E::ECS.len());
    assert!(world.begun.values().all(|times| *times == 1));
}

#[test]
fn each_event_has_its_actor() {
    use Actor::{Balancer, Hook, TaskSets};
    let world = started(whole());
    let target = world.deployment.target(&name(S)).unwrap();
    let actors = target.events.iter().map(TargetEvent::actor);
    assert_eq!(
        actors.collect::<Vec<_>>(),
        [Hook, TaskSets, Hook, Balancer, Hook, Hook, Balancer, Hook]
    );
}

/// The whole example of configurations.md §8.1, with its minutes.
#[test]
fn the_example_of_the_specification_comes_about() {
    let mut world = World::new(whole());
    let begin = world.now.0;
    world.admit();
    let at = |world: &mut World, minute: i64| {
        world.now = cutover::model::timestamp::Timestamp(begin + minute * MINUTE);
    };
    let sides = |world: &World| (share(world), test_side(&world.deployment));
    world.does(S, E::BeforeInstall);
    at(&mut world, 1);
    assert_eq!(next(&world), Some(E::Install));
    at(&mut world, 4);
    world.does(S, E::Install);
    world.does(S, E::AfterInstall);
    assert_eq!(sides(&world), (0, None));
    world.does(S, E::AllowTestTraffic);
    at(&mut world, 8);
    world.does(S, E::AfterAllowTestTraffic);
    assert_eq!(world.deployment.status, Ready);
    assert_eq!(sides(&world), (0, Some(Side::Green)));
    at(&mut world, 28);
    world.command(REROUTE);
    assert_eq!(world.deployment.status, InProgress);
    at(&mut world, 29);
    world.does(S, E::BeforeAllowTraffic);
    world.does(S, E::AllowTraffic);
    assert_eq!(share(&world), 10);
    in_effect(&mut world, 10);
    let shift = world.deployment.next_shift().unwrap().1;
    elapse(&mut world, shift.0);
    assert_eq!((share(&world), (world.now.0 - begin) / MINUTE), (100, 34));
    in_effect(&mut world, 100);
    at(&mut world, 36);
    world.does(S, E::AfterAllowTraffic);
    let (before, until) = world.deployment.wait_ends().unwrap();
    assert_eq!(before, Before::Termination);
    assert_eq!(world.deployment.status, InProgress);
    elapse(&mut world, until.0 - 20);
    assert!(!deletes(&world), "not a moment early");
    elapse(&mut world, until.0);
    assert_eq!((world.now.0 - begin) / MINUTE, 66);
    assert!(deletes(&world));
    assert_eq!(world.deployment.status, InProgress, "until it is gone");
    step(&mut world);
    assert_eq!(world.deployment.status, Succeeded);
    assert_eq!(sides(&world), (100, Some(Side::Green)));
}

/// What every predefined configuration of services says, on a clock that stands still between its times.
#[test]
fn the_predefined_configurations_shift_as_they_are_called() {
    let text = include_str!("../../../assets/configurations.yaml");
    let all: Vec<DeploymentConfiguration> = cutover::model::yaml::from_str(text).unwrap();
    let tens = |minutes: i64| (0u8..10).map(move |k| (minutes * i64::from(k), 10 * (k + 1)));
    let expected: [(&str, Vec<(i64, u8)>); 5] = [
        ("ECSAllAtOnce", vec![(0, 100)]),
        ("ECSCanary10Percent5Minutes", vec![(0, 10), (5, 100)]),
        ("ECSCanary10Percent15Minutes", vec![(0, 10), (15, 100)]),
        ("ECSLinear10PercentEvery1Minutes", tens(1).collect()),
        ("ECSLinear10PercentEvery3Minutes", tens(3).collect()),
    ];
    let named = all.iter().map(|one| one.deployment_config_name.as_str());
    let of_services = named.filter(|name| name.starts_with("CodeDeployDefault.ECS"));
    assert_eq!(of_services.count(), expected.len());
    for (name, shares) in expected {
        let full = format!("CodeDeployDefault.{name}");
        let mut found = all.iter();
        let found = found.find(|one| one.deployment_config_name.as_str() == full);
        let mut asked = service(AT_ONCE, &[]);
        asked.configuration = found.unwrap().clone();
        let mut world = started(asked);
        world.does(S, E::Install);
        world.does(S, E::AllowTraffic);
        assert_eq!(timeline(world), shares, "{name}");
    }
}

#[test]
fn traffic_moves_when_the_test_is_over_and_not_before() {
    let mut world = started(tested(service(CANARY, &HOOKS)));
    upto(&mut world, E::AfterAllowTestTraffic);
    assert_eq!(share(&world), 0);
    assert_eq!(test_side(&world.deployment), Some(Side::Green));
    upto(&mut world, E::AllowTraffic);
    assert_eq!(share(&world), 0);
}

#[test]
fn where_nobody_reroutes_in_time_it_stops_and_the_original_keeps_everything() {
    let mut world = started(whole());
    upto_wait(&mut world, Before::Reroute);
    assert_eq!(world.deployment.status, Ready);
    let (_, until) = world.deployment.wait_ends().unwrap();
    elapse(&mut world, until.0 - 20);
    assert_eq!(world.deployment.status, Ready);
    elapse(&mut world, until.0);
    assert_eq!(world.deployment.status, Stopped);
    assert_eq!(error(&world).0, ErrorCode::Timeout);
    assert_eq!(share(&world), 0);
}

#[test]
fn approvals_come_with_the_wait_or_where_there_is_none_before_traffic_moves() {
    let mut asked = tested(service(CANARY, &HOOKS));
    asked.approvals.insert(Step::Reroute, 1);
    let stages = labels(&asked);
    let approval = stages.iter().position(|label| label == "approval").unwrap();
    assert_eq!(
        stages[approval - 1..=approval + 1],
        ["BeforeAllowTraffic", "approval", "reroute"]
    );
    let mut world = started(asked.clone());
    while world.deployment.status != Ready {
        step(&mut world);
    }
    assert!(timers(&world).is_empty(), "as long as it takes");
    assert!(world.running().is_empty());
    let asked = waiting(asked);
    assert!(!labels(&asked).contains(&"approval".to_owned()));
    let mut world = started(asked);
    upto_wait(&mut world, Before::Reroute);
    world.command(REROUTE);
    assert_eq!(world.deployment.status, Ready, "nobody has approved it");
    let approve = What::Approve { step: None };
    world.input(&Input::Command(Command::new(approve, "ben")));
    assert_eq!(next(&world), Some(E::BeforeAllowTraffic));
}

#[test]
fn who_is_told_is_told_once_that_it_is_ready() {
    use TriggerEvent::{DeploymentReady, InstanceReady, InstanceStart};
    for asked in [
        whole(),
        service(AT_ONCE, &HOOKS),
        service(AT_ONCE, &[]),
        tested(service(AT_ONCE, &[])),
    ] {
        let mut world = started(asked);
        to_the_end(&mut world);
        let told = crate::notices::told(&world);
        let times = |event| told.iter().filter(|(one, _)| *one == event).count();
        assert_eq!(
            [DeploymentReady, InstanceReady, InstanceStart].map(times),
            [1, 1, 1],
            "{told:?}"
        );
    }
}

#[test]
fn a_group_that_says_too_little_can_not_be_deployed_to() {
    let mut asked = service(AT_ONCE, &[]);
    asked.group.load_balancer_info = None;
    let code = |asked: &Spec| plan(asked).impossible.unwrap().code;
    assert_eq!(code(&asked), ErrorCode::MissingElbInformation);
    let mut asked = service(AT_ONCE, &[]);
    asked.group.blue_green_deployment_configuration = None;
    let expected = ErrorCode::MissingBlueGreenDeploymentConfiguration;
    assert_eq!(code(&asked), expected);
}
