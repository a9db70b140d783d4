//! Reading zip.
//!
//! A zip archive says nearly everything twice, before a file's bytes and again in the directory at the end, and readers
//! differ in what they believe. Here both must agree, and the parts must fill the file from its first byte to its last
//! without a gap and without sharing a byte. No library shows both sides, so the records are read here; they are few.

mod directory;
mod fields;
mod local;
mod record;
mod time;

use std::fs::File;
use std::io::{self, BufReader, Read};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use self::record::{Method, Record};
use super::check::Visit;
use super::data::{Data, Piece, drain};
use super::error::ArchiveError;
use super::format::Window;
use super::limits::Limits;
use super::member::{Kind, Member};
use super::name;

/// Reads every entry of the directory, and compares it with what stands before the entry's bytes.
pub(super) fn read(
    file: &File,
    size: u64,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), ArchiveError> {
    let directory = directory::find(file, size)?;
    let records = directory::records(file, &directory, limits)?;
    let begins = local::check(file, &records, directory.begin)?;
    for (record, begin) in records.iter().zip(begins) {
        entry(file, record, begin, limits, visit)?;
    }
    Ok(())
}

fn entry(
    file: &File,
    record: &Record,
    begin: u64,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), ArchiveError> {
    let refuse = |problem: String| ArchiveError::entry(&record.name, problem);
    let path = name::path(&record.path, limits).map_err(refuse)?;
    let mut bytes = Unpacked::new(file, record, begin);
    let kind = match record.kind().map_err(refuse)? {
        record::Kind::Folder => Kind::Folder,
        record::Kind::File => Kind::File { size: record.size },
        record::Kind::Symlink => {
            let mut target = Vec::new();
            let most = limits.path as u64;
            let mut beginning = (&mut bytes).take(most);
            beginning
                .read_to_end(&mut target)
                .map_err(ArchiveError::io("reading the bundle"))?;
            let target = name::target(&target, limits).map_err(refuse)?;
            Kind::Symlink { target }
        }
    };
    if path.as_os_str().is_empty() {
        if kind != Kind::Folder {
            return Err(refuse(
                "has the name of the root and is no folder".to_owned(),
            ));
        }
    } else {
        let whole = [Piece {
            offset: 0,
            length: record.size,
        }];
        let member = Member {
            path,
            kind,
            attributes: record.attributes(),
        };
        visit(member, &mut Data::new(&mut bytes, &whole, record.size))?;
    }
    drain(&mut bytes).map_err(ArchiveError::io("reading the bundle"))?;
    Ok(())
}

/// An entry's bytes as they were before they were packed. The end comes only when size and checksum are right, and when
/// all that is stored was needed.
struct Unpacked<'a> {
    record: &'a Record,
    source: Source<'a>,
    crc: Crc,
    read: u64,
}

enum Source<'a> {
    Stored(BufReader<Window<'a>>),
    Deflated(DeflateDecoder<BufReader<Window<'a>>>),
}

impl<'a> Unpacked<'a> {
    fn new(file: &'a File, record: &'a Record, begin: u64) -> Self {
        let window = Window::new(file, begin, begin + record.compressed);
        let capacity =
            usize::try_from(record.compressed).map_or(CHUNK, |size| size.clamp(1, CHUNK));
        let reader = BufReader::with_capacity(capacity, window);
        Self {
            record,
            source: match record.method {
                Method::Stored => Source::Stored(reader),
                Method::Deflated => Source::Deflated(DeflateDecoder::new(reader)),
            },
            crc: Crc::new(),
            read: 0,
        }
    }

    fn refuse(&self, problem: impl Into<String>) -> io::Error {
        ArchiveError::entry(&self.record.name, problem).into()
    }

    fn end(&self) -> io::Result<()> {
        let needed = match &self.source {
            Source::Stored(_) => self.read,
            Source::Deflated(decoder) => decoder.total_in(),
        };
        if self.read != self.record.size || needed != self.record.compressed {
            return Err(self.refuse("has another size than the archive says"));
        }
        if self.crc.sum() != self.record.crc {
            return Err(self.refuse("is damaged: its checksum is wrong"));
        }
        Ok(())
    }
}

/// Read from the file so much at once.
const CHUNK: usize = 64 * 1024;

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let length = match &mut self.source {
            Source::Stored(reader) => reader.read(buffer),
            Source::Deflated(decoder) => decoder.read(buffer),
        };
        let length = match length {
            Err(error) if is_damage(&error) => {
                return Err(self.refuse(format!("is damaged: {error}")));
            }
            length => length?,
        };
        self.crc.update(&buffer[..length]);
        self.read += length as u64;
        if self.read > self.record.size {
            return Err(self.refuse("has another size than the archive says"));
        }
        if length == 0 {
            self.end()?;
        }
        Ok(length)
    }
}

fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof
    )
}
