//! Whole deployments in virtual time.

use std::collections::BTreeSet;
use std::time::Duration;

use cutover::engine::input::{Command, What};
use cutover::engine::rehearse::{Assumptions, Durations, Rehearsed, rehearse_after};
use cutover::engine::spec::OnFailure;
use cutover::engine::steps::steps;
use cutover::engine::{Spec, rehearse};
use cutover::model::deployment::{DeploymentStatus, TargetStatus};

use crate::world::{World, name, spec};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn run(asked: Spec, each: &[(&str, u64)], fails: &[&str]) -> Rehearsed {
    let world = World::new(asked);
    let assumptions = Assumptions {
        durations: Durations {
            each: each.iter().map(|(n, s)| (name(n), seconds(*s))).collect(),
            otherwise: seconds(10),
            ..Durations::default()
        },
        fails: fails.iter().map(|n| name(n)).collect(),
    };
    rehearse(&world.deployment, &assumptions, world.now)
}

#[test]
fn a_window_slides() {
    let done = run(spec(4, 0, "count-2"), &[("host-1", 30)], &[]);
    let moments: Vec<_> = done
        .moments
        .iter()
        .map(|m| {
            (
                m.after.as_secs(),
                m.ended.iter().map(|(n, _)| n.as_str()).collect(),
                m.started.iter().map(AsRef::as_ref).collect(),
                m.in_flight,
                m.healthy,
            )
        })
        .collect();
    assert_eq!(
        moments,
        [
            (0, vec![], vec!["host-1", "host-2"], 2, 2),
            (10, vec!["host-2"], vec!["host-3"], 2, 2),
            (20, vec!["host-3"], vec!["host-4"], 2, 2),
            (30, vec!["host-1", "host-4"], vec![], 0, 4),
        ]
    );
    assert_eq!((done.took, done.minimum), (seconds(30), 2));
    assert_eq!(done.end.status, DeploymentStatus::Succeeded);
}

#[test]
fn failures_end_it_early() {
    let done = run(spec(6, 0, "count-4"), &[], &["host-1", "host-2"]);
    assert_eq!(done.end.status, DeploymentStatus::Failed);
    assert_eq!((done.end.failed, done.end.untouched), (2, 4));
    assert_eq!(done.moments[1].ended[0].1, TargetStatus::Failed);
    assert_eq!(done.took, seconds(10));
    let fine = run(spec(6, 0, "count-4"), &[], &["host-6"]);
    assert_eq!(fine.end.status, DeploymentStatus::Succeeded);
}

#[test]
fn zones_take_the_time_in_which_they_are_watched() {
    let asked = crate::zones::zonal(
        &["a", "a", "b"],
        "CodeDeployDefault.AllAtOnce",
        None,
        (600, 60),
    );
    let done = run(asked, &[], &[]);
    assert_eq!(done.took, seconds(10 + 600 + 10));
    assert_eq!(done.end.status, DeploymentStatus::Succeeded);
}

#[test]
fn one_that_is_too_slow_times_out() {
    let mut asked = spec(3, 0, "CodeDeployDefault.OneAtATime");
    asked.limits.deployment_seconds = 15;
    let done = run(asked, &[], &[]);
    assert_eq!(done.end.status, DeploymentStatus::Failed);
    assert_eq!((done.end.succeeded, done.end.untouched), (1, 1));
    assert_eq!(done.took, seconds(20));
}

#[test]
fn one_that_runs_goes_on_from_where_it_is() {
    let mut world = World::new(spec(2, 0, "CodeDeployDefault.OneAtATime"));
    world.admit();
    let now = world.now + seconds(4);
    let assumptions = Assumptions {
        durations: Durations {
            otherwise: seconds(10),
            ..Durations::default()
        },
        fails: BTreeSet::new(),
    };
    let done = rehearse(&world.deployment, &assumptions, now);
    assert_eq!(done.took, seconds(6 + 10));
}

#[test]
fn a_big_fleet() {
    let done = run(spec(10_000, 17, "percent-90"), &[], &["host-500"]);
    assert_eq!(done.end.status, DeploymentStatus::Succeeded);
    assert_eq!((done.end.succeeded, done.end.failed), (9_999, 1));
    let never_less = done.moments.iter().all(|m| m.in_flight <= 1_000);
    assert!(never_less);
}

/// What a key would do, step by step, if instances take ten seconds each.
fn foretold(world: &World, what: What) -> Vec<String> {
    let durations = Durations {
        otherwise: seconds(10),
        ..Durations::default()
    };
    let fails = BTreeSet::new();
    let assumptions = Assumptions { durations, fails };
    let command = Command::new(what, "ana");
    let done = rehearse_after(&world.deployment, &command, &assumptions, world.now).unwrap();
    let steps = steps(&world.deployment, &done).into_iter();
    steps
        .map(|step| format!("{} {}", step.after.as_secs(), step.text))
        .collect()
}

#[test]
fn a_paused_one_starts_what_the_key_starts_and_no_more() {
    let stop = || What::Stop {
        auto_rollback: None,
    };
    let mut world = World::new(spec(6, 0, "count-4"));
    world.admit();
    world.command(What::Pause);
    let told = foretold(&world, What::Resume);
    assert_eq!(told[0], "0 the rest of install: 6 instances");
    let next = What::StartNext {
        target: name("host-6"),
    };
    let told = foretold(&world, next);
    assert_eq!(told[0], "0 what runs finishes: 2 instances");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains("somebody to resume it"), "{told:?}");
    assert_eq!(
        foretold(&world, stop())[0],
        "0 nothing new starts: what runs finishes"
    );
    world.finish("host-1", true);
    world.finish("host-2", true);
    let told = foretold(&world, stop());
    assert_eq!(told[0], "0 nothing new starts, and nothing runs");
    assert!(told[1].starts_with("0 Stopped"), "{told:?}");
    let leave = What::Skip {
        target: name("host-6"),
    };
    let told = foretold(&world, leave);
    assert_eq!(told.len(), 1, "nothing starts at all: {told:?}");
}

#[test]
fn what_is_tried_again_in_a_hold_goes_alone_until_the_hold_is_over() {
    let mut held = spec(6, 0, "count-5");
    held.options.on_failure = OnFailure::Hold;
    let mut world = World::new(held);
    world.admit();
    world.finish("host-1", false);
    world.finish("host-2", false);
    assert!(
        world.deployment.held.is_some(),
        "{:?}",
        world.deployment.status
    );
    let again = || What::Retry {
        target: name("host-1"),
    };
    let told = foretold(&world, again());
    assert_eq!(told, ["0 the rest of install: 6 instances", "60 Succeeded"]);
    world.command(What::Pause);
    let told = foretold(&world, again());
    assert_eq!(told[0], "0 install: 1 instance, and no other");
    let last = told.last().unwrap();
    assert!(last.contains("somebody to resume it"), "{told:?}");
}
