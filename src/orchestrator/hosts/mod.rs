//! Reaching hosts: one driver a host that has work, one slow probe that asks all, and what is known of each ([`status`]).

mod driver;
mod enrol;
mod invite;
mod probe;
mod rotate;
pub mod status;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{broadcast, mpsc};

use self::driver::{Ask, Driver};
use self::status::{AgentStatus, HostStatus, Silence};
use super::feed::FeedItem;
use super::{Request, lock};
use crate::agent::protocol::Order;
use crate::clock;
use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::model::deployment::{Creator, DeploymentId, ExecutionId};
use crate::model::name::Name;
use crate::providers::hosts::{Greeting, HostError, Network};
use crate::store::bundles::Bundles;
use crate::store::output::Outputs;

/// Requests that may wait for a host's driver.
const QUEUE: usize = 256;

/// All hosts of the project.
#[derive(Clone, Debug)]
pub struct Hosts(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    network: Network,
    bundles: Bundles,
    outputs: Outputs,
    feed: broadcast::Sender<FeedItem>,
    drivers: Mutex<BTreeMap<Name, mpsc::Sender<Ask>>>,
    statuses: Mutex<BTreeMap<Name, HostStatus>>,
}

/// An execution that a host is asked to run or to stop.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Its id.
    pub execution: ExecutionId,
    /// The deployment it belongs to.
    pub deployment: DeploymentId,
    /// The host.
    pub target: Name,
    /// What to do, for a host that does not know it yet.
    pub order: Arc<Order>,
    /// Run it, or stop it.
    pub mode: Mode,
    /// Who wants that.
    pub by: String,
    /// Where reports go.
    pub(super) reports: mpsc::Sender<Request>,
}

/// What is wanted of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// That it runs: its lease is renewed.
    Run,
    /// That it starts no further event.
    Halt,
}

/// What the host of a target is to do in the leg that the target is in.
pub fn order(deployment: &Deployment, target: &Target) -> Arc<Order> {
    let spec = &deployment.spec;
    let events = target.leg_events().iter().map(|entry| entry.event);
    Arc::new(Order {
        deployment_id: spec.deployment_id.clone(),
        application_name: spec.group.application_name.to_string(),
        deployment_group_name: spec.group.deployment_group_name.to_string(),
        deployment_group_id: spec.group.deployment_group_id.clone().unwrap_or_default(),
        // Whoever wants traffic back: scripts are those of what is installed.
        creator: match spec.creator {
            _ if spec.goes_back() => Creator::CodeDeployRollback,
            // To a host it is the same, and agents of before do not know the word.
            Creator::CodeDeploy => Creator::User,
            Creator::AutoscalingTermination => Creator::Autoscaling,
            other => other,
        },
        deployment_type: spec.group.deployment_style.deployment_type,
        revision: spec.revision.clone(),
        events: events.collect(),
        file_exists_behavior: spec.options.file_exists_behavior,
        ignore_application_stop_failures: spec.options.ignore_application_stop_failures,
        appspec_filename: None,
        possible_events: None,
    })
}

impl Hosts {
    /// No host has work yet.
    pub fn new(
        network: Network,
        bundles: Bundles,
        outputs: Outputs,
        feed: broadcast::Sender<FeedItem>,
    ) -> Self {
        Self(Arc::new(Shared {
            network,
            bundles,
            outputs,
            feed,
            drivers: Mutex::default(),
            statuses: Mutex::default(),
        }))
    }

    /// Has a host run or stop an execution, for as long as it takes. Asking again with another mode changes the mode.
    ///
    /// A host that is no longer in the project has no address: nothing can be done, and its deadline will tell.
    pub async fn assign(&self, assignment: Assignment, address: Option<String>) {
        let Some(address) = address else {
            let name = &assignment.target;
            tracing::warn!(%name, "a target of a running deployment is no longer in the project");
            return;
        };
        let host = assignment.target.clone();
        let mut ask = Ask::Assign(Box::new(assignment));
        loop {
            let busy = match self.offer(&host, &address, ask) {
                Ok(()) => return,
                Err((busy, returned)) => {
                    ask = returned;
                    busy
                }
            };
            match busy.send(ask).await {
                Ok(()) => return,
                // It was retired meanwhile: the next driver takes it.
                Err(returned) => ask = returned.0,
            }
        }
    }

    /// Ends the drivers of hosts that have left the project or have another address now: they tell nobody anything more.
    pub fn retire<'a>(&self, hosts: impl IntoIterator<Item = &'a Name>) {
        let mut drivers = lock(&self.0.drivers);
        for host in hosts {
            drivers.remove(host);
        }
    }

    /// Forgets an execution that is over.
    pub async fn forget(&self, host: &Name, execution: &ExecutionId) {
        let sender = lock(&self.0.drivers).get(host).cloned();
        if let Some(sender) = sender {
            // A driver that has ended has forgotten everything.
            let _ended = sender.send(Ask::Forget(execution.clone())).await;
        }
    }

    /// Puts a request into the queue of the host's driver, of a new one if there is none; hands it back with the driver
    /// whose queue is full. The lock is held meanwhile: a driver ends for want of work only under it and with an empty
    /// queue, so that no request is left in the queue of one that ends.
    fn offer(&self, host: &Name, address: &str, ask: Ask) -> Result<(), (mpsc::Sender<Ask>, Ask)> {
        let mut drivers = lock(&self.0.drivers);
        let known = drivers.get(host).filter(|sender| !sender.is_closed());
        let sender = known.cloned().unwrap_or_else(|| {
            let (sender, asks) = mpsc::channel(QUEUE);
            drivers.insert(host.clone(), sender.clone());
            let client = self.0.network.agent(host, address);
            tokio::spawn(Driver::new(host.clone(), client, self.clone(), asks).run());
            sender
        });
        sender
            .try_send(ask)
            .map_err(|refused| (sender, refused.into_inner()))
    }

    /// What agents are reached by.
    pub(super) fn network(&self) -> &Network {
        &self.0.network
    }

    /// What is known of each host that was asked.
    pub fn statuses(&self) -> Vec<HostStatus> {
        lock(&self.0.statuses).values().cloned().collect()
    }

    /// Keeps what was seen of a host, and tells everybody if it is news.
    fn observe(&self, host: &Name, outcome: Result<Option<Greeting>, &HostError>) {
        let at = clock::now();
        let outcome = outcome
            .map(|greeting| greeting.map(AgentStatus::from))
            .map_err(Silence::from);
        let mut statuses = lock(&self.0.statuses);
        if let (Ok(None), Some(status)) = (&outcome, statuses.get_mut(host))
            && status.reachable
        {
            // It answers as before: so says every message of a busy host.
            status.checked = at;
            return;
        }
        let status = HostStatus::observed(statuses.get(host), host, outcome, at);
        let news = status.is_news_after(statuses.get(host));
        let told = news.then(|| FeedItem::Host(status.clone()));
        statuses.insert(host.clone(), status);
        // Told in the order in which it was kept.
        if let Some(item) = told {
            let _listeners = self.0.feed.send(item);
        }
    }

    /// Whether a host's agent answered the last time.
    pub(super) fn reached(&self, host: &Name) -> bool {
        let statuses = lock(&self.0.statuses);
        statuses.get(host).is_some_and(|status| status.reachable)
    }
}
