//! Traffic: sees to it that targets are in service, or out of it, as their deployment says.
//!
//! One keeper a deployment looks at its load balancers over and over and puts right what differs. So it does not matter who
//! changed what: the deployment, a restart, or somebody by hand. [`round`] says what ought to be so next.

mod balancers;
pub(crate) mod findings;
mod keeper;
mod look;
pub(crate) mod round;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};

use tokio::sync::mpsc;

use self::balancers::Connections;
use self::keeper::{Ask, Keeper};
use super::hosts::Mode;
use super::{Orchestrator, Request, lock};
use crate::engine::Deployment;
use crate::model::deployment::{DeploymentId, ExecutionId};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;

/// The keepers of the deployments that run. Asking one never waits: it may be waiting itself to report to the deployment that
/// asks.
#[derive(Debug)]
pub(super) struct Traffic {
    keepers: Mutex<BTreeMap<DeploymentId, mpsc::UnboundedSender<Ask>>>,
    connections: Connections,
}

/// An event at the load balancers that is to be carried out.
#[derive(Clone, Debug)]
pub(super) struct Errand {
    /// The run that it is.
    pub execution: ExecutionId,
    /// Whose.
    pub target: Name,
    /// Which.
    pub event: LifecycleEvent,
    /// Carry it out, or only finish it if it has begun.
    pub mode: Mode,
    /// Where reports go.
    pub reports: mpsc::Sender<Request>,
}

impl Traffic {
    /// No keepers, and no connections yet; `http` is for load balancers that speak it.
    pub fn new(http: reqwest::Client) -> Self {
        Self {
            keepers: Mutex::default(),
            connections: Connections::new(http),
        }
    }

    /// The load balancers.
    fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Keeps the targets of a deployment where they ought to be, for as long as it runs; nothing to do if no load balancer
    /// takes part.
    pub fn keep(
        &self,
        orchestrator: &Orchestrator,
        deployment: &Deployment,
        state: &Arc<RwLock<Deployment>>,
    ) {
        if !deployment.spec.group.controls_traffic() {
            return;
        }
        let (asks, waiting) = mpsc::unbounded_channel();
        let keeper = Keeper::new(orchestrator.clone(), Arc::clone(state), waiting);
        lock(&self.keepers).insert(deployment.id().clone(), asks);
        tokio::spawn(keeper.run());
    }

    /// Has an event carried out, or finished.
    pub fn assign(&self, deployment: &DeploymentId, errand: Errand) {
        self.ask(deployment, Ask::Errand(errand));
    }

    /// It is over.
    pub fn forget(&self, deployment: &DeploymentId, execution: &ExecutionId) {
        self.ask(deployment, Ask::Forget(execution.clone()));
    }

    /// The deployment has ended: everything stays as it is.
    pub fn leave(&self, deployment: &DeploymentId) {
        lock(&self.keepers).remove(deployment);
    }

    fn ask(&self, deployment: &DeploymentId, ask: Ask) {
        if let Some(keeper) = lock(&self.keepers).get(deployment) {
            // A keeper ends with its deployment, which has nothing more to ask then.
            let _over = keeper.send(ask);
        }
    }
}
