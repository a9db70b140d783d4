//! Reading the log while it grows. Nothing polls: a reader that has seen everything sleeps until the writer has more.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use super::LogError;
use super::segment::{io_error, segment_path, segments};
use super::writer::Published;
use crate::agent::core::Record;

/// About so many bytes are read at a time.
const CHUNK: u64 = 256 * 1024;

/// The last few bytes were just written and are in memory: reading them waits for no disk, and is not worth a thread.
const RECENT: u64 = 16 * 1024;

/// How the log's notes begin.
const NOTE: &[u8] = br#"{"record":"note","#;

/// A reader of the log.
#[derive(Debug)]
pub struct Follower {
    folder: Arc<Path>,
    after: u64,
    segment: u64,
    offset: u64,
    file: Arc<File>,
    published: watch::Receiver<Published>,
}

impl Follower {
    pub(super) fn open(
        folder: &Arc<Path>,
        after: u64,
        published: watch::Receiver<Published>,
    ) -> Result<Self, LogError> {
        let newest = published.borrow().clone();
        let mut numbers = segments(folder)?;
        // A segment newer than what is published holds nothing that may be read yet.
        numbers.retain(|number| *number <= newest.segment);
        let mut chosen = None;
        for number in numbers.into_iter().rev() {
            let path = segment_path(folder, number);
            let file = match File::open(&path) {
                // The writer has just removed it, so it is older than what is kept.
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                file => file.map_err(io_error("opening", &path))?,
            };
            let first = first_seq(&file, &path)?;
            chosen = Some((number, file));
            if first <= after.saturating_add(1) {
                break;
            }
        }
        let (segment, file) = chosen.ok_or(LogError::Closed)?;
        let known_place = |(seq, offset): &(u64, u64)| (*seq <= after).then_some(*offset);
        let offset = if segment == newest.segment {
            newest.marks.iter().rev().find_map(known_place).unwrap_or(0)
        } else {
            0
        };
        Ok(Self {
            folder: Arc::clone(folder),
            after,
            segment,
            offset,
            file: Arc::new(file),
            published,
        })
    }

    /// The next messages, one a line; waits until there are any. Can be dropped while it waits, and called again.
    ///
    /// # Errors
    ///
    /// When the log cannot be read, or is closed.
    pub async fn next(&mut self) -> Result<Vec<u8>, LogError> {
        loop {
            let newest = self.published.borrow_and_update().clone();
            let limit = if self.segment == newest.segment {
                newest.length
            } else {
                let path = segment_path(&self.folder, self.segment);
                let length = self.file.metadata().map(|metadata| metadata.len());
                length.map_err(io_error("reading", &path))?
            };
            if self.offset < limit {
                let lines = self.read(limit).await?;
                if !lines.is_empty() {
                    return Ok(lines);
                }
            } else if self.segment < newest.segment {
                self.next_segment()?;
            } else {
                let changed = self.published.changed().await;
                changed.map_err(|_| LogError::Closed)?;
            }
        }
    }

    async fn read(&mut self, limit: u64) -> Result<Vec<u8>, LogError> {
        let (file, offset) = (Arc::clone(&self.file), self.offset);
        let path = segment_path(&self.folder, self.segment);
        let bytes = if limit - offset <= RECENT {
            whole_lines(&file, offset, limit)
        } else {
            let read = tokio::task::spawn_blocking(move || whole_lines(&file, offset, limit));
            read.await.map_err(io::Error::other).and_then(|bytes| bytes)
        };
        let bytes = bytes.map_err(io_error("reading", &path))?;
        self.offset += bytes.len() as u64;
        let mut lines = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            // Many lines are notes, which nobody is shown.
            if line.starts_with(NOTE) {
                continue;
            }
            let record: Record = serde_json::from_slice(line)
                .map_err(|error| io_error("reading", &path)(error.into()))?;
            if let Record::Message(message) = record
                && message.seq > self.after
            {
                self.after = message.seq;
                serde_json::to_writer(&mut lines, &message)
                    .map_err(|error| io_error("reading", &path)(error.into()))?;
                lines.push(b'\n');
            }
        }
        Ok(lines)
    }

    fn next_segment(&mut self) -> Result<(), LogError> {
        // A reader that was very slow may find that the one after its own is gone already.
        let numbers = segments(&self.folder)?;
        let next = numbers.into_iter().find(|number| *number > self.segment);
        let next = next.ok_or(LogError::Closed)?;
        let path = segment_path(&self.folder, next);
        self.file = Arc::new(File::open(&path).map_err(io_error("opening", &path))?);
        self.segment = next;
        self.offset = 0;
        Ok(())
    }
}

/// The number of the first message a segment can hold.
fn first_seq(file: &File, path: &Path) -> Result<u64, LogError> {
    let mut line = Vec::new();
    let read = BufReader::new(file).read_until(b'\n', &mut line);
    read.map_err(io_error("reading", path))?;
    match serde_json::from_slice(&line) {
        Ok(Record::Head(head)) => Ok(head.next_seq),
        Ok(_) => Ok(0),
        Err(source) => Err(LogError::Damaged {
            path: path.display().to_string(),
            line: 1,
            source,
        }),
    }
}

/// Whole lines from an offset on, about a chunk of them, at least one.
fn whole_lines(file: &File, offset: u64, limit: u64) -> io::Result<Vec<u8>> {
    let mut want = CHUNK.min(limit - offset);
    loop {
        let mut bytes = vec![0; usize::try_from(want).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, offset)?;
        if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            bytes.truncate(end + 1);
            return Ok(bytes);
        }
        if want == limit - offset {
            let message = "a line of the log has no end";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        want = (want * 2).min(limit - offset);
    }
}
