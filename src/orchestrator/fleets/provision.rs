//! The replacement of a deployment: asked for, looked at, and waited for until its agents report.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::mpsc;

use super::super::documents::clash;
use super::super::{Orchestrator, Request};
use super::ask::{Patience, tell};
use crate::engine::Deployment;
use crate::engine::input::Told;
use crate::engine::spec::Provision as Asked;
use crate::model::deployment::{ErrorCode, ErrorInformation};
use crate::model::endpoint::Endpoint;
use crate::model::host::{Host, Provisioned, copied_group};
use crate::model::project::Project;
use crate::model::traffic::Side;
use crate::providers::fleets::{FleetError, Provision};

/// How soon agents that do not answer are asked again.
const AGAIN: Duration = Duration::from_millis(500);

impl Orchestrator {
    /// Has the replacement provisioned, unless it is known already, and waits for its agents.
    pub(super) async fn provision(&self, deployment: &Deployment, told: &mpsc::Sender<Request>) {
        let hosts = if deployment.provisioned {
            self.replacement(deployment)
        } else {
            match self.provisioned_for(deployment).await {
                Ok(hosts) => {
                    crate::crash_point::here!("fleets.answered");
                    tell(told, Told::Provisioned(hosts.clone())).await;
                    hosts
                }
                Err(error) => return tell(told, Told::Refused(error)).await,
            }
        };
        // Those that report first may fall silent again; their installation will tell.
        let reports = hosts.into_iter().map(|host| self.until_it_reports(host));
        join_all(reports).await;
        tell(told, Told::Report).await;
    }

    /// The instances that were provisioned for a deployment before.
    fn replacement(&self, deployment: &Deployment) -> Vec<Host> {
        let (project, _) = self.0.documents.current();
        let green = deployment.targets.iter();
        let green = green.filter(|target| target.side == Some(Side::Green));
        green
            .filter_map(|target| project.host(&target.name).cloned())
            .collect()
    }

    async fn until_it_reports(&self, host: Host) {
        let client = self.0.hosts.network().agent(&host.name, &host.address);
        while client.greet(&host.name).await.is_err() {
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// What the fleet says now, by the documents as they are now: a mistake may have been put right. `None` if there is no
    /// such fleet.
    async fn ask_once(
        &self,
        deployment: &Deployment,
        asked: &Asked,
        group: &str,
    ) -> Result<Option<Vec<Host>>, FleetError> {
        let (project, _) = self.0.documents.current();
        let Some(fleet) = project.connections.fleet(&asked.fleet) else {
            return Ok(None);
        };
        let spec = &deployment.spec;
        let targets = spec.targets.iter();
        let originals = targets.filter_map(|target| project.host(&target.name));
        let question = Provision {
            fleet: &asked.fleet,
            token: deployment.id(),
            count: asked.count,
            auto_scaling_group: group,
            application: &spec.group.application_name,
            deployment_group: &spec.group.deployment_group_name,
            originals: originals.collect(),
        };
        self.0.fleets.provision(fleet, &question).await.map(Some)
    }

    async fn provisioned_for(
        &self,
        deployment: &Deployment,
    ) -> Result<Vec<Host>, ErrorInformation> {
        let spec = &deployment.spec;
        let wrong = |code, message| ErrorInformation { code, message };
        let asked = spec.provision.as_ref().ok_or_else(|| {
            let message = "nothing says who provisions the replacement".to_owned();
            wrong(ErrorCode::AutoScalingConfiguration, message)
        })?;
        if let Some(account) = &asked.account {
            return self.copied_for(deployment, asked, account).await;
        }
        let key = deployment.group_key();
        let group = copied_group(&key, deployment.id());
        let mut patience = Patience::new();
        let answered = loop {
            match self.ask_once(deployment, asked, &group).await {
                Err(FleetError::NotNow(why)) => patience.wait(&why).await,
                answered => break answered,
            }
        };
        let mut hosts = match answered {
            Ok(Some(hosts)) => hosts,
            Ok(None) => {
                let message = format!("the fleet {} is no longer in cutover.yaml", asked.fleet);
                return Err(wrong(ErrorCode::AutoScalingConfiguration, message));
            }
            Err(error @ FleetError::Late(_)) => {
                return Err(wrong(ErrorCode::Timeout, error.to_string()));
            }
            Err(error) => {
                let code = ErrorCode::AutoscalingValidationError;
                return Err(wrong(code, error.to_string()));
            }
        };
        for host in &mut hosts {
            host.provisioned = Some(Provisioned {
                fleet: asked.fleet.clone(),
                deployment: deployment.id().clone(),
                auto_scaling_group: group.clone(),
            });
        }
        let (project, _) = self.0.documents.current();
        let unusable =
            |host| unusable(&project, deployment, host).or_else(|| clash(&project, host));
        match hosts.iter().find_map(unusable) {
            None => Ok(hosts),
            Some(why) => Err(wrong(
                ErrorCode::AutoscalingValidationError,
                format!(
                    "the fleet {} answered what can't be used: {why}",
                    asked.fleet
                ),
            )),
        }
    }
}

/// Why an instance can't be part of the replacement.
pub(super) fn unusable(project: &Project, deployment: &Deployment, host: &Host) -> Option<String> {
    if deployment.target(&host.name).is_some() {
        return Some(format!("{} is an instance of the original", host.name));
    }
    let names = deployment.spec.group.load_balancers();
    let balancers = names
        .into_iter()
        .filter_map(|name| project.connections.load_balancer(name));
    let mut wrong = balancers.filter_map(|balancer| Endpoint::of(host, balancer).err());
    wrong.next().map(|error| error.to_string())
}
