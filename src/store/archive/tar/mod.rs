//! Reading tar, block by block: ustar, pax, GNU and the old format, as the usual programs write them.
//!
//! The `tar` crate knows the fields of a header; the sequence is read here, because a reader that repairs, skips and
//! guesses, as all libraries do, cannot tell whether another reader would see other files.

mod extensions;
mod number;
mod pax;
mod sparse;

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::PathBuf;

use tar::{EntryType, Header};

use self::extensions::{Before, Extensions, is_extension};
use self::number::number;
use self::pax::Pax;
use super::check::Visit;
use super::data::{Data, drain};
use super::error::ArchiveError;
use super::limits::Limits;
use super::member::{Attributes, Kind, Member, Time};
use super::name;

/// Everything in a tar archive takes whole blocks.
pub(super) const BLOCK: usize = 512;

/// From this size on a ustar header cannot say how large a file is.
const USTAR_END: u64 = 1 << 33;

/// Whether a file that begins like this is a tar archive.
pub(super) fn begins(head: &[u8]) -> bool {
    let Ok(block) = <&[u8; BLOCK]>::try_from(head) else {
        return false;
    };
    block[257..].starts_with(b"ustar") || is_end(block) || has_checksum(block)
}

/// What shows that an archive is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// Its own end mark.
    ByEndMark,
    /// The length and checksum of what it is packed in. Some programs forget the end mark, and no reader misses it.
    ByPacking,
}

/// Reads every entry up to the end mark, and sees that nothing but zeros follows.
pub(super) fn read(
    stream: &mut dyn Read,
    whole: Whole,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), ArchiveError> {
    let mut extensions = Extensions::default();
    // Nothing at all is no archive.
    let mut end = Whole::ByEndMark;
    while let Some(block) = next_header(stream, end)? {
        end = whole;
        let header = Header::from_byte_slice(&block);
        if extensions.take(header, stream, limits)? {
            continue;
        }
        let before = extensions.for_next();
        entry(header, before, stream, limits, visit)?;
    }
    if extensions.waiting() {
        return Err(ArchiveError::archive(
            "ends where an entry should follow its extension",
        ));
    }
    the_rest_is_zero(stream)
}

fn next_header(stream: &mut dyn Read, whole: Whole) -> Result<Option<[u8; BLOCK]>, ArchiveError> {
    let mut block = [0; BLOCK];
    let (first, rest) = block.split_at_mut(1);
    let length = stream
        .read(first)
        .map_err(ArchiveError::io("reading the bundle"))?;
    if length == 0 && whole == Whole::ByPacking {
        return Ok(None);
    }
    if length == 0 {
        return Err(cut_off(io::ErrorKind::UnexpectedEof.into()));
    }
    fill(stream, rest)?;
    if is_end(&block) {
        return Ok(None);
    }
    if !has_checksum(&block) {
        return Err(ArchiveError::archive(
            "is damaged or no tar archive: the checksum of a header is wrong",
        ));
    }
    if !has_no_false_prefix(&block) {
        return Err(ArchiveError::archive(
            "is damaged: a header has the beginning of a name where its format has none",
        ));
    }
    if !has_numbers(&block) {
        return Err(ArchiveError::archive(
            "is damaged: a header has letters where numbers belong",
        ));
    }
    Ok(Some(block))
}

/// Whether all numbers are numbers, even those that do not matter here: some readers stop at a header where one is not,
/// and see nothing that follows. Owner, mode, size and time of an entry are asked for again, with its name in the answer.
fn has_numbers(block: &[u8; BLOCK]) -> bool {
    let extension = is_extension(Header::from_byte_slice(block).entry_type());
    let own = [100..108, 108..116, 116..124, 136..148];
    let devices = [329..337, 337..345];
    let own = own.into_iter().filter(|_| extension);
    own.chain(devices)
        .all(|field| number(&block[field]).is_some())
}

/// Whether the part of a header where only ustar keeps the beginning of a name is used for anything else: some readers
/// take it for a name all the same.
fn has_no_false_prefix(block: &[u8; BLOCK]) -> bool {
    block[257..].starts_with(b"ustar\0") || block[345] == 0
}

fn is_end(block: &[u8; BLOCK]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

fn has_checksum(block: &[u8; BLOCK]) -> bool {
    let sum: i64 = block[..148]
        .iter()
        .chain(&block[156..])
        .map(|byte| i64::from(*byte))
        .sum();
    number(&block[148..156]) == Some(sum + 8 * i64::from(b' '))
}

fn the_rest_is_zero(stream: &mut dyn Read) -> Result<(), ArchiveError> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = stream
            .read(&mut buffer)
            .map_err(ArchiveError::io("reading the bundle"))?;
        if length == 0 {
            return Ok(());
        }
        if buffer[..length].iter().any(|byte| *byte != 0) {
            return Err(ArchiveError::archive(
                "goes on after its end: something was appended, perhaps a second archive",
            ));
        }
    }
}

fn fill(stream: &mut dyn Read, buffer: &mut [u8]) -> Result<(), ArchiveError> {
    stream.read_exact(buffer).map_err(cut_off)
}

/// What a stream that ends too early means.
fn cut_off(error: io::Error) -> ArchiveError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return ArchiveError::archive("is cut off: it ends before its end mark");
    }
    ArchiveError::io("reading the bundle")(error)
}

/// Exactly the bytes that an entry has in the stream; one that ends before is cut off.
struct Stored<'a> {
    stream: &'a mut dyn Read,
    left: u64,
}

impl Read for Stored<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let length = self.stream.read(&mut buffer[..most])?;
        if length == 0 && most > 0 {
            return Err(cut_off(io::ErrorKind::UnexpectedEof.into()).into());
        }
        self.left -= length as u64;
        Ok(length)
    }
}

fn skip_padding(stream: &mut dyn Read, size: u64) -> Result<(), ArchiveError> {
    read_padding(stream, size).map(drop)
}

fn read_padding(stream: &mut dyn Read, size: u64) -> Result<[u8; BLOCK], ArchiveError> {
    let length = size.next_multiple_of(BLOCK as u64) - size;
    let mut padding = [0; BLOCK];
    fill(stream, &mut padding[..usize::try_from(length).unwrap_or(0)])?;
    Ok(padding)
}

/// The size field, if it is a number.
fn size(header: &Header) -> Option<u64> {
    let field = &header.as_old().size;
    let blank = field.iter().all(|byte| matches!(byte, 0 | b' '));
    number(field)
        .filter(|_| !blank)
        .and_then(|size| u64::try_from(size).ok())
}

/// One value of two that say the same thing in two ways.
fn only<T>(one: Option<T>, other: Option<T>) -> Result<Option<T>, String> {
    match (one, other) {
        (Some(_), Some(_)) => Err("is named twice, once by pax and once by GNU".to_owned()),
        (one, other) => Ok(one.or(other)),
    }
}

fn entry(
    header: &Header,
    before: Before,
    stream: &mut dyn Read,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), ArchiveError> {
    let Before {
        mut pax,
        long_name,
        long_link,
    } = before;
    let in_header = || header.path_bytes().into_owned();
    // A sparse file's real name is beside its name in pax, but not beside a long name of the GNU format.
    only(pax.sparse.name.as_ref(), long_name.as_ref())
        .map_err(|problem| ArchiveError::entry(in_header(), problem))?;
    let name = only(pax.path.take(), long_name)
        .map_err(|problem| ArchiveError::entry(in_header(), problem))?;
    let name = name.unwrap_or_else(in_header);
    let sparse_name = pax.sparse.name.clone();
    let name = sparse_name.unwrap_or(name);
    let refuse = |problem: String| ArchiveError::entry(&name, problem);

    let path = name::path(&name, limits).map_err(refuse)?;
    let stored = stored_size(header, &pax).map_err(refuse)?;
    let link = only(pax.link.take(), long_link).map_err(refuse)?;
    let link = link.or_else(|| header.link_name_bytes().map(Cow::into_owned));
    let kind = kind(header, &name, stored, &link.unwrap_or_default(), limits).map_err(refuse)?;
    let mut stored = Stored {
        stream,
        left: stored,
    };
    let all = stored.left;
    let (kind, pieces) = match kind {
        Kind::File { size } => {
            let map = sparse::map(header, &pax, size, &mut stored, limits)?;
            let map = map.map_err(refuse)?;
            (Kind::File { size: map.size }, map.pieces)
        }
        _ if pax.sparse.is_there() => return Err(refuse("has holes and is no file".to_owned())),
        kind => (kind, Vec::new()),
    };
    let size = match kind {
        Kind::File { size } => size,
        Kind::Folder | Kind::Symlink { .. } | Kind::HardLink { .. } => 0,
    };
    let attributes = attributes(header, &pax).map_err(refuse)?;
    if path.as_os_str().is_empty() {
        // The root's own mode and owner are ours to choose: scripts of other users must reach it.
        if kind != Kind::Folder {
            return Err(refuse(
                "has the name of the root and is no folder".to_owned(),
            ));
        }
    } else {
        let member = Member {
            path,
            kind,
            attributes,
        };
        visit(member, &mut Data::new(&mut stored, &pieces, size))?;
    }
    drain(&mut stored).map_err(ArchiveError::io("reading the bundle"))?;
    skip_padding(stream, all)
}

/// How many bytes the entry has in the stream. Header and pax may both say it; what a reader does that knows only one of
/// them must be the same.
fn stored_size(header: &Header, pax: &Pax) -> Result<u64, String> {
    let plain = size(header).ok_or("has a size that is not a number")?;
    match pax.size {
        Some(size) if size != plain && size < USTAR_END => Err(format!(
            "has {plain} bytes by its header and {size} by its pax extension"
        )),
        Some(size) => Ok(size),
        None => Ok(plain),
    }
}

fn kind(
    header: &Header,
    name: &[u8],
    stored: u64,
    link: &[u8],
    limits: &Limits,
) -> Result<Kind, String> {
    let kind = header.entry_type();
    let slash = name.ends_with(b"/");
    let old = header.as_old().linkflag[0] == 0;
    if old && header.path_bytes().ends_with(b"/") != slash {
        return Err("is a folder by its header's name and none by its extension's".to_owned());
    }
    let old_folder = slash && old;
    if kind.is_dir() || old_folder {
        return no_bytes(stored).map(|()| Kind::Folder);
    }
    if slash {
        return Err("has a name that ends with a slash and is no folder".to_owned());
    }
    match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            Ok(Kind::File { size: stored })
        }
        EntryType::Symlink => {
            no_bytes(stored)?;
            let target = name::target(link, limits)?;
            Ok(Kind::Symlink { target })
        }
        EntryType::Link => {
            no_bytes(stored)?;
            let target: PathBuf = name::path(link, limits)
                .map_err(|problem| format!("is a hard link whose target {problem}"))?;
            if target.as_os_str().is_empty() {
                return Err("is a hard link to a folder".to_owned());
            }
            Ok(Kind::HardLink { target })
        }
        EntryType::Char | EntryType::Block => Err("is a device".to_owned()),
        EntryType::Fifo => Err("is a pipe".to_owned()),
        other => Err(format!(
            "is of a kind that is not known ({:?})",
            char::from(other.as_byte())
        )),
    }
}

/// Readers disagree on whether the size of what is not a file counts.
fn no_bytes(stored: u64) -> Result<(), String> {
    if stored == 0 {
        return Ok(());
    }
    Err("is no file and has a size".to_owned())
}

fn attributes(header: &Header, pax: &Pax) -> Result<Attributes, String> {
    let old = header.as_old();
    let field = |what: &str, bytes: &[u8]| {
        number(bytes).ok_or_else(|| format!("has a {what} that is not a number"))
    };
    let id = |what: &str, bytes: &[u8], pax: Option<i64>| -> Result<u32, String> {
        // What an extension overrides must make sense too: other readers look at it first.
        let number = field(what, bytes)?;
        let number = pax.unwrap_or(number);
        // The highest one means "leave it" to the kernel.
        let id = u32::try_from(number).ok().filter(|id| *id != u32::MAX);
        id.ok_or_else(|| format!("has a {what} that no host has: {number}"))
    };
    let seconds = field("time", &old.mtime)?;
    let modified = pax.modified.unwrap_or(Time {
        seconds,
        nanoseconds: 0,
    });
    Ok(Attributes {
        mode: u32::try_from(field("mode", &old.mode)? & 0o7777).unwrap_or(0),
        owner: Some((
            id("owner", &old.uid, pax.user)?,
            id("group", &old.gid, pax.group)?,
        )),
        modified,
    })
}
