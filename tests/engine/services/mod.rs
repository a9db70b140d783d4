//! Deployments of container services: a second task set, hooks, test traffic, the shift, and the end of the first task set
//! (lifecycle.md §5).

mod ends;
mod failures;
mod order;
mod random;
mod task_sets;
mod words;

use std::collections::BTreeMap;

use cutover::appspec::ecs;
use cutover::engine::input::{Report, Told, What};
use cutover::engine::pending::WorkId;
use cutover::engine::plan::Before;
use cutover::engine::spec::TargetSpec;
use cutover::engine::{Input, Ledger, Spec, fold, pending, rollback};
use cutover::model::deployment::{ErrorCode, InstanceHealth, RevisionHealth};
use cutover::model::diagnostics::Diagnostics;
use cutover::model::group::{BlueGreenDeploymentConfiguration, LoadBalancerInfo};
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};
use cutover::model::traffic::Side;

use crate::blue_green::elapse;
use crate::functions::{in_effect, share};
use crate::world::{World, id, name, spec};

const S: &str = "checkout";

const CANARY: &str =
    "{type: TimeBasedCanary, timeBasedCanary: {canaryPercentage: 10, canaryInterval: 5}}";

const AT_ONCE: &str = "{type: AllAtOnce}";

/// Every event that carries a hook.
const HOOKS: [E; 5] = [
    E::BeforeInstall,
    E::AfterInstall,
    E::AfterAllowTestTraffic,
    E::BeforeAllowTraffic,
    E::AfterAllowTraffic,
];

/// Another task set takes over, with hooks for these events; nobody waits, and the original goes at once.
fn service(routing: &str, hooks: &[E]) -> Spec {
    let mut asked = spec(0, 0, "CodeDeployDefault.AllAtOnce");
    asked.configuration.traffic_routing_config =
        Some(cutover::model::yaml::from_str(routing).unwrap());
    asked.targets = vec![TargetSpec {
        name: name(S),
        zone: None,
        side: Some(Side::Green),
        fleet: None,
        instance_health: InstanceHealth::Unhealthy,
        revision_health: RevisionHealth::Unknown,
    }];
    let appspec = "version: 0.0\nResources:\n- TargetService:\n    Type: AWS::ECS::Service\n    Properties:\n      \
         TaskDefinition: checkout:2\n      LoadBalancerInfo: {ContainerName: web, ContainerPort: 8080}\n";
    let hooks: BTreeMap<E, String> = hooks
        .iter()
        .map(|event| (*event, format!("CodeDeployHook_{event}")))
        .collect();
    asked.service = Some(ecs::AppSpec {
        hooks,
        ..ecs::parse(appspec).unwrap()
    });
    asked.group.load_balancer_info = Some(balancers(""));
    asked.group.blue_green_deployment_configuration =
        Some(BlueGreenDeploymentConfiguration::default());
    asked
}

fn balancers(test: &str) -> LoadBalancerInfo {
    let written = format!(
        "targetGroupPairInfoList: [{{targetGroups: [{{name: one}}, {{name: two}}], prodTrafficRoute: {{listenerArns: [shop]}}{test}}}]"
    );
    cutover::model::yaml::from_str(&written).unwrap()
}

/// The same with a test listener.
fn tested(mut asked: Spec) -> Spec {
    let test = ", testTrafficRoute: {listenerArns: [shop-test]}";
    asked.group.load_balancer_info = Some(balancers(test));
    asked
}

/// The same with an hour to reroute, and half an hour in which the original is a way back.
fn waiting(mut asked: Spec) -> Spec {
    asked.group.blue_green_deployment_configuration = cutover::model::yaml::from_str(
        "deploymentReadyOption: {actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 60}\n\
         terminateBlueInstancesOnDeploymentSuccess: {action: TERMINATE, terminationWaitTimeInMinutes: 30}\n",
    )
    .unwrap();
    asked
}

/// Everything that there can be.
fn whole() -> Spec {
    waiting(tested(service(CANARY, &HOOKS)))
}

fn started(asked: Spec) -> World {
    let mut world = World::new(asked);
    world.admit();
    world
}

/// The event of the service that runs, or comes next in its stage.
fn next(world: &World) -> Option<E> {
    world.running().first()?;
    let target = world.deployment.target(&name(S))?;
    let mut part = target.part();
    let entry = part.find(|entry| !entry.status.is_terminal())?;
    Some(entry.event)
}

fn gone(world: &mut World) {
    world.input(&Input::Fleet(Told::Terminated {
        targets: Vec::new(),
        trouble: None,
    }));
}

/// Whatever the deployment waits for comes, as well as it can.
fn step(world: &mut World) {
    let deployment = &world.deployment;
    if let Some(event) = next(world) {
        world.does(S, event);
    } else if !world.running().is_empty() {
        world.report(S, Report::Ended);
    } else if deployment.fleet_work().is_some() {
        gone(world);
    } else if let Some((before, _)) = deployment.wait_ends() {
        world.command(What::Continue { before });
    } else if let Some((_, at)) = deployment.next_shift() {
        elapse(world, at.0);
    } else {
        let asked = share(world);
        in_effect(world, asked);
    }
    recovers(world);
}

/// Whoever takes it up from its journal has the same to do.
fn recovers(world: &World) {
    let again = fold(&world.journal).unwrap();
    assert_eq!(pending(&again), world.in_flight);
    assert_eq!(again, world.deployment);
}

/// Up to the place where this event is about to begin.
fn upto(world: &mut World, event: E) {
    while next(world) != Some(event) {
        assert!(!world.deployment.status.is_terminal(), "no {event}");
        step(world);
    }
}

/// Up to the wait before this.
fn upto_wait(world: &mut World, wanted: Before) {
    while world.deployment.wait_ends().map(|(before, _)| before) != Some(wanted) {
        assert!(!world.deployment.status.is_terminal());
        step(world);
    }
}

fn to_the_end(world: &mut World) {
    while !world.deployment.status.is_terminal() {
        step(world);
    }
}

/// What becomes of each event.
fn events(world: &World) -> Vec<(E, EventStatus)> {
    let target = world.deployment.target(&name(S)).unwrap();
    let events = target.events.iter();
    events.map(|entry| (entry.event, entry.status)).collect()
}

fn broken() -> Diagnostics {
    Diagnostics::ending(ErrorCode::HookExecutionFailure, "it reported Failed")
}

/// What goes back from a deployment that is over.
fn back(world: &World) -> Result<Spec, String> {
    let ledger = Ledger::default();
    rollback::spec(&world.deployment, &ledger, &[], id("d-BBBBBBBBB"))
}

/// Whether a task set is being deleted.
fn deletes(world: &World) -> bool {
    let mut works = world.in_flight.keys();
    works.any(|id| matches!(id, WorkId::Terminate(_)))
}
