//! The folder of a script whose secrets are files: in memory, for its user alone, and gone with the script.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::unistd::{AccessFlags, access};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::agent::hooks::user::Identity;
use crate::model::secret::Secret;

/// File systems that are memory, if they are mounted as usual.
const PLACES: [&str; 2] = ["/run", "/dev/shm"];

/// A folder with one file a secret. It goes when this is dropped.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// An empty one for scripts that run as this user, of the agent with this root.
    ///
    /// # Errors
    /// If there is no file system in memory that the agent can write to, or it can't give the folder to the user.
    pub fn new(root: &Path, identity: &Identity) -> Result<Self, String> {
        let place = place().ok_or(
            "neither /run nor /dev/shm is a file system in memory that the agent can write to; mount a tmpfs on /dev/shm, or give the secret as a variable",
        )?;
        let failed = |error: io::Error| format!("a folder below {place} can't be made: {error}");
        let folder = tempfile::Builder::new()
            .prefix(&prefix(root))
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(place)
            .map_err(failed)?;
        give(folder.path(), identity)?;
        Ok(Self(folder))
    }

    /// Puts a secret into it, and answers where.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put(&self, secret: &Secret, identity: &Identity) -> Result<PathBuf, String> {
        let path = self.0.path().join(secret.name());
        let written = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o400)
            .open(&path)
            .and_then(|mut file| file.write_all(secret.expose().as_bytes()));
        written.map_err(|error| format!("{} can't be written: {error}", path.display()))?;
        give(&path, identity)?;
        Ok(path)
    }
}

/// Makes it the user's.
fn give(path: &Path, identity: &Identity) -> Result<(), String> {
    if !identity.is_other() {
        return Ok(());
    }
    let (user, group) = identity.account.ids();
    chown(path, Some(user), Some(group)).map_err(|error| {
        format!(
            "it can't be given to {}: {error}; let the agent run as root, or give the secret as a variable",
            identity.account.name
        )
    })
}

/// Removes what an agent with this root left there when it was killed.
pub fn clear(root: &Path) {
    let prefix = prefix(root);
    for place in PLACES {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix)
                && let Err(error) = fs::remove_dir_all(entry.path())
            {
                tracing::warn!(%error, folder = %entry.path().display(), "secrets of a former script can't be removed");
            }
        }
    }
}

fn place() -> Option<&'static str> {
    PLACES.into_iter().find(|place| {
        statfs(*place).is_ok_and(|found| found.filesystem_type() == TMPFS_MAGIC)
            && access(*place, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
    })
}

/// Tells the folders of an agent from those of another one on the same host.
fn prefix(root: &Path) -> String {
    let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
    let digits = digest
        .iter()
        .take(6)
        .fold(String::new(), |mut digits, byte| {
            // Writing to a text does not fail.
            let _written = write!(digits, "{byte:02x}");
            digits
        });
    format!("cutover-secrets-{digits}-")
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::agent::hooks::user;

    #[test]
    fn the_folder_is_private_and_goes() {
        let root = tempfile::tempdir().unwrap();
        let identity = user::resolve(None, false).unwrap();
        let folder = Folder::new(root.path(), &identity).unwrap();
        let secret = Secret::new("KEY", Zeroizing::new("hush".to_owned()));
        let file = folder.put(&secret, &identity).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.0.path()), 0o700);
        assert_eq!(mode(&file), 0o400);
        assert_eq!(fs::read_to_string(&file).unwrap(), "hush");
        drop(folder);
        assert!(!file.exists());

        // One that was killed left its own; another one's stays.
        let other = tempfile::tempdir().unwrap();
        let kept = Folder::new(other.path(), &identity).unwrap();
        let left = Folder::new(root.path(), &identity).unwrap().0.keep();
        clear(root.path());
        assert!(!left.exists() && kept.0.path().exists());
    }
}
