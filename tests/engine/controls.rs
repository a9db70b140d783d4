//! What operators can do to a deployment that runs, and what they are refused.

use cutover::engine::event::Event;
use cutover::engine::input::{Command, What};
use cutover::engine::pending::{WorkId, wants};
use cutover::engine::spec::OnFailure;
use cutover::engine::{Input, Spec, refusal};
use cutover::model::deployment::DeploymentStatus::{Failed, InProgress, Stopped, Succeeded};
use cutover::model::deployment::{ErrorCode, InstanceHealth, TargetStatus};
use cutover::model::lifecycle::LifecycleEvent;
use cutover::model::timestamp::Timestamp;

use crate::world::{World, name, spec};
use crate::zones::zonal;

const ONE: &str = "CodeDeployDefault.OneAtATime";
const ALL: &str = "CodeDeployDefault.AllAtOnce";

fn retry(host: &str) -> What {
    What::Retry { target: name(host) }
}

fn skip(host: &str) -> What {
    What::Skip { target: name(host) }
}

fn next(host: &str) -> What {
    What::StartNext { target: name(host) }
}

fn refused(world: &World, what: What) -> String {
    refusal(&world.deployment, &Command::new(what, "ana"))
        .unwrap()
        .to_string()
}

fn started(spec: Spec) -> World {
    let mut world = World::new(spec);
    world.admit();
    world
}

fn holding(n: usize, config: &str) -> Spec {
    let mut asked = spec(n, 0, config);
    asked.options.on_failure = OnFailure::Hold;
    asked
}

fn timer(world: &World) -> Option<Timestamp> {
    world.in_flight.keys().find_map(|id| match id {
        WorkId::Timer(_, at) => Some(*at),
        _ => None,
    })
}

#[test]
fn a_pause_lets_what_runs_finish_and_starts_nothing() {
    let mut world = started(spec(3, 0, ONE));
    world.command(What::Pause);
    assert!(refused(&world, What::Pause).contains("ana has paused it already"));
    world.finish("host-1", true);
    assert!(world.running().is_empty());
    assert_eq!(world.deployment.status, InProgress);
    assert!(world.in_flight.is_empty(), "the time does not run");
    world.command(What::Resume);
    assert_eq!(world.running(), ["host-2"]);
    assert!(refused(&world, What::Resume).contains("not paused"));
    world.finish("host-2", true);
    world.finish("host-3", true);
    assert_eq!(world.deployment.status, Succeeded);
}

#[test]
fn the_time_of_a_pause_does_not_count() {
    let mut world = started(spec(2, 0, ONE));
    let due = timer(&world).unwrap();
    world.command(What::Pause);
    assert_eq!(timer(&world), None);
    world.now = Timestamp(world.now.0 + 3_600_000);
    world.command(What::Resume);
    assert_eq!(timer(&world), Some(Timestamp(due.0 + 3_600_010)));
}

#[test]
fn who_when_and_why_are_in_the_journal() {
    let mut world = started(spec(3, 0, ONE));
    let command = Command {
        why: Some("the disk is swapped".to_owned()),
        ..Command::new(skip("host-2"), "ana")
    };
    let events = world.input(&Input::Command(command));
    assert_eq!(
        events,
        [Event::Excluded {
            target: name("host-2"),
            by: "ana".to_owned(),
            why: Some("the disk is swapped".to_owned())
        }]
    );
    let target = world.deployment.target(&name("host-2")).unwrap();
    assert_eq!(target.status, TargetStatus::Skipped);
    assert_eq!(
        target.message.as_deref(),
        Some("left out by ana: the disk is swapped")
    );
}

#[test]
fn an_instance_left_out_is_not_deployed_to_and_does_no_harm() {
    let mut world = started(spec(3, 0, ONE));
    world.command(skip("host-2"));
    world.finish("host-1", true);
    assert_eq!(world.running(), ["host-3"]);
    assert!(refused(&world, skip("host-3")).contains("has started"));
    assert!(refused(&world, skip("host-1")).contains("is done"));
    assert!(refused(&world, skip("host-9")).contains("no instance of"));
    world.finish("host-3", true);
    assert_eq!(world.deployment.status, Succeeded);
    assert_eq!(world.deployment.overview.skipped, 1);
}

#[test]
fn leaving_out_the_only_chance_is_refused() {
    let mut world = World::new(spec(2, 0, ONE));
    world.admit();
    world.command(What::Pause);
    world.command(skip("host-2"));
    // host-1 runs; were it to fail, nothing would have succeeded, but it may succeed.
    world.finish("host-1", true);
    assert_eq!(world.deployment.status, Succeeded);

    let mut world = World::new(spec(1, 0, ALL));
    assert!(refused(&world, skip("host-1")).contains("stop it instead"));
    world.admit();
}

/// Ten instances of which eight must be healthy, one is not: it and one other may be lost before the end.
#[test]
fn leaving_out_an_unhealthy_instance_counts_against_the_minimum() {
    let mut world = World::new(spec(10, 2, "count-8"));
    world.command(skip("host-1"));
    let reason = refused(&world, skip("host-2"));
    assert_eq!(
        reason,
        "that would break the minimum: host-2 is unhealthy, and without it only 8 of 10 could be healthy while more than 8 \
         must (HEALTH_CONSTRAINTS)"
    );
    assert_eq!(world.deployment.fleet.can_be_healthy(), 9);
    world.admit();
    assert_eq!(world.running(), ["host-2"], "a healthy one is needed");
}

#[test]
fn a_chosen_instance_starts_before_the_others() {
    let mut world = started(spec(4, 0, ONE));
    world.command(next("host-3"));
    assert!(refused(&world, next("host-3")).contains("is the next already"));
    world.command(next("host-4"));
    world.finish("host-1", true);
    assert_eq!(world.running(), ["host-4"]);
    world.finish("host-4", true);
    assert_eq!(world.running(), ["host-3"]);
    world.finish("host-3", true);
    assert_eq!(world.running(), ["host-2"]);
    world.finish("host-2", true);
    assert_eq!(world.deployment.status, Succeeded);
}

/// Eight healthy ones of ten, of which eight must stay: a healthy one can't go before the sick.
#[test]
fn a_chosen_instance_that_is_needed_lets_the_sick_pass() {
    let mut world = World::new(spec(10, 2, "count-8"));
    assert!(refused(&world, next("host-5")).contains("8 of at least 8"));
    world.admit();
    assert_eq!(world.running(), ["host-1", "host-2"]);
    world.command(next("host-5"));
    world.finish("host-1", true);
    assert_eq!(world.running(), ["host-2", "host-5"]);
}

#[test]
fn a_failed_instance_is_tried_again_with_a_new_execution() {
    let mut world = started(spec(3, 0, ALL));
    world.finish("host-2", false);
    let first = world.deployment.target(&name("host-2")).unwrap().clone();
    world.command(retry("host-2"));
    assert!(refused(&world, retry("host-2")).contains("is InProgress"));
    let again = world.deployment.target(&name("host-2")).unwrap();
    assert_eq!(again.attempt, 2);
    assert_ne!(again.execution, first.execution);
    assert!(again.failure().is_none());
    assert_eq!(world.deployment.fleet.failed, 1, "until it succeeds");
    world.finish("host-2", true);
    assert_eq!(world.deployment.fleet.failed, 0);
    world.finish("host-1", true);
    world.finish("host-3", true);
    assert_eq!(world.deployment.status, Succeeded);
    assert_eq!(world.deployment.overview.failed, 0);
    assert!(world.begun.values().all(|times| *times == 1));
}

#[test]
fn a_retry_waits_for_room_and_then_goes_first_even_while_paused() {
    let mut world = started(spec(9, 0, "count-4"));
    world.finish("host-1", false);
    world.finish("host-2", true);
    world.command(What::Pause);
    let full = world.running().len();
    assert_eq!(full, 4, "one less since a failure");
    world.command(retry("host-1"));
    assert!(world.running().contains(&"host-1".to_owned()));
    world.finish("host-1", true);
    assert_eq!(world.running().len(), 4);
}

#[test]
fn late_words_about_the_first_attempt_are_not_heard() {
    let mut world = started(spec(3, 0, ALL));
    world.finish("host-2", false);
    let old = world
        .deployment
        .target(&name("host-2"))
        .unwrap()
        .execution
        .clone();
    world.command(retry("host-2"));
    let before = world.deployment.seq;
    world.input(&Input::Report {
        execution: old.unwrap(),
        target: name("host-2"),
        report: cutover::engine::input::Report::Ended,
    });
    assert_eq!(world.deployment.seq, before);
}

#[test]
fn a_hold_waits_and_a_retry_saves_the_deployment() {
    let mut world = started(holding(3, ONE));
    world.finish("host-1", false);
    assert_eq!(world.deployment.status, InProgress);
    let held = world.deployment.held.clone().unwrap();
    assert_eq!(held.code, ErrorCode::HealthConstraints);
    assert!(world.running().is_empty() && world.in_flight.is_empty());
    assert!(refused(&world, skip("host-2")).contains("it holds"));
    world.command(retry("host-1"));
    assert_eq!(world.running(), ["host-1"]);
    assert!(world.deployment.held.is_some(), "until it has succeeded");
    world.finish("host-1", false);
    assert!(world.deployment.held.is_some());
    world.command(retry("host-1"));
    world.finish("host-1", true);
    assert!(world.deployment.held.is_none());
    assert_eq!(world.running(), ["host-2"]);
    world.finish("host-2", true);
    world.finish("host-3", true);
    assert_eq!(world.deployment.status, Succeeded);
}

#[test]
fn a_hold_at_the_very_end_can_be_saved_too() {
    let mut world = started(holding(2, ALL));
    world.finish("host-1", false);
    world.finish("host-2", false);
    assert!(world.deployment.held.is_some());
    world.command(retry("host-2"));
    world.finish("host-2", true);
    assert_eq!(world.deployment.status, Succeeded);
    assert_eq!(world.deployment.overview.failed, 1);
}

#[test]
fn giving_up_fails_and_stopping_stops_what_holds() {
    let mut world = started(holding(3, ONE));
    assert!(refused(&world, What::GiveUp).contains("does not hold"));
    world.finish("host-1", false);
    world.command(What::GiveUp);
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(world.deployment.overview.skipped, 2);

    for n in [1, 3] {
        let mut world = started(holding(n, ONE));
        world.finish("host-1", false);
        world.stop();
        assert_eq!(world.deployment.status, Stopped, "of {n}");
    }
}

#[test]
fn a_retry_that_waits_when_all_ends_stays_failed() {
    let mut world = started(holding(3, ONE));
    world.finish("host-1", false);
    world.command(retry("host-1"));
    world.stop();
    world.report("host-1", cutover::engine::input::Report::Ended);
    assert_eq!(world.deployment.status, Stopped);
    let overview = world.deployment.overview;
    assert_eq!((overview.skipped, overview.total()), (3, 3));
}

#[test]
fn a_decision_on_an_old_picture_is_refused_but_not_a_stop() {
    let mut world = started(spec(4, 0, ONE));
    let seen = Some(world.deployment.decided);
    world.event("host-1", LifecycleEvent::ApplicationStop, true);
    let command = |what| Command {
        seen,
        ..Command::new(what, "ben")
    };
    assert_eq!(
        refusal(&world.deployment, &command(What::Pause)),
        None,
        "what an instance does is no decision"
    );
    world.command(What::Pause);
    let reason = refusal(&world.deployment, &command(next("host-3"))).unwrap();
    assert!(reason.to_string().contains("has changed since you looked"));
    let stop = What::Stop {
        auto_rollback: None,
    };
    assert_eq!(refusal(&world.deployment, &command(stop)), None);
}

#[test]
fn nothing_is_decided_about_what_is_ending() {
    let mut world = started(spec(3, 0, ONE));
    world.stop();
    for what in [What::Pause, skip("host-2"), next("host-2"), What::GiveUp] {
        assert!(refused(&world, what).contains("is stopping it"));
    }
}

/// One that was brought forward and is left out then is no longer one that could start: the well one of the zone is needed,
/// so that nothing can, and that is seen at once.
#[test]
fn what_was_chosen_and_left_out_does_not_count_as_one_that_could_start() {
    let decided = |chosen: bool| {
        let mut asked = zonal(&["a", "a", "b", "b"], "count-1", None, (0, 0));
        for place in [0, 2, 3] {
            asked.targets[place].instance_health = InstanceHealth::Unhealthy;
        }
        let mut world = World::new(asked);
        world.command(What::Pause);
        world.admit();
        if chosen {
            world.command(next("host-1"));
        }
        world.command(skip("host-1"));
        world.deployment.status
    };
    assert_eq!(decided(false), Failed);
    assert_eq!(decided(true), Failed);
}

#[test]
fn what_a_zone_can_not_spare_is_said_in_the_numbers_of_the_zone() {
    let mut asked = zonal(&["a", "a", "b", "b"], "count-0", Some("1"), (0, 0));
    asked.targets[2].instance_health = InstanceHealth::Unhealthy;
    let world = started(asked);
    assert_eq!(
        refused(&world, skip("host-3")),
        "that would break the minimum: host-3 is unhealthy, and without it only 1 of 2 in zone b could be healthy while \
         more than 1 must (HEALTH_CONSTRAINTS)"
    );
}

/// The failure and the retry may be decided together: what ran first is over all the same, and its host is told so.
#[test]
fn an_execution_that_was_tried_again_is_no_longer_wanted() {
    let mut world = started(spec(3, 0, ALL));
    let host = name("host-1");
    let execution = |world: &World| world.deployment.target(&host)?.execution.clone();
    let first = execution(&world).unwrap();
    assert!(wants(&world.deployment, &first, &host));
    world.finish("host-1", false);
    assert!(!wants(&world.deployment, &first, &host));
    world.command(retry("host-1"));
    let second = execution(&world).unwrap();
    assert!(!wants(&world.deployment, &first, &host));
    assert!(wants(&world.deployment, &second, &host));
    world.stop();
    assert!(wants(&world.deployment, &second, &host), "it is to stop");
}
