//! A route: what it ought to be, swapped as a whole, and what it is.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use super::config::{CheckConfig, RouteConfig};
use super::live::{Live, Standing};
use super::state::Kept;
use super::table::{Table, Whose};
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
    /// Where a side's requests go now.
    falling: [AtomicU8; 2],
    last_resort: AtomicU64,
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
            last_resort: AtomicU64::new(0),
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

    /// A request of this side went to one of these.
    pub fn fell(&self, side: usize, whose: Whose) {
        let counter = match whose {
            Whose::Own => None,
            Whose::Other => Some(&self.fallen_over),
            Whose::Anyone => Some(&self.last_resort),
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let falling = &self.falling[side];
        let now = whose as u8;
        // Told once, not for each request; and most of the time there is nothing to write.
        if falling.load(Ordering::Relaxed) == now || falling.swap(now, Ordering::Relaxed) == now {
            return;
        }
        let (name, side) = (&self.name, [Side::Blue, Side::Green][side].label());
        match whose {
            Whose::Own => {
                tracing::info!("route {name}: requests of the {side} go to their own side again");
            }
            Whose::Other => tracing::warn!(
                "route {name}: no server of the {side} is well, its requests go to the other side"
            ),
            Whose::Anyone => tracing::warn!(
                "route {name}: no server is well, requests of the {side} go to those that are not"
            ),
        }
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
            last_resort: self.last_resort.load(Ordering::Relaxed),
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
