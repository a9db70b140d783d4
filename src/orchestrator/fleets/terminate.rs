//! The end of instances: each is terminated by the fleet that provisioned it.

use std::collections::BTreeMap;

use super::super::Orchestrator;
use super::ask::Patience;
use crate::engine::Deployment;
use crate::engine::input::Told;
use crate::engine::plan::Stage;
use crate::model::host::Host;
use crate::providers::fleets::{FleetError, Terminate};

impl Orchestrator {
    /// Has the original of a deployment terminated. Instances that are known no longer are gone.
    pub(super) async fn terminate(&self, deployment: &Deployment) -> Told {
        let targets = match deployment.current_stage() {
            Some(Stage::Terminate { targets }) => targets.clone(),
            _ => Vec::new(),
        };
        let (mut known, mut gone) = (Vec::new(), Vec::new());
        {
            let ledgers = self.0.ledgers.lock().await;
            let ledger = ledgers.get(&deployment.group_key());
            for name in targets {
                match ledger.and_then(|ledger| ledger.provisioned.get(&name)) {
                    Some(host) => known.push(host.clone()),
                    None => gone.push(name),
                }
            }
        }
        let mut trouble = Vec::new();
        for (fleet, hosts) in by_fleet(&known) {
            let mut patience = Patience::new();
            let asked = loop {
                match self.terminate_of(fleet, &hosts).await {
                    Err(FleetError::NotNow(why)) => patience.wait(&why).await,
                    answered => break answered,
                }
            };
            crate::crash_point::here!("fleets.terminated");
            match asked {
                Ok(()) => gone.extend(hosts.iter().map(|host| host.name.clone())),
                Err(error) => trouble.push(format!("{fleet}: {error}")),
            }
        }
        Told::Terminated {
            targets: gone,
            trouble: (!trouble.is_empty()).then(|| trouble.join("; ")),
        }
    }

    /// Asks a fleet once to terminate instances of its own.
    pub(super) async fn terminate_of(&self, name: &str, hosts: &[&Host]) -> Result<(), FleetError> {
        let (project, _) = self.0.documents.current();
        let fleet = project.connections.fleet(name).ok_or_else(|| {
            FleetError::Refused(format!(
                "no fleet of `connections` in cutover.yaml is called {name} any more"
            ))
        })?;
        let asked = Terminate {
            fleet: name,
            hosts: hosts.to_vec(),
        };
        self.0.fleets.terminate(fleet, &asked).await
    }
}

/// Instances by the fleet that provisioned them; hosts of `cutover.yaml` have none.
pub(super) fn by_fleet(hosts: &[Host]) -> BTreeMap<&str, Vec<&Host>> {
    let mut fleets: BTreeMap<&str, Vec<&Host>> = BTreeMap::new();
    for host in hosts {
        if let Some(from) = &host.provisioned {
            fleets.entry(&from.fleet).or_default().push(host);
        }
    }
    fleets
}
