//! What the front knows of whom it may take in, as the executor tells it.

use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use rustls::pki_types::CertificateDer;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::agent::link::{Client, Kind, LinkError, Reply, Request};
use crate::agent::trust::{Peer, Shown};
use crate::identity::{self, Identity, Known, Pin};

/// How connections are taken in: encrypted, or plainly as long as the agent has no key.
pub type Way = Option<TlsAcceptor>;

/// What the executor has told.
#[derive(Clone)]
pub struct Trusted {
    /// How connections are taken in now.
    pub ways: watch::Receiver<Way>,
    told: Arc<Told>,
}

#[derive(Debug)]
struct Told(RwLock<Shown>);

impl Told {
    fn read(&self) -> RwLockReadGuard<'_, Shown> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, shown: Shown) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = shown;
    }
}

impl Known for Told {
    fn knows(&self, pin: &Pin) -> bool {
        self.read().knows(pin)
    }

    fn believes(&self, certificates: &[CertificateDer<'_>]) -> bool {
        self.read().believes(certificates)
    }
}

impl Trusted {
    /// Asks the executor, and goes on listening to it.
    ///
    /// # Errors
    /// If the executor does not say, or its key can't be used.
    pub async fn follow(client: &Client) -> io::Result<Self> {
        let mut reply = ask(client).await.map_err(io::Error::other)?;
        let gone = || io::Error::other("the executor says of nobody that it may come in");
        let shown = next(&mut reply).await?.ok_or_else(gone)?;
        let told = Arc::new(Told(RwLock::new(shown.clone())));
        let (tell, ways) = watch::channel(way(&shown, &told)?);
        tokio::spawn(listen(client.clone(), reply, Arc::clone(&told), tell));
        Ok(Self { ways, told })
    }

    /// Whether it is beyond doubt that somebody is obeyed, as of a moment ago.
    pub fn obeys(&self, peer: Peer) -> bool {
        self.told.read().obeys(peer)
    }
}

async fn listen(client: Client, mut reply: Reply, told: Arc<Told>, tell: watch::Sender<Way>) {
    loop {
        match next(&mut reply).await {
            Ok(Some(shown)) => {
                if shown.key != told.read().key {
                    match way(&shown, &told) {
                        Ok(way) => drop(tell.send(way)),
                        Err(error) => tracing::error!(%error, "going on with the former key"),
                    }
                }
                told.write(shown);
            }
            // The executor is gone, and with it the front; or it broke off, and is asked again.
            Ok(None) | Err(_) => match ask(&client).await {
                Ok(again) => reply = again,
                Err(_) => return,
            },
        }
    }
}

async fn ask(client: &Client) -> Result<Reply, LinkError> {
    client.ask(&Request::new(Kind::Trust)).await
}

async fn next(reply: &mut Reply) -> io::Result<Option<Shown>> {
    let piece = reply.next().await.map_err(io::Error::other)?;
    Ok(piece
        .map(|piece| serde_json::from_slice(&piece))
        .transpose()?)
}

fn way(shown: &Shown, told: &Arc<Told>) -> io::Result<Way> {
    let Some(pem) = &shown.key else {
        return Ok(None);
    };
    let own = Identity::parse(pem).map_err(io::Error::other)?;
    let known = Arc::clone(told) as Arc<dyn Known>;
    let tls = identity::server(&own, known).map_err(io::Error::other)?;
    Ok(Some(TlsAcceptor::from(Arc::new(tls))))
}
