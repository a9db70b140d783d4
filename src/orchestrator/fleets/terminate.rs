//! The end of instances: each is terminated by the fleet that provisioned it, or with its Auto Scaling group.

use std::collections::BTreeMap;

use super::super::Orchestrator;
use super::ask::Patience;
use crate::engine::Deployment;
use crate::engine::input::Told;
use crate::engine::plan::Stage;
use crate::engine::spec::Provision;
use crate::model::host::Host;
use crate::model::name::Name;
use crate::providers::fleets::{FleetError, Terminate};

impl Orchestrator {
    /// Has the original of a deployment terminated. Instances that are known no longer are gone.
    pub(super) async fn terminate(&self, deployment: &Deployment) -> Told {
        let targets = match deployment.current_stage() {
            Some(Stage::Terminate { targets }) => targets.clone(),
            _ => Vec::new(),
        };
        let key = deployment.group_key();
        let (mut known, mut gone, mut scaled) = (Vec::new(), Vec::new(), Vec::new());
        {
            let ledgers = self.0.ledgers.lock().await;
            let ledger = ledgers.get(&key);
            for name in targets {
                match ledger.and_then(|ledger| ledger.provisioned.get(&name)) {
                    Some(host) => known.push(host.clone()),
                    None if is_scaled(deployment, &name) => scaled.push(name),
                    None => gone.push(name),
                }
            }
        }
        let mut trouble = Vec::new();
        if let Some((asked, account)) = copied(deployment).filter(|_| !scaled.is_empty()) {
            let ended = self.end_original(&key, asked, account).await;
            crate::crash_point::here!("fleets.deleted");
            match ended {
                Ok(()) => gone.append(&mut scaled),
                Err(why) => trouble.push(format!("{}: {why}", asked.fleet)),
            }
        }
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

/// What a deployment copies at AWS, and in which account.
fn copied(deployment: &Deployment) -> Option<(&Provision, &str)> {
    let asked = deployment.spec.provision.as_ref()?;
    Some((asked, asked.account.as_deref()?))
}

/// Whether an instance ends with the Auto Scaling group that was copied.
fn is_scaled(deployment: &Deployment, name: &Name) -> bool {
    let mut targets = deployment.spec.targets.iter();
    let target = targets.find(|target| target.name == *name);
    let fleet = target.and_then(|target| target.fleet.as_ref());
    copied(deployment).is_some_and(|(asked, _)| fleet == Some(&asked.fleet))
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
