//! Which kind of archive a file is. Its content decides; its name says nothing.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::os::unix::fs::FileExt;

use flate2::bufread::GzDecoder;

use super::ArchiveError;
use super::limits::Limits;
use super::tar;

/// A format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// tar, not compressed.
    Tar,
    /// tar, compressed by gzip.
    TarGz,
    /// zip.
    Zip,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
            Self::Zip => "zip",
        })
    }
}

/// What files begin with that people take for bundles.
const OTHERS: [(&[u8], &str); 12] = [
    (b"BZh", "compressed by bzip2"),
    (b"\xfd7zXZ\0", "compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"\x04\x22\x4d\x18", "compressed by lz4"),
    (b"\x1f\x9d", "compressed by compress"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"!<arch>\n", "a package or an ar archive"),
    (b"\xed\xab\xee\xdb", "an rpm package"),
    (b"\x7fELF", "a program"),
    (b"PK\x07\x08", "a part of a split zip archive"),
    (b"070701", "a cpio archive"),
];

impl Format {
    /// Looks at the beginning of a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is something else: [`ArchiveError::OtherFormat`] or [`ArchiveError::NotAnArchive`].
    pub fn of(file: &File) -> Result<Self, ArchiveError> {
        let mut block = [0; tar::BLOCK];
        let length = beginning(file, &mut block).map_err(ArchiveError::io("reading it"))?;
        let head = &block[..length];
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            return Ok(Self::Zip);
        }
        if head.starts_with(b"\x1f\x8b") {
            return Ok(Self::TarGz);
        }
        if tar::begins(head) {
            return Ok(Self::Tar);
        }
        if let Some((_, found)) = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(ArchiveError::OtherFormat { found });
        }
        let found = match head {
            [] => "empty",
            text if is_text(text) => "a text",
            _ => "something unknown",
        };
        Err(ArchiveError::NotAnArchive { found })
    }
}

fn beginning(file: &File, block: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < block.len() {
        match file.read_at(&mut block[length..], length as u64)? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

fn is_text(head: &[u8]) -> bool {
    head.iter()
        .all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace())
}

/// A part of a file as a reader that shares no position with anybody.
#[derive(Debug)]
pub(super) struct Window<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl<'a> Window<'a> {
    /// The bytes from `at` to `end`.
    pub fn new(file: &'a File, at: u64, end: u64) -> Self {
        Self { file, at, end }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_sub(self.at);
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let length = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

/// What gzip makes of a file, refused as soon as it becomes more than an archive of that size may.
pub(super) struct Gunzip<'a> {
    /// The stream that is being read; none once the file is at its end.
    inner: Option<GzDecoder<Compressed<'a>>>,
    limits: &'a Limits,
    compressed: u64,
    read: u64,
}

type Compressed<'a> = io::BufReader<Window<'a>>;

impl<'a> Gunzip<'a> {
    /// Several compressed streams after each other are one, as gzip has it; and as with gzip, zeros may follow: tapes and
    /// `dd` fill their last block with them.
    pub fn new(file: &'a File, size: u64, limits: &'a Limits) -> Self {
        let window = io::BufReader::with_capacity(64 * 1024, Window::new(file, 0, size));
        Self {
            inner: Some(GzDecoder::new(window)),
            limits,
            compressed: size,
            read: 0,
        }
    }

    fn read_streams(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(decoder) = &mut self.inner {
            let length = decoder.read(buffer)?;
            if length > 0 {
                return Ok(length);
            }
            self.inner = self
                .inner
                .take()
                .map(GzDecoder::into_inner)
                .map_or(Ok(None), next_stream)?;
        }
        Ok(0)
    }
}

/// The stream that follows one that ended, if anything but zeros does.
fn next_stream(mut rest: Compressed<'_>) -> io::Result<Option<GzDecoder<Compressed<'_>>>> {
    match rest.fill_buf()?.first() {
        None => Ok(None),
        Some(0) => loop {
            let bytes = rest.fill_buf()?;
            let length = bytes.len();
            if length == 0 {
                return Ok(None);
            }
            if bytes.iter().any(|byte| *byte != 0) {
                return Err(ArchiveError::archive(
                    "goes on after its end: something was appended, perhaps a second archive",
                )
                .into());
            }
            rest.consume(length);
        },
        Some(_) => Ok(Some(GzDecoder::new(rest))),
    }
}

impl Read for Gunzip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self
            .read_streams(buffer)
            .map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::UnexpectedEof => {
                    ArchiveError::archive(format!("is damaged or cut off: {error}")).into()
                }
                _ => error,
            })?;
        self.read += length as u64;
        self.limits
            .admit_unpacked(self.read, self.compressed)
            .map_err(ArchiveError::from)?;
        Ok(length)
    }
}
