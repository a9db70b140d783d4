//! configurations.md §7: one zone after the other.

use cutover::engine::plan::Stage;
use cutover::engine::{Input, Spec, plan};
use cutover::model::configuration::{MinimumHealthyHosts, MinimumHealthyHostsType, ZonalConfig};
use cutover::model::deployment::DeploymentStatus::{Failed, InProgress, Succeeded};
use cutover::model::deployment::ErrorCode;
use cutover::model::timestamp::Timestamp;

use crate::world::{World, spec};

fn minimum(text: &str) -> MinimumHealthyHosts {
    let (kind, value) = match text.strip_suffix('%') {
        Some(percent) => (MinimumHealthyHostsType::FleetPercent, percent),
        None => (MinimumHealthyHostsType::HostCount, text),
    };
    MinimumHealthyHosts {
        kind,
        value: value.parse().unwrap(),
    }
}

/// The instances of these zones, in order; `-` is none.
pub fn zonal(zones: &[&str], config: &str, per_zone: Option<&str>, monitor: (u64, u64)) -> Spec {
    let mut asked = spec(zones.len(), 0, config);
    for (target, zone) in asked.targets.iter_mut().zip(zones) {
        target.zone = (*zone != "-").then(|| (*zone).to_owned());
    }
    asked.configuration.zonal_config = Some(ZonalConfig {
        first_zone_monitor_duration_in_seconds: Some(monitor.0),
        monitor_duration_in_seconds: Some(monitor.1),
        minimum_healthy_hosts_per_zone: per_zone.map(minimum),
    });
    asked
}

fn labels(asked: &Spec) -> Vec<String> {
    plan(asked).stages.iter().map(Stage::label).collect()
}

fn finish_all(world: &mut World) {
    while let Some(host) = world.running().first().cloned() {
        world.finish(&host, true);
    }
}

/// The example of the section: 12 hosts, three zones, 8 in all, half of each zone.
#[test]
fn the_documented_example() {
    let zones = ["a", "a", "a", "a", "b", "b", "b", "b", "c", "c", "c", "c"];
    let mut world = World::new(zonal(&zones, "count-8", Some("50%"), (1800, 600)));
    assert_eq!(
        labels(&world.deployment.spec),
        [
            "install a",
            "monitor a",
            "install b",
            "monitor b",
            "install c"
        ]
    );
    world.admit();
    assert_eq!(world.running(), ["host-1", "host-2"], "min(12 - 8, 4 - 2)");
    finish_all(&mut world);
    assert_eq!(world.deployment.stage, 1);
    let ends = world.deployment.monitor_ends().unwrap();
    assert_eq!(ends, Timestamp(world.now.0 + 1_800_000));
    world.input(&Input::TimerElapsed);
    assert!(world.running().is_empty(), "not yet");
    world.now = ends;
    world.input(&Input::TimerElapsed);
    assert_eq!(world.running(), ["host-5", "host-6"]);
    finish_all(&mut world);
    world.now = world.deployment.monitor_ends().unwrap();
    world.input(&Input::TimerElapsed);
    finish_all(&mut world);
    assert_eq!(world.deployment.status, Succeeded, "no wait after the last");
}

#[test]
fn without_a_time_to_watch_the_next_zone_starts_at_once() {
    let mut world = World::new(zonal(&["b", "a", "-"], "count-0", None, (0, 0)));
    assert_eq!(
        labels(&world.deployment.spec),
        ["install a", "install b", "install none"],
        "by name, and hosts without a zone last"
    );
    world.admit();
    let mut order = Vec::new();
    while let Some(host) = world.running().first().cloned() {
        world.finish(&host, true);
        order.push(host);
    }
    assert_eq!(order, ["host-2", "host-1", "host-3"]);
    assert_eq!(world.deployment.status, Succeeded);
}

#[test]
fn a_zone_below_its_own_minimum_fails_the_deployment() {
    let zones = ["a", "a", "a", "a", "b", "b"];
    let mut world = World::new(zonal(&zones, "count-1", Some("50%"), (60, 60)));
    world.admit();
    assert_eq!(world.running(), ["host-1", "host-2"]);
    world.finish("host-1", false);
    assert_eq!(
        world.running().len(),
        1,
        "three left, of which two must stay"
    );
    world.finish("host-2", false);
    assert_eq!(world.deployment.status, Failed);
    let error = world.deployment.error.clone().unwrap();
    assert_eq!(error.code, ErrorCode::HealthConstraints);
    assert!(error.message.contains("in zone a"), "{}", error.message);
    assert_eq!(world.deployment.overview.skipped, 4);
}

#[test]
fn a_zone_in_which_none_succeeded_fails_the_deployment() {
    let mut world = World::new(zonal(&["a", "a", "b", "b"], "count-0", None, (0, 0)));
    world.admit();
    world.finish("host-1", false);
    assert_eq!(world.deployment.status, InProgress);
    world.finish("host-2", false);
    assert_eq!(world.deployment.status, Failed);
}

#[test]
fn the_minimum_of_the_fleet_holds_besides() {
    let zones = ["a", "a", "a", "b", "b", "b"];
    let mut world = World::new(zonal(&zones, "count-5", None, (0, 0)));
    world.admit();
    assert_eq!(world.running(), ["host-1"], "min(6 - 5, 3)");
    world.finish("host-1", false);
    assert_eq!(world.deployment.status, Failed);
}

#[test]
fn what_no_zone_can_keep_is_impossible_but_for_a_zone_of_one() {
    let error = |zones: &[&str], per_zone| {
        plan(&zonal(zones, "count-0", Some(per_zone), (0, 0)))
            .impossible
            .map(|error| error.code)
    };
    assert_eq!(
        error(&["a", "a", "b"], "2"),
        Some(ErrorCode::HealthConstraintsInvalid)
    );
    assert_eq!(error(&["a", "b"], "1"), None);
    assert_eq!(
        error(&["a", "a", "b"], "99%"),
        Some(ErrorCode::HealthConstraintsInvalid)
    );
}

#[test]
fn a_zone_of_one_must_succeed_if_its_minimum_says_so() {
    let mut world = World::new(zonal(&["a", "b"], "count-0", Some("1"), (0, 0)));
    world.admit();
    world.finish("host-1", false);
    assert_eq!(world.deployment.status, Failed);
}

#[test]
fn the_sick_of_a_later_zone_do_not_let_the_well_of_an_earlier_one_go() {
    let mut asked = zonal(&["a", "a", "b", "b"], "count-2", None, (0, 0));
    for target in &mut asked.targets[2..] {
        target.instance_health = cutover::model::deployment::InstanceHealth::Unhealthy;
    }
    let mut world = World::new(asked);
    world.admit();
    assert_eq!(
        world.deployment.status, Failed,
        "two healthy, and two must stay"
    );
    let message = world.deployment.error.clone().unwrap().message;
    assert!(message.contains("none can be taken away"), "{message}");
}
