//! Deployment configurations in words: what one means, which groups use it, and what it does with each.

use std::collections::BTreeMap;

use crate::engine::window::{Window, window, zone_window};
use crate::model::application::ComputePlatform;
use crate::model::configuration::{
    DeploymentConfiguration, MinimumHealthyHosts, MinimumHealthyHostsType, ZonalConfig,
};
use crate::model::group::{DeploymentGroup, DeploymentType};
use crate::model::host::Host;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::routing::TrafficRoutingConfig;
use crate::store::documents::RESERVED;

/// Whether a configuration comes with the platform, and can't be changed.
pub fn is_predefined(name: &Name) -> bool {
    name.as_str().starts_with(RESERVED)
}

/// What a configuration means: each part with its name.
pub fn meaning(configuration: &DeploymentConfiguration) -> Vec<(&'static str, String)> {
    let mut parts = vec![("platform", configuration.compute_platform.name().to_owned())];
    let healthy = configuration.minimum_healthy_hosts.map(healthy);
    parts.extend(healthy.map(|healthy| ("healthy", healthy)));
    let zones = configuration.zonal_config.as_ref().map(by_zone);
    parts.extend(zones.map(|zones| ("zones", zones)));
    let traffic = configuration.traffic_routing_config.as_ref();
    parts.extend(traffic.map(|traffic| ("traffic", by_weight(traffic))));
    parts
}

/// The groups whose deployments use a configuration by themselves.
pub fn users<'a>(project: &'a Project, name: &Name) -> impl Iterator<Item = &'a DeploymentGroup> {
    let groups = project.groups.iter();
    groups.filter(move |group| group.deployment_config_name == *name)
}

/// What a deployment to a group would do under a configuration, with the hosts that the group has now.
pub fn effect(
    project: &Project,
    group: &DeploymentGroup,
    configuration: &DeploymentConfiguration,
) -> String {
    if let Some(traffic) = &configuration.traffic_routing_config {
        return by_weight(traffic);
    }
    if configuration.compute_platform != ComputePlatform::Server {
        return "the replacement gets all of it at once".to_owned();
    }
    if group.deployment_style.deployment_type == DeploymentType::BlueGreen {
        return "its replacement goes into service, as many at a time as that leaves".to_owned();
    }
    let members: Vec<&Host> = project.members(group).collect();
    let count = members.len();
    // A window of nothing is none.
    if count == 0 {
        return "no host is in it now".to_owned();
    }
    let hosts = if count == 1 { "host" } else { "hosts" };
    let known = u32::try_from(count).unwrap_or(u32::MAX);
    match window(configuration, known) {
        None => format!("{count} {hosts}: nothing can be deployed, as none may be down"),
        Some(window) if configuration.zonal_config.is_some() => {
            let zonal = configuration.zonal_config.as_ref();
            let per_zone = zonal.and_then(|zonal| zonal.minimum_healthy_hosts_per_zone);
            let how = zone_by_zone(&members, per_zone, &window);
            format!("{count} {hosts}{how}")
        }
        Some(window) => format!(
            "{count} {hosts}, {} at a time, at least {} healthy",
            window.concurrency, window.minimum_healthy
        ),
    }
}

/// What follows how many hosts there are: `in 3 zones, at most 2 at a time, zone by zone`, or why that is refused.
fn zone_by_zone(
    members: &[&Host],
    per_zone: Option<MinimumHealthyHosts>,
    fleet: &Window,
) -> String {
    let mut zones: BTreeMap<Option<&str>, u32> = BTreeMap::new();
    for host in members {
        *zones.entry(host.zone.as_deref()).or_default() += 1;
    }
    let mut most = 0;
    for (zone, count) in &zones {
        let Some(window) = zone_window(per_zone, *count, fleet) else {
            let place = zone.map_or("without a zone".to_owned(), |zone| {
                format!("in zone {zone}")
            });
            return format!(
                ": nothing can be deployed, as none of the {count} {place} may be down"
            );
        };
        most = most.max(window.concurrency);
    }
    let count = zones.len();
    let word = if count == 1 { "zone" } else { "zones" };
    format!(" in {count} {word}, at most {most} at a time, zone by zone")
}

/// `the replacement gets 10 %, 20 %, … 100 %, a step every 3 minutes`
fn by_weight(routing: &TrafficRoutingConfig) -> String {
    let steps = routing.steps();
    let mut shares: Vec<String> = steps
        .iter()
        .map(|split| format!("{} %", split.replacement()))
        .collect();
    if shares.len() > 4 {
        shares.splice(2..shares.len() - 1, ["…".to_owned()]);
    }
    match steps.len() {
        1 => "the replacement gets all of it at once".to_owned(),
        _ => format!(
            "the replacement gets {}, a step every {} min",
            shares.join(", "),
            routing.interval()
        ),
    }
}

fn healthy(minimum: MinimumHealthyHosts) -> String {
    match minimum.kind {
        MinimumHealthyHostsType::HostCount => format!("at least {} hosts", minimum.value),
        MinimumHealthyHostsType::FleetPercent => {
            format!("at least {} % of the hosts", minimum.value)
        }
        MinimumHealthyHostsType::MostConcurrency => format!("all but {}", minimum.value),
    }
}

/// `one after the other; the first is watched for 300 s, the others for 60 s; healthy in each: at least 1 hosts`
fn by_zone(zonal: &ZonalConfig) -> String {
    let each = zonal.monitor_duration_in_seconds.unwrap_or(0);
    let first = zonal.first_zone_monitor_duration_in_seconds.unwrap_or(each);
    let watched = match (first, each) {
        (0, 0) => "nothing is waited for between them".to_owned(),
        (first, each) if first == each => format!("each is watched for {each} s"),
        (first, each) => format!("the first is watched for {first} s, the others for {each} s"),
    };
    let healthy = zonal.minimum_healthy_hosts_per_zone.map(healthy);
    let healthy = healthy.map(|healthy| format!("; healthy in each: {healthy}"));
    format!(
        "one after the other; {watched}{}",
        healthy.unwrap_or_default()
    )
}
