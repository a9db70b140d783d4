//! Deployment configurations: the predefined ones, and those in the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::CONFIGURATIONS;
use super::document::Document;
use super::listing::{list, stem};
use super::problem::{Problems, Severity};
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
    let platform = document
        .node
        .get("computePlatform")
        .and_then(yaml::Node::as_str);
    if let Some(platform @ ("Lambda" | "ECS")) = platform {
        if document.node.get("zonalConfig").is_some() {
            let message = format!(
                "zones are for Server, not for {platform} (InvalidZonalDeploymentConfigurationException)"
            );
            problems.add(document.problem(Severity::Error, &root.key("zonalConfig"), message));
            return None;
        }
        let message = format!("configurations for {platform} are not supported yet: set aside");
        let path = root.key("computePlatform");
        problems.add(document.problem(Severity::Warning, &path, message));
        return None;
    }
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
    let path = root.key("minimumHealthyHosts");
    let error = "InvalidMinimumHealthyHostValueException";
    let minimum = (path, configuration.minimum_healthy_hosts, error);
    let zones = configuration.zonal_config.as_ref();
    let zone = zones.and_then(|zones| {
        let path = root.key("zonalConfig").key("minimumHealthyHostsPerZone");
        let error = "InvalidZonalDeploymentConfigurationException";
        Some((path, zones.minimum_healthy_hosts_per_zone?, error))
    });
    for (path, minimum, error) in std::iter::once(minimum).chain(zone) {
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
        let names: Vec<String> = predefined()
            .iter()
            .map(|configuration| configuration.deployment_config_name.to_string())
            .collect();
        assert_eq!(names, [ONE_AT_A_TIME, HALF_AT_A_TIME, ALL_AT_ONCE]);
    }
}
