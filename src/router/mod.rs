//! `cutover router`: a reverse proxy for HTTP/1.1, for the lab and for those who have no load balancer.
//!
//! ```text
//! listen ─▶ proxy ─▶ table (which server) ─▶ pool (which connection) ─▶ server
//!              │        ▲ swapped whole
//!              │      route ◀── admin (what ought to be, with a revision) ──▶ state file
//!              └─▶ live (counters, health) ◀── checks
//! ```
//!
//! It is small on purpose: no TLS, no HTTP/2, no routing by path, no trailers, one process. `docs/load-balancers.md` says so too.

mod admin;
mod answer;
mod checks;
mod config;
mod connection;
mod head;
mod idle;
mod listen;
mod live;
mod pool;
mod proxy;
mod request;
mod route;
mod state;
mod table;
mod tunnel;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

pub use self::config::{CheckConfig, Config, ConfigError, RouteConfig};
use self::route::Route;
use self::state::State;
use crate::clock;
use crate::model::name::Name;

/// Why the router could not start.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// An address can't be listened on.
    #[error("{what} can't listen on {address}: {source}")]
    Listen {
        /// The route, or the admin door.
        what: String,
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The file that keeps the splits can't be read.
    #[error("{0}")]
    State(#[from] state::StateError),
}

/// A router that listens and does not serve yet.
#[derive(Debug)]
pub struct Router {
    admin: TcpListener,
    routes: Vec<(Arc<Route>, TcpListener)>,
    state: Arc<State>,
    drain: Duration,
}

impl Router {
    /// Listens, with each route as it was last left; one that is new, as the configuration has it. With `reset` what was
    /// kept is forgotten.
    ///
    /// # Errors
    /// If an address is taken, or the state can't be read.
    pub async fn bind(config: &Config, reset: bool) -> Result<Self, RouterError> {
        let admin = listen("the admin door".to_owned(), config.admin).await?;
        let mut listeners = Vec::new();
        for route in &config.routes {
            listeners.push(listen(format!("route {}", route.name), route.listen).await?);
        }
        // Only now, as another router that runs may still use it.
        let (state, kept) = State::open(&config.state, reset)?;
        let epoch = clock::unique();
        let routes = config.routes.iter().zip(listeners);
        let routes = routes.map(|(route, listener)| {
            let kept = kept.get(&route.name);
            if let Some(kept) = kept.filter(|kept| kept.differs(route)) {
                let (name, revision) = (&route.name, kept.revision);
                tracing::info!(
                    "route {name}: as it was last left (revision {revision}); --reset takes what is configured"
                );
            }
            let address = listener.local_addr().unwrap_or(route.listen);
            (Arc::new(Route::new(route, kept, address, &epoch)), listener)
        });
        Ok(Self {
            routes: routes.collect(),
            admin,
            state: Arc::new(state),
            drain: Duration::from_secs(config.drain_seconds),
        })
    }

    /// Where the admin door listens.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.local_addr().ok()
    }

    /// The routes and where they listen.
    pub fn routes(&self) -> impl Iterator<Item = (&Name, SocketAddr)> {
        self.routes
            .iter()
            .map(|(route, _)| (&route.name, route.listen))
    }

    /// Serves until told to end. Requests in flight may finish within the configured time.
    pub async fn serve(self, end: impl Future<Output = ()>) {
        let (ending, ended) = watch::channel(false);
        let work = TaskTracker::new();
        let routes: Vec<_> = self
            .routes
            .iter()
            .map(|(route, _)| Arc::clone(route))
            .collect();
        let mut beside: Vec<_> = routes
            .iter()
            .map(|route| tokio::spawn(checks::run(Arc::clone(route))))
            .collect();
        let door = admin::door(routes, self.state);
        let admin = self.admin;
        beside.push(tokio::spawn(async move {
            if let Err(error) = axum::serve(admin, door).await {
                tracing::error!("the admin door: {error}");
            }
        }));
        for (route, listener) in self.routes {
            let serving = listen::run(route, listener, ended.clone(), work.clone());
            beside.push(tokio::spawn(serving));
        }
        end.await;
        let _nobody_left = ending.send(true);
        work.close();
        if timeout(self.drain, work.wait()).await.is_err() {
            tracing::warn!("{} connections were not done in time: cut off", work.len());
        }
        for task in beside {
            task.abort();
        }
    }
}

async fn listen(what: String, address: SocketAddr) -> Result<TcpListener, RouterError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| RouterError::Listen {
        what,
        address,
        source,
    })
}
