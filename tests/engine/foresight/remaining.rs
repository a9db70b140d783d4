//! How much longer a deployment works, as a range.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cutover::engine::input::What;
use cutover::engine::rehearse::{Assumptions, Durations, Overdue};
use cutover::engine::remaining::{Goal, Once, Paces, remaining};
use cutover::engine::{Deployment, rehearse};
use cutover::model::lifecycle::LifecycleEvent as E;
use proptest::prelude::*;

use crate::blue_green::{ONE, REROUTE, all, part, ready, sides, started};
use crate::world::{World, spec};

fn told(world: &World) -> Option<String> {
    let paces = Paces::of(&world.deployment, None);
    remaining(&world.deployment, &paces, world.now).map(|it| it.to_string())
}

/// The first in flight ends, so many seconds later.
fn one(world: &mut World, seconds: u64) {
    world.now = world.now + Duration::from_secs(seconds);
    let first = world.running()[0].clone();
    world.finish(&first, true);
}

#[test]
fn it_is_told_as_soon_as_something_is_done_and_while_nobody_has_to_say_anything() {
    let mut world = World::new(spec(9, 0, "CodeDeployDefault.OneAtATime"));
    assert_eq!(told(&world), None, "it has not begun");
    world.admit();
    assert_eq!(told(&world), None, "nothing is invented");
    one(&mut world, 60);
    assert_eq!(
        told(&world).unwrap(),
        "about 5-13 min left",
        "of one little is known"
    );
    one(&mut world, 50);
    one(&mut world, 70);
    assert_eq!(told(&world).unwrap(), "about 5-8 min left");
    world.now = world.now + Duration::from_secs(40);
    assert_eq!(told(&world).unwrap(), "about 4-7 min left");
    world.now = world.now + Duration::from_mins(1);
    assert_eq!(
        told(&world).unwrap(),
        "about 4-8 min left",
        "one that is late"
    );
    world.command(What::Pause);
    assert_eq!(told(&world).unwrap(), "about 4-8 min left once resumed");
    world.stop();
    assert_eq!(told(&world), None);
}

#[test]
fn an_earlier_deployment_says_how_long_it_takes() {
    let mut before = World::new(spec(4, 0, "CodeDeployDefault.OneAtATime"));
    before.admit();
    for seconds in [20, 30, 40, 30] {
        one(&mut before, seconds);
    }
    let mut world = World::new(spec(4, 0, "CodeDeployDefault.OneAtATime"));
    world.admit();
    assert!(Paces::lack(&world.deployment));
    let by = |past: Option<&Deployment>, world: &World| {
        let paces = Paces::of(&world.deployment, past);
        remaining(&world.deployment, &paces, world.now)
    };
    assert_eq!(by(None, &world), None);
    let range = by(Some(&before.deployment), &world).unwrap();
    let seconds = (range.least.as_secs(), range.most.as_secs());
    assert_eq!(seconds, (53, 240), "none of its own has said so");
    for _ in 0..3 {
        one(&mut world, 10);
    }
    assert!(!Paces::lack(&world.deployment), "its own are enough");
    let range = by(Some(&before.deployment), &world).unwrap();
    assert_eq!(range.most.as_secs(), 10);
}

#[test]
fn one_of_its_own_counts_among_many_of_an_earlier_one() {
    let mut before = World::new(spec(20, 0, "CodeDeployDefault.OneAtATime"));
    before.admit();
    for _ in 0..20 {
        one(&mut before, 20);
    }
    let mut world = World::new(spec(4, 0, "CodeDeployDefault.OneAtATime"));
    world.admit();
    one(&mut world, 100);
    let paces = Paces::of(&world.deployment, Some(&before.deployment));
    let range = remaining(&world.deployment, &paces, world.now).unwrap();
    assert!(range.least.as_secs() <= 40, "three are left");
    assert_eq!(range.most.as_secs(), 450);
}

/// One of which all traffic has moved.
fn over() -> Deployment {
    let mut world = ready(2, ONE);
    world.command(REROUTE);
    all(&mut world, &E::ALLOW);
    all(&mut world, &E::BLOCK);
    assert!(world.deployment.wait_ends().is_some());
    world.deployment
}

#[test]
fn it_goes_as_far_as_the_next_wait_for_a_person() {
    let mut world = started(sides(2, ONE));
    let install = |world: &mut World| {
        let first = world.running()[0].clone();
        part(world, &first, &E::REPLACEMENT);
    };
    let goal = |world: &World, past: Option<&Deployment>| {
        let paces = Paces::of(&world.deployment, past);
        remaining(&world.deployment, &paces, world.now).map(|it| (it.to, it.once))
    };
    install(&mut world);
    assert_eq!(goal(&world, None), Some((Goal::Reroute, None)));
    while world.deployment.wait_ends().is_none() {
        install(&mut world);
    }
    assert_eq!(goal(&world, None), None, "no traffic has ever moved");
    let past = over();
    let kept = Some((Goal::Kept, Some(Once::Rerouted)));
    assert_eq!(goal(&world, Some(&past)), kept);
    world.command(REROUTE);
    assert_eq!(goal(&world, Some(&past)), Some((Goal::Kept, None)));
    world.command(What::Pause);
    let resumed = Some((Goal::Kept, Some(Once::Resumed)));
    assert_eq!(goal(&world, Some(&past)), resumed);
}

proptest! {
    /// Whatever each takes of what is left: if it is neither quicker nor slower than nearly all that are done, the real
    /// time is within the range.
    #[test]
    fn the_real_time_is_within_the_range(
        n in 2usize..24,
        config in prop::sample::select(vec!["CodeDeployDefault.OneAtATime", "CodeDeployDefault.HalfAtATime",
            "CodeDeployDefault.AllAtOnce", "percent-70", "count-1"]),
        done in prop::collection::vec(1u64..400, 1..24),
        later in 0u64..900,
        shares in prop::collection::vec(0u32..=1000, 24),
    ) {
        let mut world = World::new(spec(n, 0, config));
        world.admit();
        for seconds in done {
            if world.deployment.status.is_terminal() || world.running().len() + 1 > n {
                break;
            }
            one(&mut world, seconds);
        }
        world.now = world.now + Duration::from_secs(later);
        let paces = Paces::of(&world.deployment, None);
        // A plan that is impossible has no stages.
        let stage = world.deployment.plan.stages.first();
        let range = stage.and_then(|stage| paces.range(stage));
        let found = remaining(&world.deployment, &paces, world.now);
        prop_assume!(range.is_some() && !world.deployment.status.is_terminal());
        let ((quick, slow), found) = (range.unwrap(), found.unwrap());
        let targets = world.deployment.targets.iter().zip(shares);
        let each: BTreeMap<_, _> = targets
            .map(|(target, share)| (target.name.clone(), quick + slow.saturating_sub(quick) * share / 1000))
            .collect();
        let durations = Durations { each, overdue: Overdue::EndsNow, ..Durations::default() };
        let assumptions = Assumptions { durations, fails: BTreeSet::new() };
        let real = rehearse(&world.deployment, &assumptions, world.now).took;
        prop_assert!(found.least <= real && real <= found.most, "{real:?} is not within {found:?}");
    }
}
