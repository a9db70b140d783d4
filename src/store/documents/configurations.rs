//! Deployment configurations: the predefined ones, and those in the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::CONFIGURATIONS;
use super::document::Document;
use super::listing::{list, stem};
use super::problem::{Problems, Severity};
use crate::model::application::ComputePlatform;
use crate::model::configuration::{
    DeploymentConfiguration, MinimumHealthyHosts, MinimumHealthyHostsType,
};
use crate::model::name::Name;
use crate::model::routing::TrafficRoutingConfig;
use crate::model::yaml;

const PREDEFINED: &str = include_str!("../../../assets/configurations.yaml");
/// How the names of predefined configurations start, and no others may.
pub const RESERVED: &str = "CodeDeployDefault.";
/// Fields that only answers have.
const OUTPUT_ONLY: [&str; 2] = ["deploymentConfigId", "createTime"];

/// The configurations that groups can name.
#[derive(Debug, Default)]
pub(super) struct Configurations {
    pub by_name: BTreeMap<Name, DeploymentConfiguration>,
    /// Names of documents that are not usable, whether wrong or not supported: a group that names one is not at fault.
    pub unusable: BTreeSet<String>,
}

impl Configurations {
    /// Every name that a group can be meant to say.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let unusable = self.unusable.iter().map(String::as_str);
        self.by_name.keys().map(Name::as_str).chain(unusable)
    }
}

/// Reads all configurations.
pub(super) fn read(folder: &Path, problems: &mut Problems) -> Configurations {
    let mut configurations = Configurations::default();
    for configuration in predefined() {
        let name = configuration.deployment_config_name.clone();
        configurations.by_name.insert(name, configuration);
    }
    let mut listing = list(folder, Path::new(CONFIGURATIONS), problems);
    listing.check(problems);
    for file in &listing.documents {
        let name = stem(file);
        match custom(folder, file, &name, problems) {
            Some(custom) => {
                let name = custom.deployment_config_name.clone();
                configurations.by_name.insert(name, custom);
            }
            None => {
                configurations.unusable.insert(name);
            }
        }
    }
    configurations
}

fn predefined() -> Vec<DeploymentConfiguration> {
    #[expect(clippy::expect_used, reason = "a part of the program, and tested")]
    yaml::from_str(PREDEFINED).expect("the predefined configurations")
}

/// Reads one document. `None` if it can't be used.
fn custom(
    folder: &Path,
    file: &Path,
    name: &str,
    problems: &mut Problems,
) -> Option<DeploymentConfiguration> {
    let root = yaml::Path::root();
    let mut document = Document::read(folder, file, problems)?;
    document.strip("deploymentConfigInfo", &OUTPUT_ONLY, problems);
    document.named("deploymentConfigName", name, "file", problems);
    let configuration: DeploymentConfiguration = document.typed(problems)?;
    let mut good = true;
    if name.starts_with(RESERVED) {
        let message = format!(
            "only predefined configurations start with {RESERVED} (InvalidDeploymentConfigNameException)"
        );
        let path = root.key("deploymentConfigName");
        problems.add(document.problem(Severity::Error, &path, message));
        good = false;
    }
    if let Some((field, message)) = misplaced(&configuration) {
        problems.add(document.problem(Severity::Error, &root.key(field), message));
        good = false;
    }
    let minimum = configuration.minimum_healthy_hosts.map(|minimum| {
        let error = "InvalidMinimumHealthyHostValueException";
        (root.key("minimumHealthyHosts"), minimum, error)
    });
    let zones = configuration.zonal_config.as_ref();
    let zone = zones.and_then(|zones| {
        let path = root.key("zonalConfig").key("minimumHealthyHostsPerZone");
        let error = "InvalidZonalDeploymentConfigurationException";
        Some((path, zones.minimum_healthy_hosts_per_zone?, error))
    });
    for (path, minimum, error) in minimum.into_iter().chain(zone) {
        if let Some((field, message)) = wrong(minimum) {
            let message = format!("{message} ({error})");
            problems.add(document.problem(Severity::Error, &path.key(field), message));
            good = false;
        }
    }
    let routing = configuration.traffic_routing_config.as_ref();
    if let Some((fields, message)) = routing.and_then(TrafficRoutingConfig::problem) {
        let message = format!("{message} (InvalidTrafficRoutingConfigurationException)");
        let path = root.key("trafficRoutingConfig");
        let path = fields.into_iter().fold(path, |path, field| path.key(field));
        problems.add(document.problem(Severity::Error, &path, message));
        good = false;
    }
    good.then_some(configuration)
}

/// Which field is missing, or is not for the platform (configurations.md §1).
fn misplaced(configuration: &DeploymentConfiguration) -> Option<(&'static str, String)> {
    let platform = configuration.compute_platform;
    let found = (
        configuration.minimum_healthy_hosts.is_some(),
        configuration.zonal_config.is_some(),
        configuration.traffic_routing_config.is_some(),
    );
    let name = platform.name();
    match (platform, found) {
        (ComputePlatform::Server, (false, ..)) => Some((
            "minimumHealthyHosts",
            "how many instances stay healthy is missing (InvalidMinimumHealthyHostValueException)"
                .to_owned(),
        )),
        (ComputePlatform::Lambda | ComputePlatform::Ecs, (true, ..)) => Some((
            "minimumHealthyHosts",
            format!(
                "a minimum is for Server, not for {name} (InvalidMinimumHealthyHostValueException)"
            ),
        )),
        (ComputePlatform::Lambda | ComputePlatform::Ecs, (_, true, _)) => Some((
            "zonalConfig",
            format!(
                "zones are for Server, not for {name} (InvalidZonalDeploymentConfigurationException)"
            ),
        )),
        (ComputePlatform::Lambda | ComputePlatform::Ecs, (.., false)) => Some((
            "trafficRoutingConfig",
            format!(
                "how traffic shifts is missing: {name} needs it (InvalidTrafficRoutingConfigurationException)"
            ),
        )),
        _ => None,
    }
}

/// Which field of a minimum is wrong in a configuration that is not predefined, and why.
fn wrong(minimum: MinimumHealthyHosts) -> Option<(&'static str, &'static str)> {
    match minimum.kind {
        MinimumHealthyHostsType::MostConcurrency => Some((
            "type",
            "only predefined configurations use MOST_CONCURRENCY",
        )),
        MinimumHealthyHostsType::FleetPercent if minimum.value > 99 => {
            Some(("value", "a percentage of the fleet is 0 to 99"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::configuration::{ALL_AT_ONCE, HALF_AT_A_TIME, ONE_AT_A_TIME};

    #[test]
    fn the_predefined_configurations_are_there() {
        let all = predefined();
        let of = |platform| {
            let all = all.iter().filter(move |it| it.compute_platform == platform);
            all.map(|it| it.deployment_config_name.as_str())
        };
        let server: Vec<&str> = of(ComputePlatform::Server).collect();
        assert_eq!(server, [ONE_AT_A_TIME, HALF_AT_A_TIME, ALL_AT_ONCE]);
        assert_eq!(of(ComputePlatform::Lambda).count(), 9);
        assert_eq!(of(ComputePlatform::Ecs).count(), 5);
    }

    #[test]
    fn what_a_predefined_configuration_of_functions_and_containers_does_is_in_its_name() {
        for configuration in predefined() {
            assert_eq!(misplaced(&configuration), None);
            let Some(routing) = configuration.traffic_routing_config else {
                continue;
            };
            assert_eq!(routing.problem(), None);
            let name = configuration.deployment_config_name.as_str();
            let steps = match name {
                _ if name.contains("Canary") => 2,
                _ if name.contains("Linear") => 10,
                _ => 1,
            };
            assert_eq!(routing.steps().len(), steps, "{name}");
            let minutes: String = name
                .trim_end_matches(|it: char| it.is_ascii_alphabetic())
                .chars()
                .rev()
                .take_while(char::is_ascii_digit)
                .collect();
            let minutes: String = minutes.chars().rev().collect();
            if steps > 1 {
                assert_eq!(routing.interval().to_string(), minutes, "{name}");
            }
        }
    }
}
