//! Deployments of functions: hooks that report, and the weights of an alias between them (lifecycle.md §4, §9).

use std::collections::BTreeMap;

use cutover::appspec::lambda::{AppSpec, Function};
use cutover::engine::event::Event;
use cutover::engine::input::Report;
use cutover::engine::pending::WorkId;
use cutover::engine::spec::TargetSpec;
use cutover::engine::{Input, Ledger, Spec, pending, rollback};
use cutover::model::deployment::DeploymentStatus::{Failed, InProgress, Ready, Stopped, Succeeded};
use cutover::model::deployment::{ErrorCode, InstanceHealth, RevisionHealth};
use cutover::model::diagnostics::Diagnostics;
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};
use cutover::model::timestamp::Timestamp;
use cutover::model::traffic::{Side, Split};

use crate::blue_green::{MINUTE, elapse, labels};
use crate::world::{World, id, name, spec};

const F: &str = "thumbs";
const CANARY: &str =
    "{type: TimeBasedCanary, timeBasedCanary: {canaryPercentage: 25, canaryInterval: 45}}";

/// Version 2 of a function takes over from version 1, with hooks for these events.
fn function(routing: &str, hooks: &[E]) -> Spec {
    let mut asked = spec(0, 0, "CodeDeployDefault.AllAtOnce");
    asked.configuration.traffic_routing_config =
        Some(cutover::model::yaml::from_str(routing).unwrap());
    asked.targets = vec![TargetSpec {
        name: name(F),
        zone: None,
        side: Some(Side::Green),
        fleet: None,
        instance_health: InstanceHealth::Unhealthy,
        revision_health: RevisionHealth::Unknown,
    }];
    let hooks: BTreeMap<E, String> = hooks
        .iter()
        .map(|event| (*event, format!("CodeDeployHook_{event}")))
        .collect();
    asked.function = Some(AppSpec {
        function: Function {
            name: F.to_owned(),
            alias: "live".to_owned(),
            current_version: Some(1),
            target_version: 2,
        },
        hooks,
    });
    asked
}

const BOTH: [E; 2] = [E::BeforeAllowTraffic, E::AfterAllowTraffic];

pub fn share(world: &World) -> u8 {
    world.deployment.split().unwrap().replacement()
}

pub fn in_effect(world: &mut World, share: u8) {
    world.input(&Input::InEffect(Split::new(share).unwrap()));
}

pub fn error(world: &World) -> (ErrorCode, String) {
    let error = world.deployment.error.clone().unwrap();
    (error.code, error.message)
}

#[test]
fn hooks_stand_before_and_after_the_shift_where_the_appspec_names_some() {
    assert_eq!(
        labels(&function(CANARY, &BOTH)),
        [
            "BeforeAllowTraffic",
            "reroute",
            "shift",
            "AfterAllowTraffic"
        ]
    );
    assert_eq!(
        labels(&function("{type: AllAtOnce}", &[])),
        ["reroute", "shift"]
    );
}

#[test]
fn traffic_moves_between_the_hooks_by_the_configuration() {
    let mut world = World::new(function(CANARY, &BOTH));
    world.admit();
    assert_eq!(world.running(), [F]);
    assert_eq!(share(&world), 0);
    world.does(F, E::BeforeAllowTraffic);
    world.does(F, E::AllowTraffic);
    assert_eq!(share(&world), 25);
    in_effect(&mut world, 25);
    let until = world.now.0 + 45 * MINUTE;
    elapse(&mut world, until);
    assert_eq!(share(&world), 100);
    assert!(world.running().is_empty(), "not before it is in effect");
    in_effect(&mut world, 100);
    assert_eq!(world.running(), [F]);
    world.does(F, E::AfterAllowTraffic);
    assert_eq!(world.deployment.status, Succeeded);
    let events = &world.deployment.targets[0].events;
    let done = events.iter().map(|entry| (entry.event, entry.status));
    assert_eq!(
        done.collect::<Vec<_>>(),
        [E::BeforeAllowTraffic, E::AllowTraffic, E::AfterAllowTraffic]
            .map(|event| (event, EventStatus::Succeeded))
    );
}

#[test]
fn each_hook_is_a_run_of_its_own_that_begins_once() {
    let mut world = World::new(function("{type: AllAtOnce}", &BOTH));
    world.admit();
    world.does(F, E::BeforeAllowTraffic);
    world.does(F, E::AllowTraffic);
    in_effect(&mut world, 100);
    world.does(F, E::AfterAllowTraffic);
    assert_eq!(world.begun.len(), 3);
    assert!(world.begun.values().all(|times| *times == 1));
}

#[test]
fn a_first_hook_that_fails_ends_it_before_anything_moved() {
    let mut world = World::new(function(CANARY, &BOTH));
    world.admit();
    let why = Diagnostics::ending(ErrorCode::HookExecutionFailure, "it reported Failed");
    world.fails(F, E::BeforeAllowTraffic, why);
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(
        error(&world),
        (
            ErrorCode::HookExecutionFailure,
            "it reported Failed".to_owned()
        )
    );
    assert_eq!(share(&world), 0);
    assert!(rollback::way_back(&world.deployment).is_err());
}

#[test]
fn a_last_hook_that_fails_leaves_the_new_version_everything_until_somebody_goes_back() {
    let mut world = World::new(function("{type: AllAtOnce}", &BOTH));
    world.admit();
    world.does(F, E::BeforeAllowTraffic);
    world.does(F, E::AllowTraffic);
    in_effect(&mut world, 100);
    let why = Diagnostics::ending(ErrorCode::HookExecutionFailure, "it reported Failed");
    world.fails(F, E::AfterAllowTraffic, why);
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(error(&world).0, ErrorCode::HookExecutionFailure);
    assert_eq!(share(&world), 100);
    let back = rollback::spec(
        &world.deployment,
        &Ledger::default(),
        &[],
        id("d-BBBBBBBBB"),
    );
    let mut world = World::new(back.unwrap());
    assert_eq!(share(&world), 100, "until it begins");
    world.admit();
    assert_eq!(share(&world), 0, "all at once");
    in_effect(&mut world, 0);
    world.does(F, E::AllowTraffic);
    assert_eq!(world.deployment.status, Succeeded);
    assert!(world.begun.len() == 1, "no hook is called");
}

#[test]
fn an_alias_that_is_not_as_it_should_be_ends_it_with_its_own_error() {
    let mut world = World::new(function(CANARY, &[]));
    world.admit();
    let why = Diagnostics::ending(
        ErrorCode::InvalidLambdaConfiguration,
        "live leads to two versions",
    );
    world.fails(F, E::AllowTraffic, why);
    assert_eq!(error(&world).0, ErrorCode::InvalidLambdaConfiguration);
    assert_eq!(share(&world), 0);
}

#[test]
fn a_hook_that_does_not_report_within_an_hour_has_failed() {
    let mut world = World::new(function(CANARY, &BOTH));
    world.admit();
    let at = world.now;
    let event = E::BeforeAllowTraffic;
    world.report(F, Report::EventStarted { event, at });
    let hour = world.now.0 + 60 * MINUTE;
    let due = pending(&world.deployment)
        .into_keys()
        .find_map(|id| match id {
            WorkId::Deadline(_, at) => Some(at),
            _ => None,
        });
    assert_eq!(due, Some(Timestamp(hour)));
    late(&mut world, hour - 100);
    assert_eq!(world.deployment.status, InProgress);
    late(&mut world, hour);
    assert_eq!(world.deployment.status, Failed);
    let (code, message) = error(&world);
    assert_eq!(code, ErrorCode::HookExecutionFailure);
    assert!(message.starts_with("timed out"), "{message}");
    // Who reports after that reports to nobody.
    world.does(F, E::BeforeAllowTraffic);
    assert_eq!(world.deployment.status, Failed);
}

#[test]
fn a_hook_that_nobody_could_call_has_failed_too() {
    let mut world = World::new(function(CANARY, &BOTH));
    world.admit();
    let at = world.now.0 + 5 * MINUTE;
    late(&mut world, at);
    let (code, message) = error(&world);
    assert_eq!(code, ErrorCode::HookExecutionFailure);
    assert!(message.contains("could not be called"), "{message}");
}

fn late(world: &mut World, until: i64) {
    world.now = Timestamp(until - 10);
    world.input(&Input::DeadlinePassed {
        target: name(F),
        deregistered: false,
    });
}

#[test]
fn a_stop_waits_for_the_hook_and_moves_nothing() {
    let mut world = World::new(function(CANARY, &BOTH));
    world.admit();
    let at = world.now;
    let event = E::BeforeAllowTraffic;
    world.report(F, Report::EventStarted { event, at });
    world.stop();
    assert_eq!(world.deployment.status, InProgress);
    world.does(F, E::BeforeAllowTraffic);
    assert_eq!(world.deployment.status, Stopped);
    assert_eq!(share(&world), 0);
}

#[test]
fn a_stop_in_the_middle_leaves_the_weights_and_names_the_way_back() {
    let mut world = World::new(function(CANARY, &[]));
    world.admit();
    world.does(F, E::AllowTraffic);
    in_effect(&mut world, 25);
    world.stop();
    assert_eq!(world.deployment.status, Stopped);
    assert_eq!(share(&world), 25);
    assert_eq!(rollback::way_back(&world.deployment), Ok(()));
}

#[test]
fn where_people_have_to_approve_nothing_moves_before_they_do() {
    let mut asked = function(CANARY, &BOTH);
    let step = cutover::model::approval::Step::Reroute;
    asked.approvals.insert(step, 1);
    let mut world = World::new(asked);
    world.admit();
    world.does(F, E::BeforeAllowTraffic);
    assert_eq!(world.deployment.status, Ready);
    assert!(world.running().is_empty());
}

#[test]
fn approvals_that_come_first_take_as_long_as_they_take() {
    let mut asked = function(CANARY, &[]);
    let step = cutover::model::approval::Step::Reroute;
    asked.approvals.insert(step, 1);
    let mut world = World::new(asked);
    world.admit();
    assert_eq!(world.deployment.status, Ready);
    assert!(crate::blue_green::timers(&world).is_empty());
    let until = world.now.0 + 24 * 60 * MINUTE;
    elapse(&mut world, until);
    assert_eq!(world.deployment.status, Ready);
}

#[test]
fn a_hook_whose_function_is_no_host_of_the_project_has_timed_out_all_the_same() {
    let mut world = World::new(function(CANARY, &BOTH));
    world.admit();
    let at = world.now;
    let event = E::BeforeAllowTraffic;
    world.report(F, Report::EventStarted { event, at });
    world.now = Timestamp(world.now.0 + 60 * MINUTE);
    world.input(&Input::DeadlinePassed {
        target: name(F),
        deregistered: true,
    });
    assert_eq!(error(&world).0, ErrorCode::HookExecutionFailure);
}

#[test]
fn what_a_host_says_never_ends_a_deployment_by_itself() {
    let mut world = World::new(spec(9, 0, "CodeDeployDefault.HalfAtATime"));
    world.admit();
    let why = Diagnostics::ending(ErrorCode::InvalidLambdaFunction, "mischief");
    let at = world.now;
    let event = E::AfterInstall;
    let report = Report::EventEnded {
        event,
        status: EventStatus::Failed,
        at,
        diagnostics: Some(why),
    };
    world.report("host-1", report);
    world.report("host-1", Report::Ended);
    assert_eq!(world.deployment.status, InProgress);
    let ended = world
        .journal
        .iter()
        .any(|record| matches!(record.event, Event::Halted { .. }));
    assert!(!ended);
}
