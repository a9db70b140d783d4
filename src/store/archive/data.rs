//! The bytes of a file on their way out of an archive.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// So much at once.
const CHUNK: usize = 128 * 1024;

/// The bytes of one entry. Files with holes are stored in pieces.
pub(super) struct Data<'a> {
    /// What is stored: exactly the pieces' bytes, one piece after the other.
    stored: &'a mut dyn Read,
    pieces: &'a [Piece],
    size: u64,
}

/// Where a part of a file lies; what no piece covers is a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub offset: u64,
    pub length: u64,
}

impl<'a> Data<'a> {
    pub fn new(stored: &'a mut dyn Read, pieces: &'a [Piece], size: u64) -> Self {
        Self {
            stored,
            pieces,
            size,
        }
    }

    /// Writes the file, holes and all.
    pub fn write_to(&mut self, file: &mut File) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK.min(usize::try_from(self.size).unwrap_or(CHUNK))];
        let mut at = 0;
        for piece in self.pieces.iter().filter(|piece| piece.length > 0) {
            if piece.offset != at {
                file.seek(SeekFrom::Start(piece.offset))?;
            }
            let mut left = piece.length;
            while left > 0 {
                let most =
                    usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
                self.stored.read_exact(&mut buffer[..most])?;
                file.write_all(&buffer[..most])?;
                left -= most as u64;
            }
            at = piece.offset + piece.length;
        }
        if at < self.size {
            file.set_len(self.size)?;
        }
        Ok(())
    }
}

/// Reads what is left of a reader, as everything must be read to be believed.
pub(super) fn drain(reader: &mut dyn Read) -> io::Result<u64> {
    let mut buffer = vec![0; CHUNK];
    let mut drained = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(drained),
            Ok(length) => drained += length as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
