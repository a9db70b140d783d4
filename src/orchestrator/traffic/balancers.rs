//! What gives requests to the targets of deployments: from names to connections.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::lock;
use crate::model::connections::{
    EcsKeeper, FunctionConnection, FunctionKind, LambdaAlias, LoadBalancer, ServiceKind,
};
use crate::model::group::EcsService;
use crate::model::project::Project;
use crate::providers::aws::Accounts;
use crate::providers::hosts::Network;
use crate::providers::secrets::Secrets;
use crate::providers::services::Listener;
use crate::providers::traffic::{
    Among, At, Balancer, TrafficError, connect, connect_function, connect_listener,
};

/// What gives requests to the targets of a deployment, as the project names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gate {
    /// A load balancer.
    LoadBalancer(String),
    /// A function's alias, where that is no load balancer's route.
    Alias {
        /// The function.
        function: String,
        /// The alias.
        alias: String,
    },
    /// A listener of a service that AWS ECS keeps.
    Listener(Listener),
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoadBalancer(name) => f.write_str(name),
            Self::Alias { function, alias } => {
                let short = function.rsplit(':').next().unwrap_or(function);
                write!(f, "{short}:{alias}")
            }
            Self::Listener(listener) => {
                let traffic = if listener.production {
                    "production"
                } else {
                    "test"
                };
                write!(f, "{}:{traffic}", listener.service.short_name())
            }
        }
    }
}

/// The document of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Document {
    LoadBalancer(LoadBalancer),
    Lambda(FunctionConnection, LambdaAlias),
    Listener(Listener, EcsKeeper),
}

impl Document {
    /// As people call its kind.
    pub fn label(&self) -> &'static str {
        match self {
            Self::LoadBalancer(document) => document.provider.label(),
            Self::Lambda(..) => "Lambda",
            Self::Listener(..) => "ELB",
        }
    }

    /// How long a drain may take.
    pub fn drain(&self) -> Duration {
        match self {
            Self::LoadBalancer(document) => Duration::from_secs(document.drain_seconds),
            // What a version works on is nobody's else, and ends by itself; a target finishes what it has before ECS ends its task.
            Self::Lambda(..) | Self::Listener(..) => Duration::ZERO,
        }
    }
}

/// Connections, kept for as long as their documents and the project's hosts stay the same. All deployments share them: one
/// may be what a load balancer listens to.
pub(super) struct Connections {
    network: Network,
    secrets: Secrets,
    accounts: Accounts,
    open: Mutex<BTreeMap<Gate, Open>>,
}

#[derive(Clone)]
struct Open {
    document: Document,
    /// Where the agent is that it goes through, if it does.
    agent: Option<String>,
    balancer: Arc<dyn Balancer<At>>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = lock(&self.open).keys().map(Gate::to_string).collect();
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

    /// What this names, by the project's documents as they are now.
    pub fn get(
        &self,
        project: &Project,
        gate: &Gate,
    ) -> Result<(Document, Arc<dyn Balancer<At>>), String> {
        let document = document(project, gate)
            .ok_or_else(|| format!("{gate} is no longer in `connections` of cutover.yaml"))?;
        let agent = match &document {
            Document::LoadBalancer(document) => document.provider.host(),
            Document::Lambda(..) | Document::Listener(..) => None,
        };
        let agent = agent.and_then(|host| project.host(host));
        let agent = agent.map(|host| host.address.clone());
        let mut open = lock(&self.open);
        if let Some(known) = open.get(gate)
            && known.document == document
            && known.agent == agent
        {
            return Ok((document, Arc::clone(&known.balancer)));
        }
        // What the former one listens on, the new one may want.
        open.remove(gate);
        let balancer = self.connect(&document, project);
        let balancer = balancer.map_err(|error| error.to_string())?;
        let entry = Open {
            document: document.clone(),
            agent,
            balancer: Arc::clone(&balancer),
        };
        open.insert(gate.clone(), entry);
        Ok((document, balancer))
    }

    fn connect(
        &self,
        document: &Document,
        project: &Project,
    ) -> Result<Arc<dyn Balancer<At>>, TrafficError> {
        let accounts = &self.accounts;
        Ok(match document {
            Document::LoadBalancer(document) => {
                let balancer = connect(document, project, &self.network, &self.secrets, accounts)?;
                Arc::new(Among(balancer))
            }
            Document::Lambda(function, at) => {
                Arc::new(Among(connect_function(function, at, accounts)?))
            }
            Document::Listener(listener, keeper) => {
                let account = keeper.account.as_deref();
                Arc::new(Among(connect_listener(listener, account, accounts)?))
            }
        })
    }
}

/// What the project says of one.
fn document(project: &Project, gate: &Gate) -> Option<Document> {
    let all = &project.connections;
    match gate {
        Gate::LoadBalancer(name) => Some(Document::LoadBalancer(all.load_balancer(name)?.clone())),
        Gate::Alias { function, alias } => {
            let function = all.function(function, alias)?;
            match &function.via {
                FunctionKind::Lambda(at) => Some(Document::Lambda(function.clone(), at.clone())),
                FunctionKind::Endpoints(_) => None,
            }
        }
        Gate::Listener(listener) => {
            let EcsService {
                service_name: name,
                cluster_name: cluster,
            } = &listener.service;
            match &all.service(name, cluster)?.via {
                ServiceKind::Ecs(keeper) => {
                    Some(Document::Listener(listener.clone(), keeper.clone()))
                }
                ServiceKind::Processes(_) => None,
            }
        }
    }
}
