//! Files that outlive a crash whole, or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::Path;

use nix::fcntl::OFlag;

/// Writes a file so that it is either the old one or the new one, whole, whatever happens. Only its owner may read it.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes, |_, _| Ok(()))
}

/// The same for a file that is the folder's owner's, also where root writes it: whoever works in the folder reads it too.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_for_owner(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes, give_to_owner)
}

fn write(
    path: &Path,
    bytes: &[u8],
    finish: impl FnOnce(&File, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let folder = folder(path);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    finish(file.as_file(), folder)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_dir(folder)
}

/// Keeps everybody else who does the same from going on, until the answer is dropped.
///
/// # Errors
///
/// When the file beside this one that is there for it cannot be made or locked.
pub fn lock_beside(path: &Path) -> io::Result<File> {
    let beside = path.with_added_extension("lock");
    let mut options = File::options();
    options.write(true).custom_flags(OFlag::O_NOFOLLOW.bits());
    let file = match options.open(&beside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // It is its owner's from the moment that it is there: what root made and could not give away would keep them out.
            let made = tempfile::NamedTempFile::new_in(folder(path))?;
            give_to_owner(made.as_file(), folder(path))?;
            match made.persist_noclobber(&beside) {
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    options.open(&beside)?
                }
                made => made.map_err(|error| error.error)?,
            }
        }
        found => found?,
    };
    file.lock()?;
    Ok(file)
}

/// What root has made in somebody's folder is that user's.
fn give_to_owner(file: &File, folder: &Path) -> io::Result<()> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let owner = fs::metadata(folder)?;
    if owner.uid() == 0 {
        return Ok(());
    }
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Makes what was created, renamed or removed in a folder durable.
///
/// # Errors
///
/// When the folder cannot be opened or synced.
pub fn sync_dir(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;

    #[test]
    fn what_root_writes_into_a_folder_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let owner = || fs::metadata(&path).unwrap().uid();
        // Only root can give folders away; for others, all of this is their own.
        let somebody = if nix::unistd::geteuid().is_root() {
            chown(folder.path(), Some(12_345), Some(12_345)).unwrap();
            12_345
        } else {
            nix::unistd::geteuid().as_raw()
        };
        write_atomically(&path, b"1").unwrap();
        assert_eq!(owner(), nix::unistd::geteuid().as_raw());
        write_for_owner(&path, b"2").unwrap();
        assert_eq!(owner(), somebody);
        drop(lock_beside(&path).unwrap());
        let beside = folder.path().join("key.pem.lock");
        assert_eq!(fs::metadata(&beside).unwrap().uid(), somebody);
        fs::remove_file(&beside).unwrap();
        std::os::unix::fs::symlink(&path, &beside).unwrap();
        assert!(lock_beside(&path).is_err(), "it leads elsewhere");
    }

    #[test]
    fn one_at_a_time_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let first = lock_beside(&path).unwrap();
        let beside = folder.path().join("key.pem.lock");
        let other = File::open(&beside).unwrap();
        assert!(other.try_lock().is_err());
        drop(first);
        other.try_lock().unwrap();
    }
}
