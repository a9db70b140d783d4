//! The door itself: HTTP over a Unix socket. The peer's user id decides who may come in: the owner alone.

use std::io;
use std::path::Path;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path as Segments, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::command::{ApiError, Command, Deploy};
use super::feed::FeedItem;
use super::snapshot::Ping;
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::orchestrator::Orchestrator;

/// How often a silent feed shows that it lives.
const ALIVE: Duration = Duration::from_secs(3);

/// A request's body is a command: small.
const BODY_LIMIT: usize = 64 * 1024;

/// Listens on the socket. The caller holds the project's lock, so that an old socket belongs to nobody.
///
/// # Errors
/// If the socket can't be made.
pub fn listen(socket: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => UnixListener::bind(socket),
    }
}

/// Serves the door until `end` is ready.
///
/// # Errors
/// If the socket fails.
pub async fn serve(
    orchestrator: Orchestrator,
    listener: UnixListener,
    end: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new()
        .route("/v1/ping", get(|| async { Json(Ping::here()) }))
        .route("/v1/feed", get(feed))
        .route("/v1/commands", post(command))
        .route("/v1/preview", post(preview))
        .route("/v1/alarms", get(alarms))
        .route("/v1/deployments/{id}", get(deployment))
        .route("/v1/deployments/{id}/records", get(records))
        .route("/v1/deployments/{id}/traffic", get(traffic))
        .route("/v1/notifications", get(notifications))
        .route("/v1/groups/{application}/{group}/ledger", get(ledger))
        .route("/v1/deployments/{id}/targets/{target}/output", get(output))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(orchestrator);
    let listener = OwnerOnly(listener);
    // Feeds never end by themselves, so that there is no waiting for open connections.
    tokio::select! {
        served = axum::serve(listener, router) => served,
        () = end => Ok(()),
    }
}

/// A listener that turns away everybody but the owner of this process.
struct OwnerOnly(UnixListener);

impl axum::serve::Listener for OwnerOnly {
    type Io = UnixStream;
    type Addr = tokio::net::unix::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => {
                    let owner = nix::unistd::getuid().as_raw();
                    if stream.peer_cred().is_ok_and(|peer| peer.uid() == owner) {
                        return (stream, address);
                    }
                    tracing::warn!("turned away a connection of another user");
                }
                Err(error) => {
                    // Most likely too many open files: others may close some.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = match self.code.as_str() {
            code if code.ends_with("DoesNotExistException") => StatusCode::NOT_FOUND,
            "DeploymentLimitExceededException" | "DeploymentAlreadyCompletedException" => {
                StatusCode::CONFLICT
            }
            "InternalError" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        (status, Json(self)).into_response()
    }
}

/// Reads a request's body; what is wrong with it is told in our own form.
fn read<T: for<'de> Deserialize<'de>>(body: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::new("InvalidInputException", error.to_string()))
}

async fn command(State(door): State<Orchestrator>, body: Bytes) -> Result<Response, ApiError> {
    let command: Command = read(&body)?;
    // In a task of its own: a client that hangs up half way must not leave half a command behind.
    let done = tokio::spawn(async move { door.command(command).await });
    let answer = done
        .await
        .map_err(|error| ApiError::new("InternalError", error.to_string()))??;
    Ok(Json(answer).into_response())
}

async fn preview(State(door): State<Orchestrator>, body: Bytes) -> Result<Response, ApiError> {
    let deploy: Deploy = read(&body)?;
    Ok(Json(door.preview(&deploy).await?).into_response())
}

async fn alarms(State(door): State<Orchestrator>) -> Response {
    Json(door.alarms()).into_response()
}

async fn deployment(
    State(door): State<Orchestrator>,
    Segments(id): Segments<DeploymentId>,
) -> Result<Response, ApiError> {
    Ok(Json(door.deployment(&id).await?).into_response())
}

async fn records(
    State(door): State<Orchestrator>,
    Segments(id): Segments<DeploymentId>,
) -> Result<Response, ApiError> {
    Ok(Json(door.records(&id).await?).into_response())
}

async fn traffic(
    State(door): State<Orchestrator>,
    Segments(id): Segments<DeploymentId>,
) -> Result<Response, ApiError> {
    Ok(Json(door.traffic(&id)?).into_response())
}

#[derive(Deserialize)]
struct NotificationsQuery {
    deployment: Option<DeploymentId>,
    limit: u32,
}

async fn notifications(
    State(door): State<Orchestrator>,
    Query(query): Query<NotificationsQuery>,
) -> Result<Response, ApiError> {
    let found = door.deliveries(query.deployment, query.limit).await?;
    Ok(Json(found).into_response())
}

async fn ledger(
    State(door): State<Orchestrator>,
    Segments((application, group)): Segments<(Name, Name)>,
) -> Result<Response, ApiError> {
    let group = GroupKey { application, group };
    Ok(Json(door.ledger(&group).await?).into_response())
}

async fn feed(State(door): State<Orchestrator>) -> Response {
    let (lines, body) = line_body();
    tokio::spawn(async move {
        let (mut subscription, snapshot) = door.subscribe().await;
        let mut item = FeedItem::Snapshot(Box::new(snapshot));
        // A client that has gone, or is too far behind, ends the feed.
        while send(&lines, &item).await {
            item = match tokio::time::timeout(ALIVE, subscription.next()).await {
                Ok(Some(next)) => next,
                Ok(None) => return,
                Err(_) => FeedItem::Alive,
            };
        }
    });
    body
}

#[derive(Deserialize)]
struct OutputQuery {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    follow: bool,
}

async fn output(
    State(door): State<Orchestrator>,
    Segments((id, target)): Segments<(DeploymentId, Name)>,
    Query(query): Query<OutputQuery>,
) -> Result<Response, ApiError> {
    let mut reader = door.output(&id, &target)?;
    let (lines, body) = line_body();
    tokio::spawn(async move {
        loop {
            // Asked before the lines are read: what is over has written all its lines.
            let over = door.is_over(&id, &target);
            let next = match reader.lines() {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%id, %target, %error, "output can't be read");
                    return;
                }
            };
            let end = next.is_empty();
            for line in next.iter().filter(|line| line.seq > query.after) {
                if !send(&lines, line).await {
                    return;
                }
            }
            if end {
                if over || !query.follow {
                    return;
                }
                tokio::select! {
                    more = reader.grown() => if !more { return },
                    () = lines.closed() => return,
                }
            }
        }
    });
    Ok(body)
}

type LineSender = mpsc::Sender<Result<Bytes, std::convert::Infallible>>;

/// A response of lines that are sent one by one.
fn line_body() -> (LineSender, Response) {
    let (sender, lines) = mpsc::channel(256);
    let body = Body::from_stream(ReceiverStream::new(lines));
    let headers = [("content-type", "application/x-ndjson")];
    (sender, (headers, body).into_response())
}

/// Sends one line; `false` if nobody takes it any more.
async fn send(lines: &LineSender, item: &impl Serialize) -> bool {
    match serde_json::to_vec(item) {
        Ok(mut line) => {
            line.push(b'\n');
            lines.send(Ok(line.into())).await.is_ok()
        }
        Err(error) => {
            tracing::error!(%error, "an item can't be written");
            false
        }
    }
}
