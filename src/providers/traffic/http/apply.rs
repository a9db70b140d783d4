//! From how servers are to how they ought to be: in first, out last.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::request::Request;
use super::template::Placeholder;
use super::{RequestBalancer, values};
use crate::model::name::Name;
use crate::providers::traffic::{
    Balancer as _, Seen, Server, Service, TrafficError, Wanted, weights,
};

/// How long servers that came in may take to be found well, before others leave.
const SETTLING: Duration = Duration::from_secs(15);

/// How often it is asked for.
const PACE: Duration = Duration::from_millis(200);

impl RequestBalancer {
    /// Does what leads to what is wanted.
    pub(super) async fn put_right(&self, wanted: &Wanted) -> Result<(), TrafficError> {
        let weights = self.weights(wanted)?;
        let weight = |server: &Server| weights.get(&server.name).copied().unwrap_or(0);
        let of = |service| wanted.servers.iter().filter(move |s| s.service == service);
        let before = self.look(&wanted.servers).await?;

        let is_relieved = |server: &&Server| {
            weight(server) == 0 && before.get(&server.name).is_some_and(is_serving)
        };
        let leave = wanted.servers.iter().any(|s| is_relieved(&s));
        if leave && weights.values().all(|weight| *weight == 0) {
            return Err(self.no("no server would be left in service: nothing was taken out; put another server into service first"));
        }

        for server in of(Service::In) {
            let now = before.get(&server.name);
            let is_in = now.is_some_and(|now| now.service == Service::In);
            let known = now.and_then(|now| now.weight);
            if !is_in {
                self.enter(server, weight(server)).await?;
            } else if known.is_none_or(|known| known < weight(server)) {
                self.weigh(server, weight(server)).await?;
            }
        }
        if leave {
            self.settle(wanted, &weights).await?;
        }
        for server in of(Service::In) {
            let known = before.get(&server.name);
            let is_in = known.is_some_and(|now| now.service == Service::In);
            if is_in && known.and_then(|now| now.weight) > Some(weight(server)) {
                self.weigh(server, weight(server)).await?;
            }
        }
        for server in of(Service::Draining) {
            let now = before.get(&server.name);
            if self.is_yet_to_leave(now, Service::In) {
                let request = self.drain.as_ref().unwrap_or(&self.leave);
                let service = match self.drain {
                    Some(_) => Service::Draining,
                    None => Service::Out,
                };
                self.send(request, server, 0, service).await?;
            }
        }
        for server in of(Service::Out) {
            let now = before.get(&server.name);
            if self.is_yet_to_leave(now, Service::In)
                || self.is_yet_to_leave(now, Service::Draining)
            {
                self.send(&self.leave, server, 0, Service::Out).await?;
            }
        }
        Ok(())
    }

    /// Weights by server; those of servers that can't be weighed have to be equal.
    fn weights(&self, wanted: &Wanted) -> Result<BTreeMap<Name, u32>, TrafficError> {
        let weights = weights(wanted, self.largest_weight);
        let mut values = weights.values();
        let first = values.next().copied();
        let are_equal = first != Some(0) && values.all(|weight| Some(*weight) == first);
        if self.abilities().split || are_equal {
            return Ok(weights);
        }
        Err(self.no(
            "the servers' weights differ, and nothing says how to weigh one: give the connection `weight`, or `enter` a {weight}",
        ))
    }

    /// Whether a server is as it should not be any longer. One that nothing is known of may be anything.
    fn is_yet_to_leave(&self, now: Option<&Seen>, service: Service) -> bool {
        match now {
            Some(now) => now.service == service,
            None => self.observe.is_none(),
        }
    }

    async fn enter(&self, server: &Server, weight: u32) -> Result<(), TrafficError> {
        self.send(&self.enter, server, weight, Service::In).await?;
        if let Some(request) = &self.weight {
            self.send(request, server, weight, Service::In).await?;
        }
        Ok(())
    }

    async fn weigh(&self, server: &Server, weight: u32) -> Result<(), TrafficError> {
        let by_entering = self.enter.has(Placeholder::Weight).then_some(&self.enter);
        match self.weight.as_ref().or(by_entering) {
            Some(request) => self.send(request, server, weight, Service::In).await,
            None => Ok(()),
        }
    }

    /// Sends a request and believes that it is so.
    async fn send(
        &self,
        request: &Request,
        server: &Server,
        weight: u32,
        service: Service,
    ) -> Result<(), TrafficError> {
        let sent = request
            .send((&self.http, &self.secrets), values(server, weight))
            .await;
        sent.map_err(|failure| self.error(failure))?;
        let believed = Seen {
            service,
            healthy: None,
            trouble: None,
            weight: (service == Service::In).then_some(weight),
            in_flight: None,
            requests: None,
            errors: None,
        };
        self.believed().insert(server.name.clone(), believed);
        Ok(())
    }

    /// Waits until one of those that stay is found well, where that can be told.
    async fn settle(
        &self,
        wanted: &Wanted,
        weights: &BTreeMap<Name, u32>,
    ) -> Result<(), TrafficError> {
        if !self.abilities().health {
            return Ok(());
        }
        let deadline = Instant::now() + SETTLING;
        loop {
            let now = self.look(&wanted.servers).await?;
            let stays = |(name, seen): (&Name, &Seen)| {
                is_serving(seen) && weights.get(name).is_some_and(|weight| *weight > 0)
            };
            if now.iter().any(stays) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(TrafficError::Unwell {
                    balancer: self.label.clone(),
                    reason: "none of the servers that would stay is found well: nothing is taken out until one is".to_owned(),
                });
            }
            sleep(PACE).await;
        }
    }

    fn no(&self, reason: &str) -> TrafficError {
        TrafficError::Refused {
            balancer: self.label.clone(),
            reason: reason.to_owned(),
        }
    }
}

fn is_serving(seen: &Seen) -> bool {
    seen.service == Service::In && seen.weight != Some(0) && seen.healthy != Some(false)
}
