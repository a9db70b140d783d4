//! What the front asks the executor with.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::LinkError;
use super::frame::{Kind, Request, Status, Tag};
use super::servant::CHANNELS;
use super::wire::{self, Channel};

/// So many requests of each kind are under way at a time. Together they are no more than the executor serves, and what waits
/// for a disk does not keep it from saying how it is.
const LANE: usize = CHANNELS / 4;

/// How long a request waits for its turn. Those who have less patience hang up before.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks the executor.
#[derive(Clone, Debug)]
pub struct Client {
    askers: mpsc::Sender<oneshot::Sender<UnixStream>>,
    closed: CancellationToken,
    lanes: Arc<Lanes>,
}

/// Those who may be served at a time.
#[derive(Debug)]
struct Lanes {
    /// What is answered at once.
    quick: Arc<Semaphore>,
    /// What waits for a disk, for another program, or for a bundle.
    slow: Arc<Semaphore>,
    /// What goes on for ever.
    streams: Arc<Semaphore>,
}

impl Lanes {
    fn of(&self, kind: Kind) -> &Arc<Semaphore> {
        match kind {
            Kind::Info | Kind::HasBundle | Kind::Renew | Kind::Standing => &self.quick,
            Kind::Follow | Kind::Trust => &self.streams,
            Kind::Bundle
            | Kind::Order
            | Kind::Stop
            | Kind::Upstream
            | Kind::ChangeUpstream
            | Kind::HaProxy
            | Kind::TaskSets
            | Kind::TaskSet
            | Kind::OrderTaskSet
            | Kind::EndTaskSet
            | Kind::Introduce
            | Kind::Keys => &self.slow,
        }
    }
}

/// An answer that has begun.
#[derive(Debug)]
pub struct Reply {
    /// How it begins.
    pub status: Status,
    first: Vec<u8>,
    channel: Channel,
    _turn: OwnedSemaphorePermit,
}

impl Client {
    /// Asks over this control.
    pub fn new(control: UnixStream) -> Self {
        let (askers, waiting) = mpsc::channel(CHANNELS);
        let closed = CancellationToken::new();
        tokio::spawn(hand_out(control, waiting, closed.clone()));
        let lane = |size| Arc::new(Semaphore::new(size));
        let lanes = Lanes {
            quick: lane(LANE),
            slow: lane(2 * LANE),
            streams: lane(LANE),
        };
        Self {
            askers,
            closed,
            lanes: Arc::new(lanes),
        }
    }

    /// Cancelled when the executor serves no more requests.
    pub fn closed(&self) -> CancellationToken {
        self.closed.clone()
    }

    /// Sends a request, and waits for the beginning of its answer.
    pub async fn ask(&self, request: &Request) -> Result<Reply, LinkError> {
        let (mut channel, turn) = self.channel(request.kind).await?;
        channel.request(request).await?;
        begun(channel, turn).await
    }

    /// Sends a request and what goes with it, until that ends or the executor has heard enough.
    pub async fn send<T: AsRef<[u8]>>(
        &self,
        request: &Request,
        mut pieces: impl Stream<Item = io::Result<T>> + Unpin,
    ) -> Result<Reply, LinkError> {
        let (mut channel, turn) = self.channel(request.kind).await?;
        channel.request(request).await?;
        while let Some(piece) = pieces.next().await {
            // Broken off here, the executor sees that the end is missing. One that gave up says why below.
            if channel.send(piece?.as_ref()).await.is_err() {
                return begun(channel, turn).await;
            }
        }
        let _ = channel.end().await;
        begun(channel, turn).await
    }

    /// Waits for its turn, and gets a channel. The turn is over when what is answered is dropped.
    async fn channel(&self, kind: Kind) -> Result<(Channel, OwnedSemaphorePermit), LinkError> {
        let asking = async {
            let lane = Arc::clone(self.lanes.of(kind));
            let turn = lane.acquire_owned().await.map_err(|_| LinkError::Gone)?;
            let (asker, channel) = oneshot::channel();
            let sent = self.askers.send(asker).await;
            sent.map_err(|_| LinkError::Gone)?;
            let channel = channel.await.map_err(|_| LinkError::Gone)?;
            Ok((Channel::new(channel), turn))
        };
        let in_time = timeout(PATIENCE, asking).await;
        in_time.map_err(|_| LinkError::Busy)?
    }
}

impl Reply {
    /// The whole answer.
    pub async fn whole(mut self) -> Result<Vec<u8>, LinkError> {
        let mut bytes = std::mem::take(&mut self.first);
        while let Some(piece) = self.channel.piece().await? {
            bytes.extend(piece);
        }
        Ok(bytes)
    }

    /// The next bytes of an answer that goes on for long; none at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        self.channel.piece().await
    }
}

async fn begun(mut channel: Channel, turn: OwnedSemaphorePermit) -> Result<Reply, LinkError> {
    match channel.read().await? {
        (Tag::Answer(status), first) => Ok(Reply {
            status,
            first,
            channel,
            _turn: turn,
        }),
        _ => Err(LinkError::OutOfTurn),
    }
}

/// Gets channels for those who wait, one after the other, and sees when the control closes.
async fn hand_out(
    mut control: UnixStream,
    mut waiting: mpsc::Receiver<oneshot::Sender<UnixStream>>,
    closed: CancellationToken,
) {
    let _closing = closed.drop_guard();
    loop {
        let asker = tokio::select! {
            asker = waiting.recv() => asker,
            // Nobody asked: this can only be the end.
            _ = wire::receive(&control) => None,
        };
        let Some(asker) = asker else { return };
        if control.write_all(&[1]).await.is_err() {
            return;
        }
        let channel = match wire::receive(&control).await {
            Ok(None) => return,
            received => received.and_then(|channel| channel.map(stream).transpose()),
        };
        match channel {
            // One who does not wait any more lets the channel go.
            Ok(channel) => drop(channel.map(|channel| asker.send(channel))),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
            Err(error) => tracing::error!(%error, "a channel cannot be used"),
        }
    }
}

fn stream(channel: OwnedFd) -> io::Result<UnixStream> {
    let channel = std::os::unix::net::UnixStream::from(channel);
    channel.set_nonblocking(true)?;
    UnixStream::from_std(channel)
}
