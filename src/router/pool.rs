//! The connections to one server that wait for a request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connection::{ConnectError, Connection};
use crate::model::endpoint::Endpoint;

/// How long a connection may wait for a request.
const IDLE: Duration = Duration::from_secs(30);
/// How many connections may wait.
const MOST: usize = 256;

#[derive(Debug)]
pub(super) struct Pool {
    endpoint: Endpoint,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    keep: bool,
    /// The longest waiting first.
    connections: Vec<(Connection, Instant)>,
}

impl Pool {
    pub fn new(endpoint: Endpoint) -> Self {
        let connections = Vec::new();
        let waiting = Mutex::new(Waiting {
            keep: true,
            connections,
        });
        Self { endpoint, waiting }
    }

    /// The connection that came back last, as it is the least likely to be closed by now.
    pub fn take(&self) -> Option<Connection> {
        let mut waiting = self.waiting();
        let ready = |(connection, _): &(Connection, Instant)| connection.is_ready();
        let found = waiting.connections.iter().rposition(ready)?;
        Some(waiting.connections.remove(found).0)
    }

    /// Takes a connection back whose answer has been read to its end.
    pub fn put(&self, connection: Connection) {
        let mut waiting = self.waiting();
        if waiting.keep && waiting.connections.len() < MOST && !connection.is_closed() {
            waiting.connections.push((connection, Instant::now()));
        }
    }

    /// Whether connections are kept; if not, those that wait are closed.
    pub fn keep(&self, keep: bool) {
        let mut waiting = self.waiting();
        waiting.keep = keep;
        if !keep {
            waiting.connections.clear();
        }
    }

    /// Closes what has waited for long.
    pub fn tidy(&self) {
        let waits = |(connection, since): &(Connection, Instant)| {
            !connection.is_closed() && since.elapsed() < IDLE
        };
        self.waiting().connections.retain(waits);
    }

    /// A new connection.
    pub async fn connect(&self) -> Result<Connection, ConnectError> {
        Connection::open(&self.endpoint).await
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
