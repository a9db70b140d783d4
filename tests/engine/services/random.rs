//! Services under random people, answers and times.

use cutover::engine::event::Event;
use cutover::engine::input::{Report, Told, What};
use cutover::engine::pending::WorkId;
use cutover::engine::plan::{Before, Stage};
use cutover::engine::spec::OnFailure;
use cutover::engine::traffic::tested as test_side;
use cutover::engine::{Input, rollback};
use cutover::model::deployment::DeploymentStatus;
use cutover::model::lifecycle::{EventStatus, LifecycleEvent};
use cutover::model::traffic::{Side, Split};
use proptest::prelude::*;

use super::{HOOKS, S, back, deletes, next, recovers, service, started, step, tested, waiting};
use crate::world::{World, name};

/// One random step of the world.
#[derive(Clone, Debug)]
enum Step {
    /// What is at work goes on by one event; it may fail.
    Advance(bool),
    /// The listeners have the split that they were asked for, or this one.
    InEffect(Option<u8>),
    /// What was to be deleted is gone, or not.
    Gone(bool),
    /// The nearest time passes.
    Time,
    Say(What),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let says = prop_oneof![
        4 => Just(What::Continue { before: Before::Reroute }),
        1 => Just(What::Continue { before: Before::Termination }),
        1 => Just(What::Pause),
        3 => Just(What::Resume),
        2 => Just(What::Retry { target: name(S) }),
        1 => Just(What::GiveUp),
        2 => (0u8..=100).prop_map(|share| What::Weight { split: Split::new(share).unwrap() }),
        1 => any::<Option<bool>>().prop_map(|auto_rollback| What::Stop { auto_rollback }),
    ];
    let step = prop_oneof![
        40 => prop::bool::weighted(0.95).prop_map(Step::Advance),
        12 => Just(Step::InEffect(None)),
        1 => (0u8..=100).prop_map(|share| Step::InEffect(Some(share))),
        4 => prop::bool::weighted(0.8).prop_map(Step::Gone),
        4 => Just(Step::Time),
        10 => says.prop_map(Step::Say),
    ];
    prop::collection::vec(step, 0..80)
}

fn advance(world: &mut World, ok: bool) {
    if world.running().is_empty() {
        return;
    }
    let target = world.deployment.target(&name(S)).unwrap();
    let failed = target.failure().is_some();
    match next(world).filter(|_| !failed && !world.deployment.is_ceasing()) {
        Some(event) => world.event(S, event, ok),
        None => world.report(S, Report::Ended),
    }
}

fn take(world: &mut World, step: &Step) {
    match step {
        Step::Advance(ok) => advance(world, *ok),
        Step::InEffect(share) => {
            let asked = world.deployment.split();
            let split = share.map_or(asked, |share| Split::new(share).ok());
            if let Some(split) = split {
                world.input(&Input::InEffect(split));
            }
        }
        Step::Gone(well) => drop(world.input(&Input::Fleet(Told::Terminated {
            targets: Vec::new(),
            trouble: (!well).then(|| "not now".to_owned()),
        }))),
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
        Step::Say(what) => drop(world.command(what.clone())),
    }
    check(world);
}

/// What must hold whatever happens.
fn check(world: &World) {
    recovers(world);
    let deployment = &world.deployment;
    let done = |event: LifecycleEvent| {
        let target = deployment.target(&name(S)).unwrap();
        let entry = target.event(event);
        entry.is_none_or(|entry| entry.status == EventStatus::Succeeded)
    };
    let goes_back = deployment.spec.goes_back();
    if !goes_back && deployment.shift.is_some() {
        for event in LifecycleEvent::ECS {
            let earlier = event <= LifecycleEvent::AllowTraffic;
            assert!(!earlier || done(event), "traffic moved before {event}");
        }
    }
    let tests = test_side(deployment);
    assert!(tests.is_none_or(|side| side == if goes_back { Side::Blue } else { Side::Green }));
    if let Some(side) = deployment.ends().filter(|_| deletes(world)) {
        let serves = match side {
            Side::Blue => Split::REPLACEMENT,
            Side::Green => Split::ORIGINAL,
        };
        assert!(deployment.split().is_none_or(|split| split == serves));
        assert!(deployment.shift.is_none_or(|shift| shift.since.is_some()));
        assert!(done(LifecycleEvent::AllowTraffic), "who serves is certain");
        assert!(done(LifecycleEvent::AfterAllowTraffic));
        assert!(rollback::way_back(deployment).is_err());
    }
    let ended = |record: &&cutover::engine::Record| matches!(record.event, Event::Ended { .. });
    assert!(world.journal.iter().filter(ended).count() <= 1);
    let person = deployment.paused.is_some() || deployment.held.is_some();
    let over = deployment.status.is_terminal();
    assert!(over || person || !world.in_flight.is_empty());
    assert!(!over || world.in_flight.is_empty());
    assert!(world.begun.values().all(|times| *times == 1));
}

/// Everybody does what is wanted of them.
fn finish(world: &mut World) {
    let mut patience = 60;
    while !world.deployment.status.is_terminal() {
        patience -= 1;
        assert!(patience > 0, "{:?}", world.deployment.current_stage());
        if world.deployment.is_ceasing() || world.deployment.held.is_some() {
            world.command(What::GiveUp);
            advance(world, true);
            take(world, &Step::Gone(true));
        } else {
            world.command(What::Resume);
            step(world);
        }
        check(world);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_deployment_of_a_service_keeps_its_promises_and_so_does_the_way_back(
        share in 1u8..100,
        tests in any::<bool>(),
        waits in any::<bool>(),
        holds in any::<bool>(),
        hooks in prop::sample::subsequence(HOOKS.to_vec(), 0..=HOOKS.len()),
        there in steps(),
        back_again in steps(),
    ) {
        let routing = format!(
            "{{type: TimeBasedCanary, timeBasedCanary: {{canaryPercentage: {share}, canaryInterval: 5}}}}"
        );
        let mut asked = service(&routing, &hooks);
        if tests {
            asked = tested(asked);
        }
        if waits {
            asked = waiting(asked);
        }
        if holds {
            asked.options.on_failure = OnFailure::Hold;
        }
        let mut world = started(asked);
        for step in &there {
            take(&mut world, step);
        }
        finish(&mut world);
        let ended = &world.deployment;
        let created = world.journal.iter().any(|record| {
            matches!(record.event, Event::EventStarted { event: LifecycleEvent::Install, .. })
        });
        let deleted = matches!(ended.current_stage(), Some(Stage::DeleteTaskSet { .. }));
        prop_assert_eq!(back(&world).is_ok(), created && !deleted);
        prop_assert_eq!(ended.status == DeploymentStatus::Succeeded, deleted);
        if let Ok(spec) = back(&world) {
            let mut world = started(spec);
            for step in &back_again {
                take(&mut world, step);
            }
            finish(&mut world);
            prop_assert!(back(&world).is_err());
        }
    }
}
