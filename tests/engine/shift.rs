//! Traffic that shifts by weight: when each step comes, what somebody sets by hand, and the way back.

use std::collections::BTreeSet;

use cutover::engine::event::Event;
use cutover::engine::input::{Command, What};
use cutover::engine::rehearse::{Assumptions, Durations, rehearse_after};
use cutover::engine::steps::steps;
use cutover::engine::{Input, Ledger, Spec, outlook, rollback};
use cutover::model::deployment::DeploymentStatus::{Failed, InProgress, Stopped, Succeeded};
use cutover::model::lifecycle::LifecycleEvent as E;
use cutover::model::timestamp::Timestamp;
use cutover::model::traffic::Split;

use crate::blue_green::{ALL, MINUTE, REROUTE, all, elapse, labels, ready, refused, sides, timers};
use crate::world::{World, id, spec};

/// With this routing.
fn routed(routing: &str) -> Spec {
    let mut asked = sides(2, ALL);
    asked.configuration.traffic_routing_config =
        Some(cutover::model::yaml::from_str(routing).unwrap());
    asked
}

const LINEAR_30: &str =
    "{type: TimeBasedLinear, timeBasedLinear: {linearPercentage: 30, linearInterval: 5}}";
const CANARY: &str =
    "{type: TimeBasedCanary, timeBasedCanary: {canaryPercentage: 25, canaryInterval: 45}}";

/// Both replacements serve, without a share.
fn entered(routing: &str) -> World {
    let mut world = World::new(routed(routing));
    world.admit();
    all(&mut world, &E::REPLACEMENT);
    world.command(REROUTE);
    all(&mut world, &[E::BeforeAllowTraffic, E::AllowTraffic]);
    world
}

fn share(world: &World) -> u8 {
    world.deployment.split().unwrap().replacement()
}

fn in_effect(world: &mut World, share: u8) -> Vec<Event> {
    world.input(&Input::InEffect(Split::new(share).unwrap()))
}

fn later(world: &mut World, minutes: i64) {
    let until = world.now.0 + minutes * MINUTE;
    elapse(world, until);
}

fn weight(share: u8) -> What {
    let split = Split::new(share).unwrap();
    What::Weight { split }
}

/// Minutes and shares, from the beginning of the shift until everything has shifted; load balancers are quick.
pub fn timeline(mut world: World) -> Vec<(i64, u8)> {
    let start = world.now.0;
    let mut found = Vec::new();
    loop {
        let asked = share(&world);
        found.push(((world.now.0 - start) / MINUTE, asked));
        in_effect(&mut world, asked);
        match world.deployment.next_shift() {
            Some((_, at)) => {
                assert!(timers(&world).contains(&at.0), "somebody has to tell");
                elapse(&mut world, at.0 - 100);
                assert_eq!(share(&world), asked, "not a moment early");
                elapse(&mut world, at.0);
            }
            None => return found,
        }
    }
}

#[test]
fn the_timelines_of_the_specification_come_about() {
    assert_eq!(
        timeline(entered(LINEAR_30)),
        [(0, 30), (5, 60), (10, 90), (15, 100)]
    );
    assert_eq!(timeline(entered(CANARY)), [(0, 25), (45, 100)]);
    let tens: Vec<(i64, u8)> = (0..10)
        .map(|k| (3 * k, 10 * (u8::try_from(k).unwrap() + 1)))
        .collect();
    let ten = "{type: TimeBasedLinear, timeBasedLinear: {linearPercentage: 10, linearInterval: 3}}";
    assert_eq!(timeline(entered(ten)), tens);
    assert_eq!(timeline(entered("{type: AllAtOnce}")), [(0, 100)]);
}

#[test]
fn the_replacement_serves_before_it_gets_a_share_and_is_validated_when_it_has_all() {
    let whole = [
        "install",
        "wait for reroute",
        "reroute",
        "shift",
        "validate",
        "drain original",
        "keep original",
    ];
    assert_eq!(labels(&routed(CANARY)), whole);
    let mut world = World::new(routed(CANARY));
    world.admit();
    assert_eq!(
        share(&world),
        0,
        "what an earlier deployment left is put right"
    );
    all(&mut world, &E::REPLACEMENT);
    world.command(REROUTE);
    assert_eq!(share(&world), 0);
    all(&mut world, &[E::BeforeAllowTraffic, E::AllowTraffic]);
    assert_eq!(share(&world), 25);
    assert!(world.running().is_empty());
    in_effect(&mut world, 25);
    later(&mut world, 45);
    assert_eq!(share(&world), 100);
    assert!(
        world.running().is_empty(),
        "nobody leaves before it is in effect"
    );
    in_effect(&mut world, 100);
    assert_eq!(world.running(), ["host-3", "host-4"]);
    all(&mut world, &[E::AfterAllowTraffic]);
    assert_eq!(world.running(), ["host-1", "host-2"]);
    all(&mut world, &E::BLOCK);
    later(&mut world, 20);
    assert_eq!(world.deployment.status, Succeeded);
    assert_eq!(share(&world), 100);
}

#[test]
fn without_an_original_there_is_nothing_to_shift() {
    let mut alone = routed(CANARY);
    alone.targets.drain(..2);
    assert!(!labels(&alone).contains(&"shift".to_owned()));
}

#[test]
fn an_interval_begins_when_the_load_balancers_have_the_share() {
    let mut world = entered(LINEAR_30);
    assert_eq!(world.deployment.next_shift(), None);
    later(&mut world, 60);
    assert_eq!(share(&world), 30, "it is not in effect yet");
    assert!(
        in_effect(&mut world, 60).is_empty(),
        "nobody asked for that"
    );
    in_effect(&mut world, 30);
    assert!(in_effect(&mut world, 30).is_empty(), "that is known");
    let (next, at) = world.deployment.next_shift().unwrap();
    assert_eq!(next.replacement(), 60);
    assert!(at.0 + 100 > world.now.0 + 5 * MINUTE);
    // Much too late, and one step all the same.
    elapse(&mut world, at.0 + 60 * MINUTE);
    assert_eq!(share(&world), 60);
}

#[test]
fn time_in_which_it_is_paused_does_not_count() {
    let mut world = entered(LINEAR_30);
    in_effect(&mut world, 30);
    let start = world.now.0;
    world.now = Timestamp(start + 4 * MINUTE);
    world.command(What::Pause);
    assert!(timers(&world).is_empty());
    elapse(&mut world, start + 60 * MINUTE);
    assert_eq!(share(&world), 30);
    world.command(What::Resume);
    assert_eq!(share(&world), 30, "a minute is left");
    elapse(&mut world, start + 61 * MINUTE);
    assert_eq!(share(&world), 60);
}

#[test]
fn a_share_that_is_set_by_hand_stays_until_it_is_resumed_and_then_has_a_whole_interval() {
    let mut world = entered(LINEAR_30);
    in_effect(&mut world, 30);
    let start = world.now.0;
    world.now = Timestamp(start + 4 * MINUTE);
    let events = world.command(weight(45));
    assert!(matches!(
        &events[..],
        [Event::Paused { .. }, Event::Shifted { by: Some(by), .. }] if by == "ana"
    ));
    assert_eq!(share(&world), 45);
    in_effect(&mut world, 45);
    elapse(&mut world, start + 600 * MINUTE);
    assert_eq!(share(&world), 45);
    let text = outlook(&world.deployment, world.now).to_string();
    assert!(text.contains("the replacement has 45 %"), "{text}");
    // Again, without another pause.
    assert_eq!(world.command(weight(20)).len(), 1);
    assert_eq!(world.command(weight(20)).len(), 0);
    in_effect(&mut world, 20);
    world.command(What::Resume);
    let (_, at) = world.deployment.next_shift().unwrap();
    assert!(at.0 >= start + 605 * MINUTE);
    elapse(&mut world, at.0 - 100);
    assert_eq!(share(&world), 20);
    elapse(&mut world, at.0);
    assert_eq!(share(&world), 30, "the first step that goes further");
}

#[test]
fn everything_by_hand_ends_the_shift_when_it_is_resumed() {
    let mut world = entered(CANARY);
    world.command(weight(100));
    in_effect(&mut world, 100);
    assert!(world.running().is_empty());
    world.command(What::Resume);
    assert_eq!(world.running(), ["host-3", "host-4"]);
}

#[test]
fn nothing_by_hand_leaves_the_original_everything_until_it_is_resumed() {
    let mut world = entered(CANARY);
    in_effect(&mut world, 25);
    world.command(weight(0));
    in_effect(&mut world, 0);
    assert_eq!(share(&world), 0);
    world.command(What::Resume);
    later(&mut world, 45);
    assert_eq!(share(&world), 25);
}

#[test]
fn shares_are_set_while_traffic_shifts_and_at_no_other_time() {
    let mut world = World::new(routed(CANARY));
    world.admit();
    let text = refused(&world, weight(50));
    assert!(text.contains("does not shift now"), "{text}");
    let plain = ready(1, ALL);
    let text = refused(&plain, weight(50));
    assert!(text.contains("no trafficRoutingConfig"), "{text}");
    let world = entered(CANARY);
    let text = refused(&world, weight(25));
    assert!(text.contains("25 % already"), "{text}");
    let mut in_place = World::new(spec(2, 2, ALL));
    in_place.admit();
    assert_eq!(in_place.deployment.split(), None);
}

#[test]
fn a_stop_in_the_middle_leaves_the_weights_and_the_way_back_takes_everything_at_once() {
    let mut world = entered(LINEAR_30);
    in_effect(&mut world, 30);
    world.stop();
    assert_eq!(world.deployment.status, Stopped);
    assert_eq!(share(&world), 30);
    let back = rollback::spec(
        &world.deployment,
        &Ledger::default(),
        &[],
        id("d-BBBBBBBBB"),
    )
    .unwrap();
    // The original still serves: it is given everything before anything else.
    assert_eq!(labels(&back), ["shift", "reroute", "drain original"]);
    let mut world = World::new(back);
    assert_eq!(share(&world), 30, "until it begins");
    world.admit();
    assert_eq!(share(&world), 0);
    assert!(world.running().is_empty());
    in_effect(&mut world, 0);
    assert_eq!(world.running(), ["host-1", "host-2"]);
    all(&mut world, &E::ALLOW);
    all(&mut world, &E::BLOCK);
    assert_eq!(world.deployment.status, Succeeded);
}

#[test]
fn an_original_that_has_left_comes_back_before_it_is_given_anything() {
    let mut world = entered("{type: AllAtOnce}");
    in_effect(&mut world, 100);
    all(&mut world, &[E::AfterAllowTraffic]);
    world.event("host-1", E::BeforeBlockTraffic, true);
    world.event("host-1", E::BlockTraffic, true);
    world.stop();
    world.event("host-1", E::AfterBlockTraffic, false);
    let back = rollback::spec(
        &world.deployment,
        &Ledger::default(),
        &[],
        id("d-BBBBBBBBB"),
    )
    .unwrap();
    assert_eq!(labels(&back), ["reroute", "shift", "drain original"]);
    let world = World::new(back);
    assert_eq!(share(&world), 100);
}

#[test]
fn a_replacement_that_fails_after_it_has_everything_fails_the_deployment() {
    let mut world = entered("{type: AllAtOnce}");
    in_effect(&mut world, 100);
    for host in ["host-3", "host-4"] {
        world.event(host, E::AfterAllowTraffic, false);
        world.report(host, cutover::engine::input::Report::Ended);
    }
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(share(&world), 100);
}

#[test]
fn a_restart_waits_for_what_was_left_of_the_interval() {
    let mut world = entered(LINEAR_30);
    in_effect(&mut world, 30);
    let (_, at) = world.deployment.next_shift().unwrap();
    world.now = world.now + std::time::Duration::from_mins(2);
    world.input(&Input::Recovered);
    assert_eq!(world.deployment.next_shift().unwrap().1, at);
    assert_eq!(world.deployment.status, InProgress);
}

/// A rehearsal before the key, and then the real thing with the engine's own journal: what is foretold comes, at its time.
#[test]
fn what_is_told_step_by_step_is_what_happens() {
    let mut world = World::new(routed(CANARY));
    world.admit();
    all(&mut world, &E::REPLACEMENT);
    let (start, seen) = (world.now, world.deployment.seq);
    let nothing = Assumptions {
        durations: Durations::default(),
        fails: BTreeSet::new(),
    };
    let command = Command::new(REROUTE, "ana");
    let rehearsed = rehearse_after(&world.deployment, &command, &nothing, start).unwrap();
    let foretold: Vec<(u64, String)> = steps(&world.deployment, &rehearsed)
        .into_iter()
        .map(|step| (step.after.as_secs() / 60, step.text))
        .collect();
    let told: Vec<(u64, &str)> = foretold.iter().map(|(at, text)| (*at, &**text)).collect();
    assert_eq!(
        told,
        [
            (0, "reroute: 2 instances, 2 at a time"),
            (0, "traffic: 25 % to the replacement, 75 % to the original"),
            (45, "traffic: 100 % to the replacement, 0 % to the original"),
            (45, "validate: 2 instances, 2 at a time"),
            (45, "drain original: 2 instances, 2 at a time"),
            (45, "the original is kept for 20 min"),
            (65, "Succeeded"),
        ]
    );

    world.command(REROUTE);
    all(&mut world, &[E::BeforeAllowTraffic, E::AllowTraffic]);
    in_effect(&mut world, 25);
    later(&mut world, 45);
    in_effect(&mut world, 100);
    all(&mut world, &[E::AfterAllowTraffic]);
    all(&mut world, &E::BLOCK);
    later(&mut world, 20);
    let stages = &world.deployment.plan.stages;
    let happened: Vec<(u64, String)> = world
        .journal
        .iter()
        .filter(|record| record.seq > seen)
        .filter_map(|record| {
            let what = match &record.event {
                Event::StageStarted { stage } => stages[*stage].label(),
                Event::Shifted { split, .. } => format!("{} %", split.replacement()),
                Event::Ended { status, .. } => status.to_string(),
                _ => return None,
            };
            Some((record.at.since(start).as_secs() / 60, what))
        })
        .filter(|(_, what)| what != "shift")
        .collect();
    let short = |text: &str| -> String {
        let text = text.strip_prefix("traffic: ").unwrap_or(text);
        let text = text.replace("the original is kept", "keep original");
        let end = text.find(" % ").map_or(text.len(), |at| at + 2);
        text[..end]
            .split(" for ")
            .next()
            .unwrap()
            .split(':')
            .next()
            .unwrap()
            .to_owned()
    };
    let foretold: Vec<(u64, String)> = foretold
        .into_iter()
        .map(|(at, text)| (at, short(&text)))
        .collect();
    assert_eq!(happened, foretold);
    assert_eq!(world.deployment.status, Succeeded);
}
