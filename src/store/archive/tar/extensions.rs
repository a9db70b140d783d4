//! What comes before an entry and says more about it: pax headers, and GNU's long names.

use std::io::Read;

use tar::{EntryType, Header};

use super::super::error::ArchiveError;
use super::super::limits::Limits;
use super::pax::Pax;
use super::{Stored, read_padding, size};

/// The longest extension that is held in memory.
const LONGEST_EXTENSION: u64 = 1024 * 1024;

/// What comes before an entry and says more about it than its header can.
#[derive(Default)]
pub(super) struct Extensions {
    /// For all entries that follow.
    global: Pax,
    /// Whether none followed yet: some readers take that for a damaged archive.
    global_waits: bool,
    pax: Option<Pax>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl Extensions {
    /// Takes an extension; answers whether the header was one.
    pub fn take(
        &mut self,
        header: &Header,
        stream: &mut dyn Read,
        limits: &Limits,
    ) -> Result<bool, ArchiveError> {
        let kind = header.entry_type();
        if !is_extension(kind) {
            return Ok(false);
        }
        let name = header.path_bytes().into_owned();
        let refuse = |problem: &str| ArchiveError::entry(&name, problem);
        let longest = if kind.is_gnu_longname() || kind.is_gnu_longlink() {
            limits.path as u64 + 1
        } else {
            LONGEST_EXTENSION
        };
        let size = size(header).filter(|size| *size <= longest);
        let size = size.ok_or_else(|| refuse("is an extension that is too long"))?;
        let bytes = extension_bytes(stream, size)?;
        let again = if kind.is_pax_global_extensions() {
            let global = Pax::parse(&bytes).map_err(|problem| refuse(&problem))?;
            if global.is_about_one_file() {
                return Err(refuse(
                    "is an extension that gives all entries the same name or size",
                ));
            }
            self.global = global.over(&self.global);
            self.global_waits = true;
            false
        } else if kind.is_pax_local_extensions() {
            let pax = Pax::parse(&bytes).map_err(|problem| refuse(&problem))?;
            self.pax.replace(pax).is_some()
        } else {
            let text = bytes.strip_suffix(&[0]).unwrap_or(&bytes).to_owned();
            let place = if kind.is_gnu_longname() {
                &mut self.long_name
            } else {
                &mut self.long_link
            };
            place.replace(text).is_some()
        };
        if again {
            return Err(refuse(
                "is a second extension of the same kind for one entry",
            ));
        }
        Ok(true)
    }

    /// Whether something was said about an entry that has not come.
    pub fn waiting(&self) -> bool {
        self.global_waits
            || self.pax.is_some()
            || self.long_name.is_some()
            || self.long_link.is_some()
    }

    /// What is known of the entry that comes now.
    pub fn for_next(&mut self) -> Before {
        self.global_waits = false;
        Before {
            pax: self.pax.take().unwrap_or_default().over(&self.global),
            long_name: self.long_name.take(),
            long_link: self.long_link.take(),
        }
    }
}

/// What was said before an entry.
pub(super) struct Before {
    pub pax: Pax,
    pub long_name: Option<Vec<u8>>,
    pub long_link: Option<Vec<u8>>,
}

/// Whether a header announces an extension.
pub(super) fn is_extension(kind: EntryType) -> bool {
    kind.is_pax_local_extensions()
        || kind.is_pax_global_extensions()
        || kind.is_gnu_longname()
        || kind.is_gnu_longlink()
}

fn extension_bytes(stream: &mut dyn Read, size: u64) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    let mut stored = Stored { stream, left: size };
    stored
        .read_to_end(&mut bytes)
        .map_err(ArchiveError::io("reading the bundle"))?;
    let padding = read_padding(stream, size)?;
    // Some readers take a name up to its NUL, whatever its size.
    if padding.iter().any(|byte| *byte != 0) {
        return Err(ArchiveError::archive(
            "has an extension that is longer than it says",
        ));
    }
    Ok(bytes)
}
