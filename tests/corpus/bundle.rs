//! Packs a revision as a case wants it: also with owners, devices and names that ordinary tools refuse.

use std::fs;
use std::io::{self, Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use crate::case::{self, Revision};
use crate::entry::{self, Entry, Kind, Listing};
use crate::zip;

/// Files are as old as this unless the case says otherwise.
const MTIME: i64 = 1_700_000_000;

/// The bundle's bytes.
pub fn pack(revision: &Revision) -> Result<Vec<u8>, String> {
    if let Some(bytes) = &revision.bytes {
        return entry::hex(bytes);
    }
    let mut members = Listing::new();
    if let Some(folder) = &revision.folder {
        let folder = case::folder().join(folder);
        read(&folder, "", &mut members)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    if let Some(appspec) = &revision.appspec {
        let text = format!("version: 0.0\nos: linux\n{appspec}");
        members.insert(
            "appspec.yml".to_owned(),
            Entry::new(Kind::File(text.into_bytes())),
        );
    }
    members.extend(revision.files.clone());
    let packed = match revision.format.as_deref() {
        None | Some("tar.gz") => {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            tar(&members, &mut gzip).and_then(|()| gzip.finish())
        }
        Some("tar") => {
            let mut bytes = Vec::new();
            tar(&members, &mut bytes).map(|()| bytes)
        }
        Some("zip") => zip::write(&members),
        Some(other) => return Err(format!("there is no format {other}")),
    };
    packed.map_err(|error| format!("packing: {error}"))
}

/// The files of a folder.
fn read(folder: &Path, below: &str, members: &mut Listing) -> io::Result<()> {
    for child in fs::read_dir(folder)? {
        let child = child?;
        let name = format!("{below}{}", child.file_name().to_string_lossy());
        if child.file_type()?.is_dir() {
            read(&child.path(), &format!("{name}/"), members)?;
        } else {
            let mut entry = Entry::new(Kind::File(fs::read(child.path())?));
            let mode = child.metadata()?.permissions().mode();
            entry.mode = Some(if mode & 0o100 == 0 { 0o644 } else { 0o755 });
            members.insert(name, entry);
        }
    }
    Ok(())
}

fn tar(members: &Listing, into: impl Write) -> io::Result<()> {
    let mut tar = Builder::new(into);
    // A hard link comes after the file it is a link to.
    let (links, others): (Vec<_>, Vec<_>) = members
        .iter()
        .partition(|(_, entry)| matches!(entry.kind, Kind::HardLink(_)));
    for (name, entry) in others.into_iter().chain(links) {
        let mut header = Header::new_gnu();
        header.set_mode(entry.mode());
        header.set_mtime(u64::try_from(entry.mtime.unwrap_or(MTIME)).unwrap_or(0));
        header.set_uid(entry.owner().0.into());
        header.set_gid(entry.owner().1.into());
        let (kind, target, bytes): (_, &str, &[u8]) = match &entry.kind {
            Kind::File(bytes) => (EntryType::Regular, "", bytes),
            Kind::Directory => (EntryType::Directory, "", b""),
            Kind::Link(target) => (EntryType::Symlink, target, b""),
            Kind::HardLink(other) => (EntryType::Link, other, b""),
            Kind::Special(kind) if kind == "fifo" => (EntryType::Fifo, "", b""),
            Kind::Special(kind) if kind == "block" => (EntryType::Block, "", b""),
            Kind::Special(_) => (EntryType::Char, "", b""),
            Kind::Absent => continue,
        };
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        if name.len() <= 100 && target.len() <= 100 {
            // Written raw, because the library refuses to make some of these names.
            let old = header.as_old_mut();
            old.name[..name.len()].copy_from_slice(name.as_bytes());
            old.linkname[..target.len()].copy_from_slice(target.as_bytes());
            header.set_cksum();
            tar.append(&header, bytes)?;
        } else if target.is_empty() {
            tar.append_data(&mut header, name, Cursor::new(bytes))?;
        } else {
            tar.append_link(&mut header, name, target)?;
        }
    }
    tar.into_inner()?.flush()
}
