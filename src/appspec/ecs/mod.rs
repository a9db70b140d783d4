//! `AppSpec`s of the ECS platform: the traffic of a service goes from one task set to another.

mod capacity;
mod network;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use capacity::Capacity;
pub use network::{AssignPublicIp, Network};

use super::fields::Findings;
use super::function::is_word;
use super::resource::{self, Kind};
use super::spot::Spot;
use super::{Finding, Review};
use crate::model::application::ComputePlatform;
use crate::model::lifecycle::LifecycleEvent;

/// What the one resource is.
pub(super) const SERVICE: Kind = Kind {
    platform: ComputePlatform::Ecs,
    name: "AWS::ECS::Service",
    properties: &[
        "TaskDefinition",
        "LoadBalancerInfo",
        "PlatformVersion",
        "NetworkConfiguration",
        "CapacityProviderStrategy",
    ],
    id: "L04",
};

/// The platform version of services whose `AppSpec` does not say.
const LATEST: &str = "LATEST";

/// Families and containers have no longer names than this; so says ECS.
const LONGEST_NAME: usize = 255;

const LOAD_BALANCER_KEYS: [&str; 2] = ["ContainerName", "ContainerPort"];

/// What a revision asks of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppSpec {
    /// What the new task set is made of.
    pub service: Service,
    /// The functions that check the deployment, in the order of their events.
    #[serde(default)]
    pub hooks: BTreeMap<LifecycleEvent, String>,
}

/// What the new task set of a service is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// A task definition: its ARN, or `family:revision`, or the name by which this installation keeps one.
    pub task_definition: String,
    /// The container that requests go to.
    pub load_balancer_info: LoadBalancerInfo,
    /// The version of the platform that tasks run on.
    pub platform_version: String,
    /// The network of the tasks; none means that of the service.
    #[serde(default)]
    pub network_configuration: Option<Network>,
    /// Where tasks run, and how many; empty means what the service says.
    #[serde(default)]
    pub capacity_provider_strategy: Vec<Capacity>,
}

impl Service {
    /// The task definition's family, with its revision if that is given, also where an ARN names it.
    pub fn definition_name(&self) -> &str {
        let name = self.task_definition.rsplit('/').next();
        name.unwrap_or(&self.task_definition)
    }
}

/// The container that requests go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancerInfo {
    /// Its name in the task definition.
    pub container_name: String,
    /// Its port.
    pub container_port: u16,
}

/// Reads an `AppSpec` of the ECS platform.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn parse(text: &str) -> Result<AppSpec, Vec<Finding>> {
    review(text).whole()
}

/// Reads an `AppSpec` of the ECS platform, and answers everything that there is to say about it.
pub fn review(text: &str) -> Review<AppSpec> {
    resource::review(text, SERVICE, read, |service, hooks| AppSpec {
        service,
        hooks,
    })
}

fn read(properties: &Spot, findings: &mut Findings) -> Option<Service> {
    let task_definition = task_definition(properties, findings);
    let load_balancer_info = load_balancer_info(properties, findings);
    let platform_version = match properties.field("PlatformVersion") {
        None => Some(LATEST.to_owned()),
        Some(spot) => {
            let remedy = "write a version such as LATEST";
            let text = findings.word("L04", &spot, remedy);
            text.map(str::to_owned)
        }
    };
    let network_configuration = network::read(properties, findings);
    let capacity_provider_strategy = capacity::read(properties, findings);
    Some(Service {
        task_definition: task_definition?,
        load_balancer_info: load_balancer_info?,
        platform_version: platform_version?,
        network_configuration,
        capacity_provider_strategy,
    })
}

fn task_definition(properties: &Spot, findings: &mut Findings) -> Option<String> {
    let remedy = "write the ARN of a task definition, or FAMILY:REVISION";
    let spot = findings.demand("L04", properties, "TaskDefinition", remedy)?;
    let text = findings.word("L04", &spot, remedy)?;
    if text.starts_with('<') && text.ends_with('>') {
        let message = format!("{text:?} is a placeholder; {remedy} in its place before you deploy");
        findings.wrong("L04", &spot, message);
        return None;
    }
    if !is_task_definition(text) {
        findings.wrong(
            "L04",
            &spot,
            format!("{text:?} is no task definition; {remedy}"),
        );
        return None;
    }
    Some(text.to_owned())
}

/// Whether a text is `family`, `family:revision`, or an ARN that ends so.
fn is_task_definition(text: &str) -> bool {
    let name = match text.strip_prefix("arn:") {
        None => text,
        Some(rest) => {
            let parts: Vec<_> = rest.splitn(5, ':').collect();
            let [partition, "ecs", region, account, resource] = *parts.as_slice() else {
                return false;
            };
            let named = !partition.is_empty() && !region.is_empty();
            let account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
            match resource.strip_prefix("task-definition/") {
                Some(name) if named && account => name,
                _ => return false,
            }
        }
    };
    let (family, revision) = match name.split_once(':') {
        Some((family, revision)) => (family, Some(revision)),
        None => (name, None),
    };
    let counted = |revision: &str| revision.parse().is_ok_and(|number: u32| number > 0);
    is_word(family, LONGEST_NAME)
        && revision.is_none_or(|revision| is_word(revision, LONGEST_NAME) && counted(revision))
}

fn load_balancer_info(properties: &Spot, findings: &mut Findings) -> Option<LoadBalancerInfo> {
    let remedy = "write ContainerName and ContainerPort below it";
    let spot = findings.demand("L04", properties, "LoadBalancerInfo", remedy)?;
    if !findings.is_mapping("L04", &spot, remedy) {
        return None;
    }
    findings.keys("L01", &spot, &LOAD_BALANCER_KEYS);
    let container_name = container_name(&spot, findings);
    let container_port = container_port(&spot, findings);
    Some(LoadBalancerInfo {
        container_name: container_name?,
        container_port: container_port?,
    })
}

fn container_name(info: &Spot, findings: &mut Findings) -> Option<String> {
    let remedy = "write the name of the container in the task definition that requests go to";
    let spot = findings.demand("L04", info, "ContainerName", remedy)?;
    let text = findings.word("L04", &spot, remedy)?;
    if !is_word(text, LONGEST_NAME) {
        let message = format!(
            "{text:?} is no container's name, which is up to {LONGEST_NAME} letters, digits, - and _"
        );
        findings.wrong("L04", &spot, message);
        return None;
    }
    Some(text.to_owned())
}

fn container_port(info: &Spot, findings: &mut Findings) -> Option<u16> {
    let remedy = "write the port on which the container listens";
    let spot = findings.demand("L04", info, "ContainerPort", remedy)?;
    let port = spot.number().and_then(|number| u16::try_from(number).ok());
    let port = port.filter(|port| *port > 0);
    if port.is_none() {
        findings.wrong("L04", &spot, "a port is a number from 1 to 65535");
    }
    port
}
