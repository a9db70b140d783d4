//! The agent's door: the requests of [`super::protocol`], each handed on to the executor and answered with what it says.
//! Nothing is known here about executions or this host.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequest, Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get, head, on};
use axum::{Json, serve};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use tokio::net::TcpListener;

use super::admission::guarded;
use super::front::Trusted;
use super::link::frame::{BODY, Malformed};
use super::link::{Client, Kind, LinkError, Reply, Request as Asked, Status};
use super::listen::Listener;
use super::protocol::{KEYS, Problem};
use super::trust::Peer;
use crate::model::revision::Digest;

/// Serves requests from this listener until the executor serves no more, and those that are under way to their end. Here
/// what waits for connections meets what answers requests.
///
/// # Errors
///
/// When the listener fails, or the executor does not say who may come in.
pub async fn listen(listener: TcpListener, client: Client) -> std::io::Result<()> {
    let closed = client.closed();
    let trusted = Trusted::follow(&client).await?;
    let listener = Listener::new(listener, trusted.ways.clone())?;
    serve(
        listener,
        door(client, trusted).into_make_service_with_connect_info::<Peer>(),
    )
    .with_graceful_shutdown(closed.cancelled_owned())
    .await
}

/// All requests, each behind the guard.
pub(super) fn door(client: Client, trusted: Trusted) -> Router {
    guarded(router(client.clone()), client, trusted)
}

fn router(client: Client) -> Router {
    const GET: MethodFilter = MethodFilter::GET;
    const PUT: MethodFilter = MethodFilter::PUT;
    const POST: MethodFilter = MethodFilter::POST;
    const DELETE: MethodFilter = MethodFilter::DELETE;
    let upstreams = pass(GET, Kind::Upstream).merge(pass(PUT, Kind::ChangeUpstream));
    let task_set = pass(GET, Kind::TaskSet)
        .merge(pass(PUT, Kind::OrderTaskSet))
        .merge(pass(DELETE, Kind::EndTaskSet));
    Router::new()
        .route("/v1/agent", pass(GET, Kind::Info))
        .route("/v1/bundles/{digest}", head(has_bundle).put(receive_bundle))
        .route("/v1/executions/{id}", pass(PUT, Kind::Order))
        .route("/v1/executions/{id}/stop", pass(POST, Kind::Stop))
        .route("/v1/leases", pass(POST, Kind::Renew))
        .route("/v1/stream", get(follow))
        .route("/v1/upstreams/{name}", upstreams)
        .route("/v1/task-sets", pass(GET, Kind::TaskSets))
        .route("/v1/task-sets/{id}", task_set)
        .route("/v1/haproxy", pass(POST, Kind::HaProxy))
        .route(KEYS, pass(POST, Kind::Keys))
        .fallback(|| async { Refusal::new(StatusCode::NOT_FOUND, &"there is nothing here") })
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn(no_browsers))
        .with_state(client)
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
pub struct Refusal(StatusCode, String);

impl Refusal {
    fn new(status: StatusCode, message: &dyn std::fmt::Display) -> Self {
        Self(status, message.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(Problem::new(self.1))).into_response()
    }
}

impl From<LinkError> for Refusal {
    fn from(error: LinkError) -> Self {
        let status = match error {
            // What was asked for cannot even be said.
            LinkError::Malformed(Malformed::Request(_)) => StatusCode::BAD_REQUEST,
            LinkError::Busy | LinkError::Gone => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, &error)
    }
}

impl From<BytesRejection> for Refusal {
    fn from(error: BytesRejection) -> Self {
        Self::new(error.status(), &error.body_text())
    }
}

fn code(status: Status) -> StatusCode {
    match status {
        Status::Done => StatusCode::OK,
        Status::Made => StatusCode::CREATED,
        Status::Nothing => StatusCode::NO_CONTENT,
        Status::Invalid => StatusCode::BAD_REQUEST,
        Status::Forbidden => StatusCode::FORBIDDEN,
        Status::Unknown => StatusCode::NOT_FOUND,
        Status::Conflict => StatusCode::CONFLICT,
        Status::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Status::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Status::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        Status::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Status::Stranger => StatusCode::UNAUTHORIZED,
        Status::Distrusted => StatusCode::MISDIRECTED_REQUEST,
        Status::Stale => StatusCode::PRECONDITION_FAILED,
        Status::Fenced => StatusCode::LOCKED,
        Status::Gone => StatusCode::GONE,
        Status::Unkept => StatusCode::INSUFFICIENT_STORAGE,
    }
}

/// A body that is handed on as it is.
struct Opaque(Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Opaque {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        if !is_json {
            let message = "the body has to be JSON, with Content-Type: application/json";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, &message));
        }
        Ok(Self(Bytes::from_request(request, state).await?.into()))
    }
}

/// Asks, and answers what is said.
pub async fn ask(client: &Client, request: &Asked) -> Result<Response, Refusal> {
    tell(client.ask(request).await?).await
}

async fn tell(reply: Reply) -> Result<Response, Refusal> {
    let status = reply.status;
    let bytes = reply.whole().await?;
    let json = [(header::CONTENT_TYPE, "application/json")];
    if status == Status::Stale {
        // The executor's words and its clock, as they are.
        return Ok((code(status), json, bytes).into_response());
    }
    if status.is_refusal() {
        let message = String::from_utf8_lossy(&bytes);
        return Err(Refusal::new(code(status), &message));
    }
    Ok(if bytes.is_empty() {
        code(status).into_response()
    } else {
        (code(status), json, bytes).into_response()
    })
}

fn digest(text: &str) -> Result<Digest, Refusal> {
    text.parse()
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, &error))
}

/// Passes requests of this kind on, as they are: with the name in their path, if there is one, and what they say, if they are
/// commands.
fn pass(method: MethodFilter, kind: Kind) -> MethodRouter<Client> {
    let pass = async move |State(client): State<Client>,
                           ConnectInfo(peer): ConnectInfo<Peer>,
                           name: Option<Path<String>>,
                           request: Request| {
        let body = match kind.verb() {
            Some(_) => Opaque::from_request(request, &()).await?.0,
            None => Vec::new(),
        };
        let request = Asked {
            name: name.map(|Path(name)| name).unwrap_or_default(),
            body,
            ..Asked::of(peer, kind)
        };
        ask(&client, &request).await
    };
    on(method, pass)
}

async fn has_bundle(
    State(client): State<Client>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let request = Asked {
        digest: Some(digest(&name)?),
        ..Asked::of(peer, Kind::HasBundle)
    };
    ask(&client, &request).await
}

async fn receive_bundle(
    State(client): State<Client>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path(name): Path<String>,
    body: Body,
) -> Result<Response, Refusal> {
    let request = Asked {
        digest: Some(digest(&name)?),
        ..Asked::of(peer, Kind::Bundle)
    };
    let pieces = body.into_data_stream();
    let pieces = pieces.map(|piece| piece.map_err(std::io::Error::other));
    tell(client.send(&request, pieces).await?).await
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn follow(
    State(client): State<Client>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Query(After { after }): Query<After>,
) -> Result<Response, Refusal> {
    let request = Asked {
        body: after.to_string().into_bytes(),
        ..Asked::of(peer, Kind::Follow)
    };
    let reply = client.ask(&request).await?;
    if reply.status.is_refusal() {
        return tell(reply).await;
    }
    let lines = stream::unfold(reply, async |mut reply| {
        let lines = reply.next().await.transpose()?;
        Some((lines.map(Bytes::from), reply))
    });
    let body = Body::from_stream(lines);
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}
