//! The lab's second application: blue/green behind the router, with requests that flow and an alarm that watches them. What
//! it is made of is here, and how its traffic moves in its group's document alone.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use super::project::{self, REVISIONS, write_file, write_scripts};
use super::record::{Checkout, Places, Record};
use super::{alarm, traffic};

/// Its name, and that of its load balancer and route.
pub const APPLICATION: &str = "checkout";

/// Its deployment group.
pub const DEPLOYMENT_GROUP: &str = "production";

/// What it has from the beginning: deployed before anybody looks.
pub const FIRST: &str = "2.0";

/// What waits for its traffic when somebody looks.
pub const SECOND: &str = "2.1";

/// Its hosts. The first two are the set that gets [`FIRST`].
pub(super) const HOSTS: [&str; 4] = ["pay-1", "pay-2", "pay-3", "pay-4"];

/// Its fleet: as many hosts more as a deployment wants.
const FLEET: &str = "lab";

/// The tag that says of which set a host is.
pub const SET: &str = "set";

/// The set that gets [`FIRST`], and so the traffic. The group's document names the other one: it is as if that had the traffic
/// when the document was written, and the first deployment has moved it.
pub const FIRST_SET: &str = "a";

const WRITTEN_SET: &str = "b";

/// The group's document.
const GROUP: &str = "applicationName: checkout
deploymentGroupName: production
# Which hosts have the traffic changes with each deployment; the orchestrator remembers it. These had it before the first.
ec2TagFilters:
  - { Key: set, Value: b, Type: KEY_AND_VALUE }
# How the traffic moves.
deploymentConfigName: CodeDeployDefault.AllAtOnce
deploymentStyle: { deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL }
loadBalancerInfo: { targetGroupInfoList: [{ name: checkout }] }
blueGreenDeploymentConfiguration:
  # The replacement is the other set. To have the lab's fleet make new hosts for each deployment instead, and end those of the
  # deployment before: write COPY_AUTO_SCALING_GROUP here, and take the # from the last line.
  greenFleetProvisioningOption: { action: DISCOVER_EXISTING }
  # The replacement is installed; then somebody looks at it, and reroutes.
  deploymentReadyOption: { actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 30 }
  # So long the way back is one command.
  terminateBlueInstancesOnDeploymentSuccess: { action: TERMINATE, terminationWaitTimeInMinutes: 5 }
alarmConfiguration: { enabled: true, alarms: [{ name: checkout-errors }] }
autoRollbackConfiguration: { enabled: true, events: [DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM] }
# autoScalingGroups: [lab]
";

const APPSPEC: &str = include_str!("../../assets/lab/checkout/appspec.yml");
const HOOKS: [(&str, &str); 4] = [
    (
        "stop.sh",
        include_str!("../../assets/lab/checkout/hooks/stop.sh"),
    ),
    (
        "warm-up.sh",
        include_str!("../../assets/lab/checkout/hooks/warm-up.sh"),
    ),
    (
        "start.sh",
        include_str!("../../assets/lab/checkout/hooks/start.sh"),
    ),
    (
        "validate.sh",
        include_str!("../../assets/lab/checkout/hooks/validate.sh"),
    ),
];

/// Writes its documents, its revisions, what its hosts know of themselves, and the router's document.
pub(super) fn write(folder: &Path, parts: &Checkout, record: &Record) -> io::Result<()> {
    let (thumbs, gallery) = (record.thumbs.as_ref(), record.gallery.as_ref());
    let (places, file) = (&parts.places, |path: &str, text: &str| {
        write_file(folder, path, text)
    });
    let application = project::application(APPLICATION);
    file("applications/checkout/application.yaml", &application)?;
    file("applications/checkout/production.yaml", GROUP)?;
    file(
        traffic::DOCUMENT,
        &traffic::document(places, thumbs, gallery),
    )?;
    for (agent, serves) in parts.agents.iter().zip(&places.instances) {
        write_host(folder, &agent.name, *serves)?;
    }
    let ours = REVISIONS
        .iter()
        .filter(|one| one.application == APPLICATION);
    for revision in ours {
        let below = folder.join(revision.folder());
        write_revision(&below, revision.label, revision.broken)?;
    }
    Ok(())
}

/// Of which set a host is.
fn set(host: &str) -> &'static str {
    if HOSTS[..2].contains(&host) {
        FIRST_SET
    } else {
        WRITTEN_SET
    }
}

/// Whether the group's document selects a host.
pub(super) fn is_written(host: &str) -> bool {
    set(host) == WRITTEN_SET
}

/// The entry of a host in `cutover.yaml`.
pub(super) fn host(name: &str, address: &str, places: &Places) -> serde_json::Value {
    let at = HOSTS.iter().zip(&places.instances);
    let endpoint = at.filter(|(host, _)| **host == name).map(|(_, at)| at);
    let endpoint: Vec<String> = endpoint.map(ToString::to_string).collect();
    serde_json::json!({
        "name": name,
        "address": address,
        "tags": { "role": APPLICATION, SET: set(name) },
        "endpoints": { APPLICATION: endpoint.concat() },
    })
}

/// The connections in `cutover.yaml`, of the lab in this folder.
pub(super) fn connections(folder: &Path, places: &Places) -> io::Result<serde_json::Value> {
    let program = std::env::current_exe()?;
    let ours = |part: &str| serde_json::json!([program, "lab", part, "--dir", folder]);
    Ok(serde_json::json!({
        "loadBalancers": [{
            "name": APPLICATION,
            "drainSeconds": 30,
            "provider": { "router": { "admin": format!("http://{}", places.admin), "route": APPLICATION } },
        }],
        // More than five of a hundred requests failed, or `cutover lab alarm on`.
        "alarms": [{
            "name": alarm::NAME,
            "intervalSeconds": 1,
            "source": { "command": { "run": ours("measure") } },
        }],
        // Makes hosts like these, for a group that copies it.
        "fleets": [{
            "name": FLEET,
            "provider": { "command": { "provision": ours("provision"), "terminate": ours("terminate") } },
        }],
    }))
}

/// Writes what a host knows of itself, whatever is deployed to it: with what it serves, and where.
pub(super) fn write_host(folder: &Path, name: &str, serves: SocketAddr) -> io::Result<()> {
    let program = std::env::current_exe()?.display().to_string();
    let program = shlex::try_quote(&program).map_err(io::Error::other)?;
    let known = format!("program={program}\nname={name}\nlisten={serves}\n");
    let root = format!("hosts/{name}/root");
    write_file(folder, &format!("{root}/etc/checkout.conf"), &known)?;
    std::fs::create_dir_all(folder.join(root).join("var"))
}

/// Writes a revision: a broken one fails a fifth of its requests, and no script finds that out.
fn write_revision(folder: &Path, label: &str, broken: bool) -> io::Result<()> {
    std::fs::create_dir_all(folder.join("app"))?;
    std::fs::write(folder.join("appspec.yml"), APPSPEC)?;
    let errors = if broken { 20 } else { 0 };
    // The first comes before anybody watches, and need not show anything.
    let warm_up = if label == FIRST { 0 } else { 4 };
    let release = format!("version={label}\nerrors={errors}\nwarm_up={warm_up}\n");
    std::fs::write(folder.join("app/release.conf"), release)?;
    write_scripts(folder, &HOOKS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::yaml;

    #[test]
    fn the_documents_of_the_group_and_of_its_names_agree() {
        let group: crate::model::group::DeploymentGroup = yaml::from_str(GROUP).unwrap();
        assert_eq!(group.application_name.as_str(), APPLICATION);
        assert_eq!(group.deployment_group_name.as_str(), DEPLOYMENT_GROUP);
        assert_eq!(group.load_balancers(), [APPLICATION]);
        let alarms = group.alarm_configuration.unwrap().alarms;
        assert_eq!(alarms[0].name, alarm::NAME);
        assert!(GROUP.contains(&format!("Key: {SET}, Value: {WRITTEN_SET}")));
    }

    #[test]
    fn the_comments_of_the_group_say_how_its_replacement_is_provisioned() {
        let text = GROUP.replace("# autoScalingGroups", "autoScalingGroups");
        let text = text.replace("DISCOVER_EXISTING", "COPY_AUTO_SCALING_GROUP");
        let group: crate::model::group::DeploymentGroup = yaml::from_str(&text).unwrap();
        assert!(group.copies_fleet());
        assert_eq!(group.fleet(), Some(FLEET));
    }
}
