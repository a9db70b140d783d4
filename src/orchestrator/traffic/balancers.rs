//! The load balancers of a project: from names to connections.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use super::super::lock;
use crate::model::connections::LoadBalancer;
use crate::model::project::Project;
use crate::providers::aws::Accounts;
use crate::providers::hosts::Network;
use crate::providers::secrets::Secrets;
use crate::providers::traffic::{Balancer, connect};

/// Connections, kept for as long as their documents and the project's hosts stay the same. All deployments share them: one
/// may be what a load balancer listens to.
pub(super) struct Connections {
    network: Network,
    secrets: Secrets,
    accounts: Accounts,
    open: Mutex<BTreeMap<String, Open>>,
}

#[derive(Clone)]
struct Open {
    document: LoadBalancer,
    /// Where the agent is that it goes through, if it does.
    agent: Option<String>,
    balancer: Arc<dyn Balancer>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = lock(&self.open).keys().cloned().collect();
        f.debug_tuple("Connections").field(&names).finish()
    }
}

impl Connections {
    pub fn new(network: Network, secrets: Secrets, accounts: Accounts) -> Self {
        Self {
            network,
            secrets,
            accounts,
            open: Mutex::default(),
        }
    }

    /// The load balancer of this name, by the project's documents as they are now.
    pub fn get(
        &self,
        project: &Project,
        name: &str,
    ) -> Result<(LoadBalancer, Arc<dyn Balancer>), String> {
        let document = project.connections.load_balancer(name).ok_or_else(|| {
            format!("{name} is no load balancer of `connections` in cutover.yaml any more")
        })?;
        let agent = document.provider.host().and_then(|host| project.host(host));
        let agent = agent.map(|host| host.address.clone());
        let mut open = lock(&self.open);
        if let Some(known) = open.get(name)
            && known.document == *document
            && known.agent == agent
        {
            return Ok((known.document.clone(), Arc::clone(&known.balancer)));
        }
        // What the former one listens on, the new one may want.
        open.remove(name);
        let balancer = connect(
            document,
            project,
            &self.network,
            &self.secrets,
            &self.accounts,
        )
        .map_err(|error| error.to_string())?;
        let entry = Open {
            document: document.clone(),
            agent,
            balancer: Arc::clone(&balancer),
        };
        open.insert(name.to_owned(), entry);
        Ok((document.clone(), balancer))
    }
}
