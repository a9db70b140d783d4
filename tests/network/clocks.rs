//! Clocks that are hours off: who may come in, what runs and for how long does not depend on them, and it is told.

use crate::world::{Host, World, until};

/// Joins, and carries out scripts that take longer than a lease.
fn works(world: &World, web: &Host, told: &str) {
    until("the clock is told of", || {
        world.ok(&["hosts", "web-1"]).contains(told)
    });
    world.push("1.0", "6");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    let ran = web.trace();
    assert_eq!(ran.len(), 2, "{ran:?}");
    let audit = world.run(&["audit"]);
    assert!(audit.status.success(), "{audit:?}");
}

fn host_is_off(clock: &'static str, told: &str) {
    let mut world = World::new();
    let mut web = world.host("web-1");
    web.clock = Some(clock);
    let invitation = world.add(&web);
    world.welcome(&mut web, &invitation);
    works(&world, &web, told);
}

#[test]
fn a_host_whose_clock_is_ahead() {
    host_is_off("+5h", "ahead of the orchestrator");
}

#[test]
fn a_host_whose_clock_is_behind() {
    host_is_off("-5h", "behind the orchestrator");
}

/// Both processes of the agent are behind then, as seen from there.
#[test]
fn an_orchestrator_whose_clock_is_ahead() {
    let mut world = World::new();
    world.clock = Some("+5h");
    let web = world.joined("web-1");
    works(&world, &web, "behind the orchestrator");
}

/// Certificates say when they were made, and nobody looks.
#[test]
fn an_orchestrator_whose_clock_is_a_lifetime_behind() {
    let mut world = World::new();
    world.clock = Some("-40y");
    let web = world.joined("web-1");
    works(&world, &web, "ahead of the orchestrator");
}
