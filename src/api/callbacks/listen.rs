//! The connections of hooks: so many at a time, each for one report that has to be made in time. Whoever reaches the port may
//! be anybody.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::super::door::Door;
use crate::model::endpoint::Endpoint;

/// So many connections are served at a time; others wait.
const CONNECTIONS: usize = 64;

/// How long a report may take from its connection to its answer: longer than the journal is waited for.
const EXCHANGE: Duration = Duration::from_secs(20);

/// The largest head of a request, in bytes.
const HEAD: usize = 16 * 1024;

/// How long nobody is accepted when the process has no more descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// How soon an address is tried again that somebody else has.
const AGAIN: Duration = Duration::from_secs(5);

/// Hooks can't be listened for.
#[derive(Debug, thiserror::Error)]
#[error(
    "settings.hooks.listen of cutover.yaml: can't listen on {listen}: {source}; choose another port, or end who has it"
)]
struct CallbackError {
    listen: Endpoint,
    source: io::Error,
}

/// Where hooks call back.
#[derive(Debug)]
pub struct Callbacks {
    listener: TcpListener,
    exchange: Duration,
}

impl Callbacks {
    /// Takes reports to this door for as long as it is polled. While somebody else has the address it is tried again: deployments
    /// go on without it.
    pub async fn listen(listen: Endpoint, door: Door) {
        loop {
            match Self::bind(&listen).await {
                Ok(callbacks) => return callbacks.serve(door).await,
                Err(error) => tracing::warn!("{error}; until then no hook can report over HTTP"),
            }
            sleep(AGAIN).await;
        }
    }

    /// Listens, and answers nobody yet.
    ///
    /// # Errors
    /// If the address is taken.
    async fn bind(listen: &Endpoint) -> Result<Self, CallbackError> {
        let bound = TcpListener::bind((listen.host.as_str(), listen.port)).await;
        let listener = bound.map_err(|source| CallbackError {
            listen: listen.clone(),
            source,
        })?;
        Ok(Self {
            listener,
            exchange: EXCHANGE,
        })
    }

    /// Takes reports to this door for as long as it is polled, and those that are under way to their end.
    async fn serve(self, door: Door) {
        self.answer(super::router(door)).await;
    }

    async fn answer(self, router: axum::Router) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            // It is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a hook was not let in");
                    sleep(BREATH).await;
                    continue;
                }
            };
            let router = router.clone();
            tokio::spawn(async move {
                exchange(stream, router, self.exchange).await;
                drop(place);
            });
        }
    }
}

/// One request and its answer.
async fn exchange(stream: TcpStream, router: axum::Router, time: Duration) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match timeout(time, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a hook's connection failed"),
        Err(_) => tracing::debug!("a hook did not report in time"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::Router;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const REPORT: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";

    /// As long as an exchange may take here.
    const SOON: Duration = Duration::from_millis(700);

    /// Serves, and answers where.
    async fn serve() -> std::net::SocketAddr {
        let listen = Endpoint::parse("127.0.0.1:0").unwrap();
        let mut callbacks = Callbacks::bind(&listen).await.unwrap();
        callbacks.exchange = SOON;
        let address = callbacks.listener.local_addr().unwrap();
        let router = Router::new().route("/", post(|_: axum::body::Bytes| async { "taken" }));
        tokio::spawn(callbacks.answer(router));
        address
    }

    /// Sends this, and reads until the other end closes.
    async fn ask(stream: &mut TcpStream, request: &[u8]) -> String {
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        // Whoever is cut off may be told so by a reset.
        let _cut = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn whoever_takes_too_long_is_cut_off() {
        let address = serve().await;
        let head = REPORT.split_last().unwrap().1;
        for slow in [&b""[..], &REPORT[..10], head] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let began = Instant::now();
            assert_eq!(ask(&mut stream, slow).await, "");
            assert!(began.elapsed() >= SOON, "{:?}", began.elapsed());
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        let answer = ask(&mut stream, &REPORT.repeat(2)).await;
        assert_eq!(answer.matches("taken").count(), 1, "{answer}");
        let long = format!("POST / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(HEAD));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let answer = ask(&mut stream, long.as_bytes()).await;
        assert!(!answer.contains("taken"), "{answer}");
    }

    #[tokio::test]
    async fn so_many_are_served_at_a_time_and_the_next_has_its_turn() {
        let address = serve().await;
        let began = Instant::now();
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        let answer = ask(&mut stream, REPORT).await;
        assert!(answer.ends_with("taken"), "{answer}");
        assert!(began.elapsed() >= SOON, "{:?}", began.elapsed());
    }
}
