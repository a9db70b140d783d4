//! The alias of a function at AWS Lambda.
//!
//! A version is in service if the alias may give it requests: the original always may, the replacement once it is named with
//! a weight, be it 0. So it is found out before anything shifts whether AWS takes both, and whether it may be told. Where one
//! version has everything, the alias names no other.

mod api;
mod routing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use self::api::{Api, Standing};
use self::routing::Routing;
use super::{Abilities, Balancer, Observed, Seen, Server, Service, TrafficError, Wanted};
use crate::model::connections::{FunctionConnection, LambdaAlias, Version};
use crate::model::deployment::ErrorCode;
use crate::model::traffic::{Side, Split};
use crate::providers::aws::Accounts;

/// Weights are percents.
const MOST: u32 = 100;

/// For how long a version is taken to stay as it was found once it can be invoked. Few requests a second are let through, of
/// all who ask for anything of an account.
const KNOWN: Duration = Duration::from_mins(1);

/// An alias.
#[derive(Debug)]
pub struct LambdaBalancer {
    function: FunctionConnection,
    api: Api,
    /// Versions that were named with the weight 0. Whether AWS keeps that is its own matter.
    admitted: Mutex<BTreeSet<Version>>,
    /// Versions that could be invoked, and when that was found.
    active: Mutex<BTreeMap<Version, Instant>>,
}

impl LambdaBalancer {
    /// The alias of this connection. Nothing is sent yet.
    pub fn new(function: &FunctionConnection, at: &LambdaAlias, accounts: &Accounts) -> Self {
        Self {
            api: Api::new(function, at, accounts.clone()),
            function: function.clone(),
            admitted: Mutex::default(),
            active: Mutex::default(),
        }
    }

    async fn standing(&self, version: Version) -> Result<Standing, TrafficError> {
        let known = lock(&self.active).get(&version).copied();
        if known.is_some_and(|since| since.elapsed() < KNOWN) {
            return Ok(Standing::Active);
        }
        let standing = self.api.version(version).await?;
        if standing == Standing::Active {
            lock(&self.active).insert(version, Instant::now());
        }
        Ok(standing)
    }

    /// Asks for everything at once.
    async fn seen(&self, servers: &[Server<Version>]) -> Result<Observed, TrafficError> {
        let standings = servers.iter().map(|server| self.standing(server.endpoint));
        let standings = futures_util::future::try_join_all(standings);
        let (routing, standings) = futures_util::try_join!(self.api.alias(), standings)?;
        let asked: Vec<Version> = servers.iter().map(|server| server.endpoint).collect();
        let strangers = routing.strangers(&asked);
        let mut observed = Observed::default();
        for (server, standing) in servers.iter().zip(standings) {
            if standing != Standing::Missing {
                let trouble = standing.trouble();
                let share = routing.percent(server.endpoint);
                let seen = Seen {
                    service: self.service(server, &routing),
                    healthy: Some(trouble.is_none()),
                    trouble,
                    // A share of what goes elsewhere, too, is no share of the two sides.
                    weight: Some(share).filter(|share| *share == 0 || strangers.is_empty()),
                    ..nothing_told()
                };
                observed.servers.insert(server.name.clone(), seen);
            }
        }
        for stranger in &strangers {
            let version = stranger.parse().map(Version);
            match version.map(|version| self.function.server(version)) {
                Ok(Ok(name)) => {
                    observed.servers.insert(name, nothing_told());
                }
                Ok(Err(_)) | Err(_) => observed.others += 1,
            }
        }
        let of = |side| servers.iter().find(|server| server.side == side);
        if let (Some(_), Some(green)) = (of(Side::Blue), of(Side::Green))
            && strangers.is_empty()
        {
            let share = routing.percent(green.endpoint);
            observed.split = u8::try_from(share).ok().and_then(|it| Split::new(it).ok());
        }
        observed.revision = routing.revision;
        Ok(observed)
    }

    fn service(&self, server: &Server<Version>, routing: &Routing) -> Service {
        let version = server.endpoint;
        let named = routing.names(version) || lock(&self.admitted).contains(&version);
        if named || server.side == Side::Blue {
            Service::In
        } else {
            Service::Out
        }
    }

    /// Writes the alias as a whole. That it is still as it was observed, AWS sees to.
    async fn route(
        &self,
        wanted: &Wanted<Version>,
        observed: &Observed,
    ) -> Result<(), TrafficError> {
        let entering = |server: &&Server<Version>| {
            let seen = observed.servers.get(&server.name);
            seen.is_none_or(|seen| seen.service != Service::In)
        };
        let serving = wanted.servers.iter().filter(|it| it.service == Service::In);
        let serving: Vec<&Server<Version>> = serving.collect();
        let enters = serving.iter().copied().find(entering);
        if let Some(server) = enters {
            self.may_enter(server.endpoint).await?;
        }
        let of = |side| {
            let server = serving.iter().find(|server| server.side == side);
            server.map(|server| server.endpoint)
        };
        let Some(routing) = Routing::of(
            of(Side::Blue),
            of(Side::Green),
            wanted.split.or(observed.split),
            enters.is_some(),
        ) else {
            // Nobody is left to serve: whoever does goes on.
            return Ok(());
        };
        let revision = observed.revision.as_deref();
        self.api.update(&routing, revision).await?;
        let mut admitted = lock(&self.admitted);
        for server in &wanted.servers {
            if server.service == Service::In {
                admitted.insert(server.endpoint);
            } else {
                admitted.remove(&server.endpoint);
            }
        }
        Ok(())
    }

    /// Whether a version can be invoked that is to get traffic.
    async fn may_enter(&self, version: Version) -> Result<(), TrafficError> {
        let function = &self.function.name;
        match self.standing(version).await? {
            Standing::Active => Ok(()),
            Standing::Pending(why) => Err(self.api.not_yet(format!(
                "version {version} of {function} can't be invoked yet ({why})"
            ))),
            Standing::Unfit(why) => Err(self.api.fatal(
                ErrorCode::InvalidLambdaFunction,
                format!(
                    "version {version} of {function} can't be invoked ({why}): publish one that can, and write its number as TargetVersion"
                ),
            )),
            Standing::Missing => Err(self.api.fatal(
                ErrorCode::InvalidLambdaFunction,
                format!(
                    "{function} has no version {version}: publish it, or correct TargetVersion in the AppSpec"
                ),
            )),
        }
    }
}

/// A version in service of which nothing else is known.
fn nothing_told() -> Seen {
    Seen {
        service: Service::In,
        healthy: None,
        trouble: None,
        weight: None,
        in_flight: None,
        requests: None,
        errors: None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Balancer<Version> for LambdaBalancer {
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
        servers: &'a [Server<Version>],
    ) -> BoxFuture<'a, Result<Observed, TrafficError>> {
        self.seen(servers).boxed()
    }

    fn apply<'a>(
        &'a self,
        wanted: &'a Wanted<Version>,
        observed: &'a Observed,
    ) -> BoxFuture<'a, Result<(), TrafficError>> {
        self.route(wanted, observed).boxed()
    }
}
