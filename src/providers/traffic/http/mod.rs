//! A load balancer of any kind, by requests that the operator defines.
//!
//! With `observe` its state is read back. Without, what was accepted is what is believed, from when this program started: it
//! then sees neither a restart nor a change by hand.

mod apply;
mod path;
mod reading;
mod request;
mod template;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryFutureExt as _, TryStreamExt as _, stream};
use reqwest::Method;
use serde_json::Value;

use self::reading::Reading;
use self::request::{Failure, Request};
use self::template::{Placeholder, Values};
use super::{Abilities, Balancer, Observed, Seen, Server, TrafficError, Wanted};
use crate::model::connections::{HttpBalancer, HttpRequest};
use crate::model::name::Name;
use crate::providers::secrets::Secrets;

/// How many servers are asked for at the same time.
const AT_ONCE: usize = 8;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// A load balancer behind requests of the operator's.
#[derive(Debug)]
pub struct RequestBalancer {
    /// How it is called in errors.
    label: String,
    http: reqwest::Client,
    secrets: Secrets,
    enter: Request,
    drain: Option<Request>,
    leave: Request,
    weight: Option<Request>,
    observe: Option<(Request, Reading)>,
    largest_weight: u32,
    /// What was accepted last, by server.
    believed: Mutex<BTreeMap<Name, Seen>>,
}

impl RequestBalancer {
    /// The load balancer of this name, behind these requests. Nothing is sent yet.
    ///
    /// # Errors
    /// If a request can't be meant, with its name and what to write instead.
    pub fn new(
        name: &str,
        connection: &HttpBalancer,
        secrets: &Secrets,
    ) -> Result<Self, TrafficError> {
        Self::read(name, connection, secrets).map_err(|reason| TrafficError::Refused {
            balancer: format!("the connection {name}"),
            reason,
        })
    }

    fn read(name: &str, connection: &HttpBalancer, secrets: &Secrets) -> Result<Self, String> {
        if connection.largest_weight == 0 {
            return Err("`largestWeight` is at least 1".to_owned());
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(Duration::from_secs(connection.timeout_seconds.max(1)))
            // A token is meant for the host that the document names.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        let post = |role, request: &HttpRequest| Request::new(role, request, Method::POST);
        let optional = |role, request: &Option<HttpRequest>| {
            let request = request.as_ref();
            request.map(|request| post(role, request)).transpose()
        };
        let observe = match &connection.observe {
            Some(observe) => {
                let request = Request::new("observe", &observe.request, Method::GET)?;
                let reading = Reading::new(observe).map_err(|e| format!("observe: {e}"))?;
                Some((request, reading))
            }
            None => None,
        };
        Ok(Self {
            label: format!("the load balancer {name}"),
            http,
            secrets: secrets.clone(),
            enter: post("enter", &connection.enter)?,
            drain: optional("drain", &connection.drain)?,
            leave: post("leave", &connection.leave)?,
            weight: optional("weight", &connection.weight)?,
            observe,
            largest_weight: connection.largest_weight,
            believed: Mutex::default(),
        })
    }

    /// What is known of these servers.
    async fn look(&self, servers: &[Server]) -> Result<BTreeMap<Name, Seen>, TrafficError> {
        let Some((request, reading)) = &self.observe else {
            let believed = self.believed();
            let known = servers
                .iter()
                .filter_map(|s| Some((s.name.clone(), believed.get(&s.name)?.clone())));
            return Ok(known.collect());
        };
        let answers = self.answers(request, servers).await?;
        let mut seen = BTreeMap::new();
        for server in servers {
            let key = request.is_by_server().then_some(&server.name);
            let Some(answer) = answers.get(&key) else {
                continue;
            };
            let read = reading.of(answer, values(server, 0));
            let read = read.map_err(|reason| TrafficError::Unreadable {
                balancer: self.label.clone(),
                reason,
            })?;
            if let Some(mut there) = read {
                let believed = self.believed().get(&server.name).and_then(|b| b.weight);
                there.weight = there.weight.or(believed);
                seen.insert(server.name.clone(), there);
            }
        }
        Ok(seen)
    }

    /// The answers by server, or the one for all. A server that is answered with 404 has none.
    async fn answers<'a>(
        &self,
        request: &Request,
        servers: &'a [Server],
    ) -> Result<HashMap<Option<&'a Name>, Value>, TrafficError> {
        let is_by_server = request.is_by_server();
        let asked = if is_by_server { servers.len() } else { 1 };
        let mut asking = Vec::new();
        for server in servers.iter().take(asked) {
            let key = is_by_server.then_some(&server.name);
            let answer = self.answer(request, server);
            asking.push(
                answer
                    .map_ok(move |found| found.map(|answer| (key, answer)))
                    .boxed(),
            );
        }
        let answers: Vec<_> = stream::iter(asking).buffered(AT_ONCE).try_collect().await?;
        Ok(answers.into_iter().flatten().collect())
    }

    async fn answer(
        &self,
        request: &Request,
        server: &Server,
    ) -> Result<Option<Value>, TrafficError> {
        let body = match request
            .send((&self.http, &self.secrets), values(server, 0))
            .await
        {
            Ok(body) => body,
            Err(Failure::NotFound(_)) if request.is_by_server() => return Ok(None),
            Err(failure) => return Err(self.error(failure)),
        };
        let answer = serde_json::from_slice(&body);
        answer.map(Some).map_err(|error| TrafficError::Unreadable {
            balancer: self.label.clone(),
            reason: format!("observe: the answer is no JSON: {error}"),
        })
    }

    fn believed(&self) -> MutexGuard<'_, BTreeMap<Name, Seen>> {
        self.believed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, failure: Failure) -> TrafficError {
        let balancer = self.label.clone();
        match failure {
            Failure::Passing(reason) => TrafficError::Unreachable { balancer, reason },
            Failure::Lasting(reason) | Failure::NotFound(reason) => {
                TrafficError::Refused { balancer, reason }
            }
        }
    }
}

fn values(server: &Server, weight: u32) -> Values<'_> {
    Values {
        server: server.name.as_str(),
        endpoint: &server.endpoint,
        weight,
    }
}

impl Balancer for RequestBalancer {
    fn abilities(&self) -> Abilities {
        let reading = self.observe.as_ref().map(|(_, reading)| reading);
        Abilities {
            split: self.weight.is_some() || self.enter.has(Placeholder::Weight),
            in_flight: reading.is_some_and(Reading::has_in_flight),
            requests: reading.is_some_and(Reading::has_requests),
            health: reading.is_some_and(Reading::has_health),
            largest_weight: self.largest_weight,
        }
    }

    fn observe<'a>(
        &'a self,
        servers: &'a [Server],
    ) -> BoxFuture<'a, Result<Observed, TrafficError>> {
        async move {
            Ok(Observed {
                servers: self.look(servers).await?,
                ..Observed::default()
            })
        }
        .boxed()
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
