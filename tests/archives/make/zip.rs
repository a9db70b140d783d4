//! zip, byte by byte.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// An entry, with everything that it says about itself.
#[derive(Clone)]
pub struct Entry {
    pub local: Head,
    pub central: Head,
    /// What is stored.
    pub bytes: Vec<u8>,
    /// What follows the bytes.
    pub after: Vec<u8>,
    pub made_by: u16,
    pub external: u32,
    pub disk: u16,
    /// Where the directory says that it begins, if not where it does.
    pub begin: Option<u32>,
}

/// What both places say.
#[derive(Clone)]
pub struct Head {
    pub name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub compressed: u32,
    pub size: u32,
    pub extra: Vec<u8>,
}

pub fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub fn crc(data: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(data);
    crc.sum()
}

/// An extra field.
pub fn extra(id: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap();
    [&id.to_le_bytes()[..], &length.to_le_bytes(), value].concat()
}

impl Entry {
    pub fn file(name: impl AsRef<[u8]>, data: &[u8]) -> Self {
        Self::new(name.as_ref(), data, 0o100_644)
    }

    pub fn folder(name: impl AsRef<[u8]>) -> Self {
        Self::new(name.as_ref(), b"", 0o040_755)
    }

    pub fn symlink(name: impl AsRef<[u8]>, target: &str) -> Self {
        Self::new(name.as_ref(), target.as_bytes(), 0o120_777)
    }

    /// An entry that is not compressed.
    pub fn new(name: &[u8], data: &[u8], mode: u32) -> Self {
        let size = u32::try_from(data.len()).unwrap();
        let head = Head {
            name: name.to_owned(),
            flags: 0,
            method: 0,
            crc: crc(data),
            compressed: size,
            size,
            extra: Vec::new(),
        };
        Self {
            local: head.clone(),
            central: head,
            bytes: data.to_owned(),
            after: Vec::new(),
            made_by: 0x031e,
            external: mode << 16,
            disk: 0,
            begin: None,
        }
    }

    /// Compressed.
    pub fn deflated(self) -> Self {
        let bytes = deflate(&self.bytes);
        let compressed = u32::try_from(bytes.len()).unwrap();
        let mut this = self.both(|head| {
            head.method = 8;
            head.compressed = compressed;
        });
        this.bytes = bytes;
        this
    }

    /// With its numbers behind the bytes instead of before them.
    pub fn streamed(mut self) -> Self {
        let head = &self.central;
        let mut after = b"PK\x07\x08".to_vec();
        for number in [head.crc, head.compressed, head.size] {
            after.extend(number.to_le_bytes());
        }
        self.after = after;
        let mut this = self.both(|head| head.flags |= 1 << 3);
        (this.local.crc, this.local.compressed, this.local.size) = (0, 0, 0);
        this
    }

    /// Changed in both places alike.
    pub fn both(mut self, change: impl Fn(&mut Head)) -> Self {
        change(&mut self.local);
        change(&mut self.central);
        self
    }

    pub fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Head {
    /// The numbers from the flags on; the time is 2024-01-01.
    fn write(&self, into: &mut Vec<u8>) {
        for number in [self.flags, self.method, 0, 0x5821] {
            into.extend(number.to_le_bytes());
        }
        for number in [self.crc, self.compressed, self.size] {
            into.extend(number.to_le_bytes());
        }
        for length in [self.name.len(), self.extra.len()] {
            into.extend(u16::try_from(length).unwrap().to_le_bytes());
        }
    }
}

/// An archive on its way.
pub struct Zip {
    pub bytes: Vec<u8>,
    /// Where the directory begins, if it was written.
    pub directory: usize,
    pub count: usize,
    /// What is to be in the end record, if not the truth: count here and altogether, size, begin.
    pub end: [Option<u32>; 4],
    pub comment: Vec<u8>,
}

/// An archive with an `AppSpec` first, then these.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    Zip::new(entries).end()
}

impl Zip {
    pub fn new(entries: &[Entry]) -> Self {
        let appspec = Entry::file("appspec.yml", b"version: 0.0\nos: linux\n");
        let all: Vec<_> = std::iter::once(&appspec).chain(entries).cloned().collect();
        Self::of(&all)
    }

    pub fn of(entries: &[Entry]) -> Self {
        Self::with_gaps(entries, b"")
    }

    /// With something before every entry.
    pub fn with_gaps(entries: &[Entry], gap: &[u8]) -> Self {
        let mut bytes = Vec::new();
        let mut begins = Vec::new();
        for entry in entries {
            bytes.extend(gap);
            begins.push(u32::try_from(bytes.len()).unwrap());
            bytes.extend(b"PK\x03\x04\x14\0");
            entry.local.write(&mut bytes);
            bytes.extend(&entry.local.name);
            bytes.extend(&entry.local.extra);
            bytes.extend(&entry.bytes);
            bytes.extend(&entry.after);
        }
        let directory = bytes.len();
        for (entry, begin) in entries.iter().zip(begins) {
            bytes.extend(b"PK\x01\x02");
            bytes.extend(entry.made_by.to_le_bytes());
            bytes.extend([0x14, 0]);
            entry.central.write(&mut bytes);
            bytes.extend([0, 0]);
            bytes.extend(entry.disk.to_le_bytes());
            bytes.extend([0, 0]);
            bytes.extend(entry.external.to_le_bytes());
            bytes.extend(entry.begin.unwrap_or(begin).to_le_bytes());
            bytes.extend(&entry.central.name);
            bytes.extend(&entry.central.extra);
        }
        Self {
            bytes,
            directory,
            count: entries.len(),
            end: [None; 4],
            comment: Vec::new(),
        }
    }

    pub fn end(mut self) -> Vec<u8> {
        let truth = [
            self.count,
            self.count,
            self.bytes.len() - self.directory,
            self.directory,
        ];
        let number =
            |index: usize| self.end[index].unwrap_or_else(|| u32::try_from(truth[index]).unwrap());
        let small = |index| u16::try_from(number(index) & 0xffff).unwrap().to_le_bytes();
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend(small(0));
        end.extend(small(1));
        end.extend(number(2).to_le_bytes());
        end.extend(number(3).to_le_bytes());
        end.extend(u16::try_from(self.comment.len()).unwrap().to_le_bytes());
        end.extend(&self.comment);
        self.bytes.extend(end);
        self.bytes
    }

    /// With a zip64 end record, changed, before the plain one.
    pub fn wide(mut self, change: impl FnOnce(&mut [u64; 6])) -> Self {
        let at = self.bytes.len() as u64;
        let count = self.count as u64;
        // Size of the record, counts, size and begin of the directory; and where the locator says that the record is.
        let mut numbers = [
            44,
            count,
            count,
            at - self.directory as u64,
            self.directory as u64,
            at,
        ];
        change(&mut numbers);
        let [size, here, all, length, begin, place] = numbers;
        self.bytes.extend(b"PK\x06\x06");
        self.bytes.extend(size.to_le_bytes());
        self.bytes
            .extend([0x2d, 0, 0x2d, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for number in [here, all, length, begin] {
            self.bytes.extend(number.to_le_bytes());
        }
        self.bytes.extend(b"PK\x06\x07\0\0\0\0");
        self.bytes.extend(place.to_le_bytes());
        self.bytes.extend([1, 0, 0, 0]);
        let directory = self.directory;
        let length = usize::try_from(at).unwrap() - directory;
        self.end[2] = self.end[2].or(u32::try_from(length).ok());
        self.end[3] = self.end[3].or(u32::try_from(directory).ok());
        self
    }
}
