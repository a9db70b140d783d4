//! Who may send what: asked anew with every request, so that whoever is known no longer is out at once, on connections that are
//! open too. The executor asks once more with what it is asked for (`Kind::requires`); here nobody whom it would turn away takes
//! up its time.

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::front::Trusted;
use super::link::{Client, Kind, LinkError, Request as Asked};
use super::protocol::{JOIN, Problem};
use super::trust::{Peer, turned_away};
use crate::identity::orchestrators::Standing;

/// Puts a guard before all requests, and adds the one by which an orchestrator introduces itself.
pub fn guarded(requests: Router, client: Client, trusted: Trusted) -> Router {
    let join = Router::new()
        .route(JOIN, get(expects).post(introduce))
        .with_state(client.clone());
    requests
        .merge(join)
        .layer(middleware::from_fn_with_state((client, trusted), guard))
}

async fn guard(
    State((client, trusted)): State<(Client, Trusted)>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    if trusted.obeys(peer) {
        return next.run(request).await;
    }
    let introduces = request.uri().path() == JOIN;
    match standing(&client, peer, introduces).await {
        Ok(Some(Standing::Orchestrator)) => next.run(request).await,
        Ok(Some(Standing::Expected)) if introduces => next.run(request).await,
        Ok(_) => problem(StatusCode::UNAUTHORIZED, turned_away(peer)),
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    }
}

async fn standing(
    client: &Client,
    peer: Peer,
    introduces: bool,
) -> Result<Option<Standing>, LinkError> {
    let asked = Asked {
        body: introduces.to_string().into_bytes(),
        ..Asked::of(peer, Kind::Standing)
    };
    let reply = client.ask(&asked).await?;
    if reply.status.is_refusal() {
        return Ok(None);
    }
    Ok(serde_json::from_slice(&reply.whole().await?).map_err(std::io::Error::other)?)
}

fn problem(status: StatusCode, message: String) -> Response {
    (status, Json(Problem::new(message))).into_response()
}

/// Says that it is worth introducing oneself: before that, the other end can't know with whose key the connection is.
async fn expects() -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn introduce(
    State(client): State<Client>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    body: Bytes,
) -> Response {
    let asked = Asked {
        body: body.into(),
        ..Asked::of(peer, Kind::Introduce)
    };
    super::http::ask(&client, &asked).await.into_response()
}
