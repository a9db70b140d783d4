//! A tiny HTTP server that answers with its own name, and can be slow or unwell on request.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A backend. It ends when this is dropped.
pub struct Backend {
    pub name: String,
    pub address: SocketAddr,
    state: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    name: String,
    well: AtomicBool,
    /// While this file is there it is not well, and answers nothing good.
    down: Option<PathBuf>,
    served: AtomicU64,
    working: AtomicU64,
}

#[derive(Deserialize)]
struct Asked {
    /// How long to take, in milliseconds.
    #[serde(default)]
    ms: u64,
}

impl Backend {
    /// Serves on a free loopback port: `/` answers the name, after `?ms=` milliseconds; `/health` 200 or 503.
    pub async fn start(name: &str) -> Self {
        Self::start_beside(name, None).await
    }

    /// The same, but for as long as this file is there it answers with an error: its application is down.
    pub async fn start_beside(name: &str, down: Option<PathBuf>) -> Self {
        let state = Arc::new(Shared {
            name: name.to_owned(),
            well: AtomicBool::new(true),
            down,
            served: AtomicU64::new(0),
            working: AtomicU64::new(0),
        });
        let routes = Router::new()
            .route("/", get(answer))
            .route("/health", get(health))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            name: name.to_owned(),
            address,
            state,
            serving,
        }
    }

    /// What `/health` says from now on.
    pub fn set_well(&self, well: bool) {
        self.state.well.store(well, Ordering::Relaxed);
    }

    /// Requests that were answered.
    pub fn served(&self) -> u64 {
        self.state.served.load(Ordering::Relaxed)
    }

    /// Requests that are being worked on.
    pub fn working(&self) -> u64 {
        self.state.working.load(Ordering::Relaxed)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    fn is_down(&self) -> bool {
        self.down.as_ref().is_some_and(|file| file.exists())
    }
}

async fn answer(
    State(state): State<Arc<Shared>>,
    Query(asked): Query<Asked>,
) -> Result<String, StatusCode> {
    state.working.fetch_add(1, Ordering::Relaxed);
    if asked.ms > 0 {
        tokio::time::sleep(Duration::from_millis(asked.ms)).await;
    }
    state.working.fetch_sub(1, Ordering::Relaxed);
    state.served.fetch_add(1, Ordering::Relaxed);
    if state.is_down() {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    Ok(state.name.clone())
}

async fn health(State(state): State<Arc<Shared>>) -> StatusCode {
    if state.well.load(Ordering::Relaxed) && !state.is_down() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
