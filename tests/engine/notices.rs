//! Which entries triggers tell of: every trigger event, caused by the entries of deployments that really ran.

use cutover::engine::event::{Event, Record};
use cutover::engine::input::What;
use cutover::engine::{Deployment, Notice, notices};
use cutover::model::deployment::DeploymentStatus;
use cutover::model::group::TriggerEvent::{self, *};
use cutover::model::lifecycle::LifecycleEvent;
use cutover::model::timestamp::Timestamp;

use crate::world::{World, id, name, spec};

/// What a whole journal tells: the event, and the target's name or nothing.
pub fn told(world: &World) -> Vec<(TriggerEvent, String)> {
    let (first, rest) = world.journal.split_first().unwrap();
    let mut deployment = Deployment::created(first).unwrap();
    assert_eq!(notices(&deployment, first), []);
    let mut told = Vec::new();
    for record in rest {
        deployment.evolve(record);
        told.extend(notices(&deployment, record).into_iter().map(shown));
    }
    told
}

fn shown(notice: Notice) -> (TriggerEvent, String) {
    let target = notice.target.map(|target| target.to_string());
    (notice.event, target.unwrap_or_default())
}

fn line(event: TriggerEvent, target: &str) -> (TriggerEvent, String) {
    (event, target.to_owned())
}

#[test]
fn a_deployment_that_succeeds_tells_of_its_start_its_instances_and_its_success() {
    let mut world = World::new(spec(2, 0, "CodeDeployDefault.OneAtATime"));
    world.run(&[]);
    assert_eq!(
        told(&world),
        [
            line(DeploymentStart, ""),
            line(InstanceStart, "host-1"),
            line(InstanceSuccess, "host-1"),
            line(InstanceStart, "host-2"),
            line(InstanceSuccess, "host-2"),
            line(DeploymentSuccess, ""),
        ]
    );
}

#[test]
fn one_that_fails_tells_of_the_instance_and_of_itself_and_not_of_those_left_out() {
    let mut world = World::new(spec(3, 0, "CodeDeployDefault.OneAtATime"));
    world.run(&["host-1"]);
    assert_eq!(
        told(&world),
        [
            line(DeploymentStart, ""),
            line(InstanceStart, "host-1"),
            line(InstanceFailure, "host-1"),
            line(DeploymentFailure, ""),
        ]
    );
}

#[test]
fn a_stop_tells_once_it_is_over() {
    let mut world = World::new(spec(2, 0, "CodeDeployDefault.OneAtATime"));
    world.admit();
    world.event("host-1", LifecycleEvent::ApplicationStop, true);
    world.stop();
    assert_eq!(told(&world).last(), Some(&line(InstanceStart, "host-1")));
    world.report("host-1", cutover::engine::input::Report::Ended);
    assert_eq!(world.deployment.status, DeploymentStatus::Stopped);
    assert_eq!(told(&world).last(), Some(&line(DeploymentStop, "")));
    assert!(
        !told(&world)
            .iter()
            .any(|(event, _)| *event == InstanceFailure)
    );
}

#[test]
fn an_instance_that_is_tried_again_starts_again() {
    let mut spec = spec(3, 0, "count-1");
    spec.options.on_failure = cutover::engine::spec::OnFailure::Hold;
    let mut world = World::new(spec);
    world.admit();
    world.finish("host-1", false);
    world.command(What::Retry {
        target: name("host-1"),
    });
    while let Some(next) = world.running().first().cloned() {
        world.finish(&next, true);
    }
    let of_first: Vec<TriggerEvent> = told(&world)
        .into_iter()
        .filter(|(_, target)| target == "host-1")
        .map(|(event, _)| event)
        .collect();
    assert_eq!(
        of_first,
        [
            InstanceStart,
            InstanceFailure,
            InstanceStart,
            InstanceSuccess
        ]
    );
}

#[test]
fn a_rollback_is_told_of_if_there_is_one() {
    let mut world = World::new(spec(1, 0, "CodeDeployDefault.AllAtOnce"));
    world.run(&["host-1"]);
    let tell = |event: Event| {
        let record = Record {
            seq: world.deployment.seq + 1,
            at: Timestamp(9_000),
            event,
        };
        let told = notices(&world.deployment, &record);
        told.into_iter().map(shown).collect::<Vec<_>>()
    };
    let rolled_back = |deployment| Event::RolledBack {
        deployment,
        message: "so it goes".to_owned(),
    };
    assert_eq!(tell(rolled_back(None)), []);
    assert_eq!(
        tell(rolled_back(Some(id("d-BBBBBBBBB")))),
        [line(DeploymentRollback, "")]
    );
}

#[test]
fn a_replacement_that_is_ready_is_told_of_once_by_instance_and_as_a_whole() {
    use crate::blue_green::{ALL, all, ready, sides};
    let lines = [
        line(DeploymentStart, ""),
        line(InstanceStart, "host-2"),
        line(InstanceReady, "host-2"),
        line(DeploymentReady, ""),
    ];
    assert_eq!(told(&ready(1, ALL)), lines);
    let mut at_once = sides(1, ALL);
    let options = at_once.group.blue_green_deployment_configuration.as_mut();
    options.unwrap().deployment_ready_option = None;
    let mut world = World::new(at_once);
    world.admit();
    all(&mut world, &LifecycleEvent::REPLACEMENT);
    assert_eq!(told(&world), lines);
}
