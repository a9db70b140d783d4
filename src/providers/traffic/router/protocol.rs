//! What is said at the admin door of `cutover router`: JSON over HTTP.
//!
//! `GET /v1/routes` and `GET /v1/routes/{route}` answer a [`RouteState`] or a list of them, `PUT /v1/routes/{route}` takes
//! [`WantedRoute`] and answers the new state. What is refused is answered as a [`Problem`]: 404 for a route that it does not
//! have, 409 for a state that cannot be, 412 when the revision is not the expected one.

use serde::{Deserialize, Serialize};

use super::super::{Server, Service};
use crate::model::endpoint::Endpoint;
use crate::model::name::Name;
use crate::model::traffic::{Side, Split};

/// The whole of what a route ought to be: servers that are not named are forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedRoute {
    /// The revision that this changes. Given, it has to be the one in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// How requests are split between the two sides, as the replacement's percentage; absent, every server gets the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// The servers, each once.
    pub servers: Vec<Server>,
}

impl WantedRoute {
    /// What is wrong with it: no server in service, or one named twice.
    pub fn problem(&self) -> Option<String> {
        for (n, server) in self.servers.iter().enumerate() {
            if self.servers[..n].iter().any(|s| s.name == server.name) {
                return Some(format!(
                    "{} is named twice: name each server once",
                    server.name
                ));
            }
        }
        let serves = self.servers.iter().any(|s| s.service == Service::In);
        (!serves).then(|| {
            "no server would be in service, and every request would fail: leave at least one In"
                .to_owned()
        })
    }
}

/// A route as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteState {
    /// Its name.
    pub route: Name,
    /// Where it listens.
    pub listen: String,
    /// Random, drawn when the router started: counters begin anew with it.
    pub epoch: String,
    /// Counts the changes of this route, also over restarts.
    pub revision: u64,
    /// The split in force, as the replacement's percentage.
    pub split: Option<Split>,
    /// The servers.
    pub servers: Vec<ServerState>,
    /// Requests that went to the other side, because theirs had no server that is well.
    pub fallen_over: u64,
    /// Requests that went to a server that is unwell, because no other was left.
    pub last_resort: u64,
}

/// A server as it is. Counters count since the router started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerState {
    /// Its name.
    pub name: Name,
    /// Where it serves.
    pub endpoint: Endpoint,
    /// Its side.
    pub side: Side,
    /// Whether it gets requests.
    pub service: Service,
    /// Whether it is well. One that nothing is known of yet counts as well.
    pub healthy: bool,
    /// Why it is not well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Requests and upgraded connections that it is working on.
    pub in_flight: u64,
    /// Requests that it was given; one that was given to two servers counts at both.
    pub requests: u64,
    /// Of these, those that ended in a status of 5xx, or without a whole answer.
    pub errors: u64,
    /// How long it took until an answer began.
    pub latency: Latency,
}

/// Times until an answer began, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// The mean.
    pub mean_micros: u64,
    /// Half of the answers began within this time: the next power of two.
    pub p50_micros: u64,
    /// 99 of 100 answers began within this time: the next power of two.
    pub p99_micros: u64,
}

/// Why something was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The reason, and what to do.
    pub message: String,
}
