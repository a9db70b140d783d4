//! Turns a folder into a bundle.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use super::bundles::BundleError;
use crate::appspec::server::FILE_NAMES;

/// Checks that the folder has an `AppSpec`.
pub(super) fn check_folder(root: &Path) -> Result<(), BundleError> {
    if FILE_NAMES.iter().any(|name| root.join(name).is_file()) {
        Ok(())
    } else {
        Err(BundleError::NoAppSpec(root.to_owned()))
    }
}

/// Writes the folder as a gzip-compressed tar archive.
pub(super) fn folder(root: &Path, into: impl Write) -> Result<(), BundleError> {
    // Nothing of the machine or the moment may be in the compressed file's head.
    let gzip = GzBuilder::new()
        .mtime(0)
        .write(into, Compression::default());
    let mut archive = Builder::new(gzip);
    contents(root, Path::new(""), &mut archive)?;
    archive
        .into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .map_err(BundleError::io("writing the bundle"))?;
    Ok(())
}

fn contents(
    root: &Path,
    below: &Path,
    archive: &mut Builder<impl Write>,
) -> Result<(), BundleError> {
    let folder = root.join(below);
    let context = || format!("reading {}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(BundleError::io(context()))? {
        names.push(entry.map_err(BundleError::io(context()))?.file_name());
    }
    names.sort();
    for name in names {
        let inside = below.join(name);
        member(root, &inside, archive)?;
    }
    Ok(())
}

fn member(
    root: &Path,
    inside: &Path,
    archive: &mut Builder<impl Write>,
) -> Result<(), BundleError> {
    let path = root.join(inside);
    let context = || format!("packing {}", path.display());
    let metadata = fs::symlink_metadata(&path).map_err(BundleError::io(context()))?;
    let mut header = Header::new_gnu();
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    if metadata.is_symlink() {
        // A link's own time cannot be set by ordinary tools, so it would make equal folders differ.
        header.set_mtime(0);
        header.set_mode(0o777);
        header.set_entry_type(EntryType::Symlink);
        let target = fs::read_link(&path).map_err(BundleError::io(context()))?;
        archive
            .append_link(&mut header, inside, target)
            .map_err(BundleError::io(context()))
    } else {
        header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
        header.set_mode(metadata.mode() & 0o7777);
        if metadata.is_dir() {
            header.set_entry_type(EntryType::Directory);
            archive
                .append_data(&mut header, inside, io::empty())
                .map_err(BundleError::io(context()))?;
            contents(root, inside, archive)
        } else if metadata.is_file() {
            header.set_entry_type(EntryType::Regular);
            let file = File::open(&path).map_err(BundleError::io(context()))?;
            header.set_size(metadata.len());
            let bytes = Exactly {
                file,
                left: metadata.len(),
            };
            archive
                .append_data(&mut header, inside, bytes)
                .map_err(BundleError::io(context()))
        } else {
            Err(BundleError::Special(path))
        }
    }
}

/// As many bytes of a file as its entry says: one that grows must not spill into the next entry, and one that shrinks
/// would damage the archive.
struct Exactly {
    file: File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&mut self.file).take(self.left).read(buffer)?;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::other("it became shorter while it was packed"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}
