//! What is said of the future is what happens, whatever came before.

use cutover::engine::event::{Event, Record};
use cutover::engine::input::{Command, Report, What};
use cutover::engine::outlook::{Outlook, Standing};
use cutover::engine::spec::OnFailure;
use cutover::engine::{Deployment, Input, Spec, decide, foresee, outlook, refusal};
use cutover::model::deployment::{DeploymentStatus, TargetStatus};
use cutover::model::lifecycle::{EventStatus, LifecycleEvent};
use cutover::model::name::Name;
use cutover::model::timestamp::Timestamp;
use proptest::prelude::*;

use crate::world::{World, name, revision, spec};

/// One random step.
#[derive(Clone, Debug)]
enum Step {
    /// The host at this place among those in flight goes on by one event, which may fail.
    Advance(usize, bool),
    /// It is not heard of any more, or again.
    Lost(usize),
    Heard(usize),
    Pause,
    Resume,
    /// These take a target at this place.
    Retry(usize),
    Skip(usize),
    StartNext(usize),
    GiveUp,
    Stop,
    /// Time passes until the next time that the deployment waits for.
    Timer,
    /// Somebody else takes it up.
    Recovered,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = any::<usize>;
    let step = prop_oneof![
        60 => (place(), prop::bool::weighted(0.95)).prop_map(|(i, ok)| Step::Advance(i, ok)),
        2 => place().prop_map(Step::Lost),
        2 => place().prop_map(Step::Heard),
        2 => Just(Step::Pause),
        3 => Just(Step::Resume),
        3 => place().prop_map(Step::Retry),
        2 => place().prop_map(Step::Skip),
        2 => place().prop_map(Step::StartNext),
        1 => Just(Step::GiveUp),
        1 => Just(Step::Stop),
        2 => Just(Step::Timer),
        1 => Just(Step::Recovered),
    ];
    prop::collection::vec(step, 0..120)
}

fn specs() -> impl Strategy<Value = Spec> {
    let configurations = prop_oneof![
        Just("CodeDeployDefault.OneAtATime".to_owned()),
        Just("CodeDeployDefault.HalfAtATime".to_owned()),
        Just("CodeDeployDefault.AllAtOnce".to_owned()),
        (0u32..8).prop_map(|n| format!("count-{n}")),
    ];
    let zones = prop::collection::vec(0usize..3, 0..8);
    let zones = (any::<bool>(), zones);
    (zones, 0usize..4, configurations, any::<bool>()).prop_map(
        |((zonal, zones), unhealthy, configuration, hold)| {
            let n = zones.len();
            let mut asked = if zonal {
                let names: Vec<&str> = zones.iter().map(|z| ["a", "b", "c"][*z]).collect();
                crate::zones::zonal(&names, &configuration, None, (60, 30))
            } else {
                spec(n, 0, &configuration)
            };
            for target in asked.targets.iter_mut().take(unhealthy) {
                target.instance_health = cutover::model::deployment::InstanceHealth::Unhealthy;
            }
            if hold {
                asked.options.on_failure = OnFailure::Hold;
            }
            asked
        },
    )
}

fn pick(world: &World, place: usize) -> Option<String> {
    let running = world.running();
    (!running.is_empty()).then(|| running[place % running.len()].clone())
}

fn take(world: &mut World, step: &Step) {
    let target = |place: usize| {
        let targets = &world.deployment.targets;
        let n = targets.len().max(1);
        targets.get(place % n).map(|t| t.name.clone())
    };
    let what = match step {
        Step::Advance(place, ok) => {
            if let Some(host) = pick(world, *place) {
                advance(world, &host, *ok);
            }
            return;
        }
        Step::Lost(place) | Step::Heard(place) => {
            if let Some(host) = pick(world, *place) {
                let lost = matches!(step, Step::Lost(_));
                world.report(&host, if lost { Report::Lost } else { Report::Heard });
            }
            return;
        }
        Step::Timer => {
            if let Some(at) = world.deployment.monitor_ends() {
                world.now = world.now.max(at);
                world.input(&Input::TimerElapsed);
            }
            return;
        }
        Step::Recovered => {
            world.input(&Input::Recovered);
            return;
        }
        Step::Pause => Some(What::Pause),
        Step::Resume => Some(What::Resume),
        Step::GiveUp => Some(What::GiveUp),
        Step::Stop => Some(What::Stop {
            auto_rollback: None,
        }),
        Step::Retry(place) => target(*place).map(|target| What::Retry { target }),
        Step::Skip(place) => target(*place).map(|target| What::Skip { target }),
        Step::StartNext(place) => target(*place).map(|target| What::StartNext { target }),
    };
    if let Some(what) = what {
        agrees(world, &what);
        world.command(what);
    }
}

/// The host runs its next event to its end, or says that it is done.
fn advance(world: &mut World, host: &str, ok: bool) {
    let target = world.deployment.target(&name(host)).unwrap();
    let failed = target.failure().is_some();
    let next = target
        .events
        .iter()
        .find(|e| e.status == EventStatus::Pending);
    match next.map(|entry| entry.event) {
        Some(event) if !failed && !world.deployment.is_ceasing() => world.event(host, event, ok),
        _ => world.report(host, Report::Ended),
    }
}

/// A copy, driven by inputs alone.
struct Copy {
    deployment: Deployment,
    now: Timestamp,
}

impl Copy {
    fn of(world: &World) -> Self {
        Self {
            deployment: world.deployment.clone(),
            now: world.now,
        }
    }

    fn input(&mut self, input: &Input) -> Vec<Event> {
        let events = decide(&self.deployment, input, self.now);
        for event in &events {
            self.deployment.evolve(&Record {
                seq: self.deployment.seq + 1,
                at: self.now,
                event: event.clone(),
            });
        }
        events
    }

    /// A host does the rest of its work well; answers what was decided besides what it did.
    fn finish(&mut self, host: &Name) -> Vec<Event> {
        let target = self.deployment.target(host).unwrap().clone();
        let failed = target.failure().is_some();
        let ceasing = self.deployment.is_ceasing();
        let events: Vec<LifecycleEvent> = target
            .events
            .iter()
            .filter(|entry| match entry.status {
                EventStatus::InProgress => true,
                EventStatus::Pending => !failed && !ceasing,
                _ => false,
            })
            .map(|entry| entry.event)
            .collect();
        let execution = target.execution.unwrap();
        let mut reports: Vec<Report> = events
            .into_iter()
            .map(|event| Report::EventEnded {
                event,
                status: EventStatus::Succeeded,
                at: self.now,
                diagnostics: None,
            })
            .collect();
        reports.push(Report::Ended);
        let mut decided = Vec::new();
        for report in reports {
            decided.extend(self.input(&Input::Report {
                execution: execution.clone(),
                target: host.clone(),
                report,
            }));
        }
        decided.retain(|event| {
            !matches!(
                event,
                Event::EventStarted { .. }
                    | Event::EventEnded { .. }
                    | Event::TargetEnded { .. }
                    | Event::ContactRegained { .. }
            )
        });
        decided
    }

    fn running(&self) -> Vec<Name> {
        self.deployment.running().map(|t| t.name.clone()).collect()
    }

    /// Everything goes well from now on.
    fn run(&mut self) {
        use DeploymentStatus::{Created, Queued};
        if matches!(self.deployment.status, Created | Queued) {
            self.input(&Input::Admitted);
        }
        loop {
            while let Some(host) = self.running().first().cloned() {
                self.finish(&host);
            }
            match self.deployment.monitor_ends() {
                Some(at) if !self.deployment.status.is_terminal() => {
                    self.now = self.now.max(at);
                    if self.input(&Input::TimerElapsed).is_empty() {
                        return;
                    }
                }
                _ => return,
            }
        }
    }
}

/// What the outlook says comes next is what is decided next; `turn` chooses the order in which hosts end where it says that
/// the order does not matter.
fn comes_true(world: &World, said: &Outlook, turn: usize) {
    use DeploymentStatus::{Created, Queued};
    let mut copy = Copy::of(world);
    if matches!(copy.deployment.status, Created | Queued) {
        assert_eq!(copy.input(&Input::Admitted), said.then.events);
        return;
    }
    let mut order = copy.running();
    if said.then.these.is_empty() && !order.is_empty() {
        let n = order.len();
        order.rotate_left(turn % n);
    } else {
        order.sort_by_key(|name| !said.then.these.contains(name));
        assert!(
            said.then
                .these
                .iter()
                .eq(order.iter().take(said.then.these.len()))
        );
    }
    let mut decided = Vec::new();
    for (ended, host) in order.iter().take(said.then.after as usize).enumerate() {
        assert!(
            decided.is_empty(),
            "after {ended} hosts: {decided:?} and not {said:?}"
        );
        decided = copy.finish(host);
    }
    if decided.is_empty()
        && copy.deployment.in_flight.is_empty()
        && let Some(at) = copy.deployment.monitor_ends()
    {
        copy.now = copy.now.max(at);
        decided = copy.input(&Input::TimerElapsed);
    }
    assert_eq!(decided, said.then.events, "{said}");
}

/// A preview says how it ends, and refuses what is refused.
fn agrees(world: &World, what: &What) {
    let command = Command::new(what.clone(), "ana");
    let goal = revision("1");
    let foreseen = foresee(&world.deployment, &command, world.now, Some(&goal));
    let refused = refusal(&world.deployment, &command);
    let Ok(foreseen) = foreseen else {
        assert_eq!(foreseen.err(), refused);
        return;
    };
    assert_eq!(refused, None);
    let mut copy = Copy::of(world);
    let events = copy.input(&Input::Command(command));
    assert_eq!(events, foreseen.events);
    copy.run();
    let (end, real) = (&foreseen.end, &copy.deployment);
    assert_eq!(end.status, real.status, "{foreseen}");
    assert_eq!(end.waits.is_none(), real.status.is_terminal());
    assert_ne!(end.waits.as_deref(), Some("nothing"), "{foreseen}");
    let count = |status| real.targets.iter().filter(|t| t.status == status).count();
    assert_eq!(end.succeeded as usize, count(TargetStatus::Succeeded));
    assert_eq!(
        (end.interrupted + end.untouched) as usize,
        count(TargetStatus::Skipped)
            + real
                .targets
                .iter()
                .filter(|t| t.status == TargetStatus::Pending)
                .count(),
        "{foreseen}"
    );
}

fn check(world: &World, turn: usize) {
    let said = outlook(&world.deployment, world.now);
    let line = said.to_string();
    let over = world.deployment.status.is_terminal();
    assert_eq!(matches!(said.standing, Standing::Over { .. }), over);
    assert_eq!(
        said.waits.is_empty(),
        over,
        "{line}: {:?}",
        world.deployment
    );
    assert!(!line.contains("fault of this program"), "{line}");
    assert_eq!(said.in_flight as usize, world.deployment.in_flight.len());
    if !over {
        comes_true(world, &said, turn);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn what_is_said_of_the_future_comes_true(
        asked in specs(),
        admitted in prop::bool::weighted(0.9),
        steps in steps(),
    ) {
        let mut world = World::new(asked);
        check(&world, 0);
        if admitted {
            world.admit();
        }
        for (turn, step) in steps.iter().enumerate() {
            check(&world, turn);
            take(&mut world, step);
        }
        check(&world, 0);
    }
}
