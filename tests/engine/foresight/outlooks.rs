//! One line for everything that a deployment can wait for.

use cutover::engine::input::{Command, Report, What};
use cutover::engine::outlook::{Awaited, Outlook};
use cutover::engine::spec::OnFailure;
use cutover::engine::{Input, Spec, outlook};
use cutover::model::group::{AutoRollbackConfiguration, AutoRollbackEvent};
use cutover::model::lifecycle::LifecycleEvent;
use cutover::model::timestamp::Timestamp;

use crate::world::{World, name, spec};

const ONE: &str = "CodeDeployDefault.OneAtATime";
const ALL: &str = "CodeDeployDefault.AllAtOnce";
const HALF: &str = "CodeDeployDefault.HalfAtATime";

fn started(asked: Spec) -> World {
    let mut world = World::new(asked);
    world.admit();
    world
}

/// What is said this many seconds later.
fn later(world: &World, seconds: i64) -> String {
    look(world, seconds).to_string()
}

fn look(world: &World, seconds: i64) -> Outlook {
    outlook(&world.deployment, Timestamp(world.now.0 + seconds * 1000))
}

fn begin(world: &mut World, host: &str, event: LifecycleEvent) {
    for before in LifecycleEvent::IN_PLACE {
        if before == event {
            let at = world.now;
            world.report(host, Report::EventStarted { event, at });
            return;
        }
        world.event(host, before, true);
    }
}

#[test]
fn before_it_begins() {
    let mut world = World::new(spec(3, 0, ONE));
    assert_eq!(later(&world, 1), "about to begin; then host-1");
    world.input(&Input::Queued {
        message: "3 deployments run, and no more may".to_owned(),
    });
    assert_eq!(
        later(&world, 1),
        "queued: 3 deployments run, and no more may; then host-1"
    );
    world.command(What::Pause);
    assert_eq!(
        later(&world, 5),
        "paused by ana for 5 s: it has not begun, and nothing starts until resumed"
    );
}

#[test]
fn one_host_at_work() {
    let mut world = started(spec(3, 0, ONE));
    assert_eq!(
        later(&world, 4),
        "waiting for host-1 to start ApplicationStop, 4 s of 5m; then host-2"
    );
    begin(&mut world, "host-1", LifecycleEvent::AfterInstall);
    assert_eq!(
        later(&world, 41),
        "waiting for host-1 AfterInstall, 41 s of 1h10m; then host-2"
    );
    world.finish("host-1", true);
    world.finish("host-2", true);
    begin(&mut world, "host-3", LifecycleEvent::ValidateService);
    assert_eq!(
        later(&world, 2),
        "waiting for host-3 ValidateService, 2 s of 1h10m; then Succeeded"
    );
    world.finish("host-3", true);
    assert_eq!(later(&world, 2), "Succeeded");
    assert!(look(&world, 2).waits.is_empty());
}

#[test]
fn several_hosts_at_work() {
    let mut world = started(spec(5, 0, HALF));
    assert_eq!(
        later(&world, 1),
        "waiting for host-1 and host-2 (2 at a time); then host-3"
    );
    world.finish("host-1", true);
    assert_eq!(
        later(&world, 1),
        "waiting for host-2 and host-3 (2 at a time); then host-4"
    );
    let mut world = started(spec(9, 0, ALL));
    assert_eq!(
        later(&world, 1),
        "waiting for host-1, host-2 and 7 others (9 at a time); then Succeeded"
    );
    world.finish("host-4", true);
    assert_eq!(look(&world, 1).then.after, 8);
}

#[test]
fn a_silent_host_comes_first() {
    let mut world = started(spec(4, 0, HALF));
    begin(&mut world, "host-2", LifecycleEvent::AfterInstall);
    world.report("host-2", Report::Lost);
    assert_eq!(
        later(&world, 20),
        "silent for 20 s: host-2 is given up in 49 s; then host-3"
    );
    assert_eq!(
        later(&world, 69),
        "silent for 1m09s: host-2 is being given up; then host-3"
    );
    let first = &look(&world, 20).waits[0];
    assert!(matches!(&first.what, Awaited::Target { name, .. } if name.as_str() == "host-2"));
}

#[test]
fn paused() {
    let mut world = started(spec(3, 0, ONE));
    begin(&mut world, "host-1", LifecycleEvent::AfterInstall);
    world.input(&Input::Command(Command {
        why: Some("disk check".to_owned()),
        ..Command::new(What::Pause, "ana")
    }));
    assert_eq!(
        later(&world, 192),
        "paused by ana for 3m12s (disk check): host-1 finishes (at AfterInstall); then nothing until resumed"
    );
    world.finish("host-1", true);
    assert_eq!(
        later(&world, 5),
        "paused by ana for 5 s (disk check): nothing until resumed".replace(
            "5 s",
            &format!("{} s", 5 + (world.now.0 - pause_time(&world)) / 1000)
        )
    );
    world.command(What::Resume);
    world.finish("host-2", true);
    world.command(What::Pause);
    assert!(
        later(&world, 1).ends_with("host-3 finishes (at ApplicationStop); then Succeeded"),
        "{}",
        later(&world, 1)
    );
}

fn pause_time(world: &World) -> i64 {
    world.deployment.paused.as_ref().unwrap().at.0
}

#[test]
fn held() {
    let mut asked = spec(4, 0, ONE);
    asked.options.on_failure = OnFailure::Hold;
    let mut world = started(asked);
    world.finish("host-1", true);
    world.finish("host-2", false);
    assert_eq!(
        later(&world, 1),
        "holds, 1 of 4 instances failed; at least 3 must stay healthy: retry host-2, give up, or stop"
    );
    world.command(What::Retry {
        target: name("host-2"),
    });
    assert_eq!(
        later(&world, 1),
        "holds, 1 of 4 instances failed; at least 3 must stay healthy: host-2 finishes (at ApplicationStop); then it goes on with host-3"
    );
}

#[test]
fn stopping_with_and_without_a_rollback() {
    let mut world = started(spec(4, 0, HALF));
    begin(&mut world, "host-1", LifecycleEvent::AfterInstall);
    begin(&mut world, "host-2", LifecycleEvent::Install);
    world.stop();
    assert_eq!(
        later(&world, 1),
        "ana stops it: host-1 and host-2 finish their event; then Stopped"
    );
    let mut asked = spec(2, 0, ONE);
    asked.options.auto_rollback_configuration = Some(AutoRollbackConfiguration {
        enabled: true,
        events: vec![AutoRollbackEvent::DeploymentStopOnRequest],
    });
    let mut world = started(asked);
    begin(&mut world, "host-1", LifecycleEvent::AfterInstall);
    world.stop();
    assert_eq!(
        later(&world, 1),
        "ana stops it: host-1 finishes AfterInstall; then Stopped, rolled back to 1"
    );
}

#[test]
fn a_stop_after_the_last_event_changes_nothing() {
    let mut world = started(spec(1, 0, ALL));
    begin(&mut world, "host-1", LifecycleEvent::ValidateService);
    world.stop();
    assert_eq!(
        later(&world, 1),
        "ana stops it: host-1 finishes ValidateService; then Succeeded"
    );
}

#[test]
fn ending_because_too_many_failed() {
    let mut world = started(spec(6, 6, HALF));
    world.finish("host-1", false);
    world.finish("host-2", false);
    world.finish("host-3", false);
    let line = later(&world, 1);
    assert_eq!(
        line,
        "ending, 3 of 6 instances failed; at least 3 must stay healthy: host-4 and host-5 finish; then Failed (3 of 6 instances failed; at least 3 must stay healthy)"
    );
}

#[test]
fn nobody_starts_while_the_healthy_are_needed() {
    // The first two are unhealthy, and three of five must stay healthy: a failure costs what the next would need.
    let mut world = started(spec(5, 2, "count-3"));
    assert_eq!(world.running(), ["host-1", "host-2"]);
    world.finish("host-1", false);
    assert_eq!(
        later(&world, 1),
        "nothing starts before host-2 ends: 3 healthy are available, and 3 must be; then host-3"
    );
}

#[test]
fn its_time_is_over() {
    let mut world = started(spec(3, 0, ONE));
    begin(&mut world, "host-1", LifecycleEvent::AfterInstall);
    let due = world.deployment.due.unwrap();
    let near = outlook(&world.deployment, Timestamp(due.0 - 240_000)).to_string();
    assert!(
        near.ends_with("; then host-2; its time is over in 4m"),
        "{near}"
    );
    world.now = due;
    world.input(&Input::TimerElapsed);
    assert_eq!(
        later(&world, 1),
        "its time is over: host-1 finishes AfterInstall; then Failed (not over within 8h00m)"
    );
}

#[test]
fn zones_are_watched() {
    let mut world = started(crate::zones::zonal(
        &["a", "a", "b", "b"],
        ALL,
        None,
        (1200, 600),
    ));
    assert_eq!(
        later(&world, 1),
        "waiting for host-1 and host-2 (2 at a time); then zone a is watched for 20m"
    );
    world.finish("host-1", true);
    world.finish("host-2", true);
    assert_eq!(
        later(&world, 480),
        "watching zone a, 12m left; then zone b (2 instances), beginning with host-3 and host-4"
    );
    world.command(What::Pause);
    assert_eq!(
        later(&world, 3),
        "paused by ana for 3 s: nothing until resumed"
    );
}
