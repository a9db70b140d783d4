//! `cutover router`: the reverse proxy that comes with this program, by its admin door.

pub mod protocol;

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::StatusCode;

use self::protocol::{Problem, RouteState, ServerState, WantedRoute};
use super::{Abilities, Balancer, Observed, Seen, Server, Service, TrafficError, Wanted, weights};
use crate::model::connections::Router;

/// How long a request to the door may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a change is tried again that somebody else's came before.
const TRIES: u32 = 5;
/// What the servers of a route weigh at most, when their share is told as a weight.
const MOST: u32 = 256;

/// One route of a `cutover router`.
#[derive(Clone, Debug)]
pub struct RouterBalancer {
    http: reqwest::Client,
    url: String,
    label: String,
    route: String,
}

/// What a request to the door came to.
enum Answer {
    State(Box<RouteState>),
    /// The route has been changed since it was read.
    Stale,
}

impl RouterBalancer {
    /// A client of the route that a connection names. Nothing is sent yet.
    pub fn new(http: reqwest::Client, connection: &Router) -> Self {
        let admin = connection.admin.trim_end_matches('/');
        Self {
            http,
            url: format!("{admin}/v1/routes/{}", connection.route),
            label: format!("cutover router at {admin}"),
            route: connection.route.clone(),
        }
    }

    /// The route with its counters.
    ///
    /// # Errors
    /// If it can't be asked, or its answer can't be read.
    pub async fn state(&self) -> Result<RouteState, TrafficError> {
        match self.send(self.http.get(&self.url)).await? {
            Answer::State(state) => Ok(*state),
            Answer::Stale => Err(self.unreadable(&"it refused to be read (412)")),
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, TrafficError> {
        let answer = request.timeout(PATIENCE).send().await;
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        let body = answer.bytes().await;
        let body = body.map_err(|error| self.unreachable(&error))?;
        if status.is_success() {
            let state = serde_json::from_slice(&body).map_err(|error| self.unreadable(&error))?;
            return Ok(Answer::State(Box::new(state)));
        }
        if status == StatusCode::PRECONDITION_FAILED {
            return Ok(Answer::Stale);
        }
        let problem: Problem = serde_json::from_slice(&body)
            .map_err(|_| self.unreadable(&format!("status {}", status.as_u16())))?;
        if status.is_server_error() {
            return Err(self.unreachable_because(problem.message));
        }
        Err(TrafficError::Refused {
            balancer: self.label.clone(),
            reason: format!("route {}: {}", self.route, problem.message),
        })
    }

    async fn change(&self, wanted: &Wanted) -> Result<(), TrafficError> {
        for _ in 0..TRIES {
            let state = self.state().await?;
            let revision = state.revision;
            let before = WantedRoute {
                revision: Some(revision),
                split: state.split,
                servers: servers(&state),
            };
            let after = merged(&before, wanted);
            if after == before {
                return Ok(());
            }
            let change = self.http.put(&self.url).json(&after);
            if let Answer::State(_) = self.send(change).await? {
                return Ok(());
            }
        }
        Err(self.unreachable_because("somebody else keeps changing this route".to_owned()))
    }

    fn unreachable(&self, error: &reqwest::Error) -> TrafficError {
        let mut reason = error.to_string();
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
        while let Some(error) = cause {
            reason = error.to_string();
            cause = error.source();
        }
        self.unreachable_because(reason)
    }

    fn unreachable_because(&self, reason: String) -> TrafficError {
        TrafficError::Unreachable {
            balancer: self.label.clone(),
            reason,
        }
    }

    fn unreadable(&self, reason: &dyn std::fmt::Display) -> TrafficError {
        TrafficError::Unreadable {
            balancer: self.label.clone(),
            reason: reason.to_string(),
        }
    }
}

impl Balancer for RouterBalancer {
    fn abilities(&self) -> Abilities {
        Abilities {
            split: true,
            in_flight: true,
            requests: true,
            health: true,
            largest_weight: MOST,
        }
    }

    fn observe<'a>(&'a self, asked: &'a [Server]) -> BoxFuture<'a, Result<Observed, TrafficError>> {
        async move { Ok(observed(self.state().await?, asked)) }.boxed()
    }

    fn apply<'a>(
        &'a self,
        wanted: &'a Wanted,
        _observed: &'a Observed,
    ) -> BoxFuture<'a, Result<(), TrafficError>> {
        // The route is read again, and changed only if it is still what was read: all at once, so no order is needed.
        self.change(wanted).boxed()
    }
}

/// The servers of a route, as they ought to be there.
fn servers(state: &RouteState) -> Vec<Server> {
    let server = |s: &ServerState| Server {
        name: s.name.clone(),
        endpoint: s.endpoint.clone(),
        side: s.side,
        service: s.service,
    };
    state.servers.iter().map(server).collect()
}

/// What is there, with what is wanted of it; what nobody names stays. What had no share has none because of the other split: it
/// is out, lest it gets one by this.
fn merged(before: &WantedRoute, wanted: &Wanted) -> WantedRoute {
    let mut after = before.clone();
    after.split = wanted.split;
    if before.split != wanted.split {
        let servers = before.servers.clone();
        let split = before.split;
        let shares = weights(&Wanted { servers, split }, MOST);
        for server in &mut after.servers {
            if before.split.is_some() && shares.get(&server.name) == Some(&0) {
                server.service = Service::Out;
            }
        }
    }
    for server in &wanted.servers {
        match after.servers.iter_mut().find(|s| s.name == server.name) {
            Some(there) => *there = server.clone(),
            None => after.servers.push(server.clone()),
        }
    }
    after
}

fn observed(state: RouteState, asked: &[Server]) -> Observed {
    let weights = weights(
        &Wanted {
            servers: servers(&state),
            split: state.split,
        },
        MOST,
    );
    let (seen, others): (Vec<_>, Vec<_>) = state
        .servers
        .into_iter()
        .partition(|server| asked.iter().any(|it| it.name == server.name));
    // Its split says nothing of servers that were on another side when it was asked for.
    let same = |s: &ServerState| {
        asked
            .iter()
            .any(|it| it.name == s.name && it.side == s.side)
    };
    let split = state.split.filter(|_| seen.iter().all(same));
    let weight = |s: &ServerState| weights.get(&s.name).copied().unwrap_or(0);
    let serving = |s: &&ServerState| s.service == Service::In && s.healthy && weight(s) > 0;
    let others = others.iter().filter(serving).count();
    let seen = seen.into_iter().map(|s| {
        let weight = weight(&s);
        let seen = Seen {
            service: s.service,
            healthy: Some(s.healthy),
            trouble: s.trouble,
            weight: Some(weight),
            in_flight: Some(s.in_flight),
            requests: Some(s.requests),
            errors: Some(s.errors),
        };
        (s.name, seen)
    });
    Observed {
        servers: seen.collect(),
        others,
        split,
        epoch: Some(state.epoch),
        revision: None,
    }
}
