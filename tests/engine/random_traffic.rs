//! Blue/green deployments under random instances, load balancers and operators.

use cutover::engine::event::Event;
use cutover::engine::input::{Report, What};
use cutover::engine::pending::WorkId;
use cutover::engine::plan::Stage;
use cutover::engine::{Input, fold, rollback};
use cutover::model::lifecycle::{EventStatus, LifecycleEvent};
use cutover::model::name::Name;
use cutover::model::traffic::{Side, Split};
use proptest::prelude::*;

use crate::blue_green::{REROUTE, sides};
use crate::world::{World, id};

/// One random step of the world.
#[derive(Clone, Debug)]
enum Step {
    /// The instance at this place among those in flight goes on by one event; it may fail.
    Advance(usize, bool),
    /// Load balancers say that they have what they were asked for, or this.
    InEffect(Option<u8>),
    /// The nearest time passes.
    Time,
    Weight(u8),
    Pause,
    Resume,
    Reroute,
    Retry(usize),
    Stop,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        60 => (any::<usize>(), prop::bool::weighted(0.98)).prop_map(|(i, ok)| Step::Advance(i, ok)),
        8 => Just(Step::InEffect(None)),
        1 => (0u8..=100).prop_map(|share| Step::InEffect(Some(share))),
        5 => Just(Step::Time),
        3 => (0u8..=100).prop_map(Step::Weight),
        1 => Just(Step::Pause),
        4 => Just(Step::Resume),
        6 => Just(Step::Reroute),
        2 => any::<usize>().prop_map(Step::Retry),
        1 => prop::bool::weighted(0.2).prop_map(|stop| if stop { Step::Stop } else { Step::Resume }),
    ];
    prop::collection::vec(step, 0..160)
}

fn routings() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        Just(Some("{type: AllAtOnce}".to_owned())),
        (1u8..100).prop_map(|share| Some(format!(
            "{{type: TimeBasedCanary, timeBasedCanary: {{canaryPercentage: {share}, canaryInterval: 5}}}}"
        ))),
        (5u8..100).prop_map(|share| Some(format!(
            "{{type: TimeBasedLinear, timeBasedLinear: {{linearPercentage: {share}, linearInterval: 5}}}}"
        ))),
    ]
}

fn take(world: &mut World, step: &Step) {
    match step {
        Step::Advance(place, ok) => advance(world, *place, *ok),
        Step::InEffect(share) => {
            let asked = world.deployment.split();
            let split = share.map_or(asked, |share| Split::new(share).ok());
            if let Some(split) = split {
                world.input(&Input::InEffect(split));
            }
        }
        Step::Time => {
            let times = world.in_flight.keys().filter_map(|id| match id {
                WorkId::Timer(_, at) => Some(*at),
                _ => None,
            });
            if let Some(at) = times.min() {
                world.now = world.now.max(at);
                world.input(&Input::TimerElapsed);
            }
        }
        Step::Weight(share) => {
            let split = Split::new(*share).unwrap();
            world.command(What::Weight { split });
        }
        Step::Pause => drop(world.command(What::Pause)),
        Step::Resume => drop(world.command(What::Resume)),
        Step::Reroute => drop(world.command(REROUTE)),
        Step::Retry(place) => {
            let targets = &world.deployment.targets;
            let target = targets[place % targets.len()].name.clone();
            world.command(What::Retry { target });
        }
        Step::Stop => world.stop(),
    }
}

/// An instance goes on with what its part of the deployment is.
fn advance(world: &mut World, place: usize, ok: bool) {
    let running = world.running();
    if running.is_empty() {
        return;
    }
    let host = running[place % running.len()].clone();
    let target = world.deployment.target(&crate::world::name(&host)).unwrap();
    let failed = target.failure().is_some();
    let pending =
        |entry: &&cutover::engine::deployment::TargetEvent| entry.status == EventStatus::Pending;
    let next = target.part().find(pending).map(|entry| entry.event);
    match next {
        Some(event) if !failed && !world.deployment.is_ceasing() => world.event(&host, event, ok),
        _ => world.report(&host, Report::Ended),
    }
}

/// What must hold of every journal of a blue/green deployment.
fn check(world: &World) {
    let plan = &world.deployment.plan;
    let shift = plan.stages.iter().find_map(Stage::shift);
    let mut asked = shift.map(|shift| shift.from);
    let mut in_effect = true;
    let mut paused = false;
    let mut over = false;
    let side = |name: &Name| world.deployment.target(name).and_then(|target| target.side);
    let mut entered = std::collections::BTreeSet::new();
    for record in &world.journal {
        match &record.event {
            Event::Shifted { split, by, .. } => {
                assert!(!over, "nothing shifts once it ends");
                let schedule = shift.unwrap();
                if by.is_none() {
                    assert!(!paused, "nobody resumed it");
                    assert!(in_effect, "the step before is not in effect");
                    let first =
                        asked == Some(schedule.from) && schedule.steps.first() == Some(split);
                    assert!(first || schedule.after(asked.unwrap()) == Some(*split));
                }
                asked = Some(*split);
                in_effect = false;
            }
            Event::InEffect { split } => {
                assert_eq!(asked, Some(*split));
                assert!(!in_effect, "that was known");
                in_effect = true;
            }
            Event::Paused { .. } => paused = true,
            Event::Resumed { .. } => paused = false,
            Event::StopRequested { .. } | Event::TimedOut | Event::Ended { .. } => over = true,
            Event::EventEnded {
                target,
                event: LifecycleEvent::AllowTraffic,
                status: EventStatus::Succeeded,
                ..
            } => drop(entered.insert(target.clone())),
            Event::EventStarted {
                target,
                event: LifecycleEvent::BlockTraffic,
                ..
            } => {
                let leaving = side(target).unwrap();
                // What is installed next has no traffic to leave, or none that is its own.
                if leaving == Side::Green && !world.deployment.spec.goes_back() {
                    continue;
                }
                let others = world.deployment.targets.iter();
                let mut others = others.filter(|other| other.side == Some(leaving.other()));
                assert!(
                    others.any(|other| entered.contains(&other.name)),
                    "nobody leaves before somebody of the other side serves"
                );
                if leaving == Side::Blue && shift.is_some() {
                    assert_eq!(asked, Some(Split::REPLACEMENT));
                    assert!(in_effect);
                }
            }
            _ => {}
        }
    }
    assert_eq!(asked, world.deployment.split());
    let again = fold(&world.journal).unwrap();
    assert_eq!(again, world.deployment, "the journal tells all");
    let waits = world.deployment.paused.is_some() || world.deployment.held.is_some();
    assert!(world.deployment.status.is_terminal() || waits || !world.in_flight.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_blue_green_deployment_keeps_its_promises_and_so_does_the_way_back(
        n in 1usize..4,
        one in any::<bool>(),
        routing in routings(),
        there in steps(),
        back in steps(),
    ) {
        let configuration = if one { "CodeDeployDefault.OneAtATime" } else { "CodeDeployDefault.AllAtOnce" };
        let mut asked = sides(n, configuration);
        asked.configuration.traffic_routing_config =
            routing.map(|text| cutover::model::yaml::from_str(&text).unwrap());
        let mut world = World::new(asked);
        world.admit();
        for step in &there {
            take(&mut world, step);
        }
        check(&world);
        world.stop();
        while !world.deployment.status.is_terminal() {
            advance(&mut world, 0, true);
        }
        check(&world);
        let ledger = cutover::engine::Ledger::default();
        if let Ok(spec) = rollback::spec(&world.deployment, &ledger, &[], id("d-BBBBBBBBB")) {
            let from = world.deployment.split();
            let mut world = World::new(spec);
            prop_assert_eq!(world.deployment.split(), from);
            world.admit();
            for step in &back {
                take(&mut world, step);
            }
            check(&world);
        }
    }
}
