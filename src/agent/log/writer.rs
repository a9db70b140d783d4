//! The thread that owns the log's file. It writes what is waiting as one batch, so that many facts share one sync.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};

use super::known::Known;
use super::record::Record;
use super::segment::{self, Active};
use super::{Entry, LogError};
use crate::agent::protocol::Message;
use crate::clock;

/// At most so many requests share a batch.
const BATCH: usize = 256;

/// A place in a segment is remembered about every so many bytes.
const MARK_EVERY: u64 = 256 * 1024;

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
    boot: String,
}

impl Writer {
    pub(super) fn new(
        active: Active,
        known: Arc<Mutex<Known>>,
        publish: watch::Sender<Published>,
        boot: String,
    ) -> Self {
        Self {
            active,
            known,
            publish,
            boot,
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
            self.write(batch)?;
        }
        self.active.sync()
    }

    fn write(&mut self, batch: Vec<Request>) -> Result<(), LogError> {
        let mut seq = self.lock().seq;
        let mut bytes = Vec::new();
        let mut records = Vec::new();
        let mut waiting = Vec::new();
        for request in batch {
            for entry in request.entries {
                let record = number(entry, &mut seq);
                bytes.extend(segment::line(&record)?);
                records.push(record);
            }
            waiting.extend(request.done);
        }
        self.active.write(&bytes)?;
        if !waiting.is_empty() {
            self.active.sync()?;
        }
        self.take_in(records)?;
        for done in waiting {
            // Whoever asked may have gone; the fact stands.
            let _ = done.send(());
        }
        Ok(())
    }

    /// What is written counts: it is folded and shown to readers.
    fn take_in(&mut self, records: Vec<Record>) -> Result<(), LogError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            known.fold(record);
        }
        let rotated = self.active.is_full();
        if rotated {
            known.boot.clone_from(&self.boot);
            self.active.rotate(&mut known)?;
        }
        let seq = known.seq;
        drop(known);
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

fn number(entry: Entry, seq: &mut u64) -> Record {
    match entry {
        Entry::Note(execution, note) => Record::Note { execution, note },
        Entry::Message(execution, what) => {
            *seq += 1;
            Record::Message(Message {
                seq: *seq,
                at: clock::now(),
                execution,
                what,
            })
        }
    }
}
