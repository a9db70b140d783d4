//! What people are told of a service ahead of time.

use std::collections::BTreeSet;
use std::time::Duration;

use cutover::engine::input::{Command, Report, What};
use cutover::engine::rehearse::{Assumptions, Durations, Rehearsed};
use cutover::engine::{Spec, foresee, outlook, rehearse};
use cutover::model::deployment::DeploymentStatus::{Failed, Stopped, Succeeded};
use cutover::model::lifecycle::LifecycleEvent as E;

use super::{AT_ONCE, CANARY, HOOKS, S, back, broken, next, service, started, step, upto, whole};
use crate::world::{World, name};

fn line(world: &World) -> String {
    outlook(&world.deployment, world.now).to_string()
}

/// What is said from step to step.
fn lines(mut world: World) -> Vec<String> {
    let mut lines = vec![line(&world)];
    world.admit();
    while !world.deployment.status.is_terminal() {
        if let Some(event) = next(&world) {
            let at = world.now;
            world.report(S, Report::EventStarted { event, at });
        }
        lines.push(line(&world));
        step(&mut world);
    }
    lines.push(line(&world));
    lines
}

#[test]
fn what_it_waits_for_and_what_comes_then() {
    assert_eq!(
        lines(World::new(whole())),
        [
            "about to begin; then BeforeInstall (CodeDeployHook_BeforeInstall)",
            "waiting for checkout BeforeInstall, 0 s of 1h; then the replacement task set is created",
            "waiting for checkout Install, 0 s of 1h10m; then AfterInstall (CodeDeployHook_AfterInstall)",
            "waiting for checkout AfterInstall, 0 s of 1h; then test traffic to the replacement",
            "waiting for checkout AllowTestTraffic, 0 s of 1h10m; then AfterAllowTestTraffic (CodeDeployHook_AfterAllowTestTraffic)",
            "waiting for checkout AfterAllowTestTraffic, 0 s of 1h; then wait for reroute (1h)",
            "waiting for somebody to reroute, 1h left; at zero it ends, Stopped: the original keeps all of the traffic",
            "waiting for checkout BeforeAllowTraffic, 0 s of 1h; then reroute",
            "waiting for checkout AllowTraffic, 0 s of 1h10m; then 10 % to the replacement, shift",
            "waiting for the load balancers to give the replacement 10 %; then 100 % to the replacement",
            "the replacement has 10 %, 5m left; then 100 % to the replacement",
            "waiting for the load balancers to give the replacement 100 %; then AfterAllowTraffic (CodeDeployHook_AfterAllowTraffic)",
            "waiting for checkout AfterAllowTraffic, 0 s of 1h; then keep original (30m)",
            "keeping the original for a way back, 30m left; then the original task set is deleted",
            "waiting for the original task set to be deleted, 0 s of 1h; then Succeeded",
            "Succeeded",
        ]
    );
}

#[test]
fn the_same_of_the_way_back() {
    let mut world = started(whole());
    upto(&mut world, E::AfterAllowTraffic);
    world.fails(S, E::AfterAllowTraffic, broken());
    assert_eq!(
        lines(World::new(back(&world).unwrap())),
        [
            "about to begin; then 0 % to the replacement",
            "waiting for the load balancers to give the replacement 0 %; then test traffic to the original",
            "waiting for checkout AllowTestTraffic, 0 s of 1h10m; then reroute",
            "waiting for checkout AllowTraffic, 0 s of 1h10m; then the replacement task set is deleted",
            "waiting for the replacement task set to be deleted, 0 s of 1h; then Succeeded",
            "Succeeded",
        ]
    );
}

#[test]
fn a_stop_with_a_rollback_goes_back_as_soon_as_there_is_something_to_go_back_from() {
    let stop = What::Stop {
        auto_rollback: Some(true),
    };
    let stop = Command::new(stop, "ana");
    for (event, foretold) in [
        (
            E::BeforeInstall,
            "checkout finishes its event; 1 half way; Stopped",
        ),
        (
            E::Install,
            "checkout finishes its event; 1 half way; Stopped, then rolled back to the original",
        ),
        (
            E::AfterAllowTraffic,
            "checkout finishes its event; 1 stays on 2; Stopped, then rolled back to the original",
        ),
    ] {
        let mut world = started(whole());
        upto(&mut world, event);
        let at = world.now;
        world.report(S, Report::EventStarted { event, at });
        let foreseen = foresee(&world.deployment, &stop, world.now, None).unwrap();
        assert_eq!(foreseen.to_string(), format!("stop now: {foretold}"));
    }
}

fn rehearsed(asked: Spec, fails: bool) -> Rehearsed {
    let world = World::new(asked);
    let otherwise = Duration::from_mins(1);
    let assumptions = Assumptions {
        durations: Durations {
            otherwise,
            ..Durations::default()
        },
        fails: fails.then(|| name(S)).into_iter().collect::<BTreeSet<_>>(),
    };
    rehearse(&world.deployment, &assumptions, world.now)
}

#[test]
fn how_long_the_whole_of_it_takes() {
    let minutes = |done: &Rehearsed| done.took.as_secs() / 60;
    let done = rehearsed(service(AT_ONCE, &HOOKS), false);
    assert_eq!((minutes(&done), done.end.status), (6, Succeeded));
    let done = rehearsed(service(CANARY, &[]), false);
    assert_eq!((minutes(&done), done.end.status), (2 + 5, Succeeded));
    let done = rehearsed(service(AT_ONCE, &[]), true);
    assert_eq!((minutes(&done), done.end.status), (1, Failed));
    let done = rehearsed(whole(), false);
    assert_eq!((minutes(&done), done.end.status), (5 + 60, Stopped));
}
