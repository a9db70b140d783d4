//! A listener of a service at AWS ECS, between whose two target groups the traffic changes. ECS itself lets tasks in and out of
//! them; here the groups are weighed as a whole.
//!
//! A group is in service if it has some weight, or was let in with the weight 0: the listener names it then, and AWS looks
//! after the health of its targets. The task set that has all of the production traffic is the service's primary one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, try_join_all};
use tokio::sync::OnceCell;

use super::MOST;
use super::api::{Api, Found};
use super::forward::Forward;
use super::groups::{Id, Target};
use crate::model::connections::Arn;
use crate::model::deployment::ErrorCode;
use crate::model::name::Name;
use crate::model::task_set::TaskSetId;
use crate::model::traffic::{Side, Split};
use crate::providers::aws::Accounts;
use crate::providers::services::{self, Listener, Place, ServiceError};
use crate::providers::traffic::{
    Abilities, Balancer, Observed, Seen, Server, Service, TargetGroup, TrafficError, Wanted,
};

/// What a group weighs that gets everything.
const WHOLE: u32 = 100;

/// A listener of a service.
#[derive(Debug)]
pub struct Swap {
    api: Api,
    accounts: Accounts,
    place: Place,
    listener: Listener,
    /// The ARNs of both groups, which never change.
    groups: OnceCell<Vec<String>>,
    /// Groups that were let in.
    admitted: Mutex<BTreeSet<String>>,
    /// The task set that was made, or found to be, the primary one.
    primary: Mutex<Option<TaskSetId>>,
}

/// How things are there.
struct Look {
    forward: Forward,
    /// By group.
    targets: Vec<BTreeMap<Id, Target>>,
}

impl Look {
    fn weight(&self, at: usize) -> u32 {
        self.forward.weights.get(at).copied().unwrap_or(0)
    }

    fn named(&self, at: usize) -> bool {
        self.forward.named.get(at).copied().unwrap_or(false)
    }

    /// Whether a target of a group can answer; and if not, why one can't.
    fn health(&self, at: usize) -> (bool, Option<String>) {
        let targets = || self.targets.get(at).into_iter().flat_map(BTreeMap::values);
        if targets().any(Target::serves) {
            return (true, None);
        }
        let why = targets().find_map(|target| target.trouble.clone());
        (false, why.or_else(|| Some("it has no targets".to_owned())))
    }

    /// How many targets of a group get requests and can answer.
    fn serving(&self, at: usize) -> usize {
        let targets = self.targets.get(at).into_iter().flat_map(BTreeMap::values);
        let weighs = self.weight(at) > 0;
        targets.filter(|target| weighs && target.serves()).count()
    }
}

impl Swap {
    /// The listener of this service, in this account. Nothing is sent yet.
    pub fn new(listener: &Listener, account: Option<&str>, accounts: &Accounts) -> Self {
        let label = format!("ELB of the service {}", listener.service.short_name());
        let label = accounts.label(&label, account);
        let region = Arn::parse(&listener.arn).map(|arn| arn.region.to_owned());
        let account = account.map(str::to_owned);
        Self {
            api: Api::of_service(label, accounts.clone(), account.clone(), region),
            accounts: accounts.clone(),
            place: Place {
                account,
                service: listener.service.clone(),
            },
            listener: listener.clone(),
            groups: OnceCell::new(),
            admitted: Mutex::default(),
            primary: Mutex::default(),
        }
    }

    async fn groups(&self) -> Result<&[String], TrafficError> {
        let ask = async {
            let found = self.api.named(&self.listener.groups).await?;
            Ok(found.into_iter().map(|group| group.arn).collect())
        };
        let known = self.groups.get_or_try_init(|| ask.boxed()).await;
        known.map(Vec::as_slice)
    }

    async fn forward(&self, groups: &[String]) -> Result<Forward, TrafficError> {
        let actions = self.api.actions(&self.listener.arn).boxed().await?;
        Forward::read(actions, groups).map_err(|reason| self.api.no(reason))
    }

    /// Asks for everything at once.
    async fn look(&self) -> Result<Look, TrafficError> {
        let groups = self.groups().await?;
        let targets = try_join_all(groups.iter().map(|group| self.api.targets(group)));
        let (forward, targets) = futures_util::try_join!(self.forward(groups), targets)?;
        Ok(Look { forward, targets })
    }

    fn place_of(&self, group: &str) -> Option<usize> {
        self.listener.groups.iter().position(|name| name == group)
    }

    /// The ARN of the group that a replacement is to be in.
    ///
    /// # Errors
    /// If the load balancer does not lead to both groups, or something else is in the replacement's.
    pub async fn room(
        &self,
        original: Option<&str>,
        replacement: &str,
    ) -> Result<String, TrafficError> {
        let found = self.api.named(&self.listener.groups).await?;
        if let Some(stray) = found.iter().find(|group| !self.leads_to(group)) {
            return Err(self.api.no(format!(
                "the target group {0} is not attached to the load balancer of {1}: let a listener there forward to {0}, with a weight of 0",
                stray.name, self.listener.arn
            )));
        }
        if let Some(other) = original.filter(|group| self.place_of(group).is_none()) {
            return Err(self.api.no(format!(
                "the primary task set of the service is in the target group {other}, which is none of {}: name it in `targetGroups` of the group",
                self.listener.groups.join(" and ")
            )));
        }
        let arns: Vec<String> = found.iter().map(|group| group.arn.clone()).collect();
        let forward = self.forward(&arns).await?;
        let Some(at) = self.place_of(replacement) else {
            let why = format!("{replacement} is none of its target groups: deploy again");
            return Err(self.api.no(why));
        };
        let group = arns.into_iter().nth(at).unwrap_or_default();
        let weighs = forward.weights.get(at).is_some_and(|weight| *weight > 0);
        if weighs && original.is_some() {
            return Err(self.api.no(format!(
                "the target group {replacement} gets requests, and no task set that is to stay is in it: roll this deployment back, not the one that left it so: the original gets everything then"
            )));
        }
        // Before the first task set some group has all of the weight: nobody is to answer there.
        if weighs && self.api.targets(&group).await?.values().any(Target::serves) {
            return Err(self.api.no(format!(
                "the target group {replacement} gets requests, and somebody there answers, of whom nobody knows that they have the traffic of the service: make their task set its primary one, or delete it there, and deploy again"
            )));
        }
        Ok(group)
    }

    fn leads_to(&self, group: &Found) -> bool {
        let Some(listener) = Arn::parse(&self.listener.arn) else {
            return !group.balancers.is_empty();
        };
        // listener/app/NAME/ID/…, and loadbalancer/app/NAME/ID.
        let parts: Vec<&str> = listener.resource.split('/').skip(1).take(3).collect();
        let balancer = format!("loadbalancer/{}", parts.join("/"));
        let is_it = |arn: &String| Arn::parse(arn).is_some_and(|arn| arn.resource == balancer);
        group.balancers.iter().any(is_it)
    }

    async fn seen(&self, servers: &[Server<TargetGroup>]) -> Result<Observed, TrafficError> {
        let look = self.look().await?;
        let mut observed = Observed::default();
        let mut strangers: BTreeSet<usize> = (0..look.targets.len()).collect();
        let primary = self.is_led(servers, &look).await?;
        for server in servers {
            let Some(at) = self.place_of(&server.endpoint.name) else {
                continue;
            };
            strangers.remove(&at);
            let weight = look.weight(at);
            let admitted = lock(&self.admitted).contains(&server.endpoint.name);
            let (healthy, trouble) = look.health(at);
            let seen = Seen {
                service: if weight > 0 || admitted && look.named(at) {
                    Service::In
                } else {
                    Service::Out
                },
                healthy: Some(healthy),
                trouble,
                // Nothing is as it ought to be before ECS knows it, too.
                weight: primary.then_some(weight),
                in_flight: None,
                requests: None,
                errors: None,
            };
            observed.servers.insert(server.name.clone(), seen);
        }
        observed.others = strangers.into_iter().map(|at| look.serving(at)).sum();
        observed.split = self.split(servers, &look).filter(|_| primary);
        Ok(observed)
    }

    /// The split that the weights make, if it is in whole percents.
    fn split(&self, servers: &[Server<TargetGroup>], look: &Look) -> Option<Split> {
        let weight = |side| {
            let server = servers.iter().find(|server| server.side == side)?;
            let at = self.place_of(&server.endpoint.name)?;
            Some(u64::from(look.weight(at)))
        };
        let (blue, green) = (weight(Side::Blue)?, weight(Side::Green)?);
        let all = blue + green;
        if all == 0 || (green * 100) % all != 0 {
            return None;
        }
        Split::new(u8::try_from(green * 100 / all).ok()?).ok()
    }

    /// The task set that has all of the production traffic.
    fn whole(&self, servers: &[Server<TargetGroup>], weights: &[u32]) -> Option<TaskSetId> {
        let mut weighing = weights
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight > 0);
        let (only, None) = (weighing.next()?, weighing.next()) else {
            return None;
        };
        let group = self.listener.groups.get(only.0)?;
        let mut servers = servers.iter();
        let server = servers.find(|server| server.endpoint.name == *group)?;
        self.listener
            .production
            .then(|| server.endpoint.set.clone())
    }

    /// Whether the service takes for its primary task set the one that has all of the traffic, if one has.
    async fn is_led(
        &self,
        servers: &[Server<TargetGroup>],
        look: &Look,
    ) -> Result<bool, TrafficError> {
        let Some(set) = self.whole(servers, &look.forward.weights) else {
            return Ok(true);
        };
        if lock(&self.primary).as_ref() == Some(&set) {
            return Ok(true);
        }
        let standing = services::look(&self.accounts, &self.place).await;
        let standing = standing.map_err(|error| self.error(error))?;
        let primary = standing.primary().map(|primary| primary.id.clone());
        let is_it = primary.as_ref() == Some(&set);
        *lock(&self.primary) = primary;
        Ok(is_it)
    }

    /// Has the service take the task set for its primary one that has all of the traffic.
    async fn lead(
        &self,
        servers: &[Server<TargetGroup>],
        weights: &[u32],
    ) -> Result<(), TrafficError> {
        let Some(set) = self.whole(servers, weights) else {
            return Ok(());
        };
        if lock(&self.primary).as_ref() == Some(&set) {
            return Ok(());
        }
        let standing = services::look(&self.accounts, &self.place).await;
        let standing = standing.map_err(|error| self.error(error))?;
        let found = standing.find(&set).ok_or_else(|| {
            let why =
                format!("its task set {set} is gone, which was to have the traffic: deploy again");
            self.api.fatal(ErrorCode::InvalidEcsService, why)
        })?;
        if !found.primary {
            let led = services::lead(&self.accounts, &self.place, &found.arn).await;
            led.map_err(|error| self.error(error))?;
        }
        *lock(&self.primary) = Some(set);
        Ok(())
    }

    fn error(&self, error: ServiceError) -> TrafficError {
        if error.is_passing {
            return TrafficError::Unreachable {
                balancer: format!("ECS {}", self.listener.service.short_name()),
                reason: error.message,
            };
        }
        self.api.fatal(error.code, error.message)
    }

    async fn put_right(
        &self,
        wanted: &Wanted<TargetGroup>,
        observed: &Observed,
    ) -> Result<(), TrafficError> {
        let groups = self.groups().await?;
        let forward = self.forward(groups).await?;
        let mut unnamed = false;
        let mut weights = Vec::new();
        for (at, name) in self.listener.groups.iter().enumerate() {
            let before = forward.weights.get(at).copied().unwrap_or(0);
            let mut servers = wanted.servers.iter();
            let server = servers.find(|server| server.endpoint.name == *name);
            let enters = server.is_some_and(|server| server.service == Service::In);
            if enters {
                lock(&self.admitted).insert(name.clone());
                unnamed |= !forward.named.get(at).copied().unwrap_or(false);
            } else if server.is_some() {
                lock(&self.admitted).remove(name);
            }
            let known = name.parse::<Name>();
            let known = known.is_ok_and(|name| observed.servers.contains_key(&name));
            weights.push(match (server, wanted.split) {
                (Some(server), Some(split)) if enters => u32::from(split.share(server.side)),
                (Some(_), None) if enters => before.max(WHOLE),
                // It waits for others.
                (None, _) if known => before,
                _ => 0,
            });
        }
        // Nobody is left to serve: whoever does goes on.
        if weights.iter().all(|weight| *weight == 0) {
            return Ok(());
        }
        if unnamed || !forward.is(&weights) {
            let actions = forward.with(groups, &weights);
            self.api.set_actions(&self.listener.arn, actions).await?;
        }
        self.lead(&wanted.servers, &weights).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Balancer<TargetGroup> for Swap {
    fn abilities(&self) -> Abilities {
        Abilities {
            split: true,
            in_flight: false,
            requests: false,
            health: true,
            largest_weight: MOST,
        }
    }

    fn observe<'a>(
        &'a self,
        servers: &'a [Server<TargetGroup>],
    ) -> BoxFuture<'a, Result<Observed, TrafficError>> {
        self.seen(servers).boxed()
    }

    fn apply<'a>(
        &'a self,
        wanted: &'a Wanted<TargetGroup>,
        observed: &'a Observed,
    ) -> BoxFuture<'a, Result<(), TrafficError>> {
        self.put_right(wanted, observed).boxed()
    }
}
