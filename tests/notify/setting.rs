//! A lab whose group has triggers.

use std::fmt::Write as _;

use serde_json::Value;

use crate::lab::Lab;

pub const EVERY_EVENT: &str = "DeploymentStart, DeploymentSuccess, DeploymentFailure, DeploymentStop, DeploymentRollback, \
     DeploymentReady, InstanceStart, InstanceSuccess, InstanceFailure, InstanceReady";

/// A lab of so many hosts, one at a time, with these receivers (YAML, a list) and these triggers of `shop/production`: the
/// receiver and the events.
pub fn lab(hosts: &[&str], receivers: &[String], triggers: &[(&str, &str)]) -> Lab {
    let lab = Lab::up(hosts.len());
    lab.project(hosts, "{}");
    let document = lab.folder().join("cutover.yaml");
    let mut text = std::fs::read_to_string(&document).unwrap();
    text.push_str(
        "secrets: { token: { file: token }, key: { file: secret }, slack: { file: slack } }\n",
    );
    text.push_str("connections:\n  receivers:\n");
    for receiver in receivers {
        writeln!(text, "    - {receiver}").unwrap();
    }
    std::fs::write(document, text).unwrap();
    let mut more = "deploymentConfigName: CodeDeployDefault.OneAtATime\n\
         autoRollbackConfiguration: { enabled: true, events: [DEPLOYMENT_FAILURE] }\n\
         triggerConfigurations:\n"
        .to_owned();
    for (place, (receiver, events)) in triggers.iter().enumerate() {
        writeln!(
            more,
            "  - {{ triggerName: t{place}, triggerTargetArn: {receiver}, triggerEvents: [{events}] }}"
        )
        .unwrap();
    }
    lab.group("production", "role", "web", &more);
    lab
}

/// The deliveries of a deployment as `cutover notifications` lists them, oldest first.
pub fn deliveries(lab: &Lab, deployment: &str) -> Vec<Value> {
    let text = lab.ok(&["notifications", deployment, "--output", "json"]);
    let listed: Value = serde_json::from_str(&text).unwrap();
    let mut all = listed["notifications"].as_array().unwrap().clone();
    all.reverse();
    all
}

/// Whether every delivery of a deployment has ended like this.
pub fn all_are(lab: &Lab, deployment: &str, status: &str) -> bool {
    deliveries(lab, deployment)
        .iter()
        .all(|one| one["status"] == status)
}

/// A webhook as a receiver's document.
pub fn webhook(name: &str, url: &str) -> String {
    format!("{{ name: {name}, via: {{ webhook: {{ url: '{url}' }} }} }}")
}
