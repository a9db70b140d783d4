//! Sends requests to `checkout` at a steady rate, never one a second time, and counts what becomes of them.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HOST, SERVER};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, interval_at, timeout};

use super::counts::Counter;
use crate::clock;

/// So many clients, each with a connection of its own that it keeps.
const CLIENTS: u32 = 8;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the counts are written.
const WRITTEN: Duration = Duration::from_millis(250);

/// Sends so many requests a second to this address, and writes down what has become of them, until it is ended.
///
/// # Errors
/// If the counts can't be written: without them nobody could tell what became of the requests.
pub async fn send(to: SocketAddr, rate: u32, counts: &Path) -> io::Result<()> {
    let counter = Arc::new(Mutex::new(Counter::new(rate)));
    let pace = Duration::from_secs(1) * CLIENTS / rate.max(1);
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let client = Client {
            to,
            kept: None,
            counter: Arc::clone(&counter),
        };
        // One after the other, evenly.
        let first = tokio::time::Instant::now() + pace * number / CLIENTS;
        clients.spawn(client.run(first, pace));
    }
    let mut written = interval(WRITTEN);
    loop {
        written.tick().await;
        let now = {
            let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
            counter.counts(clock::now())
        };
        now.write(counts)?;
    }
}

struct Client {
    to: SocketAddr,
    kept: Option<SendRequest<Empty<Bytes>>>,
    counter: Arc<Mutex<Counter>>,
}

impl Client {
    async fn run(mut self, first: tokio::time::Instant, pace: Duration) {
        let mut pace = interval_at(first, pace);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pace.tick().await;
            let answer = timeout(PATIENCE, self.ask()).await;
            let answer = answer.unwrap_or_else(|_| Err("no answer in time".to_owned()));
            if answer.is_err() {
                self.kept = None;
            }
            let mut counter = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
            counter.count(clock::now(), answer);
        }
    }

    /// One request: the version that answered it, or what went wrong.
    async fn ask(&mut self) -> Result<String, String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        let sender = match &mut self.kept {
            Some(sender) if !sender.is_closed() => sender,
            kept => {
                let stream = TcpStream::connect(self.to).await.map_err(|e| text(&e))?;
                let connected = handshake(TokioIo::new(stream)).await;
                let (sender, connection) = connected.map_err(|e| text(&e))?;
                // It ends with its sender.
                tokio::spawn(connection);
                kept.insert(sender)
            }
        };
        let request = hyper::Request::get("/")
            .header(HOST, self.to.to_string())
            .body(Empty::new())
            .map_err(|e| text(&e))?;
        let answer = sender.send_request(request).await.map_err(|e| text(&e))?;
        let status = answer.status();
        // `Server: checkout/2.1`
        let server = answer.headers().get(SERVER);
        let server = server.and_then(|value| value.to_str().ok());
        let version = server.and_then(|text| text.split_once('/'));
        let version = version.map_or("nobody", |(_, version)| version).to_owned();
        answer.into_body().collect().await.map_err(|e| text(&e))?;
        if status.is_success() {
            Ok(version)
        } else {
            Err(format!("status {} from {version}", status.as_u16()))
        }
    }
}
