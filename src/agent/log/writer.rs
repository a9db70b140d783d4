//! The thread that owns the log's file. It writes what is waiting as one batch, so that many facts share one sync.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::LogError;
use super::segment::{self, Active};
use crate::agent::core::{Entry, Known, Record};
use crate::clock;

/// At most so many requests share a batch.
const BATCH: usize = 256;

/// A place in a segment is remembered about every so many bytes.
const MARK_EVERY: u64 = 256 * 1024;

/// How often a full disk is tried again.
const FULL: Duration = Duration::from_millis(500);

/// Entries to be appended.
#[derive(Debug)]
pub(super) struct Request {
    pub entries: Vec<Entry>,
    /// Who waits until they are durable.
    pub done: Option<oneshot::Sender<()>>,
}

/// How far readers may read.
#[derive(Clone, Debug)]
pub(super) struct Published {
    /// The segment being written.
    pub segment: u64,
    /// How many of its bytes count.
    pub length: u64,
    /// Places in it where a line begins, with the sequence number of the newest message before.
    pub marks: Arc<Vec<(u64, u64)>>,
}

impl Published {
    pub(super) fn of(active: &Active, known: &Mutex<Known>) -> Self {
        let seq = known.lock().unwrap_or_else(PoisonError::into_inner).seq;
        Self {
            segment: active.number,
            length: active.length,
            marks: Arc::new(vec![(seq, active.length)]),
        }
    }
}

pub(super) struct Writer {
    active: Active,
    known: Arc<Mutex<Known>>,
    publish: watch::Sender<Published>,
    /// So many lines of output were left out since the disk was full.
    lost: usize,
}

impl Writer {
    pub(super) fn new(
        active: Active,
        known: Arc<Mutex<Known>>,
        publish: watch::Sender<Published>,
    ) -> Self {
        Self {
            active,
            known,
            publish,
            lost: 0,
        }
    }

    /// Writes until nobody can ask for more.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) -> Result<(), LogError> {
        while let Some(first) = requests.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(next) = requests.try_recv()
            {
                batch.push(next);
            }
            self.write(batch, &requests)?;
        }
        self.active.sync()
    }

    fn write(
        &mut self,
        batch: Vec<Request>,
        requests: &mpsc::Receiver<Request>,
    ) -> Result<(), LogError> {
        let before = self.lock().seq;
        let mut waiting = Vec::new();
        let mut seq = before;
        let mut records = Vec::new();
        for request in batch {
            let entries = request.entries.into_iter();
            records.extend(entries.map(|entry| entry.numbered(&mut seq, clock::now())));
            waiting.extend(request.done);
        }
        let mut bytes = encode(&records)?;
        if !self.active.make_room(bytes.len() as u64) {
            // The room that is left is for facts. They are numbered as if there had been no output.
            let all = records.len();
            records.retain(|record| !record.is_output());
            self.lost += all - records.len();
            renumber(&mut records, before);
            bytes = encode(&records)?;
        } else if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            tracing::warn!(
                lost,
                "the disk was full: so many lines of output were not sent on"
            );
        }
        crate::crash_point::here!("agent-log.before-write");
        let mut told = false;
        while let Err(error) = self.active.write(&bytes) {
            if !error.may_pass() || requests.is_closed() {
                return Err(error);
            }
            if !std::mem::replace(&mut told, true) {
                tracing::error!(%error, "nothing goes on until there is room on the disk");
            }
            // Nobody tells when a disk has room again.
            std::thread::park_timeout(FULL);
        }
        crate::crash_point::here!("agent-log.before-sync");
        if !waiting.is_empty() {
            self.active.sync()?;
        }
        crate::crash_point::here!("agent-log.after-sync");
        self.take_in(&records)?;
        crate::crash_point::here!("agent-log.before-answer");
        for done in waiting {
            // Whoever asked may have gone; the fact stands.
            let _ = done.send(());
        }
        Ok(())
    }

    /// What is written counts: it is folded and shown to readers.
    fn take_in(&mut self, records: &[Record]) -> Result<(), LogError> {
        let is_full = self.active.is_full();
        let (seq, head) = {
            let mut known = self.lock();
            for record in records {
                known.fold(record);
            }
            (known.seq, is_full.then(|| known.head()))
        };
        let mut rotated = false;
        // Nobody who asks what is known waits for this.
        if let Some(head) = head {
            match self.active.rotate(head) {
                // The old one goes on until there is room for a new one.
                Err(error) if error.may_pass() => {}
                result => {
                    result?;
                    rotated = true;
                }
            }
        }
        let (number, length) = (self.active.number, self.active.length);
        self.publish.send_modify(|published| {
            published.segment = number;
            published.length = length;
            if rotated {
                published.marks = Arc::new(Vec::new());
            }
            let last = published.marks.last().map_or(0, |(_, offset)| *offset);
            if length >= last + MARK_EVERY {
                Arc::make_mut(&mut published.marks).push((seq, length));
            }
        });
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encode(records: &[Record]) -> Result<Vec<u8>, LogError> {
    let mut bytes = Vec::new();
    for record in records {
        bytes.extend(segment::line(record)?);
    }
    Ok(bytes)
}

fn renumber(records: &mut [Record], before: u64) {
    let messages = records.iter_mut().filter_map(|record| match record {
        Record::Message(message) => Some(message),
        _ => None,
    });
    for (message, seq) in messages.zip(before + 1..) {
        message.seq = seq;
    }
}
