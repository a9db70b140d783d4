//! The routes: HTTP over Unix sockets. The kernel says who the peer is, and the [`Door`] what they may do.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path as Segments, Query, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Json, Router};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::caller::Caller;
use super::command::{ApiError, Command, Deploy};
use super::door::{Admitted, Door};
use super::feed::FeedItem;
use super::listener::{Listeners, Peer};
use super::rights::Request;
use super::sight::Sight;
use super::snapshot::Ping;
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::s3::{Destination, S3Object};
use crate::store::bundles::LARGEST;

/// How often a silent feed shows that it lives.
const ALIVE: Duration = Duration::from_secs(3);

/// A request's body is a command: small.
const BODY_LIMIT: usize = 64 * 1024;

/// What the door has. Each is served by the handler that `handler` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the paths are the documentation")]
pub enum Route {
    Ping,
    Feed,
    Commands,
    Upload,
    Preview,
    Alarms,
    Deployment,
    Records,
    Traffic,
    Output,
    Notifications,
    Ledger,
    Tokens,
    Audit,
}

impl Route {
    /// Every route.
    pub const ALL: [Self; 14] = [
        Self::Ping,
        Self::Feed,
        Self::Commands,
        Self::Upload,
        Self::Preview,
        Self::Alarms,
        Self::Deployment,
        Self::Records,
        Self::Traffic,
        Self::Output,
        Self::Notifications,
        Self::Ledger,
        Self::Tokens,
        Self::Audit,
    ];

    /// Its path.
    pub fn path(self) -> &'static str {
        match self {
            Self::Ping => "/v1/ping",
            Self::Feed => "/v1/feed",
            Self::Commands => "/v1/commands",
            Self::Upload => "/v1/applications/{application}/revisions",
            Self::Preview => "/v1/preview",
            Self::Alarms => "/v1/alarms",
            Self::Deployment => "/v1/deployments/{id}",
            Self::Records => "/v1/deployments/{id}/records",
            Self::Traffic => "/v1/deployments/{id}/traffic",
            Self::Output => "/v1/deployments/{id}/targets/{target}/output",
            Self::Notifications => "/v1/notifications",
            Self::Ledger => "/v1/groups/{application}/{group}/ledger",
            Self::Tokens => "/v1/tokens",
            Self::Audit => "/v1/audit",
        }
    }
}

fn handler(route: Route) -> MethodRouter<Door> {
    match route {
        Route::Ping => get(ping),
        Route::Feed => get(feed),
        Route::Commands => post(command),
        Route::Upload => post(upload),
        Route::Preview => post(preview),
        Route::Alarms => get(alarms),
        Route::Deployment => get(deployment),
        Route::Records => get(records),
        Route::Traffic => get(traffic),
        Route::Output => get(output),
        Route::Notifications => get(notifications),
        Route::Ledger => get(ledger),
        Route::Tokens => get(tokens),
        Route::Audit => get(audit),
    }
}

/// Every route of a door. Each request carries a [`Caller`].
pub fn router(door: Door) -> Router {
    let all = Route::ALL.into_iter();
    all.fold(Router::new(), |known, route| {
        known.route(route.path(), handler(route))
    })
    .layer(DefaultBodyLimit::max(BODY_LIMIT))
    .with_state(door)
}

/// Serves the door until `end` is ready.
///
/// # Errors
/// If a socket fails.
pub async fn serve(
    door: Door,
    listeners: Listeners,
    end: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = router(door).layer(middleware::from_fn(identify));
    let service = router.into_make_service_with_connect_info::<Peer>();
    // Feeds never end by themselves, so that there is no waiting for open connections.
    tokio::select! {
        served = axum::serve(listeners, service) => served,
        () = end => Ok(()),
    }
}

/// Says who knocks.
async fn identify(
    ConnectInfo(Peer(uid)): ConnectInfo<Peer>,
    mut request: axum::extract::Request,
    next: Next,
) -> Response {
    match tokio::task::spawn_blocking(move || Caller::look_up(uid)).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => ApiError::new("InternalError", error.to_string()).into_response(),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = match self.code.as_str() {
            code if code.ends_with("DoesNotExistException") => StatusCode::NOT_FOUND,
            "DeploymentLimitExceededException" | "DeploymentAlreadyCompletedException" => {
                StatusCode::CONFLICT
            }
            "AccessDeniedException" | "ReadOnlyException" => StatusCode::FORBIDDEN,
            "InternalError" => StatusCode::INTERNAL_SERVER_ERROR,
            "ServiceUnavailable" => StatusCode::SERVICE_UNAVAILABLE,
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

type Asked = Result<Response, ApiError>;

async fn ping(State(door): State<Door>, Extension(caller): Extension<Caller>) -> Asked {
    door.admit(&caller, &Request::Ping).await?;
    Ok(Json(Ping::here()).into_response())
}

async fn command(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Asked {
    let command: Command = read(&body)?;
    // In a task of its own: a client that hangs up half way must not leave half a command behind.
    let done = tokio::spawn(async move { door.command(&caller, command).await });
    let answer = done.await.map_err(|error| failed(&error))??;
    Ok(Json(answer).into_response())
}

#[derive(Deserialize)]
struct UploadQuery {
    #[serde(default)]
    label: Option<String>,
    /// Where in S3 it is kept, too.
    #[serde(default)]
    to: Option<S3Object>,
    /// In which AWS account.
    #[serde(default)]
    account: Option<String>,
}

/// Takes a bundle that comes from somebody whose files the orchestrator may have no business reading.
async fn upload(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Segments(application): Segments<Name>,
    Query(query): Query<UploadQuery>,
    body: Body,
) -> Asked {
    let UploadQuery { label, to, account } = query;
    let to = to.map(|object| Destination { object, account });
    let file = door.upload(&caller, &application, to.as_ref()).await?;
    let mut incoming = tokio::fs::File::from_std(file.reopen().map_err(|error| failed(&error))?);
    let mut chunks = body.into_data_stream();
    let invalid = |why: String| ApiError::new("InvalidRevisionException", why);
    let mut taken = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| invalid(error.to_string()))?;
        taken += chunk.len() as u64;
        if taken > LARGEST {
            return Err(invalid(format!("a bundle has at most {LARGEST} bytes")));
        }
        incoming
            .write_all(&chunk)
            .await
            .map_err(|error| failed(&error))?;
    }
    incoming.flush().await.map_err(|error| failed(&error))?;
    let registering = async move {
        let to = to.as_ref();
        door.register(&caller, &application, file.path(), label, to)
            .await
    };
    let answer = tokio::spawn(registering)
        .await
        .map_err(|error| failed(&error))??;
    Ok(Json(answer).into_response())
}

async fn preview(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Asked {
    let deploy: Deploy = read(&body)?;
    let admitted = door.admit(&caller, &Request::Preview(&deploy)).await?;
    Ok(Json(admitted.orchestrator.preview(&deploy).await?).into_response())
}

async fn alarms(State(door): State<Door>, Extension(caller): Extension<Caller>) -> Asked {
    let mut admitted = door.admit(&caller, &Request::Alarms).await?;
    let picture = admitted.orchestrator.snapshot().await;
    Ok(Json(admitted.sight.snapshot(picture).alarms).into_response())
}

async fn deployment(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Segments(id): Segments<DeploymentId>,
) -> Asked {
    let admitted = door.admit(&caller, &Request::Deployment(&id)).await?;
    Ok(Json(admitted.orchestrator.deployment(&id).await?).into_response())
}

async fn records(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Segments(id): Segments<DeploymentId>,
) -> Asked {
    let admitted = door.admit(&caller, &Request::Deployment(&id)).await?;
    Ok(Json(admitted.orchestrator.records(&id).await?).into_response())
}

async fn traffic(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Segments(id): Segments<DeploymentId>,
) -> Asked {
    let admitted = door.admit(&caller, &Request::Deployment(&id)).await?;
    Ok(Json(admitted.orchestrator.traffic(&id)?).into_response())
}

#[derive(Deserialize)]
struct NotificationsQuery {
    deployment: Option<DeploymentId>,
    limit: u32,
}

async fn notifications(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<NotificationsQuery>,
) -> Asked {
    let request = match &query.deployment {
        Some(id) => Request::Deployment(id),
        None => Request::Notifications,
    };
    let Admitted {
        orchestrator,
        sight,
    } = door.admit(&caller, &request).await?;
    // What is hidden must not take the place of what is not.
    let most = if sight.is_whole() {
        query.limit
    } else {
        u32::MAX
    };
    let mut found = orchestrator.deliveries(query.deployment, most).await?;
    if !sight.is_whole() {
        found.retain(|one| {
            let group = orchestrator.group_of(&one.notification.deployment_id);
            group.is_some_and(|group| sight.group(&group))
        });
        found.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
    }
    Ok(Json(found).into_response())
}

async fn ledger(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Segments((application, group)): Segments<(Name, Name)>,
) -> Asked {
    let group = GroupKey { application, group };
    let admitted = door.admit(&caller, &Request::Ledger(&group)).await?;
    Ok(Json(admitted.orchestrator.ledger(&group).await?).into_response())
}

async fn tokens(State(door): State<Door>, Extension(caller): Extension<Caller>) -> Asked {
    let admitted = door.admit(&caller, &Request::Tokens).await?;
    Ok(Json(admitted.orchestrator.tokens()).into_response())
}

async fn audit(State(door): State<Door>, Extension(caller): Extension<Caller>) -> Asked {
    Ok(door.trail(&caller).await?.into_response())
}

async fn feed(State(door): State<Door>, Extension(caller): Extension<Caller>) -> Asked {
    let Admitted { orchestrator, .. } = door.admit(&caller, &Request::Feed).await?;
    let (lines, body) = line_body();
    tokio::spawn(async move {
        let (mut subscription, snapshot) = orchestrator.subscribe().await;
        // Made behind the ear, which hears of every later change of roles.
        let mut sight = Sight::new(&orchestrator.project(), &caller);
        let mut item = FeedItem::Snapshot(Box::new(snapshot));
        loop {
            // Whoever is given another role starts again, and sees what they may see now.
            if sight.is_outdated(&item) {
                return;
            }
            // A client that has gone, or is too far behind, ends the feed.
            if let Some(seen) = sight.item(item)
                && !send(&lines, &seen).await
            {
                return;
            }
            item = match tokio::time::timeout(ALIVE, subscription.next()).await {
                Ok(Some(next)) => next,
                Ok(None) => return,
                Err(_) => FeedItem::Alive,
            };
        }
    });
    Ok(body)
}

#[derive(Deserialize)]
struct OutputQuery {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    follow: bool,
}

async fn output(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Segments((id, target)): Segments<(DeploymentId, Name)>,
    Query(query): Query<OutputQuery>,
) -> Asked {
    let Admitted { orchestrator, .. } = door.admit(&caller, &Request::Deployment(&id)).await?;
    let mut reader = orchestrator.output(&id, &target)?;
    let (lines, body) = line_body();
    tokio::spawn(async move {
        loop {
            if door.judge(&caller, &Request::Deployment(&id)).is_err() {
                return;
            }
            // Asked before the lines are read: what is over has written all its lines.
            let over = orchestrator.is_over(&id, &target);
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

/// What went wrong on our side.
fn failed(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::new("InternalError", error.to_string())
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
