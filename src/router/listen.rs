//! Accepts the clients of a route.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::proxy::Client;
use super::route::Route;

/// The largest head of a request, in bytes.
const HEAD: usize = 64 * 1024;
/// How long nobody is accepted when the process has no more descriptors.
const BREATH: Duration = Duration::from_millis(50);

/// Serves until told to end; what has been accepted by then goes on as work of its own.
pub(super) async fn run(
    route: Arc<Route>,
    listener: TcpListener,
    mut ended: watch::Receiver<bool>,
    work: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = ended.changed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let ip = peer.ip().to_canonical().to_string();
                let Ok(peer) = HeaderValue::try_from(ip) else {
                    continue;
                };
                let client = Client {
                    route: Arc::clone(&route),
                    peer,
                    work: work.clone(),
                };
                work.spawn(serve(client, stream, ended.clone()));
            }
            Err(error) => {
                tracing::warn!("route {}: a client was not accepted: {error}", route.name);
                sleep(BREATH).await;
            }
        }
    }
}

/// Serves one connection. When told to end, it answers what it has begun, and tells the client that it closes.
async fn serve(client: Client, stream: TcpStream, mut ended: watch::Receiver<bool>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let idle = client.route.idle;
    let service = service_fn(move |request| {
        let answer = client.clone().answer(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_header_size(HEAD)
        .max_buf_size(HEAD);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection.with_upgrades());
    // How it ended is the client's business: most simply go.
    let told = tokio::select! {
        _how = connection.as_mut() => return,
        told = ended.wait_for(|ended| *ended) => told.is_ok(),
    };
    if told {
        connection.as_mut().graceful_shutdown();
    }
    let _how = connection.await;
}
