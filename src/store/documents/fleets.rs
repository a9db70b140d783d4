//! Fleets in `cutover.yaml`: who is asked, and how long that may take; and groups that copy them.

use super::document::Document;
use super::problem::{Problem, Problems, Severity};
use super::receivers::address;
use crate::model::connections::{Connections, Fleet, FleetProvider};
use crate::model::group::{DeploymentGroup, InstanceAction};
use crate::model::host::Host;
use crate::model::yaml;

/// Checks who provisions and terminates instances.
pub(super) fn check(fleets: &[Fleet], document: &Document, problems: &mut Problems) {
    let list = yaml::Path::root().key("connections").key("fleets");
    for (index, fleet) in fleets.iter().enumerate() {
        let path = list.index(index);
        let mut wrong = Vec::new();
        if fleet.timeout_seconds == 0 {
            wrong.push((path.key("timeoutSeconds"), "at least 1 second"));
        }
        let path = path.key("provider");
        match &fleet.provider {
            FleetProvider::Command {
                provision,
                terminate,
                ..
            } => {
                let path = path.key("command");
                for (key, run) in [("provision", provision), ("terminate", terminate)] {
                    if run.first().is_none_or(String::is_empty) {
                        wrong.push((path.key(key), "a command needs a program"));
                    }
                }
            }
            FleetProvider::Http {
                provision,
                terminate,
                ..
            } => {
                let path = path.key("http");
                wrong.extend(address(provision, path.key("provision")));
                wrong.extend(address(terminate, path.key("terminate")));
            }
        }
        for (path, message) in wrong {
            problems.add(document.problem(Severity::Error, &path, message));
        }
    }
}

/// Warns of a group that copies no fleet that there is, and of instances that nobody would terminate.
pub(super) fn check_group(
    group: &DeploymentGroup,
    document: &Document,
    hosts: &[Host],
    connections: &Connections,
    problems: &mut Problems,
) {
    let warning =
        |path: &yaml::Path, message: String| document.problem(Severity::Warning, path, message);
    let scaling = yaml::Path::root().key("autoScalingGroups");
    let named = group.auto_scaling_groups.as_deref().unwrap_or_default();
    if !group.copies_fleet() {
        if !named.is_empty() && group.account.is_none() {
            let message = "Auto Scaling groups select no host without `account`, which says in which AWS account they are; the fleet of `connections` that a deployment copies is named here, too";
            problems.add(warning(&scaling, message.to_owned()));
        }
        return;
    }
    let options = yaml::Path::root().key("blueGreenDeploymentConfiguration");
    match group.fleet() {
        None => problems.add(warning(
            &options.key("greenFleetProvisioningOption"),
            "COPY_AUTO_SCALING_GROUP copies the one fleet, or Auto Scaling group, that autoScalingGroups names: deployments to the group are refused"
                .to_owned(),
        )),
        // What AWS has is not known here.
        Some(_) if group.account.is_some() => {}
        Some(fleet) if connections.fleet(fleet).is_none() => {
            let known = connections.fleets.iter().map(|known| &known.name);
            let message = format!(
                "no fleet of `connections` in cutover.yaml is called {fleet}: deployments to the group are refused"
            );
            problems.add(Problem {
                help: yaml::nearest(fleet, known),
                ..warning(&scaling, message)
            });
        }
        Some(_) => {}
    }
    let option = group.blue_green_deployment_configuration.as_ref();
    let option = option.and_then(|o| o.terminate_blue_instances_on_deployment_success);
    let terminates = option.is_some_and(|option| option.action == InstanceAction::Terminate);
    let kept: Vec<&str> = hosts
        .iter()
        .filter(|host| group.selects(host))
        .map(|host| host.name.as_str())
        .collect();
    if terminates && !kept.is_empty() {
        let path = options.key("terminateBlueInstancesOnDeploymentSuccess");
        let message = format!(
            "no fleet provisioned hosts of cutover.yaml, so that they are not terminated, but kept out of traffic: {}",
            kept.join(", ")
        );
        problems.add(warning(&path, message));
    }
}
