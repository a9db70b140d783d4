//! The admin door: what routes are, and what they ought to be.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::route::Route;
use super::state::{self, ChangeError};
use crate::providers::traffic::router::protocol::{Problem, RouteState, WantedRoute};

#[derive(Clone)]
struct Door {
    routes: Arc<Vec<Arc<Route>>>,
    state: Arc<state::State>,
}

/// All requests.
pub(super) fn door(routes: Vec<Arc<Route>>, state: Arc<state::State>) -> Router {
    let door = Door {
        routes: Arc::new(routes),
        state,
    };
    Router::new()
        .route("/v1/routes", get(all))
        .route("/v1/routes/{route}", get(one).put(change))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "there is nothing here".to_owned()) })
        .layer(middleware::from_fn(no_browsers))
        .with_state(door)
}

/// Any web page can make a browser on this machine send a request here. Browsers say so, and nobody else does.
async fn no_browsers(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::ORIGIN) {
        let message = "requests of web pages are not answered".to_owned();
        return refuse(StatusCode::FORBIDDEN, message).into_response();
    }
    next.run(request).await
}

type Refusal = (StatusCode, Json<Problem>);

fn refuse(status: StatusCode, message: String) -> Refusal {
    (status, Json(Problem { message }))
}

impl Door {
    fn route(&self, name: &str) -> Result<&Arc<Route>, Refusal> {
        let found = self.routes.iter().find(|route| route.name.as_str() == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.routes.iter().map(|r| r.name.as_str()).collect();
            let message = format!("the router has no such route; it has {}", names.join(", "));
            refuse(StatusCode::NOT_FOUND, message)
        })
    }
}

async fn all(State(door): State<Door>) -> Json<Vec<RouteState>> {
    Json(door.routes.iter().map(|route| route.state()).collect())
}

async fn one(
    State(door): State<Door>,
    Path(name): Path<String>,
) -> Result<Json<RouteState>, Refusal> {
    Ok(Json(door.route(&name)?.state()))
}

async fn change(
    State(door): State<Door>,
    Path(name): Path<String>,
    wanted: Result<Json<WantedRoute>, JsonRejection>,
) -> Result<Json<RouteState>, Refusal> {
    let route = door.route(&name)?;
    let Json(wanted) = wanted.map_err(|error| refuse(error.status(), error.body_text()))?;
    door.state
        .change(route, wanted)
        .await
        .map_err(|error| match error {
            ChangeError::Impossible(message) => refuse(StatusCode::CONFLICT, message),
            ChangeError::Stale { expected, found } => refuse(
                StatusCode::PRECONDITION_FAILED,
                format!("the route is at revision {found}, not {expected}: read it again"),
            ),
            ChangeError::Unwritten(message) => refuse(StatusCode::INTERNAL_SERVER_ERROR, message),
        })?;
    let state = route.state();
    let split = state
        .split
        .map_or("none".to_owned(), |split| split.to_string());
    tracing::info!("route {name}: revision {}, split {split}", state.revision);
    Ok(Json(state))
}
