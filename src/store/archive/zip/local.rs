//! What stands before and after an entry's bytes, compared with the directory.

use std::fs::File;

use super::super::error::ArchiveError;
use super::fields::{Fields, extra, read_at};
use super::record::{DESCRIPTOR, ENCRYPTED, Record, UTF8, ZIP64};

const SIGNATURE: &[u8] = b"PK\x03\x04";
const SIZE: usize = 30;
const DESCRIPTOR_SIGNATURE: &[u8] = b"PK\x07\x08";

/// Compares every entry with its record, and answers where the entries' bytes begin. The entries must fill the archive
/// up to the directory: what no record knows could be another file to another reader, and what two records share lets
/// a small archive become a large one.
pub(super) fn check(
    file: &File,
    records: &[Record],
    directory: u64,
) -> Result<Vec<u64>, ArchiveError> {
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_by_key(|index| records[*index].begin);
    let mut begins = vec![0; records.len()];
    let mut next = 0;
    for (position, index) in order.iter().enumerate() {
        let record = &records[*index];
        if record.begin != next {
            return Err(ArchiveError::entry(
                &record.name,
                "does not begin where the one before it ends: entries overlap, or something is hidden between them",
            ));
        }
        next = match order.get(position + 1) {
            Some(following) => records[*following].begin,
            None => directory,
        };
        begins[*index] = one(file, record, next).map_err(|error| match error {
            Problem::Entry(problem) => ArchiveError::entry(&record.name, problem),
            Problem::Read(error) => error,
        })?;
    }
    if records.is_empty() && directory != 0 {
        return Err(ArchiveError::archive(
            "has something in it that its directory does not know",
        ));
    }
    Ok(begins)
}

enum Problem {
    Entry(String),
    Read(ArchiveError),
}

impl From<ArchiveError> for Problem {
    fn from(error: ArchiveError) -> Self {
        Self::Read(error)
    }
}

impl From<&str> for Problem {
    fn from(problem: &str) -> Self {
        Self::Entry(problem.to_owned())
    }
}

/// Compares an entry that ends at `end`, and answers where its bytes begin.
fn one(file: &File, record: &Record, end: u64) -> Result<u64, Problem> {
    let head = read_at(file, record.begin, SIZE)?;
    let mut fields = Fields(&head);
    let local = Local::read(&mut fields).ok_or("is cut off")?;
    if !head.starts_with(SIGNATURE) {
        return Err("is not where the directory says".into());
    }
    let flags = ENCRYPTED | DESCRIPTOR;
    if local.method != record.method.number() || local.flags & flags != record.flags & flags {
        return Err("is packed in another way than the directory says".into());
    }
    let names = read_at(file, record.begin + SIZE as u64, local.name + local.extra)?;
    let (name, extras) = names.split_at(local.name);
    if name != record.name {
        return Err("has another name than in the directory".into());
    }
    let utf8 = local.flags & UTF8 != 0;
    if utf8 && std::str::from_utf8(name).is_err() {
        return Err("has a name that is not UTF-8, as it is said to be".into());
    }
    let begin = record.begin + (SIZE + local.name + local.extra) as u64;
    let after = begin
        .checked_add(record.compressed)
        .and_then(|after| end.checked_sub(after));
    let after = after.ok_or("overlaps with what follows it")?;
    let wide = extra(extras, ZIP64).map_err(Problem::Entry)?;
    let sizes = local.sizes(wide).ok_or("has no sizes")?;
    let said = (local.crc, sizes.0, sizes.1);
    let truth = (record.crc, record.size, record.compressed);
    let descriptor = record.flags & DESCRIPTOR != 0;
    // What is not known before the bytes is 0 there, and follows them.
    let not_yet = descriptor && after > 0;
    let part = |said: u64, truth: u64| said == truth || (not_yet && said == 0);
    if !(part(said.0.into(), truth.0.into()) && part(said.1, truth.1) && part(said.2, truth.2)) {
        return Err("has another size or checksum than in the directory".into());
    }
    if after > 0 {
        if !descriptor {
            return Err("is followed by something that no record knows".into());
        }
        let bytes = match usize::try_from(after) {
            Ok(length @ (12 | 16 | 20 | 24)) => read_at(file, end - after, length)?,
            _ => return Err("is followed by something that no record knows".into()),
        };
        if described(&bytes) != Some(truth) {
            return Err("has another size or checksum behind it than in the directory".into());
        }
    }
    Ok(begin)
}

/// The numbers before an entry's bytes.
struct Local {
    flags: u16,
    method: u16,
    crc: u32,
    compressed: u32,
    size: u32,
    name: usize,
    extra: usize,
}

impl Local {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.bytes(6)?;
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.bytes(4)?;
        Some(Self {
            flags,
            method,
            crc: fields.u32()?,
            compressed: fields.u32()?,
            size: fields.u32()?,
            name: fields.u16()?.into(),
            extra: fields.u16()?.into(),
        })
    }

    /// Size and packed size.
    fn sizes(&self, wide: Option<&[u8]>) -> Option<(u64, u64)> {
        let mut wide = Fields(wide.unwrap_or_default());
        let mut widen = |narrow: u32| match narrow {
            u32::MAX => wide.u64(),
            narrow => Some(narrow.into()),
        };
        Some((widen(self.size)?, widen(self.compressed)?))
    }
}

/// Checksum, size and packed size from behind an entry's bytes, in one of the four ways in which they are written.
fn described(bytes: &[u8]) -> Option<(u32, u64, u64)> {
    let mut fields = Fields(bytes);
    if matches!(bytes.len(), 16 | 24) && fields.bytes(4)? != DESCRIPTOR_SIGNATURE {
        return None;
    }
    let crc = fields.u32()?;
    let (compressed, size) = if fields.0.len() == 16 {
        (fields.u64()?, fields.u64()?)
    } else {
        (fields.u32()?.into(), fields.u32()?.into())
    };
    Some((crc, size, compressed))
}
