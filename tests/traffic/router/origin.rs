//! Servers for what `Backend` does not do: large bodies, heads, websockets, and a record of what came.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use futures_util::{StreamExt as _, stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// `/large?bytes=` answers so many bytes, in pieces; `/count` says how many it got, `/heads` which fields.
pub async fn origin() -> SocketAddr {
    let routes = axum::Router::new()
        .route("/large", get(large))
        .route("/count", post(count))
        .route("/heads", get(heads).post(heads));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    address
}

#[derive(serde::Deserialize)]
struct Large {
    bytes: usize,
}

async fn large(Query(Large { bytes }): Query<Large>) -> Body {
    Body::from_stream(pieces(bytes))
}

/// So many bytes, in pieces.
pub fn pieces(
    bytes: usize,
) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> + use<> {
    const PIECE: usize = 64 * 1024;
    let pieces = (0..bytes).step_by(PIECE);
    stream::iter(pieces.map(move |at| Ok(Bytes::from(vec![b'x'; PIECE.min(bytes - at)]))))
}

async fn count(body: Body) -> String {
    let mut body = body.into_data_stream();
    let mut bytes = 0;
    while let Some(piece) = body.next().await {
        let Ok(piece) = piece else { break };
        bytes += piece.len();
    }
    bytes.to_string()
}

async fn heads(headers: HeaderMap, body: Bytes) -> String {
    let mut lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines.push(format!("body: {}", body.len()));
    lines.join("\n")
}

/// Answers each connection with these bytes as soon as it has a whole head, records everything that comes, and sends back
/// what comes behind a head that is followed by `101`.
pub async fn recorder(answer: &'static str) -> (SocketAddr, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let record = Arc::new(Mutex::new(String::new()));
    let shared = Arc::clone(&record);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let record = Arc::clone(&shared);
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 * 1024];
                let mut open = false;
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    record.lock().unwrap().push_str(&text);
                    let back = if open { text.as_str() } else { answer };
                    open |= answer.contains(" 101 ");
                    if stream.write_all(back.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, record)
}

/// Reads a head, answers with these bytes and closes the connection; counts the heads.
pub async fn closer(answer: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(AtomicUsize::new(0));
    let shared = Arc::clone(&heads);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let heads = Arc::clone(&shared);
            // Each for itself: nothing may ever come on one that was opened beside another.
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await;
                if read.is_ok_and(|length| length > 0) {
                    heads.fetch_add(1, Ordering::Relaxed);
                    let _gone = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    (address, heads)
}
