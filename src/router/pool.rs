//! The connections to one server that wait for a request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::request::RequestBody;
use crate::model::endpoint::Endpoint;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// How long a connection may wait for a request.
const IDLE: Duration = Duration::from_secs(30);
/// How many connections may wait.
const MOST: usize = 256;

pub(super) type Sender = SendRequest<RequestBody>;

#[derive(Debug)]
pub(super) struct Pool {
    endpoint: Endpoint,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    keep: bool,
    /// The longest waiting first.
    senders: Vec<(Sender, Instant)>,
}

/// Why a server could not be connected to.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("it did not accept a connection within {} s", CONNECT.as_secs())]
    Slow,
    #[error("it can't be connected to: {0}")]
    Refused(#[from] std::io::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
}

impl Pool {
    pub fn new(endpoint: Endpoint) -> Self {
        let senders = Vec::new();
        let waiting = Mutex::new(Waiting {
            keep: true,
            senders,
        });
        Self { endpoint, waiting }
    }

    /// The connection that came back last, as it is the least likely to be closed by now.
    pub fn take(&self) -> Option<Sender> {
        let mut waiting = self.waiting();
        let ready = |(sender, _): &(Sender, Instant)| sender.is_ready();
        let found = waiting.senders.iter().rposition(ready)?;
        Some(waiting.senders.remove(found).0)
    }

    /// Takes a connection back whose answer has been read to its end.
    pub fn put(&self, sender: Sender) {
        let mut waiting = self.waiting();
        if waiting.keep && waiting.senders.len() < MOST && !sender.is_closed() {
            waiting.senders.push((sender, Instant::now()));
        }
    }

    /// Whether connections are kept; if not, those that wait are closed.
    pub fn keep(&self, keep: bool) {
        let mut waiting = self.waiting();
        waiting.keep = keep;
        if !keep {
            waiting.senders.clear();
        }
    }

    /// Closes what has waited for long.
    pub fn tidy(&self) {
        let waits =
            |(sender, since): &(Sender, Instant)| !sender.is_closed() && since.elapsed() < IDLE;
        self.waiting().senders.retain(waits);
    }

    /// A new connection.
    pub async fn connect(&self) -> Result<Sender, ConnectError> {
        let Endpoint { host, port } = &self.endpoint;
        let stream = timeout(CONNECT, TcpStream::connect((host.as_str(), *port)));
        let stream = stream.await.map_err(|_| ConnectError::Slow)??;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Whoever uses the connection sees its errors.
        tokio::spawn(connection.with_upgrades());
        Ok(sender)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
