//! The directory at the end of a zip archive.

use std::fs::File;
use std::io::{BufReader, Read};

use super::super::error::ArchiveError;
use super::super::format::Window;
use super::super::limits::{Exceeded, Limits};
use super::fields::{Fields, read_at};
use super::record::Record;

const END: &[u8] = b"PK\x05\x06";
const END_SIZE: u64 = 22;
const END64: &[u8] = b"PK\x06\x06";
const END64_SIZE: u64 = 56;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_SIZE: u64 = 20;
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_SIZE: usize = 46;
const LONGEST_COMMENT: u64 = 0xffff;

/// Where the directory lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub begin: u64,
    pub end: u64,
    pub count: u64,
}

/// Finds the directory by the archive's last record, which must end where the file ends.
pub(super) fn find(file: &File, size: u64) -> Result<Directory, ArchiveError> {
    let tail = size.min(END_SIZE + LONGEST_COMMENT);
    let from = size - tail;
    let tail = read_at(file, from, usize::try_from(tail).unwrap_or(0))?;
    let mut ends = tail
        .windows(END.len())
        .enumerate()
        .filter(|(_, bytes)| *bytes == END);
    let found = ends.rfind(|(at, _)| {
        let length = tail
            .get(at + 20..at + 22)
            .map(|length| Fields(length).u16());
        length
            .flatten()
            .is_some_and(|length| at + 22 + usize::from(length) == tail.len())
    });
    let Some((at, _)) = found else {
        return Err(ArchiveError::archive(
            "is cut off, or something was appended: a zip archive ends with its end record",
        ));
    };
    if tail[at + 22..].windows(3).any(begins_record) {
        return Err(ArchiveError::archive(
            "may be two archives: its comment holds zip records",
        ));
    }
    let at = from + at as u64;
    let plain = plain_end(&tail[tail.len() - usize::try_from(size - at).unwrap_or(0)..])?;
    let (directory, records_end) = match wide_end(file, at)? {
        Some((wide, begin)) => (plain.widened(&wide)?, begin),
        None if plain.is_narrow() => {
            return Err(ArchiveError::archive(
                "needs a zip64 end record and has none",
            ));
        }
        None => (plain.directory(), at),
    };
    if directory.end != records_end || directory.begin > directory.end {
        return Err(ArchiveError::archive(
            "has a directory that is not where its end record says, or something before the archive",
        ));
    }
    Ok(directory)
}

/// Whether a record may begin with these bytes. In the words of a comment, PK is followed by a letter or a blank.
fn begins_record(bytes: &[u8]) -> bool {
    matches!(bytes, [b'P', b'K', 1..=8])
}

/// The end record's own numbers.
struct End {
    count: u64,
    size: u64,
    begin: u64,
}

fn plain_end(bytes: &[u8]) -> Result<End, ArchiveError> {
    let mut fields = Fields(bytes);
    let mut read = || {
        fields.bytes(4)?;
        let disks = (fields.u16()?, fields.u16()?);
        let counts = (fields.u16()?, fields.u16()?);
        let end = End {
            count: counts.0.into(),
            size: fields.u32()?.into(),
            begin: fields.u32()?.into(),
        };
        (disks == (0, 0) && counts.0 == counts.1).then_some(end)
    };
    read().ok_or_else(|| ArchiveError::archive("is a part of a split archive"))
}

impl End {
    /// Whether a number does not fit the plain record.
    fn is_narrow(&self) -> bool {
        self.count == 0xffff || self.size == 0xffff_ffff || self.begin == 0xffff_ffff
    }

    fn directory(&self) -> Directory {
        Directory {
            begin: self.begin,
            end: self.begin.saturating_add(self.size),
            count: self.count,
        }
    }

    /// The wide record's numbers, if the plain one does not say otherwise.
    fn widened(&self, wide: &Self) -> Result<Directory, ArchiveError> {
        let agree = |plain: u64, wide: u64, highest: u64| plain == wide || plain == highest;
        if agree(self.count, wide.count, 0xffff)
            && agree(self.size, wide.size, 0xffff_ffff)
            && agree(self.begin, wide.begin, 0xffff_ffff)
        {
            return Ok(wide.directory());
        }
        Err(ArchiveError::archive("has two end records that disagree"))
    }
}

/// The zip64 end record before the plain one at `at`, and where it begins.
fn wide_end(file: &File, at: u64) -> Result<Option<(End, u64)>, ArchiveError> {
    let Some(locator_at) = at.checked_sub(LOCATOR_SIZE) else {
        return Ok(None);
    };
    let locator = read_at(file, locator_at, 20)?;
    if !locator.starts_with(LOCATOR) {
        return Ok(None);
    }
    let wrong = || ArchiveError::archive("has a zip64 end record that is not as it should be");
    let mut fields = Fields(&locator[4..]);
    let mut place = || Some((fields.u32()?, fields.u64()?, fields.u32()?));
    let (disk, begin, disks) = place().ok_or_else(wrong)?;
    if disk != 0 || disks > 1 || begin.checked_add(END64_SIZE) != Some(locator_at) {
        return Err(wrong());
    }
    let record = read_at(file, begin, 56)?;
    let mut fields = Fields(&record);
    let mut read = || {
        let signature = fields.bytes(4)? == END64;
        let size = fields.u64()? == END64_SIZE - 12;
        fields.bytes(4)?;
        let disks = (fields.u32()?, fields.u32()?);
        let counts = (fields.u64()?, fields.u64()?);
        let end = End {
            count: counts.0,
            size: fields.u64()?,
            begin: fields.u64()?,
        };
        (signature && size && disks == (0, 0) && counts.0 == counts.1).then_some(end)
    };
    Ok(Some((read().ok_or_else(wrong)?, begin)))
}

/// Reads the directory's entries.
pub(super) fn records(
    file: &File,
    directory: &Directory,
    limits: &Limits,
) -> Result<Vec<Record>, ArchiveError> {
    if directory.count > limits.entries as u64 {
        return Err(Exceeded::Entries(limits.entries).into());
    }
    let mut stream = Directed(BufReader::new(Window::new(
        file,
        directory.begin,
        directory.end,
    )));
    let mut records = Vec::new();
    let mut names = 0;
    for _ in 0..directory.count {
        let head = stream.take(ENTRY_SIZE)?;
        if !head.starts_with(ENTRY) {
            return Err(ArchiveError::archive(
                "has a directory with something else than entries",
            ));
        }
        let mut lengths = Fields(&head[28..34]);
        let mut length = || usize::from(lengths.u16().unwrap_or(0));
        let (name, extra, comment) = (length(), length(), length());
        let (name, extra) = (stream.take(name)?, stream.take(extra)?);
        stream.take(comment)?;
        names += name.len();
        if names > limits.names {
            return Err(Exceeded::Names(limits.names).into());
        }
        records.push(Record::read(&head[4..], name, &extra)?);
    }
    let mut one_more = [0];
    match stream
        .0
        .read(&mut one_more)
        .map_err(ArchiveError::io("reading the bundle"))?
    {
        0 => Ok(records),
        _ => Err(ArchiveError::archive(
            "has more in its directory than its end record says",
        )),
    }
}

struct Directed<'a>(BufReader<Window<'a>>);

impl Directed<'_> {
    fn take(&mut self, length: usize) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = vec![0; length];
        self.0
            .read_exact(&mut bytes)
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => ArchiveError::archive(
                    "has fewer entries in its directory than its end record says",
                ),
                _ => ArchiveError::io("reading the bundle")(error),
            })?;
        Ok(bytes)
    }
}
