//! Where hooks call back over HTTP (`settings.hooks`): one operation of `CodeDeploy`'s API, as its clients speak it, so that a
//! hook that was written for it needs another address and nothing else.
//!
//! `listen` has the connections, `wire` what is on them. Signatures are not looked at: who reports is known by the
//! single-use id that the hook was called with, and behind this too is the [`Door`].

mod listen;
mod wire;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Uri, header};

pub use listen::Callbacks;
use wire::{Said, Told};

use super::command::ApiError;
use super::door::Door;

/// A report is three short words.
const BODY: usize = 16 * 1024;

/// Everything that is asked here.
fn router(door: Door) -> Router {
    Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(door)
}

async fn answer(
    State(door): State<Door>,
    method: Method,
    address: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Told {
    Told(take(door, &method, &address, &headers, body).await)
}

async fn take(
    door: Door,
    method: &Method,
    address: &Uri,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<String, ApiError> {
    // Any web page can make a browser on this machine send a request here. Browsers say so, and nobody else does.
    if headers.contains_key(header::ORIGIN) {
        let message = "requests of web pages are not answered";
        return Err(ApiError::new("AccessDeniedException", message));
    }
    wire::operation(method, address.path(), headers)?;
    let body = body.map_err(|error| ApiError::new("SerializationException", error.body_text()))?;
    let said = Said::read(&body)?;
    let ticket = said.ticket.clone();
    // In a task of its own: a hook that hangs up half way must not leave half a report behind.
    let doing = async move { door.report(said.deployment, said.ticket, said.status).await };
    let done = tokio::spawn(doing).await;
    done.map_err(|error| ApiError::new("InternalError", error.to_string()))??;
    Ok(ticket)
}
