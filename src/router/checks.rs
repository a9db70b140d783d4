//! Asks the servers of a route whether they are well.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::config::CheckConfig;
use super::live::{Live, Standing};
use super::route::Route;
use crate::text;

/// Where nobody checks, a server that refused is tried again after this time.
const FORGIVEN: Duration = Duration::from_secs(2);

/// Checks the servers of a route for ever, new ones at once.
pub(super) async fn run(route: Arc<Route>) {
    let pace = route.health.as_ref();
    let pace = pace.map_or(FORGIVEN, |check| {
        Duration::from_millis(check.interval_millis)
    });
    let mut pace = interval(pace);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let changed = tokio::select! {
            _ = pace.tick() => false,
            () = route.changed.notified() => true,
        };
        let table = route.table();
        let mut asked = JoinSet::new();
        for (_, live) in &table.servers {
            live.pool.tidy();
            match &route.health {
                None => live.health.forgive(),
                // A change is no reason to count a check twice.
                Some(_) if changed && live.health.standing() != Standing::Untried => {}
                Some(check) => {
                    let (live, check) = (Arc::clone(live), check.clone());
                    let name = route.name.clone();
                    asked.spawn(async move {
                        let found = ask(&live, &check).await;
                        if let Some(now) = live.health.checked(found, check.rise, check.fall) {
                            let trouble = live.health.trouble().unwrap_or_default();
                            tracing::info!("route {name}: {} is {now:?} {trouble}", live.name);
                        }
                    });
                }
            }
        }
        asked.join_all().await;
    }
}

/// What an answer may take at least, however often is asked.
const LEAST: Duration = Duration::from_secs(1);

async fn ask(live: &Live, check: &CheckConfig) -> Result<(), String> {
    let limit = Duration::from_millis(check.interval_millis).max(LEAST);
    let answer = timeout(limit, status(live, &check.path)).await;
    match answer {
        Err(_) => Err(format!("no answer from {} within {limit:?}", check.path)),
        Ok(Err(reason)) => Err(text::safe(&reason)),
        Ok(Ok(status)) if status.is_success() || status.is_redirection() => Ok(()),
        Ok(Ok(status)) => Err(format!("status {} from {}", status.as_u16(), check.path)),
    }
}

/// A connection of its own: whether a server still accepts any is part of the question.
async fn status(live: &Live, path: &str) -> Result<hyper::StatusCode, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let at = (live.endpoint.host.as_str(), live.endpoint.port);
    let stream = TcpStream::connect(at).await.map_err(|e| text(&e))?;
    let (mut sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|e| text(&e))?;
    let request = Request::get(path)
        .header(HOST, live.endpoint.to_string())
        .header(USER_AGENT, "cutover-router")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|e| text(&e))?;
    // Ends with its sender, which ends with this.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    answer.map(|answer| answer.status()).map_err(|e| text(&e))
}
