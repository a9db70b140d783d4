//! What a revision of `checkout` is made of: a small HTTP server, started by the revision's own scripts.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// How long an instance may take until it answers.
const START: Duration = Duration::from_secs(10);

/// What a revision says of itself in `release.conf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its version.
    pub version: String,
    /// How many of a hundred requests it fails.
    pub errors: u64,
}

impl Release {
    /// Reads `release.conf` in this folder.
    ///
    /// # Errors
    /// If it can't be read, or says no version.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let file = folder.join("release.conf");
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
        let text = std::fs::read_to_string(&file).map_err(named)?;
        let value = |name: &str| {
            let mut pairs = text.lines().filter_map(|line| line.split_once('='));
            pairs
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value)
        };
        let errors = value("errors").and_then(|errors| errors.parse().ok());
        match value("version") {
            Some(version) => Ok(Self {
                version: version.to_owned(),
                errors: errors.unwrap_or(0),
            }),
            None => Err(named(io::Error::other("there is no version="))),
        }
    }
}

struct Instance {
    name: String,
    release: Release,
    asked: AtomicU64,
}

/// Serves the revision in this folder until told to end; requests in flight may finish. `/health` answers the version, every
/// other path a sentence with it, as the header `Server` does.
///
/// # Errors
/// If the folder holds no revision, or the address is taken.
pub async fn serve(name: &str, listen: SocketAddr, folder: &Path) -> io::Result<()> {
    let release = Release::read(folder)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("{listen}: {error}")))?;
    let instance = Arc::new(Instance {
        name: name.to_owned(),
        release,
        asked: AtomicU64::new(0),
    });
    let routes = Router::new()
        .route("/health", get(health))
        .fallback(answer)
        .with_state(instance);
    let end = async move {
        terminate.recv().await;
    };
    axum::serve(listener, routes)
        .with_graceful_shutdown(end)
        .await
}

type Answer = (StatusCode, [(HeaderName, String); 1], String);

fn say(instance: &Instance, status: StatusCode, text: String) -> Answer {
    let server = format!("checkout/{}", instance.release.version);
    (status, [(header::SERVER, server)], text)
}

async fn health(State(instance): State<Arc<Instance>>) -> Answer {
    let version = format!("{}\n", instance.release.version);
    say(&instance, StatusCode::OK, version)
}

async fn answer(State(instance): State<Arc<Instance>>) -> Answer {
    let turn = instance.asked.fetch_add(1, Ordering::Relaxed);
    // As if it did something: each its own few milliseconds.
    tokio::time::sleep(Duration::from_millis(2 + turn * 7 % 13)).await;
    let (name, release) = (&instance.name, &instance.release);
    // Of any hundred in a row exactly so many, evenly spread.
    let failed = |turn: u64| turn % 100 * release.errors / 100;
    if failed(turn) != failed(turn + 1) {
        let text = format!("checkout {} on {name} lost its cart\n", release.version);
        return say(&instance, StatusCode::INTERNAL_SERVER_ERROR, text);
    }
    let text = format!("checkout {} on {name}\n", release.version);
    say(&instance, StatusCode::OK, text)
}

/// Waits until the revision in this folder answers at this address, and says which version it is.
///
/// # Errors
/// If nobody does in time, or another version.
pub async fn check(listen: SocketAddr, folder: &Path) -> io::Result<String> {
    let release = Release::read(folder)?;
    let deadline = tokio::time::Instant::now() + START;
    let mut last;
    loop {
        match health_of(listen).await {
            Ok(version) if version == release.version => return Ok(version),
            Ok(other) => last = format!("GET /health of {listen}: {other:?} answers"),
            Err(error) => last = format!("GET /health of {listen}: {error}"),
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(io::Error::other(last));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The version that is well at this address, or behind it.
pub(super) async fn health_of(listen: SocketAddr) -> reqwest::Result<String> {
    let url = format!("http://{listen}/health");
    let client = reqwest::Client::builder().timeout(START).build()?;
    let answer = client.get(url).send().await?.error_for_status()?;
    Ok(answer.text().await?.trim().to_owned())
}
