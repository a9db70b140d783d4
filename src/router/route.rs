//! A route: what it ought to be, swapped as a whole, and what it is.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use super::config::{CheckConfig, RouteConfig};
use super::live::{Live, Standing};
use super::state::Kept;
use super::table::Table;
use crate::model::name::Name;
use crate::model::traffic::Side;
use crate::providers::traffic::Server;
use crate::providers::traffic::router::protocol::{RouteState, ServerState};

#[derive(Debug)]
pub(super) struct Route {
    pub name: Name,
    pub listen: SocketAddr,
    pub health: Option<CheckConfig>,
    /// How long a server may take to begin its answer.
    pub answer: Duration,
    /// How long nothing may happen.
    pub idle: Duration,
    pub max_body: Option<u64>,
    pub behind_proxy: bool,
    epoch: String,
    table: RwLock<Arc<Table>>,
    /// Told at each change, so that new servers are checked at once.
    pub changed: Notify,
    fallen_over: AtomicU64,
    /// Whether a side's requests go to the other one now.
    falling: [AtomicBool; 2],
    unserved: AtomicU64,
}

impl Route {
    /// A route as it was kept, or else as it is configured.
    pub fn new(config: &RouteConfig, kept: Option<&Kept>, listen: SocketAddr, epoch: &str) -> Self {
        let table = match kept {
            Some(kept) => Table::new(kept.revision, kept.split, kept.servers.clone(), None),
            None => Table::new(0, config.split, config.servers.clone(), None),
        };
        Self {
            name: config.name.clone(),
            listen,
            health: config.health.clone(),
            answer: Duration::from_secs(config.answer_seconds),
            idle: Duration::from_secs(config.idle_seconds),
            max_body: config.max_body_bytes,
            behind_proxy: config.behind_proxy,
            epoch: epoch.to_owned(),
            table: RwLock::new(Arc::new(table)),
            changed: Notify::new(),
            fallen_over: AtomicU64::new(0),
            falling: Default::default(),
            unserved: AtomicU64::new(0),
        }
    }

    pub fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Every request from now on goes by this.
    pub fn become_what(&self, kept: &Kept) {
        let before = self.table();
        let table = Table::new(
            kept.revision,
            kept.split,
            kept.servers.clone(),
            Some(&before),
        );
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        self.changed.notify_one();
    }

    /// A request of this side went to the other, or to its own.
    pub fn fell(&self, side: usize, over: bool) {
        if over {
            self.fallen_over.fetch_add(1, Ordering::Relaxed);
        }
        let falling = &self.falling[side];
        // Told once, not for each request; and most of the time there is nothing to write.
        if falling.load(Ordering::Relaxed) == over || falling.swap(over, Ordering::Relaxed) == over
        {
            return;
        }
        let (name, side) = (&self.name, [Side::Blue, Side::Green][side].label());
        if over {
            tracing::warn!(
                "route {name}: no server of the {side} is well, its requests go to the other side"
            );
        } else {
            tracing::info!("route {name}: requests of the {side} go to their own side again");
        }
    }

    /// There was nobody for a request.
    pub fn unserved(&self) {
        self.unserved.fetch_add(1, Ordering::Relaxed);
    }

    pub fn state(&self) -> RouteState {
        let table = self.table();
        RouteState {
            route: self.name.clone(),
            listen: self.listen.to_string(),
            epoch: self.epoch.clone(),
            revision: table.revision,
            split: table.split,
            servers: table.servers.iter().map(|(s, live)| of(s, live)).collect(),
            fallen_over: self.fallen_over.load(Ordering::Relaxed),
            unserved: self.unserved.load(Ordering::Relaxed),
        }
    }
}

fn of(server: &Server, live: &Live) -> ServerState {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let standing = live.health.standing();
    let healthy = matches!(standing, Standing::Well | Standing::Untried);
    ServerState {
        name: server.name.clone(),
        endpoint: server.endpoint.clone(),
        side: server.side,
        service: server.service,
        healthy,
        trouble: live.health.trouble().filter(|_| !healthy),
        in_flight: count(&live.counters.in_flight),
        requests: count(&live.counters.requests),
        errors: count(&live.counters.errors),
        latency: live.counters.latency(),
    }
}
