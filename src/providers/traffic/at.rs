//! Where a server serves: hosts have addresses, functions have versions, and a task set at AWS has a target group. Each provider
//! knows one kind, and whoever looks after traffic speaks to all of them alike.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::{Abilities, Balancer, Observed, Server, TrafficError, Wanted};
use crate::model::connections::Version;
use crate::model::endpoint::Endpoint;
use crate::model::task_set::TaskSetId;

/// A task set at AWS, whose tasks are all targets of one target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// What the group is called.
    pub name: String,
    /// The task set.
    pub set: TaskSetId,
}

/// Where a server serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// At an address.
    Endpoint(Endpoint),
    /// Wherever the function is: it is this version.
    Version(Version),
    /// Wherever AWS has placed them: its tasks are the targets of this group.
    TargetGroup(TargetGroup),
}

impl From<Endpoint> for At {
    fn from(endpoint: Endpoint) -> Self {
        Self::Endpoint(endpoint)
    }
}

impl From<Version> for At {
    fn from(version: Version) -> Self {
        Self::Version(version)
    }
}

impl From<TargetGroup> for At {
    fn from(group: TargetGroup) -> Self {
        Self::TargetGroup(group)
    }
}

impl TryFrom<&At> for Endpoint {
    type Error = &'static str;

    fn try_from(at: &At) -> Result<Self, Self::Error> {
        match at {
            At::Endpoint(endpoint) => Ok(endpoint.clone()),
            At::Version(_) => Err("a version of a function has no address"),
            At::TargetGroup(_) => Err("a target group has no address"),
        }
    }
}

impl TryFrom<&At> for Version {
    type Error = &'static str;

    fn try_from(at: &At) -> Result<Self, Self::Error> {
        match at {
            At::Version(version) => Ok(*version),
            At::Endpoint(_) => Err("an address is no version of a function"),
            At::TargetGroup(_) => Err("a target group is no version of a function"),
        }
    }
}

impl TryFrom<&At> for TargetGroup {
    type Error = &'static str;

    fn try_from(at: &At) -> Result<Self, Self::Error> {
        match at {
            At::TargetGroup(group) => Ok(group.clone()),
            At::Endpoint(_) => Err("an address is no target group of a task set"),
            At::Version(_) => Err("a version of a function is no target group of a task set"),
        }
    }
}

/// One that knows servers of one kind, among those that know others.
pub struct Among<A>(pub Arc<dyn Balancer<A>>);

impl<A> fmt::Debug for Among<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Among")
    }
}

/// The same servers, for one that knows their kind.
fn own<A>(servers: &[Server<At>]) -> Result<Vec<Server<A>>, TrafficError>
where
    A: for<'a> TryFrom<&'a At, Error = &'static str>,
{
    let own = |server: &Server<At>| {
        let endpoint = A::try_from(&server.endpoint);
        let endpoint = endpoint.map_err(|reason| TrafficError::Refused {
            balancer: server.name.to_string(),
            reason: reason.to_owned(),
        })?;
        Ok(Server {
            name: server.name.clone(),
            endpoint,
            side: server.side,
            service: server.service,
        })
    };
    servers.iter().map(own).collect()
}

impl<A> Balancer<At> for Among<A>
where
    A: for<'a> TryFrom<&'a At, Error = &'static str> + Send + Sync,
{
    fn abilities(&self) -> Abilities {
        self.0.abilities()
    }

    fn observe<'a>(
        &'a self,
        servers: &'a [Server<At>],
    ) -> BoxFuture<'a, Result<Observed, TrafficError>> {
        let own = own(servers);
        async move { self.0.observe(&own?).await }.boxed()
    }

    fn apply<'a>(
        &'a self,
        wanted: &'a Wanted<At>,
        observed: &'a Observed,
    ) -> BoxFuture<'a, Result<(), TrafficError>> {
        let own = own(&wanted.servers).map(|servers| Wanted {
            servers,
            split: wanted.split,
        });
        async move { self.0.apply(&own?, observed).await }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Service;
    use super::*;
    use crate::model::traffic::Side;

    #[test]
    fn who_knows_addresses_is_not_given_versions() {
        let at = |endpoint: At| Server {
            name: "thumbs-2".parse().unwrap(),
            endpoint,
            side: Side::Green,
            service: Service::In,
        };
        let address = Endpoint::parse("10.0.0.7:80").unwrap();
        let servers = [at(address.clone().into()), at(Version(2).into())];
        let known: Vec<Server> = own(&servers[..1]).unwrap();
        assert_eq!(known[0].endpoint, address);
        let error = own::<Endpoint>(&servers).unwrap_err().to_string();
        assert!(
            error.ends_with("a version of a function has no address"),
            "{error}"
        );
        let known: Vec<Server<Version>> = own(&servers[1..]).unwrap();
        assert_eq!(known[0].endpoint, Version(2));
    }
}
