//! An HTTP server that notes what it is sent, and repeats it to whoever asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::any;
use tokio::runtime::Runtime;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// The server. It ends when this is dropped.
pub struct Listener {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    _runtime: Runtime,
}

impl Listener {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let seen = Arc::default();
        let routes = Router::new()
            .fallback(any(take))
            .with_state(Arc::clone(&seen));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            address,
            seen,
            _runtime: runtime,
        }
    }

    /// What came to paths that begin like this.
    pub fn at(&self, path: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|one| one.path.starts_with(path))
            .cloned()
            .collect()
    }
}

/// Repeats what it was sent, as a careless server does; what a path begins with says how.
async fn take(
    State(seen): State<Arc<Mutex<Vec<Seen>>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let one = Seen {
        path: uri.path().to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let status = match uri.path() {
        path if path.starts_with("/refuses") => StatusCode::FORBIDDEN,
        _ => StatusCode::OK,
    };
    let said = format!("you sent {} {:?}", one.path, one.headers);
    seen.lock().unwrap().push(one);
    (status, said)
}
