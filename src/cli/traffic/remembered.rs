//! Where the traffic of a group goes that no deployment runs for. Nobody looks at its load balancers then, so this is what
//! the group remembers.

use serde::Serialize;

use crate::api::view::View;
use crate::engine::ledger::LastDeployment;
use crate::model::group::{DeploymentGroup, GroupKey};
use crate::model::name::Name;
use crate::text::safe;

/// A group with load balancers that nothing is deployed to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Remembered {
    group: GroupKey,
    load_balancers: Vec<Balancer>,
    /// The newest deployment, if there was one.
    last_deployment: Option<LastDeployment>,
    /// Whether a deployment has moved the traffic away from what the group's document selects.
    moved: bool,
    /// The hosts that have the traffic.
    serving: Vec<Name>,
}

#[derive(Debug, Serialize)]
struct Balancer {
    name: String,
    /// As people call its kind; nothing if its connection is gone.
    kind: Option<&'static str>,
}

impl Remembered {
    /// What a group remembers; `None` if a deployment is not over, or if it has no load balancer.
    pub(super) fn of(view: &View, group: &DeploymentGroup) -> Option<Self> {
        let key = group.key();
        let ledger = view.ledgers.get(&key).cloned().unwrap_or_default();
        let names = group.load_balancers();
        if names.is_empty() || ledger.active.is_some() {
            return None;
        }
        let load_balancers = names.into_iter().map(|name| {
            let connection = view.project.connections.load_balancer(name);
            Balancer {
                name: name.to_owned(),
                kind: connection.map(|connection| connection.provider.label()),
            }
        });
        let hosts = view.project.selected(ledger.selection(group));
        Some(Self {
            group: key,
            load_balancers: load_balancers.collect(),
            moved: ledger.serving(group).is_some(),
            serving: hosts.map(|host| host.name.clone()).collect(),
            last_deployment: ledger.last_attempted_deployment,
        })
    }

    /// What it remembers, line by line.
    pub(super) fn lines(&self) -> [String; 3] {
        let balancers = self.load_balancers.iter().map(|balancer| {
            let kind = balancer.kind.map(|kind| format!(" ({kind})"));
            format!("{}{}", safe(&balancer.name), kind.unwrap_or_default())
        });
        let balancers: Vec<String> = balancers.collect();
        let serving: Vec<&str> = self.serving.iter().map(Name::as_str).collect();
        let serving = match serving.join(", ") {
            none if none.is_empty() => "no host".to_owned(),
            names => names,
        };
        let why = if self.moved {
            "where the last deployment that moved it left it"
        } else {
            "as its document selects them"
        };
        let last = match &self.last_deployment {
            Some(last) => format!("{} {}", last.deployment_id, last.status),
            None => "none".to_owned(),
        };
        [
            format!(
                "{}  {}  not looked at: no deployment runs",
                self.group,
                balancers.join(", ")
            ),
            format!("  last deployment  {last}"),
            format!("  traffic          {serving}, {why}"),
        ]
    }
}
