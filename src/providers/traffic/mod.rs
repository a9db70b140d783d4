//! Load balancers: what all of them have in common, one file a real system.
//!
//! A provider is told the whole of what is [`Wanted`] and goes there from what it [`Observed`]: doing it again changes nothing,
//! and a load balancer that was restarted, or changed by hand, is put right. It knows nothing of deployments.

mod at;
mod connect;
#[cfg(feature = "aws")]
pub mod elbv2;
pub mod envoy;
pub mod haproxy;
pub mod http;
#[cfg(feature = "aws")]
pub mod lambda;
pub mod nginx;
#[cfg(feature = "aws")]
mod patience;
pub mod router;
mod weights;

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

pub use self::at::{Among, At, TargetGroup};
pub use self::connect::{connect, connect_function, connect_listener};
pub use self::weights::weights;
use crate::model::deployment::ErrorCode;
use crate::model::endpoint::Endpoint;
use crate::model::name::Name;
use crate::model::traffic::{Side, Split};

/// What ought to be so at a load balancer. Servers that are not named are left as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<A = Endpoint> {
    /// The servers that matter, each once.
    pub servers: Vec<Server<A>>,
    /// How the route is split between the two sides; `None` gives every server in service the same share.
    pub split: Option<Split>,
}

/// One server as it ought to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Server<A = Endpoint> {
    /// The host's name, which is the server's.
    pub name: Name,
    /// Where it serves.
    pub endpoint: A,
    /// Its side, for the split. Without a split, or in place, every server is [`Side::Blue`].
    #[serde(default = "blue")]
    pub side: Side,
    /// Whether it gets traffic.
    #[serde(default)]
    pub service: Service,
}

fn blue() -> Side {
    Side::Blue
}

/// Whether a server gets traffic.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Service {
    /// It gets its share.
    #[default]
    In,
    /// It finishes what it does, and gets nothing new.
    Draining,
    /// It gets nothing.
    Out,
}

/// What is so at a load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Of the servers that were asked for, those that it has; and every other version that an alias leads to.
    pub servers: BTreeMap<Name, Seen>,
    /// How many servers besides those that were asked for are in service and well.
    pub others: usize,
    /// The split in force, if it knows sides.
    pub split: Option<Split>,
    /// Changes when it was restarted, if that can be told.
    pub epoch: Option<String>,
    /// What a change has to name where nothing may be changed that nobody has looked at.
    pub revision: Option<String>,
}

/// One server as the load balancer has it. What it cannot tell is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whether it is configured to get traffic.
    pub service: Service,
    /// Whether the load balancer finds that it is well. A server that is in service and not well gets nothing.
    pub healthy: Option<bool>,
    /// Why it is not well, in the load balancer's words.
    pub trouble: Option<String>,
    /// The weight in force, in the load balancer's own measure: shares are weights by their sum.
    pub weight: Option<u32>,
    /// Requests, or connections, that it is working on for the load balancer.
    pub in_flight: Option<u64>,
    /// Requests that it has been given since the load balancer started.
    pub requests: Option<u64>,
    /// Of these, requests that ended in an error (a status of 5xx, or no answer).
    pub errors: Option<u64>,
}

/// What a kind of load balancer can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own"
)]
pub struct Abilities {
    /// Whether a route can be split between sides by weight.
    pub split: bool,
    /// Whether it tells what a server still works on, so that a drain can end before its deadline.
    pub in_flight: bool,
    /// Whether it counts requests by server.
    pub requests: bool,
    /// Whether it looks after its servers' health by itself.
    pub health: bool,
    /// The largest weight that a server can be given.
    pub largest_weight: u32,
}

/// What gives requests to servers: a load balancer, or the alias of a function.
pub trait Balancer<A = Endpoint>: Send + Sync {
    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// How things are there, for these servers.
    ///
    /// # Errors
    /// If it can't be asked, or its answer can't be read.
    fn observe<'a>(
        &'a self,
        servers: &'a [Server<A>],
    ) -> BoxFuture<'a, Result<Observed, TrafficError>>;

    /// Does what leads from how things are to how they ought to be: into service first, out of it last, so that no moment is
    /// without a server. Answers when everything was accepted; whether it is in force, the next look tells.
    ///
    /// # Errors
    /// If something was refused, or may not have been done: look again.
    fn apply<'a>(
        &'a self,
        wanted: &'a Wanted<A>,
        observed: &'a Observed,
    ) -> BoxFuture<'a, Result<(), TrafficError>>;
}

/// Why something can't be done at a load balancer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrafficError {
    /// It could not be reached, or the connection broke: try again.
    #[error("{balancer} does not answer: {reason}")]
    Unreachable {
        /// What and where.
        balancer: String,
        /// What went wrong.
        reason: String,
    },
    /// It has no such server, and none may be added.
    #[error("{balancer} has no server {server}: {remedy}")]
    NoServer {
        /// What and where.
        balancer: String,
        /// The server's name.
        server: Name,
        /// What to do.
        remedy: String,
    },
    /// Nobody would serve as the servers are now, and their health may change at any moment: try again.
    #[error("{balancer} waits: {reason}")]
    Unwell {
        /// What and where.
        balancer: String,
        /// Who is not well, and what is not done before.
        reason: String,
    },
    /// It refused, and will again.
    #[error("{balancer} refused: {reason}")]
    Refused {
        /// What and where.
        balancer: String,
        /// Its reason, and what to do.
        reason: String,
    },
    /// It refused, and will again: a deployment that needs it now ends with this error.
    #[error("{balancer}: {reason}")]
    Fatal {
        /// What and where.
        balancer: String,
        /// With which error.
        code: ErrorCode,
        /// Its reason, and what to do.
        reason: String,
    },
    /// Its answer made no sense.
    #[error("{balancer} answered what can't be read: {reason}")]
    Unreadable {
        /// What and where.
        balancer: String,
        /// What was wrong with it.
        reason: String,
    },
}

impl TrafficError {
    /// Whether trying again may help.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Unreadable { .. } | Self::Unwell { .. }
        )
    }
}
