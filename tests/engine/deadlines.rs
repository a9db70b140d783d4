//! lifecycle.md §10 and §11: hosts that never pick up, fall silent, come back or disappear; the time of the whole.

use cutover::engine::Input;
use cutover::engine::input::Report;
use cutover::engine::pending::WorkId;
use cutover::model::deployment::DeploymentStatus::{Failed, InProgress, Stopped, Succeeded};
use cutover::model::deployment::{ErrorCode, TargetStatus};
use cutover::model::diagnostics::LifecycleErrorCode;
use cutover::model::lifecycle::{EventStatus, LifecycleEvent};
use cutover::model::timestamp::Timestamp;

use crate::world::{World, name, spec};

const ONE: &str = "CodeDeployDefault.OneAtATime";
const ALL: &str = "CodeDeployDefault.AllAtOnce";

fn started(n: usize, config: &str) -> World {
    let mut world = World::new(spec(n, 0, config));
    world.admit();
    world
}

/// When a target is given up, in seconds from now.
fn left(world: &World, host: &str) -> Option<i64> {
    let target = name(host);
    world.in_flight.values().find_map(|work| match &work.id {
        WorkId::Deadline(_, at) if work.target.as_ref() == Some(&target) => {
            Some((at.0 - world.now.0) / 1000)
        }
        _ => None,
    })
}

fn pass(world: &mut World, host: &str, seconds: i64, deregistered: bool) {
    world.now = Timestamp(world.now.0 + seconds * 1000);
    world.input(&Input::DeadlinePassed {
        target: name(host),
        deregistered,
    });
}

fn begin(world: &mut World, host: &str, event: LifecycleEvent) {
    let at = world.now;
    world.report(host, Report::EventStarted { event, at });
}

#[test]
fn an_event_has_seventy_minutes_and_the_next_five_to_start() {
    let mut world = started(2, ALL);
    assert_eq!(left(&world, "host-1"), Some(300));
    begin(&mut world, "host-1", LifecycleEvent::ApplicationStop);
    assert_eq!(left(&world, "host-1"), Some(4200));
    world.event("host-1", LifecycleEvent::ApplicationStop, true);
    assert_eq!(left(&world, "host-1"), Some(300));
    pass(&mut world, "host-1", 301, false);
    let target = world.deployment.target(&name("host-1")).unwrap();
    assert_eq!(target.status, TargetStatus::Failed);
    let statuses: Vec<_> = target.events.iter().map(|entry| entry.status).collect();
    assert_eq!(statuses[0], EventStatus::Succeeded);
    assert!(statuses[1..].iter().all(|s| *s == EventStatus::Skipped));
}

#[test]
fn a_host_that_never_picks_up_has_all_its_events_skipped() {
    let mut world = started(1, ONE);
    pass(&mut world, "host-1", 301, false);
    let target = world.deployment.target(&name("host-1")).unwrap();
    assert_eq!(target.status, TargetStatus::Failed);
    assert!(
        target
            .events
            .iter()
            .all(|e| e.status == EventStatus::Skipped)
    );
    assert_eq!(world.deployment.status, Failed);
    let error = world.deployment.error.clone().unwrap();
    assert_eq!(error.code, ErrorCode::AgentIssue, "nobody answered");
}

#[test]
fn one_failure_of_another_kind_makes_it_a_matter_of_health() {
    let mut world = started(2, ALL);
    world.finish("host-1", false);
    pass(&mut world, "host-2", 301, false);
    let error = world.deployment.error.clone().unwrap();
    assert_eq!(error.code, ErrorCode::HealthConstraints);
}

#[test]
fn silence_during_an_event_is_given_a_minute_and_three_heartbeats() {
    let mut world = started(1, ONE);
    begin(&mut world, "host-1", LifecycleEvent::ApplicationStop);
    world.report("host-1", Report::Lost);
    assert_eq!(left(&world, "host-1"), Some(69));
    world.report("host-1", Report::Lost);
    pass(&mut world, "host-1", 70, false);
    let target = world.deployment.target(&name("host-1")).unwrap();
    let failed = target.failure().unwrap();
    assert_eq!(failed.event, LifecycleEvent::ApplicationStop);
    let diagnostics = failed.diagnostics.clone().unwrap();
    assert_eq!(diagnostics.error_code, LifecycleErrorCode::UnknownError);
    assert!(diagnostics.message.contains("nothing was heard of host-1"));
    assert_eq!(
        world.deployment.error.clone().unwrap().code,
        ErrorCode::AgentIssue
    );
}

#[test]
fn silence_between_events_changes_nothing() {
    let mut world = started(1, ONE);
    world.report("host-1", Report::Lost);
    assert_eq!(left(&world, "host-1"), Some(299));
}

#[test]
fn a_host_that_is_heard_again_has_all_its_time() {
    for back in [
        Report::Heard,
        Report::EventStarted {
            event: LifecycleEvent::ApplicationStop,
            at: Timestamp(0),
        },
    ] {
        let mut world = started(1, ONE);
        begin(&mut world, "host-1", LifecycleEvent::ApplicationStop);
        world.report("host-1", Report::Lost);
        world.report("host-1", back);
        assert_eq!(left(&world, "host-1"), Some(4199));
        world.finish("host-1", true);
        assert_eq!(world.deployment.status, Succeeded);
    }
}

#[test]
fn silence_never_grants_more_time_than_the_event_has() {
    let mut world = started(1, ONE);
    begin(&mut world, "host-1", LifecycleEvent::ApplicationStop);
    world.now = Timestamp(world.now.0 + 4_190_000);
    world.report("host-1", Report::Lost);
    assert!(left(&world, "host-1") <= Some(10));
    pass(&mut world, "host-1", 10, false);
    assert_eq!(world.deployment.status, Failed);
}

#[test]
fn a_host_that_left_the_project_is_unknown() {
    let mut world = started(2, ALL);
    begin(&mut world, "host-1", LifecycleEvent::Install);
    pass(&mut world, "host-1", 4201, true);
    let target = world.deployment.target(&name("host-1")).unwrap();
    assert_eq!(target.status, TargetStatus::Unknown);
    let install = target.event(LifecycleEvent::Install).unwrap();
    assert_eq!(install.status, EventStatus::Unknown);
    assert_eq!(world.deployment.overview.failed, 1, "counted as failed");
}

#[test]
fn a_new_orchestrator_gives_hosts_time_to_report() {
    let mut world = started(1, ONE);
    begin(&mut world, "host-1", LifecycleEvent::ApplicationStop);
    // Down for a day.
    world.now = Timestamp(world.now.0 + 86_400_000);
    world.input(&Input::Recovered);
    assert_eq!(left(&world, "host-1"), Some(69));
    pass(&mut world, "host-1", 0, false);
    assert_eq!(world.deployment.status, InProgress);
    world.finish("host-1", true);
    assert_eq!(world.deployment.status, Succeeded);
}

#[test]
fn the_whole_has_eight_hours() {
    let mut world = started(3, ONE);
    begin(&mut world, "host-1", LifecycleEvent::ApplicationStop);
    world.input(&Input::TimerElapsed);
    assert!(!world.deployment.timed_out, "not yet");
    world.now = Timestamp(world.now.0 + 8 * 3_600_000);
    world.input(&Input::TimerElapsed);
    assert!(world.deployment.timed_out);
    assert!(
        world
            .in_flight
            .keys()
            .any(|id| matches!(id, WorkId::Halt(_))),
        "the running event finishes, and no other starts"
    );
    world.event("host-1", LifecycleEvent::ApplicationStop, true);
    world.report("host-1", Report::Ended);
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(
        world.deployment.error.clone().unwrap().code,
        ErrorCode::Timeout
    );
    assert_eq!(world.deployment.overview.skipped, 3);
}

#[test]
fn a_stop_and_the_end_of_the_time_are_one_end() {
    let mut world = started(3, ONE);
    world.now = Timestamp(world.now.0 + 8 * 3_600_000);
    world.input(&Input::TimerElapsed);
    world.stop();
    world.report("host-1", Report::Ended);
    assert_eq!(world.deployment.status, Stopped);
}

#[test]
fn what_waits_for_admission_can_be_queued_stopped_or_be_gone() {
    let queued = || {
        let mut world = World::new(spec(2, 0, ONE));
        world.input(&Input::Queued {
            message: "2 deployments run".to_owned(),
        });
        world
    };
    let mut world = queued();
    assert_eq!(
        world.deployment.queued.as_deref(),
        Some("2 deployments run")
    );
    assert!(
        world
            .in_flight
            .keys()
            .any(|id| matches!(id, WorkId::Admit(_)))
    );
    world.admit();
    assert_eq!(world.deployment.status, InProgress);
    assert_eq!(world.deployment.queued, None);

    let mut world = queued();
    world.stop();
    assert_eq!(world.deployment.status, Stopped);

    let mut world = queued();
    world.input(&Input::Missing(
        cutover::model::deployment::ErrorInformation {
            code: ErrorCode::DeploymentGroupMissing,
            message: "gone".to_owned(),
        },
    ));
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(world.deployment.overview.skipped, 2);
    assert!(world.in_flight.is_empty());
}

#[test]
fn an_impossible_deployment_that_is_stopped_first_is_stopped() {
    let mut world = World::new(spec(0, 0, ONE));
    world.stop();
    assert_eq!(world.deployment.status, Stopped);
}

#[test]
fn nothing_outdated_is_a_success_without_targets() {
    let mut asked = spec(0, 0, ONE);
    asked.up_to_date = 4;
    let mut world = World::new(asked);
    world.admit();
    assert_eq!(world.deployment.status, Succeeded);
    assert_eq!(world.deployment.overview.total(), 0);
}

#[test]
fn more_instances_than_the_limit_allows_are_refused() {
    let mut asked = spec(3, 0, ONE);
    asked.limits.instances_per_deployment = Some(2);
    let mut world = World::new(asked);
    world.admit();
    assert_eq!(
        world.deployment.error.clone().unwrap().code,
        ErrorCode::OverMaxInstances
    );
}

/// An agent that gives up an execution because another one of the group follows it.
#[test]
fn a_host_that_ends_before_its_events_did_is_said_to() {
    let mut world = started(2, ALL);
    world.event("host-1", LifecycleEvent::ApplicationStop, true);
    world.report("host-1", Report::Ended);
    let target = world.deployment.target(&name("host-1")).unwrap();
    assert_eq!(target.status, TargetStatus::Failed);
    let message = target.message.as_deref().unwrap();
    assert!(
        message.contains("the agent on host-1 ended it"),
        "{message}"
    );
    // One whose event failed says it by that.
    world.finish("host-2", false);
    let target = world.deployment.target(&name("host-2")).unwrap();
    assert_eq!(target.message, None);
}
