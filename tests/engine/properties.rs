//! Whole deployments under random hosts, orders of arrival, repetitions and stops.

use cutover::engine::fold;
use cutover::engine::input::Report;
use cutover::engine::plan::Stage;
use cutover::model::deployment::{DeploymentStatus, InstanceHealth, TargetStatus};
use cutover::model::lifecycle::{EventStatus, LifecycleEvent};
use proptest::prelude::*;

use crate::world::{World, spec};

/// One random step of the world.
#[derive(Clone, Debug)]
enum Step {
    /// The host at this place among those in flight goes on by one event; it may fail.
    Advance(usize, bool),
    /// An old report comes once more.
    Repeat(usize),
    Stop,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        60 => (any::<usize>(), prop::bool::weighted(0.97)).prop_map(|(i, ok)| Step::Advance(i, ok)),
        5 => any::<usize>().prop_map(Step::Repeat),
        1 => Just(Step::Stop),
    ];
    prop::collection::vec(step, 0..200)
}

fn configurations() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("CodeDeployDefault.OneAtATime".to_owned()),
        Just("CodeDeployDefault.HalfAtATime".to_owned()),
        Just("CodeDeployDefault.AllAtOnce".to_owned()),
        (0u32..12).prop_map(|n| format!("count-{n}")),
        (0u32..100).prop_map(|n| format!("percent-{n}")),
    ]
}

fn advance(world: &mut World, place: usize, ok: bool) {
    let running = world.running();
    if running.is_empty() {
        return;
    }
    let host = running[place % running.len()].clone();
    let target = world
        .deployment
        .target(&crate::world::name(&host))
        .unwrap()
        .clone();
    let failed = target.failure().is_some();
    let next = target
        .events
        .iter()
        .find(|entry| entry.status == EventStatus::Pending)
        .map(|entry| entry.event);
    match next {
        Some(event) if !failed && world.deployment.stop.is_none() => world.event(&host, event, ok),
        _ => world.report(&host, Report::Ended),
    }
}

/// I-1 of the invariants: what we took out never leaves fewer healthy available than the floor.
fn check(world: &World) {
    let deployment = &world.deployment;
    let Some(Stage::Install { window, .. }) = deployment.plan.stages.first() else {
        return;
    };
    assert!(deployment.fleet.in_flight <= window.concurrency);
    assert_eq!(
        deployment.fleet.in_flight as usize,
        deployment.in_flight.len()
    );
    let available = deployment
        .targets
        .iter()
        .filter(|target| match target.status {
            TargetStatus::Succeeded => true,
            TargetStatus::Pending | TargetStatus::Skipped => {
                target.start_time.is_none() && target.health_before == InstanceHealth::Healthy
            }
            _ => false,
        })
        .count();
    assert_eq!(available, deployment.fleet.available_healthy as usize);
    for target in &deployment.targets {
        let order: Vec<EventStatus> = target.events.iter().map(|entry| entry.status).collect();
        let first_open = order
            .iter()
            .position(|s| *s == EventStatus::Pending)
            .unwrap_or(order.len());
        assert!(
            order[first_open..]
                .iter()
                .all(|s| *s == EventStatus::Pending),
            "events run in order: {order:?}"
        );
        if target.status == TargetStatus::Skipped && target.start_time.is_none() {
            assert!(order.iter().all(|s| *s == EventStatus::Skipped));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_deployment_keeps_its_promises(
        n in 0usize..12,
        unhealthy in 0usize..12,
        configuration in configurations(),
        steps in steps(),
    ) {
        let mut world = World::new(spec(n, unhealthy.min(n), &configuration));
        world.admit();
        let mut stopped_at = None;
        for step in steps {
            match step {
                Step::Advance(place, ok) => advance(&mut world, place, ok),
                Step::Repeat(place) => {
                    // A late report about an event that has ended changes nothing.
                    let names: Vec<String> = world.deployment.targets.iter().map(|t| t.name.to_string()).collect();
                    if !names.is_empty() {
                        let host = names[place % names.len()].clone();
                        let target = world.deployment.target(&crate::world::name(&host)).unwrap();
                        let done = target.event(LifecycleEvent::ApplicationStop).is_some_and(|e| e.status.is_terminal());
                        if done {
                            let before = world.deployment.seq;
                            world.event(&host, LifecycleEvent::ApplicationStop, true);
                            prop_assert_eq!(world.deployment.seq, before);
                        }
                    }
                }
                Step::Stop => {
                    world.stop();
                    stopped_at.get_or_insert(world.deployment.fleet.waiting);
                }
            }
            check(&world);
            if let Some(next) = stopped_at {
                prop_assert_eq!(world.deployment.fleet.waiting, next, "nothing starts after a stop");
            }
        }
        // Liveness: when every host finishes, the deployment ends.
        let mut patience = 12 * 9 + 1;
        while !world.deployment.status.is_terminal() {
            prop_assert!(patience > 0, "stuck: {:?}", world.deployment.fleet);
            patience -= 1;
            advance(&mut world, 0, true);
            check(&world);
        }
        // Terminal is terminal, and nothing is left in flight.
        prop_assert!(world.in_flight.is_empty());
        prop_assert!(world.deployment.targets.iter().all(|t| t.status.is_terminal()));
        let overview = world.deployment.overview;
        prop_assert_eq!(overview.total() as usize, world.deployment.targets.len());
        prop_assert_eq!(overview.pending + overview.in_progress + overview.ready, 0);
        // The end rule.
        if world.deployment.status == DeploymentStatus::Succeeded
            && let Some(Stage::Install { window, .. }) = world.deployment.plan.stages.first()
        {
            prop_assert!(overview.succeeded >= 1);
            prop_assert!(overview.total() - overview.failed >= window.minimum_healthy);
            prop_assert_eq!(overview.skipped, 0);
        }
        // Nothing is begun twice.
        prop_assert!(world.begun.values().all(|times| *times == 1));
        // State is the fold of the journal, also after it has been written and read.
        let text = serde_json::to_string(&world.journal).unwrap();
        let journal: Vec<cutover::engine::Record> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(fold(&journal), Some(world.deployment));
    }
}
