//! An entry of the directory.

use flate2::Crc;

use super::super::error::ArchiveError;
use super::super::member::{Attributes, Time};
use super::fields::{Fields, extra};
use super::time;

/// Flags of an entry.
pub(super) const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
pub(super) const DESCRIPTOR: u16 = 1 << 3;
const PATCH: u16 = 1 << 5;
pub(super) const UTF8: u16 = 1 << 11;

/// The newest version of the format that there is, 6.3.
const NEWEST: u8 = 63;

/// Extra fields.
pub(super) const ZIP64: u16 = 0x0001;
const TIMES: u16 = 0x5455;
const UNICODE_NAME: u16 = 0x7075;

/// Who made an entry, where it matters.
const FAT: u8 = 0;
const UNIX: [u8; 2] = [3, 19];

/// The kind of a file in a Unix mode.
const KIND: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

/// An entry of the directory.
#[derive(Debug)]
pub(super) struct Record {
    /// As it is stored.
    pub name: Vec<u8>,
    /// What it means: with slashes, in UTF-8 where that is said.
    pub path: Vec<u8>,
    pub flags: u16,
    pub method: Method,
    pub crc: u32,
    pub compressed: u64,
    pub size: u64,
    /// Where the entry itself begins.
    pub begin: u64,
    host: u8,
    external: u32,
    modified: Time,
}

/// How the bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File,
    Symlink,
}

impl Method {
    pub fn number(self) -> u16 {
        match self {
            Self::Stored => 0,
            Self::Deflated => 8,
        }
    }

    fn of(number: u16) -> Result<Self, String> {
        let name = match number {
            0 => return Ok(Self::Stored),
            8 => return Ok(Self::Deflated),
            1..=6 => "an old method of PKZIP",
            9 => "deflate64",
            12 => "bzip2",
            14 => "lzma",
            93 => "zstd",
            95 => "xz",
            99 => "encryption",
            _ => "an unknown method",
        };
        Err(format!(
            "is packed with {name} (method {number}); only deflate and no compression are read"
        ))
    }
}

impl Record {
    /// Reads an entry: what follows its signature, its name and its extra fields.
    pub fn read(head: &[u8], name: Vec<u8>, extras: &[u8]) -> Result<Self, ArchiveError> {
        let mut head = Fields(head);
        let read = Numbers::read(&mut head);
        let refuse = |problem: String| ArchiveError::entry(&name, problem);
        let numbers = read.ok_or_else(|| refuse("is cut off".to_owned()))?;
        if numbers.flags & ENCRYPTED != 0 {
            return Err(refuse("is encrypted".to_owned()));
        }
        let [version, _] = numbers.needs.to_le_bytes();
        if version > NEWEST {
            return Err(refuse(
                "needs a newer version of zip than there is".to_owned(),
            ));
        }
        if numbers.flags & PATCH != 0 {
            return Err(refuse("is a patch".to_owned()));
        }
        let method = Method::of(numbers.method).map_err(refuse)?;
        let (size, compressed, begin) = numbers.widened(extras).map_err(refuse)?;
        let [_, host] = numbers.made_by.to_le_bytes();
        let path = path(&name, extras, numbers.flags, host).map_err(refuse)?;
        let times = extra(extras, TIMES).map_err(refuse)?;
        Ok(Self {
            path,
            flags: numbers.flags,
            method,
            crc: numbers.crc,
            compressed,
            size,
            begin,
            host,
            external: numbers.external,
            modified: times
                .and_then(time::extended)
                .unwrap_or_else(|| time::dos(numbers.date, numbers.time)),
            name,
        })
    }

    /// What the entry is.
    ///
    /// # Errors
    ///
    /// When it is none of what a revision may hold, or contradicts itself.
    pub fn kind(&self) -> Result<Kind, String> {
        let kind = self.unix_mode().unwrap_or(0) & KIND;
        if self.path.ends_with(b"/") {
            return match kind {
                SYMLINK => Err("is a symbolic link with the name of a folder".to_owned()),
                _ if self.size > 0 => Err("is a folder and has a size".to_owned()),
                _ => Ok(Kind::Folder),
            };
        }
        match kind {
            0 | FILE => Ok(Kind::File),
            SYMLINK => Ok(Kind::Symlink),
            FOLDER => Err("is a folder with the name of a file".to_owned()),
            _ => Err("is neither a file, nor a folder, nor a symbolic link".to_owned()),
        }
    }

    /// What `unzip` makes of it: the permissions that are stored, without set-user-id and its like; and where none are
    /// stored, the usual ones.
    pub fn attributes(&self) -> Attributes {
        let folder = self.path.ends_with(b"/");
        let read_only = self.external & 1 != 0 && !folder;
        let usual = match (folder, read_only) {
            (true, _) => 0o755,
            (false, true) => 0o444,
            (false, false) => 0o644,
        };
        let high = self.external >> 16;
        let mode = match self.unix_mode() {
            Some(mode) => mode,
            // Some tools store permissions and call themselves FAT. They are believed where they fit FAT's own.
            None if high & 0o700 == usual & 0o700 => high,
            None => usual,
        };
        Attributes {
            mode: mode & 0o777,
            owner: None,
            modified: self.modified,
        }
    }

    /// The mode, if the entry was made where there are modes.
    fn unix_mode(&self) -> Option<u32> {
        let mode = self.external >> 16;
        (UNIX.contains(&self.host) && mode != 0).then_some(mode)
    }
}

/// The numbers of an entry as they stand there.
struct Numbers {
    made_by: u16,
    needs: u16,
    flags: u16,
    method: u16,
    time: u16,
    date: u16,
    crc: u32,
    compressed: u32,
    size: u32,
    disk: u16,
    external: u32,
    begin: u32,
}

impl Numbers {
    fn read(head: &mut Fields<'_>) -> Option<Self> {
        let (made_by, needs) = (head.u16()?, head.u16()?);
        let (flags, method, time, date) = (head.u16()?, head.u16()?, head.u16()?, head.u16()?);
        let (crc, compressed, size) = (head.u32()?, head.u32()?, head.u32()?);
        head.bytes(6)?;
        let disk = head.u16()?;
        head.bytes(2)?;
        Some(Self {
            made_by,
            needs,
            flags,
            method,
            time,
            date,
            crc,
            compressed,
            size,
            disk,
            external: head.u32()?,
            begin: head.u32()?,
        })
    }

    /// Size, packed size and place. Those that do not fit stand in the zip64 field; others must not.
    fn widened(&self, extras: &[u8]) -> Result<(u64, u64, u64), String> {
        let wrong = || "has a zip64 field that does not fit its other numbers".to_owned();
        let mut wide = Fields(extra(extras, ZIP64)?.unwrap_or_default());
        let mut widen = |narrow: u32| match narrow {
            u32::MAX => wide.u64().ok_or_else(wrong),
            narrow => Ok(narrow.into()),
        };
        let numbers = (
            widen(self.size)?,
            widen(self.compressed)?,
            widen(self.begin)?,
        );
        let disk = match self.disk {
            u16::MAX => wide.u32().ok_or_else(wrong)?,
            disk => disk.into(),
        };
        if !wide.0.is_empty() {
            return Err(wrong());
        }
        if disk != 0 {
            return Err("lies on another part of a split archive".to_owned());
        }
        Ok(numbers)
    }
}

/// The name with slashes, in UTF-8 if that is said.
fn path(name: &[u8], extras: &[u8], flags: u16, host: u8) -> Result<Vec<u8>, String> {
    let unicode = extra(extras, UNICODE_NAME)?.and_then(|field| unicode_name(field, name));
    let mut path = unicode.unwrap_or(name).to_owned();
    if (flags & UTF8 != 0 || unicode.is_some()) && std::str::from_utf8(&path).is_err() {
        return Err("has a name that should be UTF-8 and is not".to_owned());
    }
    // A reader that does not know the second name must see the same folders.
    let parts = |name: &[u8]| name.split(|byte| *byte == b'/').count();
    if parts(&path) != parts(name) {
        return Err("has two names that disagree".to_owned());
    }
    // Old tools for Windows separate folders as Windows does.
    if host == FAT && !path.contains(&b'/') {
        for byte in path.iter_mut().filter(|byte| **byte == b'\\') {
            *byte = b'/';
        }
    }
    Ok(path)
}

/// The name in UTF-8, if it was made for the name that the entry still has.
fn unicode_name<'a>(field: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut field = Fields(field);
    let version = field.bytes(1)?;
    let made_for = field.u32()?;
    let mut crc = Crc::new();
    crc.update(name);
    (version == [1] && made_for == crc.sum()).then_some(field.0)
}
