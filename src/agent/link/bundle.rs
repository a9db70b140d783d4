//! A bundle on its way from the front into the executor's own folder. It is hashed as it comes, and bytes that hash to
//! another digest are not kept.

use std::io::{self, Read};

use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::LinkError;
use super::answers::Refused;
use super::frame::Status;
use super::wire::{Channel, SILENCE};
use crate::agent::executor::Executor;
use crate::model::revision::Digest;
use crate::text;

/// So many pieces of a bundle may wait for the disk.
const PIECES: usize = 4;

/// So many bundles are received at a time. The others wait.
const RECEIVED: usize = 4;

/// Takes bundles in.
#[derive(Debug)]
pub struct Receiver(Semaphore);

impl Default for Receiver {
    fn default() -> Self {
        Self(Semaphore::new(RECEIVED))
    }
}

impl Receiver {
    /// Takes a bundle in, if it is what its digest says.
    pub async fn receive(
        &self,
        agent: &Executor,
        expected: Digest,
        channel: &mut Channel,
    ) -> Result<(), Refused> {
        let _turn = self.0.acquire().await;
        let (pieces, waiting) = mpsc::channel(PIECES);
        let bundles = agent.bundles.clone();
        let receiving = tokio::task::spawn_blocking(move || {
            let reader = Pieces {
                waiting,
                piece: Vec::new(),
                read: 0,
            };
            bundles.receive(reader, Some(&expected))
        });
        let most = agent.config.unpacking.limits.compressed;
        let mut size = 0;
        while let Some(piece) = next(channel).await {
            crate::crash_point::here!("agent.bundle-arriving");
            size += piece.as_ref().map_or(0, |piece| piece.len() as u64);
            let too_large = size > most;
            let piece = if too_large {
                Err(LinkError::Gone)
            } else {
                piece
            };
            let ends = piece.is_err();
            // A receiver that gave up says why below.
            let sent = pieces.send(piece.map_err(io::Error::other)).await;
            if too_large {
                drop(pieces);
                let _ = receiving.await;
                let most = text::size(most);
                let message = format!("a bundle may have {most} here: raise max_bundle_bytes");
                return Err(Refused(Status::TooLarge, message));
            }
            if sent.is_err() || ends {
                break;
            }
        }
        drop(pieces);
        receiving.await.map_err(Refused::failed)??;
        Ok(())
    }
}

/// The next piece; none at the end.
async fn next(channel: &mut Channel) -> Option<Result<Vec<u8>, LinkError>> {
    let piece = timeout(SILENCE, channel.piece()).await;
    piece.unwrap_or(Err(LinkError::Silent)).transpose()
}

/// The pieces of a bundle, read from a thread that may wait.
struct Pieces {
    waiting: mpsc::Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    read: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() {
            match self.waiting.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
            self.read = 0;
        }
        let rest = &self.piece[self.read..];
        let length = buffer.len().min(rest.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.read += length;
        Ok(length)
    }
}
