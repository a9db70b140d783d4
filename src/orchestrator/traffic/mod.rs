//! Traffic: sees to it that targets are in service, or out of it, as their deployment says.
//!
//! One keeper a deployment looks at its load balancers over and over and puts right what differs. So it does not matter who
//! changed what: the deployment, a restart, or somebody by hand. [`round`] says what ought to be so next.

mod alias;
mod balancers;
pub(crate) mod findings;
pub(crate) mod gauge;
mod keeper;
pub(crate) mod late;
pub(crate) mod listener;
mod look;
pub(crate) mod memory;
pub(crate) mod meter;
pub(crate) mod round;
pub(crate) mod route;
pub(crate) mod shares;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};

use tokio::sync::mpsc;

use self::balancers::{Connections, Gate};
use self::keeper::{Ask, Keeper};
use super::command::ApiError;
use super::feed::FeedItem;
use super::hosts::Mode;
use super::{Orchestrator, Request, lock};
use crate::clock;
use crate::engine::Deployment;
use crate::model::deployment::{DeploymentId, ExecutionId};
use crate::model::group::GroupKey;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::status::{BalancerDetails, TrafficStatus};
use crate::model::traffic::{Side, Split};
use crate::providers::aws::Accounts;
use crate::providers::hosts::Network;
use crate::providers::secrets::Secrets;
use crate::providers::services::Listener;

/// The keepers of the deployments that run. Asking one never waits: it may be waiting itself to report to the deployment that
/// asks.
#[derive(Debug)]
pub(super) struct Traffic {
    keepers: Mutex<BTreeMap<DeploymentId, mpsc::UnboundedSender<Ask>>>,
    connections: Connections,
    /// Whose turn it is in each group: what a keeper has asked for is over before the next one looks.
    turns: Mutex<BTreeMap<GroupKey, Arc<tokio::sync::Mutex<()>>>>,
    /// How the load balancers of each deployment were at the last look.
    seen: Mutex<BTreeMap<DeploymentId, Seen>>,
}

/// How the load balancers of a deployment were at the last look.
#[derive(Clone, Debug)]
struct Seen {
    at: Timestamp,
    balancers: Vec<BalancerDetails>,
}

impl Seen {
    fn status(&self, deployment: &DeploymentId) -> TrafficStatus {
        let balancers = self.balancers.iter();
        TrafficStatus {
            deployment: deployment.clone(),
            at: self.at,
            balancers: balancers.map(|it| it.status.clone()).collect(),
        }
    }
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
    /// No keepers, and no connections yet; they are made through `network`, with `secrets` and `accounts` for those that want
    /// some.
    pub fn new(network: Network, secrets: Secrets, accounts: Accounts) -> Self {
        Self {
            keepers: Mutex::default(),
            turns: Mutex::default(),
            connections: Connections::new(network, secrets, accounts),
            seen: Mutex::default(),
        }
    }

    /// The load balancers.
    fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Whether this program knows how to speak to whoever has an alias that is no load balancer's route. Nothing is sent.
    ///
    /// # Errors
    /// If it does not, in a sentence.
    pub fn reach(&self, project: &Project, function: &str, alias: &str) -> Result<(), String> {
        let gate = Gate::Alias {
            function: function.to_owned(),
            alias: alias.to_owned(),
        };
        self.connections.get(project, &gate).map(|_| ())
    }

    /// The same of a listener of a service that AWS ECS keeps.
    ///
    /// # Errors
    /// If it does not, in a sentence.
    pub fn reach_listener(&self, project: &Project, listener: Listener) -> Result<(), String> {
        let gate = Gate::Listener(listener);
        self.connections.get(project, &gate).map(|_| ())
    }

    /// Keeps the targets of a deployment where they ought to be, for as long as it runs; nothing to do if no load balancer
    /// takes part.
    pub fn keep(
        &self,
        orchestrator: &Orchestrator,
        deployment: &Deployment,
        state: &Arc<RwLock<Deployment>>,
        requests: &mpsc::Sender<Request>,
    ) {
        if !deployment.spec.group.controls_traffic() {
            return;
        }
        let (asks, waiting) = mpsc::unbounded_channel();
        let keeper = Keeper::new(
            orchestrator.clone(),
            Arc::clone(state),
            waiting,
            requests.clone(),
        );
        lock(&self.keepers).insert(deployment.id().clone(), asks);
        // What joins a group beside its deployment keeps other hosts.
        let turn = deployment.spec.takes_slot().then(|| {
            let mut turns = lock(&self.turns);
            Arc::clone(turns.entry(deployment.group_key()).or_default())
        });
        tokio::spawn(async move {
            let _turn = match turn {
                Some(turn) => Some(turn.lock_owned().await),
                None => None,
            };
            keeper.run().await;
        });
    }

    /// Has an event carried out, or finished.
    pub fn assign(&self, deployment: &DeploymentId, errand: Errand) {
        self.ask(deployment, Ask::Errand(errand));
    }

    /// It is over.
    pub fn forget(&self, deployment: &DeploymentId, execution: &ExecutionId) {
        self.ask(deployment, Ask::Forget(execution.clone()));
    }

    /// Something else ought to be so at the load balancers of a deployment.
    pub fn look(&self, deployment: &DeploymentId) {
        self.ask(deployment, Ask::Look);
    }

    /// How the load balancers of the deployments that run were at the last look.
    pub fn statuses(&self) -> Vec<TrafficStatus> {
        let seen = lock(&self.seen);
        seen.iter().map(|(id, seen)| seen.status(id)).collect()
    }

    /// The same of one deployment, with every server.
    pub fn details(&self, deployment: &DeploymentId) -> Option<Vec<BalancerDetails>> {
        Some(lock(&self.seen).get(deployment)?.balancers.clone())
    }

    /// Refuses a split that gives a share to a side that has no server in service and well, by the last look.
    pub fn bearable(&self, deployment: &DeploymentId, split: Split) -> Result<(), ApiError> {
        let seen = lock(&self.seen);
        let balancers = seen
            .get(deployment)
            .into_iter()
            .flat_map(|it| &it.balancers);
        // What nobody but testers sees can bear anything.
        for BalancerDetails { status, .. } in balancers.filter(|it| !it.status.tests) {
            for side in [Side::Blue, Side::Green] {
                let share = split.share(side);
                if share == 0 || status.side(side).well > 0 {
                    continue;
                }
                return Err(ApiError::new(
                    "InvalidOperationException",
                    format!(
                        "the {} has no server in service and well at the load balancer {}: {share} % of the requests would find nobody",
                        side.label(),
                        status.name
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The deployment has ended: everything stays as it is.
    pub fn leave(&self, deployment: &DeploymentId) {
        lock(&self.keepers).remove(deployment);
        lock(&self.seen).remove(deployment);
    }

    fn ask(&self, deployment: &DeploymentId, ask: Ask) {
        if let Some(keeper) = lock(&self.keepers).get(deployment) {
            // A keeper ends with its deployment, which has nothing more to ask then.
            let _over = keeper.send(ask);
        }
    }
}

impl Orchestrator {
    /// Shows everybody how the load balancers of a deployment are, if it is time or something has changed.
    fn show_traffic(&self, id: &DeploymentId, balancers: Vec<BalancerDetails>, counted: bool) {
        let traffic = &self.0.traffic;
        let keepers = lock(&traffic.keepers);
        // One that has ended in the meantime is shown no more.
        if !keepers.contains_key(id) {
            return;
        }
        let now = Seen {
            at: clock::now(),
            balancers,
        };
        let status = now.status(id);
        let before = lock(&traffic.seen).insert(id.clone(), now);
        drop(keepers);
        let before = before.map(|seen| seen.status(id).balancers);
        if counted || before.as_ref() != Some(&status.balancers) {
            self.publish(FeedItem::Traffic(status));
        }
    }
}
