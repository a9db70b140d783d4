//! The agent's door: the requests of [`super::protocol`].

use std::convert::Infallible;
use std::io::{self, Read};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, head, post, put};
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::core;
use super::executor::Executor;
use super::facts::Source;
use super::haproxy::{HaProxies, HaProxyError};
use super::log::LogError;
use super::orders::OrderError;
use super::protocol::{
    AgentInfo, ExecutionState, HaProxyAnswer, HaProxyCommand, Leases, Order, Problem,
    UpstreamOrder, UpstreamState,
};
use super::upstream::{UpstreamError, Upstreams};
use crate::model::deployment::ExecutionId;
use crate::model::revision::Digest;
use crate::store::bundles::BundleError;

/// So many pieces of a bundle may wait for the disk.
const PIECES: usize = 16;

type Agent = State<Arc<Executor>>;

/// All requests.
pub fn router(
    executor: Arc<Executor>,
    upstreams: Arc<Upstreams>,
    haproxies: Arc<HaProxies>,
) -> Router {
    let source = Source::new();
    let upstreams = Router::new()
        .route("/v1/upstreams/{name}", get(upstream).put(change_upstream))
        .with_state(upstreams);
    let haproxy = Router::new()
        .route("/v1/haproxy", post(haproxy))
        .with_state(haproxies);
    Router::new()
        .route(
            "/v1/agent",
            get(move |State(agent): Agent| info(agent, source)),
        )
        .route("/v1/bundles/{digest}", head(has_bundle).put(receive_bundle))
        .route("/v1/executions/{id}", put(order))
        .route("/v1/executions/{id}/stop", post(stop))
        .route("/v1/leases", post(renew))
        .route("/v1/stream", get(follow))
        .merge(upstreams)
        .merge(haproxy)
        .fallback(|| async { Refusal::new(StatusCode::NOT_FOUND, &"there is nothing here") })
        .layer(middleware::from_fn(no_browsers))
        .with_state(executor)
}

/// Any web page can make a browser on this host send a request here. Browsers say so, and nobody else does.
async fn no_browsers(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::ORIGIN) {
        let message = "requests of web pages are not answered";
        return Refusal::new(StatusCode::FORBIDDEN, &message).into_response();
    }
    next.run(request).await
}

/// An error answer.
struct Refusal(StatusCode, String);

impl Refusal {
    fn new(status: StatusCode, message: &dyn std::fmt::Display) -> Self {
        Self(status, message.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(Problem { message: self.1 })).into_response()
    }
}

impl From<OrderError> for Refusal {
    fn from(error: OrderError) -> Self {
        let status = match error {
            OrderError::Refused(core::Refusal::Invalid(_)) => StatusCode::BAD_REQUEST,
            OrderError::Refused(core::Refusal::Conflict(_)) => StatusCode::CONFLICT,
            OrderError::Refused(core::Refusal::Unknown(_)) => StatusCode::NOT_FOUND,
            OrderError::Log(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, &error)
    }
}

impl From<BundleError> for Refusal {
    fn from(error: BundleError) -> Self {
        let status = match error {
            BundleError::Digest { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, &error)
    }
}

impl From<UpstreamError> for Refusal {
    fn from(error: UpstreamError) -> Self {
        let status = match error {
            UpstreamError::Unknown(_) => StatusCode::NOT_FOUND,
            UpstreamError::Invalid(_) => StatusCode::BAD_REQUEST,
            UpstreamError::Foreign { .. } => StatusCode::CONFLICT,
            UpstreamError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            UpstreamError::NotTaken(_) => StatusCode::SERVICE_UNAVAILABLE,
            UpstreamError::Io { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, &error)
    }
}

impl From<HaProxyError> for Refusal {
    fn from(error: HaProxyError) -> Self {
        // Not 404: that is how an agent answers that is too old to know the request.
        Self::new(StatusCode::FORBIDDEN, &error)
    }
}

impl From<JsonRejection> for Refusal {
    fn from(error: JsonRejection) -> Self {
        Self::new(error.status(), &error.body_text())
    }
}

async fn info(agent: Arc<Executor>, source: Source) -> Json<AgentInfo> {
    let reader = Arc::clone(&agent);
    // Reads files.
    let facts = tokio::task::spawn_blocking(move || Arc::new(source.facts(&reader))).await;
    let known = agent.log.known();
    Json(AgentInfo {
        name: agent.config.name.clone(),
        agent_id: known.agent_id.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seq: known.seq,
        facts: facts.ok(),
    })
}

fn digest(text: &str) -> Result<Digest, Refusal> {
    text.parse()
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, &error))
}

async fn has_bundle(State(agent): Agent, Path(name): Path<String>) -> Result<StatusCode, Refusal> {
    // Whoever asks is about to order what needs it.
    let has = agent.bundles.renew(&digest(&name)?);
    Ok(if has {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    })
}

async fn receive_bundle(
    State(agent): Agent,
    Path(name): Path<String>,
    body: Body,
) -> Result<StatusCode, Refusal> {
    let expected = digest(&name)?;
    let (pieces, waiting) = mpsc::channel(PIECES);
    let bundles = agent.bundles.clone();
    let receiving = tokio::task::spawn_blocking(move || {
        let reader = Pieces {
            waiting,
            piece: Bytes::new(),
        };
        bundles.receive(reader, Some(&expected))
    });
    let mut body = body.into_data_stream();
    while let Some(piece) = body.next().await {
        // A receiver that gave up says why below.
        crate::crash_point::here!("agent.bundle-arriving");
        if pieces.send(piece.map_err(io::Error::other)).await.is_err() {
            break;
        }
    }
    drop(pieces);
    receiving
        .await
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &error))??;
    Ok(StatusCode::CREATED)
}

/// The pieces of a body, read from a thread that may wait.
struct Pieces {
    waiting: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.waiting.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        buffer[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}

async fn order(
    State(agent): Agent,
    Path(id): Path<String>,
    order: Result<Json<Order>, JsonRejection>,
) -> Result<Json<ExecutionState>, Refusal> {
    let Json(order) = order?;
    crate::crash_point::here!("agent.before-order");
    let work = async move { agent.order(ExecutionId(id.into()), order).await };
    let state = to_the_end(work).await??;
    crate::crash_point::here!("agent.after-order");
    Ok(Json(state))
}

async fn stop(
    State(agent): Agent,
    Path(id): Path<String>,
) -> Result<Json<ExecutionState>, Refusal> {
    crate::crash_point::here!("agent.before-stop");
    let work = async move { agent.stop(&ExecutionId(id.into())).await };
    let state = to_the_end(work).await??;
    crate::crash_point::here!("agent.after-stop");
    Ok(Json(state))
}

/// Does work that must not be left half done when the one who asked hangs up: the server drops a handler whose
/// connection has gone.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::spawn(work)
        .await
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &error))
}

async fn upstream(
    State(upstreams): State<Arc<Upstreams>>,
    Path(name): Path<String>,
) -> Result<Json<UpstreamState>, Refusal> {
    // Reads files.
    let state = tokio::task::spawn_blocking(move || upstreams.state(&name)).await;
    let state = state.map_err(|e| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &e))?;
    Ok(Json(state?))
}

async fn change_upstream(
    State(upstreams): State<Arc<Upstreams>>,
    Path(name): Path<String>,
    order: Result<Json<UpstreamOrder>, JsonRejection>,
) -> Result<Json<UpstreamState>, Refusal> {
    let Json(order) = order?;
    let work = async move { upstreams.change(&name, &order).await };
    Ok(Json(to_the_end(work).await??))
}

async fn haproxy(
    State(haproxies): State<Arc<HaProxies>>,
    command: Result<Json<HaProxyCommand>, JsonRejection>,
) -> Result<Json<HaProxyAnswer>, Refusal> {
    let Json(command) = command?;
    Ok(Json(haproxies.relay(&command).await?))
}

async fn renew(
    State(agent): Agent,
    leases: Result<Json<Leases>, JsonRejection>,
) -> Result<StatusCode, Refusal> {
    let Json(leases) = leases?;
    agent.renew(&leases);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn follow(State(agent): Agent, Query(After { after }): Query<After>) -> Response {
    let log = agent.log.clone();
    // Finding the place reads files.
    let opened = tokio::task::spawn_blocking(move || log.follow(after)).await;
    let follower = match opened {
        Ok(Ok(follower)) => follower,
        Ok(Err(error)) => {
            return Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &error).into_response();
        }
        Err(error) => {
            return Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &error).into_response();
        }
    };
    let heartbeat = agent.config.heartbeat;
    let lines = stream::unfold(follower, move |mut follower| async move {
        let lines = match timeout(heartbeat, follower.next()).await {
            Ok(Ok(lines)) => lines,
            Err(_) => b"\n".to_vec(),
            // The reader connects again, and is told then.
            Ok(Err(LogError::Closed)) => return None,
            Ok(Err(error)) => {
                tracing::error!(%error, "a stream ends");
                return None;
            }
        };
        crate::crash_point::here!("agent.before-telling");
        Some((Ok::<_, Infallible>(Bytes::from(lines)), follower))
    });
    let body = Body::from_stream(lines.take_until(agent.stopping().cancelled_owned()));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}
