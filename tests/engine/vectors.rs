//! configurations.md §4.9 and §9: every vector of the Server platform.

use cutover::model::deployment::DeploymentStatus::{Failed, Succeeded};
use cutover::model::deployment::{DeploymentStatus, ErrorCode, TargetStatus};
use cutover::model::lifecycle::LifecycleEvent;

use crate::world::{World, spec};

const ONE: &str = "CodeDeployDefault.OneAtATime";
const HALF: &str = "CodeDeployDefault.HalfAtATime";
const ALL: &str = "CodeDeployDefault.AllAtOnce";

fn outcome(
    n: usize,
    unhealthy: usize,
    config: &str,
    failing: &[&str],
) -> (DeploymentStatus, World) {
    let mut world = World::new(spec(n, unhealthy, config));
    world.run(failing);
    (world.deployment.status, world)
}

#[test]
fn vectors() {
    let hosts = |range: std::ops::RangeInclusive<usize>| -> Vec<String> {
        range.map(|i| format!("host-{i}")).collect()
    };
    // Name, instances, unhealthy ones, configuration, those that fail, how it ends.
    let cases = [
        ("1", 1, 0, ONE, Vec::new(), Succeeded),
        ("2", 1, 0, ONE, hosts(1..=1), Failed),
        ("3", 5, 0, ONE, hosts(5..=5), Succeeded),
        ("4", 5, 0, ONE, hosts(1..=1), Failed),
        ("6", 9, 0, HALF, hosts(1..=5), Failed),
        ("7", 3, 0, HALF, hosts(1..=1), Failed),
        ("8", 3, 0, HALF, hosts(3..=3), Succeeded),
        ("9", 9, 0, ALL, hosts(1..=8), Succeeded),
        ("10", 9, 0, ALL, hosts(1..=9), Failed),
        ("11", 10, 0, "percent-95", Vec::new(), Failed),
        ("12", 10, 0, "count-8", hosts(1..=2), Failed),
        (
            "13",
            10,
            0,
            "count-8",
            vec!["host-1".into(), "host-10".into()],
            Succeeded,
        ),
        ("14", 10, 0, "count-0", hosts(1..=9), Succeeded),
        ("15", 10, 0, "count-10", Vec::new(), Failed),
        ("16", 10, 3, "count-8", hosts(2..=2), Succeeded),
        ("17", 5, 1, ONE, hosts(1..=1), Failed),
        ("18", 0, 0, ONE, Vec::new(), Failed),
        ("half of one", 1, 0, HALF, Vec::new(), Succeeded),
        ("half of one, failing", 1, 0, HALF, hosts(1..=1), Failed),
        ("all of one", 1, 0, ALL, Vec::new(), Succeeded),
    ];
    for (vector, n, unhealthy, config, failing, expected) in cases {
        let failing: Vec<&str> = failing.iter().map(String::as_str).collect();
        let (status, world) = outcome(n, unhealthy, config, &failing);
        assert_eq!(
            status, expected,
            "vector {vector}: {:?}",
            world.deployment.error
        );
    }
}

#[test]
fn codes_and_counts_of_the_failing_vectors() {
    let code = |world: &World| world.deployment.error.as_ref().map(|error| error.code);
    let (_, world) = outcome(10, 0, "percent-95", &[]);
    assert_eq!(code(&world), Some(ErrorCode::HealthConstraintsInvalid));
    let (_, world) = outcome(0, 0, ONE, &[]);
    assert_eq!(code(&world), Some(ErrorCode::NoInstances));
    let (_, world) = outcome(5, 0, ONE, &["host-1"]);
    assert_eq!(code(&world), Some(ErrorCode::HealthConstraints));
    assert_eq!(world.deployment.overview.skipped, 4);
    assert_eq!(world.deployment.overview.failed, 1);
}

/// Vector 5b: the first four of nine fail under `HalfAtATime`.
#[test]
fn half_at_a_time_stops_early_when_the_first_batch_fails() {
    let failing = ["host-1", "host-2", "host-3", "host-4"];
    let (status, world) = outcome(9, 0, HALF, &failing);
    assert_eq!(status, Failed);
    assert_eq!(world.deployment.overview.skipped, 5);
}

/// Vector 5: four of nine fail, the fourth when nothing is pending.
#[test]
fn half_at_a_time_survives_a_failure_at_the_end() {
    let failing = ["host-1", "host-5", "host-8", "host-9"];
    let (status, _) = outcome(9, 0, HALF, &failing);
    assert_eq!(status, Succeeded);
}

/// configurations.md §4.9: nine instances, 40 %, instances 2, 6 and 9 fail.
#[test]
fn the_trace_of_a_sliding_window() {
    let mut world = World::new(spec(9, 0, "percent-40"));
    world.admit();
    let running = |world: &World| {
        world
            .running()
            .iter()
            .map(|name| name.trim_start_matches("host-").to_owned())
            .collect::<String>()
    };
    assert_eq!(running(&world), "12345");
    for (host, ok, expected) in [
        ("host-1", true, "23456"),
        ("host-2", false, "3456"),
        ("host-3", true, "4567"),
        ("host-4", true, "5678"),
        ("host-5", true, "6789"),
        ("host-6", false, "789"),
        ("host-7", true, "89"),
        ("host-8", true, "9"),
        ("host-9", false, ""),
    ] {
        world.finish(host, ok);
        assert_eq!(running(&world), expected, "after {host}");
    }
    assert_eq!(world.deployment.status, Succeeded);
    assert_eq!(world.deployment.overview.failed, 3);
}

/// lifecycle.md §12: what the first failing instance leaves.
#[test]
fn events_after_a_failure_are_skipped() {
    let (_, world) = outcome(3, 0, ONE, &["host-1"]);
    let target = &world.deployment.targets[0];
    assert_eq!(target.status, TargetStatus::Failed);
    let statuses: Vec<String> = target
        .events
        .iter()
        .map(|entry| format!("{:?}", entry.status))
        .collect();
    let expected = [
        "Succeeded",
        "Succeeded",
        "Succeeded",
        "Succeeded",
        "Failed",
        "Skipped",
        "Skipped",
    ];
    assert_eq!(statuses, expected);
    assert!(
        world.deployment.targets[1]
            .events
            .iter()
            .all(|entry| format!("{:?}", entry.status) == "Skipped")
    );
}

#[test]
fn a_stop_lets_running_events_finish_and_starts_nothing() {
    let mut world = World::new(spec(4, 0, ONE));
    world.admit();
    world.finish("host-1", true);
    world.event("host-2", LifecycleEvent::ApplicationStop, true);
    world.stop();
    assert_eq!(world.deployment.status, DeploymentStatus::InProgress);
    world.event("host-2", LifecycleEvent::DownloadBundle, true);
    world.report("host-2", cutover::engine::input::Report::Ended);
    assert_eq!(world.deployment.status, DeploymentStatus::Stopped);
    let error = world.deployment.error.clone().unwrap();
    assert_eq!(error.code, ErrorCode::ManualStop);
    assert_eq!(error.message, "stopped by ana");
    let ok = world
        .deployment
        .targets
        .iter()
        .map(|t| t.status == TargetStatus::Succeeded);
    assert_eq!(ok.collect::<Vec<_>>(), [true, false, false, false]);
    assert_eq!(world.deployment.overview.skipped, 3);
}

#[test]
fn a_stop_before_anything_started_ends_at_once() {
    let mut world = World::new(spec(4, 0, ONE));
    world.stop();
    assert_eq!(world.deployment.status, DeploymentStatus::Stopped);
}

#[test]
fn a_stop_that_comes_too_late_does_not_spoil_a_success() {
    let mut world = World::new(spec(1, 0, ONE));
    world.admit();
    world.stop();
    world.finish("host-1", true);
    assert_eq!(world.deployment.status, Succeeded);
}

#[test]
fn a_host_that_never_answers_fails_after_five_minutes() {
    let mut world = World::new(spec(2, 0, ONE));
    world.admit();
    world.now = cutover::model::timestamp::Timestamp(world.now.0 + 299_000);
    let late = cutover::engine::Input::DeadlinePassed {
        target: crate::world::name("host-1"),
        deregistered: false,
    };
    assert!(world.input(&late).is_empty(), "not yet");
    world.now = cutover::model::timestamp::Timestamp(world.now.0 + 1_000);
    assert!(!world.input(&late).is_empty());
    assert_eq!(world.deployment.status, Failed);
}

#[test]
fn an_ignored_application_stop_failure_does_not_fail_the_target() {
    let mut asked = spec(1, 0, ONE);
    asked.options.ignore_application_stop_failures = true;
    let mut world = World::new(asked);
    world.admit();
    world.event("host-1", LifecycleEvent::ApplicationStop, false);
    for event in &LifecycleEvent::IN_PLACE[1..] {
        world.event("host-1", *event, true);
    }
    world.report("host-1", cutover::engine::input::Report::Ended);
    assert_eq!(world.deployment.status, Succeeded);
}
