//! Whole deployments in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cutover::engine::rehearse::{Assumptions, Durations, Rehearsed};
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
            each: BTreeMap::new(),
            otherwise: seconds(10),
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
