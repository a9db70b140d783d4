//! The agent's log: at once its durable journal and the event stream that orchestrators read.
//!
//! One append-only file of JSON lines, in bounded segments. Facts are on the disk before anybody sees them or acts on
//! them; what may be lost, output above all, is written in passing, and becomes durable with the next fact. The agent's knowledge
//! ([`Known`]) is the fold of the log, and nothing else.

mod follow;
mod segment;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};

pub use follow::Follower;

use super::core::{Entry, Known};
use segment::Limits;
use writer::{Published, Request, Writer};

/// How many requests may wait for the disk. Whoever writes more than the disk takes waits.
const QUEUE: usize = 256;

/// Why the log cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Reading or writing failed.
    #[error("{context}: {source}")]
    Io {
        /// What was being done, with the path.
        context: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A line that was once durable can no longer be read.
    #[error(
        "{path}, line {line} is damaged: {source}. Move the agent's log folder away to start afresh"
    )]
    Damaged {
        /// Which file.
        path: String,
        /// Which line, counted from one.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// An earlier write failed; the agent is ending.
    #[error("the agent's log can no longer be written")]
    Closed,
}

impl LogError {
    /// Whether it may be tried again: the disk is full, or cannot be written for a while.
    fn may_pass(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let kinds = [QuotaExceeded, ReadOnlyFilesystem, StorageFull];
        matches!(self, Self::Io { source, .. } if kinds.contains(&source.kind()))
    }
}

/// A handle on the log; the log closes when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Log {
    requests: mpsc::Sender<Request>,
    published: watch::Receiver<Published>,
    known: Arc<Mutex<Known>>,
    folder: Arc<Path>,
}

/// Ends when the log does: with an error if it could no longer be written.
pub type Failure = oneshot::Receiver<LogError>;

impl Log {
    /// Opens the log in a folder, or starts one; folds what it says.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written, or is damaged.
    pub fn open(folder: &Path, boot: &str) -> Result<(Self, Failure), LogError> {
        Self::open_with(folder, boot, Limits::default())
    }

    fn open_with(folder: &Path, boot: &str, limits: Limits) -> Result<(Self, Failure), LogError> {
        let (active, known) = segment::open(folder, boot, limits)?;
        let known = Arc::new(Mutex::new(known));
        let (publish, published) = watch::channel(Published::of(&active, &known));
        let (requests, waiting) = mpsc::channel(QUEUE);
        let (failed, failure) = oneshot::channel();
        let writer = Writer::new(active, Arc::clone(&known), publish);
        std::thread::Builder::new()
            .name("agent-log".to_owned())
            .spawn(move || {
                if let Err(error) = writer.run(waiting) {
                    // Nobody listening means that the agent is ending anyway.
                    let _ = failed.send(error);
                }
            })
            .map_err(|source| LogError::Io {
                context: "starting the log's thread".to_owned(),
                source,
            })?;
        let log = Self {
            requests,
            published,
            known,
            folder: folder.into(),
        };
        Ok((log, failure))
    }

    /// Makes these entries durable, all or none of them, and answers when they are.
    ///
    /// # Errors
    ///
    /// When the log can no longer be written.
    pub async fn facts(&self, entries: Vec<Entry>) -> Result<(), LogError> {
        let (done, answer) = oneshot::channel();
        let request = Request {
            entries,
            done: Some(done),
        };
        self.requests
            .send(request)
            .await
            .map_err(|_| LogError::Closed)?;
        answer.await.map_err(|_| LogError::Closed)
    }

    /// Appends output, or what else may be lost when the host crashes, without waiting for the disk.
    ///
    /// # Errors
    ///
    /// When the log can no longer be written.
    pub async fn passing(&self, entries: Vec<Entry>) -> Result<(), LogError> {
        let request = Request {
            entries,
            done: None,
        };
        self.requests
            .send(request)
            .await
            .map_err(|_| LogError::Closed)
    }

    /// What the log says.
    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the messages after a sequence number, then goes on with new ones as they come.
    ///
    /// # Errors
    ///
    /// When the log's files cannot be read.
    pub fn follow(&self, after: u64) -> Result<Follower, LogError> {
        Follower::open(&self.folder, after, self.published.clone())
    }
}

#[cfg(test)]
mod tests;
