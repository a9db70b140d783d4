//! Whole deployments under random hosts, orders of arrival, repetitions and stops.

use cutover::engine::deployment::Target;
use cutover::engine::input::{Command, Report, What};
use cutover::engine::pending::WorkId;
use cutover::engine::plan::Stage;
use cutover::engine::spec::OnFailure;
use cutover::engine::tally::{Lost, Tally};
use cutover::engine::{Deployment, Event, Input, fold, refusal};
use cutover::model::configuration::{MinimumHealthyHosts, MinimumHealthyHostsType, ZonalConfig};
use cutover::model::deployment::{DeploymentStatus, TargetStatus};
use cutover::model::freeze::{Freeze, Scope};
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
    /// An operator does this to the instance at this place, if the core lets them.
    Control(u8, usize),
    /// The nearest deadline or timer passes.
    Time,
    /// Its group is in a freeze from now on, or no longer.
    Freeze(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        60 => (any::<usize>(), prop::bool::weighted(0.97)).prop_map(|(i, ok)| Step::Advance(i, ok)),
        5 => any::<usize>().prop_map(Step::Repeat),
        1 => Just(Step::Stop),
        6 => (0u8..6, any::<usize>()).prop_map(|(what, place)| Step::Control(what, place)),
        1 => Just(Step::Time),
        3 => any::<bool>().prop_map(Step::Freeze),
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

/// What the operator's choice means for a world of these instances.
fn control(world: &World, what: u8, place: usize) -> Option<What> {
    let targets = &world.deployment.targets;
    let target = || {
        targets
            .get(place % targets.len().max(1))
            .map(|t| t.name.clone())
    };
    Some(match what {
        0 => What::Pause,
        1 => What::Resume,
        2 => What::GiveUp,
        3 => What::Skip { target: target()? },
        4 => What::StartNext { target: target()? },
        // Only failed ones can be tried again: the next from this place on.
        _ => What::Retry {
            target: (0..targets.len())
                .map(|i| &targets[(place.wrapping_add(i)) % targets.len()])
                .find(|target| target.status == TargetStatus::Failed)
                .map(|target| target.name.clone())?,
        },
    })
}

/// The nearest deadline or timer passes.
fn pass_time(world: &mut World) -> bool {
    let nearest = world.in_flight.values().filter_map(|work| match &work.id {
        WorkId::Deadline(_, at) => Some((*at, work.target.clone())),
        WorkId::Timer(_, at) => Some((*at, None)),
        _ => None,
    });
    let Some((at, target)) = nearest.min() else {
        return false;
    };
    world.now = world.now.max(at);
    match target {
        Some(target) => world.input(&Input::DeadlinePassed {
            target,
            deregistered: false,
        }),
        None => world.input(&Input::TimerElapsed),
    };
    true
}

/// Its group comes into a freeze, or out of it.
fn freeze(world: &mut World, on: bool) -> Vec<Event> {
    let freeze = Freeze {
        scope: Scope::default(),
        by: "ana".to_owned(),
        why: "Black Friday".to_owned(),
        at: world.now,
        until: world.now,
    };
    world.input(&Input::Freeze(on.then_some(freeze)))
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
        Some(event) if !failed && !world.deployment.is_ceasing() => world.event(&host, event, ok),
        _ => world.report(&host, Report::Ended),
    }
}

/// I-1 of the invariants: what we took out never leaves fewer healthy available than the floor.
fn check(world: &World) {
    let deployment = &world.deployment;
    let Some(window) = deployment.plan.window else {
        return;
    };
    assert!(deployment.fleet.in_flight <= window.concurrency);
    for (stage, tally) in deployment.plan.stages.iter().zip(&deployment.stages) {
        if let Stage::Install { window, .. } = stage {
            assert!(tally.in_flight <= window.concurrency);
        }
    }
    check_tallies(deployment);
    // I-15: whatever is not over has something in flight, a time, or a person that it waits for.
    let waits_for_a_person =
        deployment.paused.is_some() || deployment.held.is_some() || deployment.frozen.is_some();
    // Stopping is the way out, whatever keeps it where it is.
    let stop = Command::new(
        What::Stop {
            auto_rollback: None,
        },
        "ana",
    );
    assert!(deployment.status.is_terminal() || refusal(deployment, &stop).is_none());
    assert!(
        deployment.status.is_terminal() || waits_for_a_person || !world.in_flight.is_empty(),
        "waits for nothing: {:?}",
        deployment.fleet
    );
    assert_eq!(
        deployment.fleet.in_flight as usize,
        deployment.in_flight.len()
    );
    let available = deployment
        .targets
        .iter()
        .filter(|target| match target.status {
            TargetStatus::Succeeded => true,
            TargetStatus::Pending | TargetStatus::Skipped => target.is_healthy_untouched(),
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

/// The totals are what counting says.
fn check_tallies(deployment: &Deployment) {
    let mut fleet = Tally::default();
    for (stage, kept) in deployment.stages.iter().enumerate() {
        let counted = count(
            deployment.targets.iter().filter(|t| t.stage == stage),
            deployment,
        );
        assert_eq!(&counted, kept, "stage {stage}");
        fleet.total += counted.total;
    }
    let counted = count(deployment.targets.iter(), deployment);
    assert_eq!(counted, deployment.fleet);
    assert_eq!(fleet.total, counted.total);
}

fn count<'a>(targets: impl Iterator<Item = &'a Target>, deployment: &Deployment) -> Tally {
    let mut tally = Tally::default();
    // The end skips what waits, and leaves the totals as they were.
    let over = deployment.status.is_terminal();
    for target in targets {
        tally.total += 1;
        let lost = u32::from(target.lost.is_some());
        tally.failed += lost;
        tally.unanswered += u32::from(target.lost == Some(Lost::Unanswered));
        let excluded = target.attempt == 0 && target.message.is_some();
        match target.status {
            TargetStatus::Pending => tally.waiting += 1,
            TargetStatus::InProgress => tally.in_flight += 1,
            TargetStatus::Succeeded => tally.succeeded += 1,
            TargetStatus::Skipped if excluded => {
                tally.excluded_unhealthy += u32::from(!target.is_healthy_untouched());
            }
            TargetStatus::Skipped if target.attempt == 0 && over => tally.waiting += 1,
            TargetStatus::Skipped => tally.interrupted += 1,
            _ => {
                let again = over && target.end_time.is_none();
                tally.waiting += u32::from(again);
                tally.retries += u32::from(again);
            }
        }
        if target.status == TargetStatus::Pending && target.attempt > 0 {
            tally.retries += 1;
        }
        let available = target.status == TargetStatus::Succeeded
            || (target.attempt == 0 && target.is_healthy_untouched());
        tally.available_healthy += u32::from(available);
    }
    tally
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_deployment_keeps_its_promises(
        n in 0usize..12,
        unhealthy in 0usize..12,
        configuration in configurations(),
        zones in prop::option::weighted(0.3, (1usize..4, 0u32..60, 0u64..100)),
        hold in any::<bool>(),
        steps in steps(),
    ) {
        let mut asked = spec(n, unhealthy.min(n), &configuration);
        if hold {
            asked.options.on_failure = OnFailure::Hold;
        }
        if let Some((zones, percent, seconds)) = zones {
            for (place, target) in asked.targets.iter_mut().enumerate() {
                target.zone = Some(format!("zone-{}", place % zones));
            }
            asked.configuration.zonal_config = Some(ZonalConfig {
                monitor_duration_in_seconds: Some(seconds),
                first_zone_monitor_duration_in_seconds: None,
                minimum_healthy_hosts_per_zone: Some(MinimumHealthyHosts {
                    kind: MinimumHealthyHostsType::FleetPercent,
                    value: percent,
                }),
            });
        }
        let mut world = World::new(asked);
        world.admit();
        let mut stopped_at = None;
        for step in steps {
            let (frozen, seq) = (world.deployment.frozen.is_some(), world.deployment.seq);
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
                Step::Control(what, place) => {
                    if let Some(what) = control(&world, what, place) {
                        let allowed = refusal(&world.deployment, &Command::new(what.clone(), "ana")).is_none();
                        let events = world.command(what);
                        prop_assert_eq!(allowed, !events.is_empty());
                    }
                }
                Step::Time => {
                    pass_time(&mut world);
                }
                Step::Freeze(on) => {
                    freeze(&mut world, on);
                }
                Step::Stop => {
                    world.stop();
                    stopped_at.get_or_insert(world.deployment.fleet.waiting);
                }
            }
            check(&world);
            if frozen && world.deployment.frozen.is_some() {
                let started = world.journal.iter().filter(|record| record.seq > seq);
                let mut started = started.filter(|record| matches!(record.event, Event::TargetStarted { .. }));
                prop_assert!(started.next().is_none(), "nothing starts in a freeze");
            }
            if let Some(next) = stopped_at {
                prop_assert_eq!(world.deployment.fleet.waiting, next, "nothing starts after a stop");
            }
        }
        // Liveness: when every host finishes and a person does not keep it waiting, the deployment ends.
        let mut patience = 12 * 9 * 4 + 8;
        while !world.deployment.status.is_terminal() {
            prop_assert!(patience > 0, "stuck: {:?}", world.deployment.fleet);
            patience -= 1;
            if world.deployment.paused.is_some() && world.deployment.stop.is_none() {
                world.command(What::Resume);
            }
            freeze(&mut world, false);
            if world.running().is_empty() && world.deployment.held.is_some() {
                world.command(What::GiveUp);
            } else if world.running().is_empty() {
                pass_time(&mut world);
            } else {
                advance(&mut world, 0, true);
            }
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
            && let Some(window) = world.deployment.plan.window
        {
            prop_assert!(overview.succeeded >= 1);
            prop_assert!(overview.total() - overview.failed >= window.minimum_healthy);
            let left_out = world.deployment.targets.iter().filter(|t| t.attempt == 0).count();
            prop_assert_eq!(overview.skipped as usize, left_out);
        }
        // Nothing is begun twice.
        prop_assert!(world.begun.values().all(|times| *times == 1));
        // State is the fold of the journal, also after it has been written and read.
        let text = serde_json::to_string(&world.journal).unwrap();
        let journal: Vec<cutover::engine::Record> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(fold(&journal), Some(world.deployment));
    }
}
