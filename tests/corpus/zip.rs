//! Writes a zip archive with Unix modes, also with names that ordinary tools refuse.

use std::io::{self, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use crate::entry::{Entry, Kind, Listing};

/// 2023-11-14 22:13:20, as the format writes it.
const TIME: u16 = (22 << 11) + (13 << 5) + 10;
const DATE: u16 = ((2023 - 1980) << 9) + (11 << 5) + 14;

/// Made on Unix, by version 2.0 of the format.
const MADE_BY: u16 = (3 << 8) + 20;

pub fn write(members: &Listing) -> io::Result<Vec<u8>> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    let mut count = 0;
    for (name, entry) in members {
        let (kind, bytes): (u32, &[u8]) = match &entry.kind {
            Kind::File(bytes) => (0o100_000, bytes),
            Kind::Directory => (0o040_000, b""),
            Kind::Link(target) => (0o120_000, target.as_bytes()),
            Kind::HardLink(_) | Kind::Special(_) => {
                return Err(io::Error::other(format!(
                    "{name} cannot be in a zip archive"
                )));
            }
            Kind::Absent => continue,
        };
        let member = Member::new(name, entry, kind, bytes)?;
        let offset = archive.len();
        archive.extend(member.local());
        directory.extend(member.central(offset));
        count += 1;
    }
    let (start, length) = (archive.len(), directory.len());
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        archive.extend(u16::try_from(count).unwrap_or(0).to_le_bytes());
    }
    archive.extend(four(length));
    archive.extend(four(start));
    archive.extend([0, 0]);
    Ok(archive)
}

struct Member<'a> {
    name: &'a str,
    attributes: u32,
    crc: u32,
    packed: Vec<u8>,
    length: usize,
}

impl<'a> Member<'a> {
    fn new(name: &'a str, entry: &Entry, kind: u32, bytes: &[u8]) -> io::Result<Self> {
        let mut crc = Crc::new();
        crc.update(bytes);
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
        deflate.write_all(bytes)?;
        Ok(Self {
            name,
            attributes: (kind | entry.mode()) << 16,
            crc: crc.sum(),
            packed: deflate.finish()?,
            length: bytes.len(),
        })
    }

    /// What both headers have in common: from the version that is needed up to the lengths of name and extra field.
    fn common(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Names are UTF-8, and everything is deflated.
        for number in [20, 1 << 11, 8, TIME, DATE] {
            bytes.extend(u16::to_le_bytes(number));
        }
        bytes.extend(self.crc.to_le_bytes());
        bytes.extend(four(self.packed.len()));
        bytes.extend(four(self.length));
        bytes.extend(u16::try_from(self.name.len()).unwrap_or(0).to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }

    fn local(&self) -> Vec<u8> {
        [
            b"PK\x03\x04",
            self.common().as_slice(),
            self.name.as_bytes(),
            &self.packed,
        ]
        .concat()
    }

    fn central(&self, offset: usize) -> Vec<u8> {
        let mut bytes = b"PK\x01\x02".to_vec();
        bytes.extend(MADE_BY.to_le_bytes());
        bytes.extend(self.common());
        // No comment, the first disk, no internal attributes.
        bytes.extend([0; 6]);
        bytes.extend(self.attributes.to_le_bytes());
        bytes.extend(four(offset));
        bytes.extend(self.name.as_bytes());
        bytes
    }
}

fn four(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(0).to_le_bytes()
}
