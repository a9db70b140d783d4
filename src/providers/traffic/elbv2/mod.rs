//! Target groups of AWS's Elastic Load Balancing.
//!
//! A server in service is registered. One that is deregistered drains for as long as its target group says
//! (`deregistration_delay.timeout_seconds`), which nobody can cut short, and is out when the group has forgotten it. Servers
//! of one group all get the same; two groups are weighed by the listener, or the rule, that forwards to both.

mod api;
mod apply;
mod forward;
mod groups;
mod swap;

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use self::api::Api;
use self::forward::Forward;
use self::groups::{Groups, Kind};
pub use self::swap::Swap;
use super::{Abilities, Balancer, Observed, Seen, Server, Service, TrafficError, Wanted};
use crate::model::connections::{Arn, Elbv2, Elbv2Control};
use crate::providers::aws::Accounts;

/// The largest weight of a target group.
const MOST: u32 = 999;

/// The target groups of a connection.
#[derive(Debug)]
pub struct Elbv2Balancer {
    api: Api,
    /// One, or two that are weighed: that which is called the original's first.
    groups: Vec<String>,
    /// The listener or the rule that weighs them.
    forwards: Option<String>,
    /// What identifies a target. It never changes.
    kind: OnceCell<Kind>,
    /// Whether what was wanted last was without a split: a server whose group weighs nothing is not in service then. Taken to be so
    /// before anything was wanted: what is asked for once too often changes nothing.
    whole: AtomicBool,
}

/// How things are there.
struct Look {
    kind: Kind,
    groups: Groups,
    /// None where nothing weighs.
    forward: Option<Forward>,
}

impl Elbv2Balancer {
    /// The load balancer of this name, behind this connection. Nothing is sent yet.
    pub fn new(name: &str, connection: &Elbv2, accounts: &Accounts) -> Self {
        let groups = connection.target_groups();
        let region = groups.first().and_then(|group| Arn::parse(group));
        let region = region.map(|arn| arn.region.to_owned());
        Self {
            api: Api::new(name, accounts.clone(), connection.account.clone(), region),
            forwards: match &connection.control {
                Elbv2Control::TargetGroup(_) => None,
                Elbv2Control::Weights(weights) => Some(weights.listener.clone()),
            },
            groups: groups.into_iter().map(str::to_owned).collect(),
            kind: OnceCell::new(),
            whole: AtomicBool::new(true),
        }
    }

    /// Asks for everything at once.
    fn look(&self) -> BoxFuture<'_, Result<Look, TrafficError>> {
        self.ask().boxed()
    }

    async fn ask(&self) -> Result<Look, TrafficError> {
        let kind = self.kind.get_or_try_init(|| self.api.kind(&self.groups));
        let targets = self.groups.iter().map(|group| self.api.targets(group));
        let forward = async {
            let Some(forwards) = &self.forwards else {
                return Ok(None);
            };
            let actions = self.api.actions(forwards).await?;
            let read = Forward::read(actions, &self.groups);
            read.map(Some).map_err(|reason| self.api.no(reason))
        };
        let targets = futures_util::future::try_join_all(targets);
        let (kind, targets, forward) = futures_util::try_join!(kind, targets, forward)?;
        Ok(Look {
            kind: *kind,
            groups: Groups(targets),
            forward,
        })
    }

    async fn seen(&self, servers: &[Server]) -> Result<Observed, TrafficError> {
        let look = self.look().await?;
        let whole = self.whole.load(Ordering::Relaxed);
        let mut observed = Observed {
            split: look.split(servers),
            ..Observed::default()
        };
        let mut asked = Vec::new();
        for server in servers {
            let Ok(id) = look.kind.id(server) else {
                // That it can't be a target is said when it ought to become one.
                continue;
            };
            if let Some(at) = look.groups.place(&id)
                && let Some(target) = look.groups.get(at, &id)
            {
                let weight = look.weight_of_one(at);
                let waits = whole && weight == Some(0) && target.service == Service::In;
                let seen = Seen {
                    service: if waits { Service::Out } else { target.service },
                    healthy: target.healthy,
                    trouble: target.trouble.clone(),
                    weight,
                    in_flight: None,
                    requests: None,
                    errors: None,
                };
                observed.servers.insert(server.name.clone(), seen);
            }
            asked.push(id);
        }
        observed.others = look.serving_besides(&asked);
        Ok(observed)
    }
}

impl Look {
    /// What the group weighs.
    fn weight(&self, at: usize) -> Option<u32> {
        Some(self.forward.as_ref()?.weights.get(at).copied().unwrap_or(0))
    }

    /// What one target weighs: its group's weight by those that share it, over the common denominator of both groups.
    fn weight_of_one(&self, at: usize) -> Option<u32> {
        let others = self.groups.registered(1 - at.min(1)).max(1);
        let others = u32::try_from(others).unwrap_or(u32::MAX);
        self.weight(at).map(|weight| weight.saturating_mul(others))
    }

    /// How many targets get requests and are well, besides these.
    fn serving_besides(&self, asked: &[groups::Id]) -> usize {
        let weighing = (0..self.groups.0.len()).filter(|at| self.weight(*at) != Some(0));
        weighing
            .map(|at| self.groups.serving_besides(at, asked))
            .sum()
    }
}

impl Balancer for Elbv2Balancer {
    fn abilities(&self) -> Abilities {
        Abilities {
            split: self.forwards.is_some(),
            in_flight: false,
            requests: false,
            health: true,
            largest_weight: MOST,
        }
    }

    fn observe<'a>(
        &'a self,
        servers: &'a [Server],
    ) -> BoxFuture<'a, Result<Observed, TrafficError>> {
        self.seen(servers).boxed()
    }

    /// Goes by a look of its own, not by `observed`, which may be older than a change by hand.
    fn apply<'a>(
        &'a self,
        wanted: &'a Wanted,
        _observed: &'a Observed,
    ) -> BoxFuture<'a, Result<(), TrafficError>> {
        self.put_right(wanted).boxed()
    }
}
