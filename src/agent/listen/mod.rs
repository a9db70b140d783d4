//! Where orchestrators come in: connections whose other end is known, and nobody else's.

mod local;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_util::task::AbortOnDropHandle;

use super::front::Way;
use super::trust::Peer;
use crate::identity;

/// So many connections from one address may be about to show who they are; an orchestrator needs a handful.
const FROM_ONE: usize = 64;

/// So many of them there may be in all.
const UNKNOWN: usize = 1024;

/// So many connections of those who are known there may be.
const KNOWN: usize = 1024;

/// How long somebody may take to show who it is.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// How long somebody who was turned away may take to read why.
const FAREWELL: Duration = Duration::from_secs(1);

/// Connections that wait to be served.
const WAITING: usize = 16;

/// Takes connections in. Those that are turned away never get as far as a request.
#[derive(Debug)]
pub struct Listener {
    ready: mpsc::Receiver<(Connection, Peer)>,
    address: SocketAddr,
    _accepting: AbortOnDropHandle<()>,
}

/// A connection whose other end is known.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Listener {
    /// Encrypted if the agent has a key; plainly otherwise, which the caller allows on the loopback alone.
    ///
    /// # Errors
    /// If the address can't be told.
    pub fn new(listener: TcpListener, ways: watch::Receiver<Way>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (found, ready) = mpsc::channel(WAITING);
        let accepting = tokio::spawn(accept(listener, ways, found));
        Ok(Self {
            ready,
            address,
            _accepting: AbortOnDropHandle::new(accepting),
        })
    }
}

async fn accept(
    listener: TcpListener,
    ways: watch::Receiver<Way>,
    found: mpsc::Sender<(Connection, Peer)>,
) {
    let unknown = Places::default();
    let known = Arc::new(Semaphore::new(KNOWN));
    let mut handshakes = tokio::task::JoinSet::new();
    loop {
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Most likely too many open files: others may close some.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while handshakes.try_join_next().is_some() {}
        let way = ways.borrow().clone();
        // Over the loopback everybody has the same address.
        let most = if way.is_some() { FROM_ONE } else { UNKNOWN };
        let Some(place) = unknown.take(from.ip(), most) else {
            tracing::debug!(%from, "turned away: too many connections");
            continue;
        };
        let (found, known) = (found.clone(), Arc::clone(&known));
        handshakes.spawn(async move {
            let Some((stream, peer)) = know(way, stream, from).await else {
                return;
            };
            drop(place);
            let Ok(place) = known.try_acquire_owned() else {
                tracing::warn!(%from, "turned away: too many connections");
                return;
            };
            let connection = Connection {
                stream,
                _place: place,
            };
            // Nobody waits any more when the agent ends.
            let _ended = found.send((connection, peer)).await;
        });
    }
}

/// Finds out who is at the other end.
async fn know(way: Way, stream: TcpStream, from: SocketAddr) -> Option<(Stream, Peer)> {
    // Answers are small, and somebody waits for them.
    stream.set_nodelay(true).ok()?;
    let Some(acceptor) = way else {
        let own = stream.local_addr().ok()?;
        let user = tokio::task::spawn_blocking(move || local::user(from, own));
        return Some((Stream::Plain(stream), Peer::User(user.await.ok()?)));
    };
    match timeout(HANDSHAKE, acceptor.accept(stream).into_fallible()).await {
        Ok(Ok(stream)) => {
            let shown = stream.get_ref().1.peer_certificates()?.first()?;
            let pin = identity::Pin::of(shown).ok()?;
            Some((Stream::Encrypted(Box::new(stream)), Peer::Key(pin)))
        }
        Ok(Err((error, stream))) => {
            tracing::warn!(%from, %error, "turned away");
            read_to_end(stream).await;
            None
        }
        Err(_) => {
            tracing::debug!(%from, "turned away: it did not show who it is in time");
            None
        }
    }
}

/// Closing while something is unread would reach the other end before it has read why it is turned away.
async fn read_to_end(mut stream: TcpStream) {
    let reading = async {
        let mut unread = [0; 4096];
        while stream
            .read(&mut unread)
            .await
            .is_ok_and(|length| length > 0)
        {}
    };
    let _patience_is_over = timeout(FAREWELL, reading).await;
}

/// How many connections have not shown yet who they are, by where they come from.
#[derive(Clone, Debug, Default)]
struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// The place of one connection, which is free again when it is dropped.
#[derive(Debug)]
struct Place {
    places: Places,
    from: IpAddr,
}

impl Places {
    /// A place, unless there are so many from this address, or too many in all.
    fn take(&self, from: IpAddr, most: usize) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= UNKNOWN {
            return None;
        }
        let count = taken.entry(from).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        let places = self.clone();
        Some(Place { places, from })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.from);
            }
        }
    }
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = Peer;

    async fn accept(&mut self) -> (Connection, Peer) {
        match self.ready.recv().await {
            Some(ready) => ready,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Err(io::Error::other(format!("{} is nobody's", self.address)))
    }
}

impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        *stream.remote_addr()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Encrypted(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
