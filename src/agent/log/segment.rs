//! The log's files: opening them after whatever happened, and replacing a full one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};

use super::LogError;
use crate::agent::core::{Head, Known, Record};
use crate::clock;
use crate::store::files::sync_dir;

/// So much room behind the end is the log's already, so that facts can still be told when the disk is full.
const RESERVE: u64 = 256 * 1024;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A segment with more bytes than this is full.
    pub segment: u64,
    /// So many segments are kept.
    pub segments: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            segment: 64 * 1024 * 1024,
            segments: 4,
        }
    }
}

/// The segment that is being written.
#[derive(Debug)]
pub(super) struct Active {
    pub folder: PathBuf,
    pub number: u64,
    pub file: File,
    pub length: u64,
    /// Up to where the disk has promised room.
    pub reserved: u64,
    pub limits: Limits,
}

pub(super) fn io_error(what: &str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
    let context = format!("{what} {}", path.display());
    move |source| LogError::Io { context, source }
}

pub(super) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:012}.jsonl"))
}

/// The numbers of the segments in a folder, in order.
pub(super) fn segments(folder: &Path) -> Result<Vec<u64>, LogError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error("reading", folder))? {
        let name = entry.map_err(io_error("reading", folder))?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_suffix(".jsonl")?.parse::<u64>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Opens the newest segment and folds it, or makes the first one.
pub(super) fn open(folder: &Path, boot: &str, limits: Limits) -> Result<(Active, Known), LogError> {
    let Some(number) = segments(folder)?.pop() else {
        let mut known = Known::new(clock::unique(), boot);
        let active = create(folder, 1, known.head(), limits)?;
        return Ok((active, known));
    };
    let path = segment_path(folder, number);
    let bytes = fs::read(&path).map_err(io_error("reading", &path))?;
    let mut known = Known::default();
    let length = replay(&bytes, &path, &mut known)?;
    let file = OpenOptions::new()
        .write(true)
        .open(&path)
        .map_err(io_error("opening", &path))?;
    file.set_len(length).map_err(io_error("cutting", &path))?;
    let mut active = Active {
        folder: folder.to_owned(),
        number,
        file,
        length,
        reserved: 0,
        limits,
    };
    if let Some(record) = known.restarted(boot) {
        active.write(&line(&record)?)?;
        active.sync()?;
    }
    Ok((active, known))
}

/// Folds a segment's lines, and answers how many of its bytes are good.
///
/// Whatever precedes a fact is on the disk when the fact is. So a line that cannot be read, with nothing but output
/// after it, was being written when the agent or the host stopped: it and the rest never counted.
fn replay(bytes: &[u8], path: &Path, known: &mut Known) -> Result<u64, LogError> {
    let mut good = 0;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
    while let Some((index, line)) = lines.next() {
        let whole = line.ends_with(b"\n");
        match serde_json::from_slice::<Record>(line) {
            Ok(record) if whole => {
                known.fold(&record);
                good += line.len() as u64;
            }
            Err(source) if index == 0 || lines.any(|(_, line)| is_fact(line)) => {
                return Err(LogError::Damaged {
                    path: path.display().to_string(),
                    line: index + 1,
                    source,
                });
            }
            Ok(_) | Err(_) => break,
        }
    }
    Ok(good)
}

fn is_fact(line: &[u8]) -> bool {
    line.ends_with(b"\n")
        && serde_json::from_slice::<Record>(line).is_ok_and(|record| !record.is_passing())
}

/// Makes a new segment whose first line says everything that is known. It appears whole or not at all.
pub(super) fn create(
    folder: &Path,
    number: u64,
    head: Head,
    limits: Limits,
) -> Result<Active, LogError> {
    let path = segment_path(folder, number);
    let unfinished = path.with_extension("new");
    let head = line(&Record::Head(Box::new(head)))?;
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(io_error("making", &unfinished))?;
    file.write_all(&head)
        .and_then(|()| file.sync_all())
        .map_err(io_error("making", &path))?;
    crate::crash_point::here!("agent-log.before-name");
    fs::rename(&unfinished, &path)
        .and_then(|()| sync_dir(folder))
        .map_err(io_error("making", &path))?;
    Ok(Active {
        folder: folder.to_owned(),
        number,
        file,
        length: head.len() as u64,
        reserved: 0,
        limits,
    })
}

/// One line of the log.
pub(super) fn line(record: &Record) -> Result<Vec<u8>, LogError> {
    let mut bytes = serde_json::to_vec(record).map_err(|error| LogError::Io {
        context: "writing a line of the log".to_owned(),
        source: error.into(),
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

impl Active {
    pub(super) fn path(&self) -> PathBuf {
        segment_path(&self.folder, self.number)
    }

    /// Appends all of this or nothing.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        if let Err(error) = self.file.write_all_at(bytes, self.length) {
            // This gives the promised room back as well; there was too little of it.
            self.file
                .set_len(self.length)
                .map_err(io_error("cutting", &self.path()))?;
            self.reserved = 0;
            return Err(io_error("writing", &self.path())(error));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Sees to it that the disk has room for so much, and for more facts after it; false if it is so full that output
    /// must not take any.
    pub(super) fn make_room(&mut self, bytes: u64) -> bool {
        if self.length + bytes + RESERVE / 2 <= self.reserved {
            return true;
        }
        let kept = FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let room = bytes + RESERVE;
        let answer = fallocate(
            &self.file,
            kept,
            self.length.cast_signed(),
            room.cast_signed(),
        );
        match answer {
            Ok(()) => {
                self.reserved = self.length + room;
                true
            }
            // Some file systems make no promises.
            Err(error) => !matches!(error, Errno::ENOSPC | Errno::EDQUOT | Errno::EROFS),
        }
    }

    pub(super) fn sync(&self) -> Result<(), LogError> {
        self.file
            .sync_data()
            .map_err(io_error("syncing", &self.path()))
    }

    pub(super) fn is_full(&self) -> bool {
        self.length > self.limits.segment
    }

    /// Goes on in a new segment and removes the oldest.
    pub(super) fn rotate(&mut self, head: Head) -> Result<(), LogError> {
        crate::crash_point::here!("agent-log.before-rotation");
        // The head stands for all that came before, output included.
        self.sync()?;
        *self = create(&self.folder, self.number + 1, head, self.limits)?;
        crate::crash_point::here!("agent-log.after-rotation");
        let numbers = segments(&self.folder)?;
        let surplus = numbers.len().saturating_sub(self.limits.segments);
        for number in &numbers[..surplus] {
            let path = segment_path(&self.folder, *number);
            fs::remove_file(&path).map_err(io_error("removing", &path))?;
        }
        Ok(())
    }
}
