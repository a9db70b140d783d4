//! Which task sets a deployment is about, and which of them outlive it.

use std::collections::BTreeMap;

use cutover::engine::input::{Told, What};
use cutover::engine::ledger::{LedgerEvent, LedgerRecord};
use cutover::engine::plan::Stage;
use cutover::engine::task_sets::{Kept, TaskSets};
use cutover::engine::{Input, Spec};
use cutover::model::deployment::DeploymentStatus;
use cutover::model::endpoint::Endpoint;
use cutover::model::group::EcsService;
use cutover::model::lifecycle::LifecycleEvent as E;
use cutover::model::task_set::{Ports, Task, TaskDefinition, TaskSet};
use cutover::model::traffic::Side;

use super::ends::remembered;
use super::{
    CANARY, S, back, broken, gone, recovers, service, started, step, to_the_end, upto, waiting,
};
use crate::blue_green::labels;
use crate::functions::share;
use crate::world::{World, id, name};

const REPLACEMENT: &str = "d-AAAAAAAAA";

fn set(of: &str, group: &str) -> TaskSet {
    TaskSet {
        id: of.into(),
        service: EcsService {
            service_name: S.to_owned(),
            cluster_name: "main".to_owned(),
        },
        task_definition: "checkout:2".to_owned(),
        definition: Some(TaskDefinition {
            run: vec!["serve".to_owned()],
            count: 1,
            port: Ports {
                first: 8000,
                last: 8099,
            },
            health: None,
            environment: BTreeMap::new(),
            user: None,
            folder: None,
            start_seconds: 60,
            stop_seconds: 30,
        }),
        target_group: group.to_owned(),
        hosts: vec![(name("web-1"), 1)],
        tasks: Vec::new(),
    }
}

fn asked(original: Option<&str>, left: &[&str]) -> Spec {
    let mut asked = waiting(service(CANARY, &[]));
    asked.task_sets = Some(Box::new(TaskSets {
        original: original.map(|of| set(of, "one")),
        replacement: set(REPLACEMENT, "two"),
        left: left.iter().map(|of| set(of, "one")).collect(),
    }));
    asked
}

fn tasks() -> Vec<Task> {
    vec![Task {
        host: name("web-1"),
        endpoint: Endpoint::parse("10.0.0.1:8000").unwrap(),
    }]
}

/// Its tasks are told as soon as anybody waits for them.
fn run(world: &mut World, mut until: impl FnMut(&World) -> bool) {
    while !until(world) {
        let creates = matches!(
            world.deployment.current_stage(),
            Some(Stage::CreateTaskSet { .. })
        );
        if creates && world.deployment.tasks.is_empty() {
            let told = Input::TaskSet(tasks());
            assert_eq!(world.input(&told).len(), 1);
            assert_eq!(world.input(&told), [], "it is known already");
            recovers(world);
        }
        step(world);
    }
}

fn ends(world: &mut World) {
    run(world, |world| world.deployment.status.is_terminal());
}

fn ids(sets: &[TaskSet]) -> Vec<&str> {
    sets.iter().map(|set| set.id.as_str()).collect()
}

fn kept(world: &World) -> (Option<String>, Vec<String>) {
    let Kept { primary, left, .. } = remembered(world).task_sets.remove(0);
    let left = left.iter().map(|set| set.id.to_string()).collect();
    (primary.map(|set| set.id.to_string()), left)
}

#[test]
fn what_has_succeeded_has_the_traffic_and_the_former_is_gone() {
    let mut world = started(asked(Some("d-OOOOOOOOO"), &["d-LLLLLLLLL"]));
    let sets = world.deployment.task_sets(Side::Blue);
    assert_eq!(ids(&sets), ["d-OOOOOOOOO", "d-LLLLLLLLL"]);
    ends(&mut world);
    assert_eq!(world.deployment.status, DeploymentStatus::Succeeded);
    assert_eq!(kept(&world), (Some(REPLACEMENT.to_owned()), vec![]));
    let primary = remembered(&world).task_sets.remove(0).primary.unwrap();
    assert_eq!(primary.tasks, tasks());
    assert_eq!(world.input(&Input::TaskSet(Vec::new())), []);
}

#[test]
fn what_could_not_be_deleted_is_deleted_with_the_next_one() {
    let mut world = started(asked(Some("d-OOOOOOOOO"), &[]));
    run(&mut world, |world| world.deployment.fleet_work().is_some());
    world.input(&Input::Fleet(Told::Terminated {
        targets: Vec::new(),
        trouble: Some("web-1 is no longer in the project".to_owned()),
    }));
    assert!(world.deployment.status.is_terminal());
    let (primary, left) = kept(&world);
    assert_eq!(primary.as_deref(), Some(REPLACEMENT));
    assert_eq!(left, ["d-OOOOOOOOO"]);
}

#[test]
fn the_first_one_shares_with_nobody_and_deletes_nothing() {
    let mut world = started(asked(None, &[]));
    let all = ["install", "wait for reroute", "reroute", "shift"];
    assert_eq!(labels(&world.deployment.spec), all);
    run(&mut world, |world| share(world) > 0);
    assert_eq!(share(&world), 100);
    ends(&mut world);
    assert_eq!(kept(&world), (Some(REPLACEMENT.to_owned()), vec![]));
    // What an attempt left behind goes in the end.
    let spec = asked(None, &["d-LLLLLLLLL"]);
    assert_eq!(labels(&spec).last().unwrap(), "delete original");
}

#[test]
fn a_failure_leaves_everything_where_it_is() {
    let mut world = started(asked(Some("d-OOOOOOOOO"), &[]));
    upto(&mut world, E::Install);
    assert_eq!(
        kept_if_stopped(&world),
        (Some("d-OOOOOOOOO".to_owned()), vec![])
    );
    world.fails(S, E::Install, broken());
    assert_eq!(world.deployment.status, DeploymentStatus::Failed);
    let (primary, left) = kept(&world);
    assert_eq!(primary.as_deref(), Some("d-OOOOOOOOO"));
    assert_eq!(left, [REPLACEMENT]);
}

/// What is left of one that is stopped before its tasks were asked for.
fn kept_if_stopped(world: &World) -> (Option<String>, Vec<String>) {
    let mut spec = Spec::clone(&world.deployment.spec);
    spec.deployment_id = id("d-CCCCCCCCC");
    let mut other = World::new(spec);
    other.command(What::Stop {
        auto_rollback: None,
    });
    assert_eq!(other.deployment.status, DeploymentStatus::Stopped);
    kept(&other)
}

#[test]
fn what_has_traffic_without_anybody_else_is_the_original_of_the_next_one() {
    let mut spec = asked(None, &[]);
    let hook = "checks".to_owned();
    let appspec = spec.service.as_mut().unwrap();
    appspec.hooks.insert(E::AfterAllowTraffic, hook);
    let mut world = started(spec);
    run(&mut world, |world| share(world) == 100);
    upto(&mut world, E::AfterAllowTraffic);
    world.fails(S, E::AfterAllowTraffic, broken());
    assert_eq!(world.deployment.status, DeploymentStatus::Failed);
    assert_eq!(kept(&world), (Some(REPLACEMENT.to_owned()), vec![]));
    let why = back(&world).unwrap_err();
    assert!(why.contains("nothing was deployed before it"), "{why}");
}

#[test]
fn the_way_back_knows_the_tasks_and_deletes_them() {
    let mut world = started(asked(Some("d-OOOOOOOOO"), &["d-LLLLLLLLL"]));
    run(&mut world, |world| share(world) > 0);
    world.command(What::Stop {
        auto_rollback: Some(true),
    });
    let (_, left) = kept(&world);
    assert_eq!(left, ["d-LLLLLLLLL", REPLACEMENT]);
    let mut back = started(back(&world).unwrap());
    let green = back.deployment.task_sets(Side::Green);
    assert_eq!(green[0].tasks, tasks());
    to_the_end(&mut back);
    assert_eq!(back.deployment.status, DeploymentStatus::Succeeded);
    let (primary, left) = kept(&back);
    assert_eq!(primary.as_deref(), Some("d-OOOOOOOOO"));
    assert_eq!(left, ["d-LLLLLLLLL"]);
    assert_eq!(gone_twice(&mut back), 0);
}

/// An answer that nobody waits for any more.
fn gone_twice(world: &mut World) -> usize {
    let before = world.journal.len();
    gone(world);
    world.journal.len() - before
}

#[test]
fn what_is_stopped_while_the_original_is_deleted_has_the_traffic() {
    let mut world = started(asked(Some("d-OOOOOOOOO"), &[]));
    run(&mut world, |world| world.deployment.fleet_work().is_some());
    world.input(&Input::Alarm {
        message: "errors".to_owned(),
    });
    gone(&mut world);
    assert_eq!(world.deployment.status, DeploymentStatus::Stopped);
    assert_eq!(kept(&world), (Some(REPLACEMENT.to_owned()), vec![]));
}

#[test]
fn a_group_keeps_the_task_sets_of_each_of_its_services() {
    let mut world = started(asked(Some("d-OOOOOOOOO"), &[]));
    ends(&mut world);
    let mut ledger = remembered(&world);
    let mut other = asked(None, &[]);
    other.deployment_id = id("d-CCCCCCCCC");
    let sets = other.task_sets.as_mut().unwrap();
    sets.replacement.id = "d-CCCCCCCCC".into();
    sets.replacement.service.service_name = "cart".to_owned();
    let mut world = started(other);
    ends(&mut world);
    for event in [
        LedgerEvent::opening(&world.deployment),
        LedgerEvent::closing(&world.deployment),
    ] {
        let seq = ledger.seq + 1;
        let at = world.now;
        ledger.evolve(&LedgerRecord { seq, at, event });
    }
    let kept = |service: &str| {
        let mut all = ledger.task_sets.iter();
        let kept = all.find(|kept| kept.service.service_name == service);
        kept.unwrap().primary.as_ref().unwrap().id.to_string()
    };
    assert_eq!(kept(S), REPLACEMENT);
    assert_eq!(kept("cart"), "d-CCCCCCCCC");
}
