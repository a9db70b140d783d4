//! Blue/green on hosts: install, wait, reroute, drain the original, keep it for a while.

use cutover::engine::deployment::Target;
use cutover::engine::event::Event;
use cutover::engine::input::{Command, Report, What};
use cutover::engine::ledger::{LedgerEvent, LedgerRecord};
use cutover::engine::leg::Actor;
use cutover::engine::pending::WorkId;
use cutover::engine::plan::{Before, Stage, plan};
use cutover::engine::traffic::{Place, place};
use cutover::engine::{Input, Ledger, Spec, members, outlook, refusal, rollback};
use cutover::model::deployment::DeploymentStatus::{Failed, InProgress, Ready, Stopped, Succeeded};
use cutover::model::deployment::{ErrorCode, TargetStatus};
use cutover::model::group::{Selection, Sides};
use cutover::model::host::Host;
use cutover::model::lifecycle::LifecycleEvent as E;
use cutover::model::timestamp::Timestamp;
use cutover::model::traffic::Side;

use crate::world::{World, id, name, spec};

pub const ALL: &str = "CodeDeployDefault.AllAtOnce";
pub const ONE: &str = "CodeDeployDefault.OneAtATime";

pub const REROUTE: What = What::Continue {
    before: Before::Reroute,
};

pub const MINUTE: i64 = 60_000;

/// Original `host-1` to `host-{n}`, replacement from there to `host-{2n}`; ten minutes to reroute, twenty to terminate.
pub fn sides(n: usize, config: &str) -> Spec {
    let mut asked = spec(2 * n, 2 * n, config);
    for (at, target) in asked.targets.iter_mut().enumerate() {
        target.side = Some(if at < n { Side::Blue } else { Side::Green });
    }
    asked.sides = Some(Sides {
        original: tagged("blue"),
        replacement: tagged("green"),
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

pub fn tagged(side: &str) -> Selection {
    let text = format!("ec2TagFilters: [{{Key: side, Value: {side}}}]\n");
    cutover::model::yaml::from_str(&text).unwrap()
}

pub fn started(spec: Spec) -> World {
    let mut world = World::new(spec);
    world.admit();
    world
}

pub fn labels(spec: &Spec) -> Vec<String> {
    plan(spec).stages.iter().map(Stage::label).collect()
}

/// An instance goes through these events, the last of which is the end of its part.
pub fn part(world: &mut World, host: &str, events: &[E]) {
    for event in events {
        world.event(host, *event, true);
    }
    world.report(host, Report::Ended);
}

pub fn all(world: &mut World, events: &[E]) {
    while let Some(host) = world.running().first().cloned() {
        let before = world.deployment.stage;
        part(world, &host, events);
        if world.deployment.stage != before {
            return;
        }
    }
}

pub fn refused(world: &World, what: What) -> String {
    refusal(&world.deployment, &Command::new(what, "ana"))
        .unwrap()
        .to_string()
}

pub fn statuses(world: &World) -> Vec<TargetStatus> {
    world.deployment.targets.iter().map(|t| t.status).collect()
}

pub fn ready(n: usize, config: &str) -> World {
    let mut world = started(sides(n, config));
    all(&mut world, &E::REPLACEMENT);
    assert_eq!(world.deployment.status, Ready);
    world
}

pub fn timers(world: &World) -> Vec<i64> {
    let timers = world.in_flight.keys().filter_map(|id| match id {
        WorkId::Timer(_, at) => Some(at.0),
        _ => None,
    });
    timers.collect()
}

pub fn elapse(world: &mut World, until: i64) {
    world.now = Timestamp(until);
    world.input(&Input::TimerElapsed);
}

#[test]
fn the_stages_are_those_of_the_options() {
    let whole = [
        "install",
        "wait for reroute",
        "reroute",
        "drain original",
        "keep original",
    ];
    assert_eq!(labels(&sides(2, ONE)), whole);
    let mut at_once = sides(2, ONE);
    let options = at_once
        .group
        .blue_green_deployment_configuration
        .as_mut()
        .unwrap();
    options.deployment_ready_option = None;
    options.terminate_blue_instances_on_deployment_success = None;
    assert_eq!(labels(&at_once), ["install", "reroute", "drain original"]);
    let mut back = sides(2, ONE);
    back.rolls_back = Some(id("d-BBBBBBBBB"));
    assert_eq!(labels(&back), ["reroute", "drain original"]);
    let mut without = sides(2, ONE);
    without.group.blue_green_deployment_configuration = None;
    let code = plan(&without).impossible.unwrap().code;
    assert_eq!(code, ErrorCode::MissingBlueGreenDeploymentConfiguration);
}

#[test]
fn it_waits_for_the_reroute_then_moves_traffic_and_keeps_the_original_for_a_while() {
    let mut world = started(sides(2, ALL));
    let place_of = |world: &World, host: &str| place(world.deployment.target(&name(host)).unwrap());
    assert_eq!(world.running(), ["host-3", "host-4"]);
    assert_eq!(
        place_of(&world, "host-3"),
        Some(Place::Out),
        "nobody has validated it"
    );
    assert_eq!(place_of(&world, "host-1"), None);
    assert!(refused(&world, REROUTE).contains("does not wait for the reroute"));
    all(&mut world, &E::REPLACEMENT);
    assert_eq!(world.deployment.status, Ready);
    assert_eq!(world.deployment.overview.ready, 2);
    assert_eq!(world.deployment.overview.pending, 2);
    let line = outlook(&world.deployment, world.now).to_string();
    assert!(
        line.starts_with("waiting for somebody to reroute, 10m left"),
        "{line}"
    );

    world.command(REROUTE);
    assert_eq!(world.deployment.status, InProgress);
    assert_eq!(world.running(), ["host-3", "host-4"]);
    assert!(refused(&world, REROUTE).contains("does not wait for the reroute"));
    all(&mut world, &E::ALLOW);
    assert_eq!(place_of(&world, "host-3"), Some(Place::In));
    assert_eq!(
        world.running(),
        ["host-1", "host-2"],
        "only now the original leaves"
    );
    all(&mut world, &E::BLOCK);
    assert_eq!(place_of(&world, "host-1"), Some(Place::Out));
    assert_eq!(world.deployment.status, InProgress);
    assert!(world.running().is_empty());
    world.command(What::Continue {
        before: Before::Termination,
    });
    assert_eq!(world.deployment.status, Succeeded);
    assert_eq!(statuses(&world), [TargetStatus::Succeeded; 4]);
    assert!(world.begun.values().all(|times| *times == 1));
    assert_eq!(world.deployment.overview.total(), 4);
    let tried = |target: &Target| target.tries() == 1;
    assert!(world.deployment.targets.iter().all(tried));
}

#[test]
fn whoever_does_not_reroute_in_time_stops_it_and_the_wait_before_termination_just_ends() {
    let mut world = ready(2, ALL);
    let since = world.deployment.stage_time.unwrap().0;
    assert!(timers(&world).contains(&(since + 10 * MINUTE)));
    elapse(&mut world, since + 10 * MINUTE - 1_000);
    assert_eq!(world.deployment.status, Ready);
    elapse(&mut world, since + 10 * MINUTE);
    assert_eq!(world.deployment.status, Stopped);
    assert_eq!(
        world.deployment.error.as_ref().unwrap().code,
        ErrorCode::Timeout
    );
    assert_eq!(statuses(&world), [TargetStatus::Skipped; 4]);

    let mut world = ready(1, ALL);
    world.command(REROUTE);
    all(&mut world, &E::ALLOW);
    all(&mut world, &E::BLOCK);
    let since = world.deployment.stage_time.unwrap().0;
    elapse(&mut world, since + 20 * MINUTE);
    assert_eq!(world.deployment.status, Succeeded);
}

#[test]
fn a_pause_stops_the_clock_of_the_wait() {
    let mut world = ready(1, ALL);
    let since = world.deployment.stage_time.unwrap().0;
    world.command(What::Pause);
    assert!(timers(&world).is_empty());
    assert!(refused(&world, REROUTE).contains("resume it first"));
    world.now = Timestamp(since + 60 * MINUTE);
    world.command(What::Resume);
    assert_eq!(world.deployment.status, Ready);
    let until = timers(&world).into_iter().min().unwrap();
    assert!(until > since + 69 * MINUTE, "an hour later");
}

#[test]
fn a_stop_while_it_waits_leaves_the_original_alone() {
    let mut world = ready(2, ONE);
    world.stop();
    assert_eq!(world.deployment.status, Stopped);
    let blue = world.deployment.target(&name("host-1")).unwrap();
    assert_eq!((blue.status, blue.attempt), (TargetStatus::Skipped, 0));
    // Also when traffic has moved and only time is left.
    let mut world = ready(1, ALL);
    world.command(REROUTE);
    all(&mut world, &E::ALLOW);
    all(&mut world, &E::BLOCK);
    world.stop();
    assert_eq!(world.deployment.status, Stopped);
}

#[test]
fn what_failed_to_install_takes_no_part_in_the_reroute_and_counts_as_failed() {
    let mut world = started(sides(4, "percent-50"));
    world.finish("host-5", false);
    for host in ["host-6", "host-7", "host-8"] {
        part(&mut world, host, &E::REPLACEMENT);
    }
    assert_eq!(world.deployment.status, Ready);
    world.command(REROUTE);
    assert_eq!(
        world.running(),
        ["host-6", "host-7"],
        "two of four at a time"
    );
    part(&mut world, "host-6", &E::ALLOW);
    assert_eq!(world.running(), ["host-7", "host-8"]);
    part(&mut world, "host-7", &E::ALLOW);
    part(&mut world, "host-8", &E::ALLOW);
    assert_eq!(
        world.deployment.current_stage().unwrap().label(),
        "drain original"
    );
    assert_eq!(world.deployment.overview.failed, 1);

    let mut world = started(sides(4, "percent-75"));
    world.finish("host-5", false);
    all(&mut world, &E::REPLACEMENT);
    world.command(REROUTE);
    world.event("host-6", E::BeforeAllowTraffic, false);
    world.report("host-6", Report::Ended);
    assert_eq!(
        world.deployment.status, Failed,
        "two of four can't be three"
    );
    assert_eq!(
        world.deployment.error.as_ref().unwrap().code,
        ErrorCode::HealthConstraints
    );
}

#[test]
fn one_original_that_does_not_leave_fails_the_deployment() {
    let mut world = ready(2, ALL);
    world.command(REROUTE);
    all(&mut world, &E::ALLOW);
    part(&mut world, "host-1", &E::BLOCK);
    world.event("host-2", E::BeforeBlockTraffic, true);
    world.event("host-2", E::BlockTraffic, false);
    world.report("host-2", Report::Ended);
    assert_eq!(world.deployment.status, Failed);
    let error = world.deployment.error.unwrap();
    assert_eq!(error.code, ErrorCode::HealthConstraints);
    assert_eq!(
        error.message,
        "1 of 2 instances could not be taken out of service: look at the load balancers before anything is terminated"
    );
}

#[test]
fn a_side_without_instances_is_named() {
    let why = |spec: &Spec| {
        let error = plan(spec).impossible.unwrap();
        assert_eq!(error.code, ErrorCode::NoInstances);
        error.message
    };
    let mut none = sides(1, ALL);
    none.targets.pop();
    assert!(why(&none).starts_with("no host has the tags of the replacement"));
    none.up_to_date = 1;
    assert!(why(&none).starts_with("every replacement instance has the revision already"));
    let mut back = sides(1, ALL);
    back.targets.remove(0);
    back.rolls_back = Some(id("d-BBBBBBBBB"));
    assert!(why(&back).starts_with("there was no original"));
}

#[test]
fn who_failed_to_install_can_be_tried_again_and_then_takes_part() {
    let mut asked = sides(3, "percent-50");
    asked.options.on_failure = cutover::engine::spec::OnFailure::Hold;
    let mut world = started(asked);
    world.finish("host-4", false);
    world.command(What::Retry {
        target: name("host-4"),
    });
    all(&mut world, &E::REPLACEMENT);
    assert_eq!(world.deployment.status, Ready);
    assert_eq!(world.deployment.overview.ready, 3);
    world.command(REROUTE);
    all(&mut world, &E::ALLOW);
    all(&mut world, &E::BLOCK);
    assert_eq!(world.deployment.overview.succeeded, 6);
}

#[test]
fn going_back_gives_the_original_its_traffic_first() {
    let mut asked = sides(2, ALL);
    asked.rolls_back = Some(id("d-BBBBBBBBB"));
    let mut world = started(asked);
    let place_of = |world: &World, host: &str| place(world.deployment.target(&name(host)).unwrap());
    assert_eq!(world.running(), ["host-1", "host-2"]);
    assert_eq!(
        place_of(&world, "host-1"),
        None,
        "it may have its traffic still"
    );
    all(&mut world, &E::ALLOW);
    assert_eq!(world.running(), ["host-3", "host-4"]);
    all(&mut world, &E::BLOCK);
    assert_eq!(world.deployment.status, Succeeded);
    let install = |event: &Event| {
        matches!(
            event,
            Event::EventStarted {
                event: E::Install,
                ..
            }
        )
    };
    assert!(!world.journal.iter().any(|record| install(&record.event)));
}

/// What the deployment leaves to its group.
fn closed(world: &World, ledger: &mut Ledger) {
    let seq = ledger.seq + 1;
    let event = LedgerEvent::closing(&world.deployment);
    let at = world.now;
    ledger.evolve(&LedgerRecord { seq, at, event });
}

#[test]
fn the_group_is_the_side_that_has_the_traffic() {
    let mut ledger = Ledger::default();
    let group = sides(1, ALL).group;
    assert_eq!(ledger.selection(&group), group.selection());
    let mut world = ready(1, ALL);
    world.command(REROUTE);
    all(&mut world, &E::ALLOW);
    all(&mut world, &E::BLOCK);
    world.command(What::Continue {
        before: Before::Termination,
    });
    closed(&world, &mut ledger);
    assert_eq!(ledger.selection(&group), tagged("green"));
    assert_eq!(ledger.serving(&group).unwrap().before, tagged("blue"));
    assert_eq!(
        ledger.hosts.keys().collect::<Vec<_>>(),
        [&name("host-2")],
        "nothing was installed on host-1"
    );
    let mut rewritten = group.clone();
    rewritten.ec2_tag_filters = None;
    assert_eq!(
        ledger.selection(&rewritten),
        rewritten.selection(),
        "what is written now counts"
    );

    let mut back = sides(1, ALL);
    back.rolls_back = Some(id("d-BBBBBBBBB"));
    let mut world = started(back);
    all(&mut world, &E::ALLOW);
    all(&mut world, &E::BLOCK);
    closed(&world, &mut ledger);
    assert_eq!(ledger.selection(&group), tagged("blue"));
}

#[test]
fn the_way_back_gives_the_group_no_revision_that_its_instances_do_not_have() {
    let mut ledger = Ledger::default();
    let mut back = sides(1, ALL);
    back.rolls_back = Some(id("d-BBBBBBBBB"));
    // There was none before the deployment that it undoes.
    back.previous_revision = None;
    let mut world = started(back);
    all(&mut world, &E::ALLOW);
    all(&mut world, &E::BLOCK);
    closed(&world, &mut ledger);
    assert_eq!(ledger.target_revision, None);
    let hosts: Vec<Host> = ["host-1", "host-2"]
        .iter()
        .map(|name| {
            let text = format!("{{name: {name}, address: 'http://127.0.0.1:1'}}");
            cutover::model::yaml::from_str(&text).unwrap()
        })
        .collect();
    let joined = members::newcomers(&hosts, &ledger, None);
    assert!(joined.is_empty(), "nobody has joined: {joined:?}");
}

#[test]
fn a_replacement_that_has_traffic_leaves_before_it_is_installed() {
    let world = started(sides(1, ALL));
    let green = world.deployment.target(&name("host-2")).unwrap();
    assert_eq!(green.leg_events()[0].event, E::BlockTraffic);
    assert_eq!(green.actor(), Actor::Balancer);
    assert_eq!(place(green), Some(Place::Out));
    // What it had before is not the original's: there is nothing to give back.
    let mut world = started(sides(1, ALL));
    world.event("host-2", E::BlockTraffic, true);
    world.event("host-2", E::ApplicationStop, false);
    world.report("host-2", Report::Ended);
    assert_eq!(world.deployment.status, Failed);
    let back = rollback::spec(
        &world.deployment,
        &Ledger::default(),
        &[],
        id("d-CCCCCCCCC"),
    );
    assert!(back.unwrap_err().contains("no traffic had moved"));
}

#[test]
fn the_way_back_is_there_when_traffic_has_moved() {
    let ledger = Ledger::default();
    let back = |world: &World| rollback::spec(&world.deployment, &ledger, &[], id("d-CCCCCCCCC"));
    let mut world = ready(1, ALL);
    world.stop();
    assert!(back(&world).unwrap_err().contains("no traffic had moved"));
    let mut world = ready(1, ALL);
    world.command(REROUTE);
    part(&mut world, "host-2", &E::ALLOW);
    world.stop();
    world.event("host-1", E::BeforeBlockTraffic, true);
    let spec = back(&world).unwrap();
    assert_eq!(spec.targets, world.deployment.spec.targets);
    assert_eq!(labels(&spec), ["reroute", "drain original"]);
    assert_eq!(spec.rolls_back, Some(id("d-AAAAAAAAA")));
}

#[test]
fn an_alarm_counts_while_it_waits() {
    let mut world = ready(2, ALL);
    assert_eq!(world.deployment.status, Ready);
    let message = "alarm active: errors: 0.2 is above 0.05".to_owned();
    world.input(&Input::Alarm { message });
    assert_eq!(world.deployment.status, Stopped);
    let error = world.deployment.error.as_ref().unwrap();
    assert_eq!(error.code, ErrorCode::AlarmActive);
    assert!(timers(&world).is_empty());
}
