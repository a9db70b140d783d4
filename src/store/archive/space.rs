//! Whether the file system has room for what an archive becomes.

use std::io;
use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::{ArchiveError, Contents, Kind};

/// Refuses an archive that the file system of `folder` has no room for.
///
/// # Errors
///
/// When it has none, with both numbers.
pub(super) fn suffices(contents: &Contents, folder: &Path) -> Result<(), ArchiveError> {
    let context = format!("asking for the free space of {}", folder.display());
    let system = statvfs(folder)
        .map_err(io::Error::from)
        .map_err(ArchiveError::io(context))?;
    let block = system.fragment_size().max(1);
    let free = system.blocks_available().saturating_mul(block);
    let needs = needs(contents, block);
    if needs > free {
        return Err(ArchiveError::NoSpace {
            needs,
            free,
            folder: folder.to_owned(),
        });
    }
    Ok(())
}

/// Files take whole blocks, and folders take one at least. Holes count: whoever installs the file fills them.
fn needs(contents: &Contents, block: u64) -> u64 {
    let whole = |size: u64| size.div_ceil(block).saturating_mul(block);
    let files = contents.members.iter().map(|member| match member.kind {
        Kind::File { size } => whole(size),
        Kind::Folder | Kind::Symlink { .. } | Kind::HardLink { .. } => 0,
    });
    let folders = (contents.folders().len() as u64).saturating_mul(block);
    files.fold(folders, u64::saturating_add)
}
