//! Unpacking a bundle: into a temporary folder that gets its name only when everything is there.

use std::fs::{self, File};
use std::io;
use std::path::Path;

pub use crate::store::archive::remove_tree;
use crate::store::archive::{self, ArchiveError, Contents, Limits, Owners};
use crate::store::files::sync_dir;

/// Why a bundle was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The folders around it could not be read or written.
    #[error("unpacking the bundle: {0}")]
    Io(#[from] io::Error),
    /// The bundle is refused, or its files could not be written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Unpacks the bundle to `archive`, by way of `temporary`. An older `archive` is replaced.
///
/// # Errors
///
/// When the bundle cannot be read, holds something unsafe, or cannot be written; `archive` is then as it was.
pub fn unpack(
    bundle: &Path,
    temporary: &Path,
    archive: &Path,
    limits: &Limits,
    owners: Owners,
) -> Result<Contents, UnpackError> {
    // A run of the agent that was killed may have left it.
    remove_tree(temporary)?;
    let contents = archive::extract(bundle, temporary, limits, owners)?;
    // The files must be on the disk before it is reported that they are.
    nix::unistd::syncfs(File::open(temporary)?).map_err(io::Error::from)?;
    crate::crash_point::here!("unpack.before-name");
    remove_tree(archive)?;
    fs::rename(temporary, archive)?;
    sync_dir(archive.parent().unwrap_or(Path::new("/")))?;
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use crate::store::bundles::Bundles;

    use super::*;

    #[test]
    fn the_archive_is_the_old_one_or_the_new_one() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        fs::create_dir_all(at("build/bin")).unwrap();
        fs::write(at("build/appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
        fs::write(at("build/bin/run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(at("build/bin/run"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("../appspec.yml", at("build/bin/link")).unwrap();
        let bundles = Bundles::open(at("bundles")).unwrap();
        let packed = bundles.pack(&at("build")).unwrap();
        let (temporary, archive) = (at("t"), at("a"));
        // What a killed run and an earlier deployment left.
        fs::create_dir_all(temporary.join("half")).unwrap();
        fs::create_dir_all(archive.join("old")).unwrap();

        let damaged = at("damaged");
        let bytes = fs::read(bundles.path(&packed.digest)).unwrap();
        fs::write(&damaged, &bytes[..bytes.len() / 2]).unwrap();
        let unpack = |bundle: &Path| {
            unpack(
                bundle,
                &temporary,
                &archive,
                &Limits::default(),
                Owners::default(),
            )
        };
        assert!(unpack(&damaged).is_err());
        assert!(archive.join("old").is_dir() && !temporary.exists());

        let contents = unpack(&bundles.path(&packed.digest)).unwrap();
        assert_eq!(contents.files(), 2);
        assert!(!archive.join("old").exists() && !temporary.exists());
        let run = fs::metadata(archive.join("bin/run")).unwrap();
        assert_eq!(run.permissions().mode() & 0o7777, 0o755);
        let link = fs::read_link(archive.join("bin/link")).unwrap();
        assert_eq!(link, Path::new("../appspec.yml"));
        let root = fs::metadata(&archive).unwrap();
        assert_eq!(root.permissions().mode() & 0o7777, 0o755);
    }
}
