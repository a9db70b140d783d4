//! An API of HTTP and JSON in front of a real `HAProxy`, as operators have them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::haproxy::running::by_hand;

pub const TOKEN: &str = "tok-3q";

pub struct Bridge {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    api: SocketAddr,
    overloaded: AtomicBool,
    asleep: AtomicBool,
    changes: AtomicU64,
}

#[derive(Deserialize)]
struct Change {
    state: String,
    weight: Option<u32>,
}

#[derive(Deserialize)]
struct Weight {
    value: u32,
}

impl Bridge {
    pub async fn start(api: SocketAddr) -> Self {
        let shared = Arc::new(Shared {
            api,
            overloaded: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            changes: AtomicU64::new(0),
        });
        let routes = Router::new()
            .route("/servers", get(all))
            .route("/servers/{name}", get(one).put(change))
            .route("/servers/{name}/weight", post(weigh))
            .layer(from_fn_with_state(Arc::clone(&shared), gate))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            address,
            shared,
            serving,
        }
    }

    /// From now on it answers 503.
    pub fn overload(&self, overloaded: bool) {
        self.shared.overloaded.store(overloaded, Ordering::Relaxed);
    }

    /// From now on it does not answer.
    pub fn send_to_sleep(&self) {
        self.shared.asleep.store(true, Ordering::Relaxed);
    }

    /// Requests so far that change something.
    pub fn changes(&self) -> u64 {
        self.shared.changes.load(Ordering::Relaxed)
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn gate(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    if shared.asleep.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    if shared.overloaded.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "too\u{1b}[31m busy\nnow").into_response();
    }
    let token = headers.get("authorization");
    if token.is_none_or(|token| token != &format!("Bearer {TOKEN}")) {
        return (StatusCode::UNAUTHORIZED, "\nno such token\n").into_response();
    }
    if request.method() != "GET" {
        shared.changes.fetch_add(1, Ordering::Relaxed);
    }
    next.run(request).await
}

async fn servers(api: SocketAddr) -> Vec<Value> {
    let states = by_hand(api, "show servers state app").await;
    let counters = by_hand(api, "show stat app 4 -1").await;
    let columns: Vec<&str> = counters.lines().next().unwrap().split(',').collect();
    let states = states.lines().skip(2).map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let row = counters
            .lines()
            .find(|row| row.split(',').nth(1) == Some(fields[3]));
        let count = |name: &str| {
            let place = columns.iter().position(|column| *column == name).unwrap();
            row.unwrap().split(',').nth(place).unwrap()
        };
        let admin: u32 = fields[6].parse().unwrap();
        let state = match admin {
            _ if admin & 1 != 0 => "maint",
            _ if admin & 8 != 0 => "drain",
            _ => "ready",
        };
        json!({
            "name": fields[3],
            "state": state,
            "check": count("status"),
            "weight": fields[7].parse::<u32>().unwrap(),
            "counters": {
                "active": count("scur").parse::<u64>().unwrap(),
                "total": count("stot"),
                "failed": count("hrsp_5xx"),
            },
        })
    });
    states.collect()
}

async fn all(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({ "servers": servers(shared.api).await }))
}

async fn one(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let all = servers(shared.api).await;
    match all.into_iter().find(|server| server["name"] == *name) {
        Some(server) => Json(server).into_response(),
        None => (StatusCode::NOT_FOUND, "no such server").into_response(),
    }
}

async fn change(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Json(change): Json<Change>,
) -> Response {
    if let Some(weight) = change.weight {
        let command = format!("set server app/{name} weight {weight}");
        by_hand(shared.api, &command).await;
    }
    let command = format!("set server app/{name} state {}", change.state);
    answer(by_hand(shared.api, &command).await)
}

async fn weigh(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Query(weight): Query<Weight>,
) -> Response {
    let command = format!("set server app/{name} weight {}", weight.value);
    answer(by_hand(shared.api, &command).await)
}

fn answer(words: String) -> Response {
    if words.is_empty() {
        return StatusCode::NO_CONTENT.into_response();
    }
    (StatusCode::BAD_REQUEST, words).into_response()
}
