//! An HTTP server that notes what it is sent, and answers as told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use serde_json::Value;
use tokio::runtime::Runtime;

/// What it does with a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers this status with these headers.
    Answer(u16, Vec<(&'static str, String)>),
    /// Never answers.
    Hang,
}

impl Act {
    pub fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new())
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub headers: HeaderMap,
    pub text: String,
}

impl Seen {
    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn id(&self) -> String {
        self.header("X-Cutover-Delivery").to_owned()
    }

    /// The event, and the instance if there is one.
    pub fn event(&self) -> String {
        let event = self.header("X-Cutover-Event");
        match self.body()["instanceId"].as_str() {
            Some(instance) => format!("{event} {instance}"),
            None => event.to_owned(),
        }
    }
}

#[derive(Debug)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    /// What it does with the next requests; the last holds for all that follow.
    acts: Mutex<VecDeque<Act>>,
}

/// The server. It ends when this is dropped.
pub struct Hook {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

impl Hook {
    /// Serves on a free loopback port. The last of these acts holds for ever.
    pub fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            acts: Mutex::new(acts.into_iter().collect()),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let routes = Router::new()
            .fallback(any(take))
            .with_state(Arc::clone(&shared));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            address,
            shared,
            _runtime: runtime,
        }
    }

    pub fn well() -> Self {
        Self::start([Act::status(200)])
    }

    /// Does something else from now on.
    pub fn now_does(&self, acts: impl IntoIterator<Item = Act>) {
        *self.shared.acts.lock().unwrap() = acts.into_iter().collect();
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub fn events(&self) -> Vec<String> {
        self.seen().iter().map(Seen::event).collect()
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let text = String::from_utf8(body.to_vec()).unwrap();
    shared.seen.lock().unwrap().push(Seen { headers, text });
    let act = {
        let mut acts = shared.acts.lock().unwrap();
        match acts.len() {
            1 => acts[0].clone(),
            _ => acts.pop_front().unwrap(),
        }
    };
    match act {
        Act::Hang => std::future::pending().await,
        Act::Answer(status, headers) => {
            let status = StatusCode::from_u16(status).unwrap();
            let mut answer = (status, "so it says").into_response();
            for (name, value) in headers {
                answer.headers_mut().insert(name, value.parse().unwrap());
            }
            answer
        }
    }
}
