//! Envoy, driven in one of two ways: the weights of two clusters by runtime keys of its admin endpoint, or the endpoints of
//! one cluster by discovery, which this program serves. What is in force is read from the admin endpoint either way.

mod admin;
mod clusters;
mod discovery;
mod endpoints;
mod runtime;

use futures_util::future::{BoxFuture, FutureExt as _};

use self::admin::Admin;
use self::endpoints::Endpoints;
use self::runtime::Runtime;
use super::{Abilities, Balancer, Observed, Server, TrafficError, Wanted};
use crate::model::connections::{Envoy, EnvoyControl};

/// An Envoy. With [`EnvoyControl::Endpoints`] it listens from its first use until it is dropped, so there is to be one for
/// each connection, which lives as long as the program.
#[derive(Debug)]
pub struct EnvoyBalancer {
    admin: Admin,
    control: Control,
}

#[derive(Debug)]
enum Control {
    Runtime(Runtime),
    Endpoints(Endpoints),
}

impl EnvoyBalancer {
    /// The Envoy that a connection describes. Nothing is sent yet, and nothing listens.
    pub fn new(http: reqwest::Client, connection: &Envoy) -> Self {
        Self {
            admin: Admin::new(http, &connection.admin),
            control: match &connection.control {
                EnvoyControl::Runtime(it) => Control::Runtime(Runtime::new(it.clone())),
                EnvoyControl::Endpoints(it) => Control::Endpoints(Endpoints::new(it.clone())),
            },
        }
    }
}

impl Balancer for EnvoyBalancer {
    fn abilities(&self) -> Abilities {
        Abilities {
            split: true,
            in_flight: true,
            requests: true,
            health: true,
            largest_weight: endpoints::HEAVIEST,
        }
    }

    fn observe<'a>(
        &'a self,
        servers: &'a [Server],
    ) -> BoxFuture<'a, Result<Observed, TrafficError>> {
        match &self.control {
            Control::Runtime(it) => it.observe(&self.admin, servers).boxed(),
            Control::Endpoints(it) => it.observe(&self.admin, servers).boxed(),
        }
    }

    fn apply<'a>(
        &'a self,
        wanted: &'a Wanted,
        _observed: &'a Observed,
    ) -> BoxFuture<'a, Result<(), TrafficError>> {
        // Both go by a look of their own.
        match &self.control {
            Control::Runtime(it) => it.apply(&self.admin, wanted).boxed(),
            Control::Endpoints(it) => it.apply(&self.admin, wanted).boxed(),
        }
    }
}
