//! A folder of bundles (zip, tar and tar.gz archives), each kept under its SHA-256 digest.
//!
//! A bundle is written to a temporary file, hashed on the way, made durable and only then renamed into place: a file
//! under a digest's name is always whole.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempDir};

use super::archive::{self, ArchiveError, Limits};
use super::pack;
use crate::clock;
use crate::model::revision::Digest;

/// A bundle that comes in from elsewhere has at most so many bytes.
pub const LARGEST: u64 = 4 * 1024 * 1024 * 1024;

/// Temporary files' names begin like this.
const INCOMING: &str = ".incoming-";

/// A temporary file that nobody finished within this time was left by a crash.
const ABANDONED: Duration = Duration::from_hours(24);

/// A folder of bundles.
#[derive(Clone, Debug)]
pub struct Bundles {
    dir: PathBuf,
}

/// A bundle that is now in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// What it is called.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Why a bundle was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Reading or writing failed.
    #[error("{context}: {source}")]
    Io {
        /// What was being done, with the path.
        context: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The bytes are not those that were announced.
    #[error(
        "the bundle's digest is {actual}, not {expected} as announced: it was damaged or cut off on the way"
    )]
    Digest {
        /// What was announced.
        expected: Digest,
        /// What arrived.
        actual: Digest,
    },
    /// A revision without an `AppSpec` cannot be deployed.
    #[error(
        "{0} has no appspec.yml or appspec.yaml at its root, so it is not a revision; an AppSpec of another name has to \
         be given one of these"
    )]
    NoAppSpec(PathBuf),
    /// The file is no archive, or none that a host would unpack.
    #[error("{path}: {source}")]
    Archive {
        /// Which file.
        path: PathBuf,
        /// Why it is refused.
        source: ArchiveError,
    },
    /// A device, a socket or a pipe.
    #[error(
        "{0} is neither a file, nor a folder, nor a symbolic link, so it cannot be part of a revision"
    )]
    Special(PathBuf),
}

impl BundleError {
    /// Wraps an I/O error with what was being done.
    pub(super) fn io(context: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let context = context.into();
        move |source| Self::Io { context, source }
    }
}

impl Bundles {
    /// Opens the folder, making it if need be.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or read.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, BundleError> {
        let dir = dir.into();
        let context = |what: &str| format!("{what} the bundle folder {}", dir.display());
        fs::create_dir_all(&dir).map_err(BundleError::io(context("making")))?;
        for entry in fs::read_dir(&dir).map_err(BundleError::io(context("reading")))? {
            let entry = entry.map_err(BundleError::io(context("reading")))?;
            if is_abandoned(&entry) {
                let path = entry.path();
                let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            }
        }
        Ok(Self { dir })
    }

    /// The digest of everything a reader has.
    ///
    /// # Errors
    ///
    /// When reading fails.
    pub fn digest(mut reader: impl Read) -> io::Result<Digest> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(Digest::from_bytes(&hash.finalize())),
                length => hash.update(&buffer[..length]),
            }
        }
    }

    /// Whether the bundle is here.
    pub fn has(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// Lets the bundle count as one that came just now, and answers whether it is here.
    pub fn renew(&self, digest: &Digest) -> bool {
        let now = TimeSpec::UTIME_NOW;
        let flag = UtimensatFlags::FollowSymlink;
        // Where the time cannot be written, the bundle is here all the same.
        let _ = utimensat(AT_FDCWD, &self.path(digest), &now, &now, flag);
        self.has(digest)
    }

    /// Where the bundle is, if it is here.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(digest.as_str())
    }

    /// Every bundle in the folder.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Digest>, BundleError> {
        let context = || format!("reading the bundle folder {}", self.dir.display());
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(BundleError::io(context()))? {
            let name = entry.map_err(BundleError::io(context()))?.file_name();
            found.extend(name.to_str().and_then(|name| name.parse().ok()));
        }
        Ok(found)
    }

    /// Takes a bundle out of the folder; one that is not here is fine.
    ///
    /// # Errors
    ///
    /// When the file cannot be removed.
    pub fn remove(&self, digest: &Digest) -> Result<(), BundleError> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BundleError::Io {
                context: format!("removing {}", path.display()),
                source: error,
            }),
            _ => Ok(()),
        }
    }

    /// Takes a copy of a finished bundle file. The file itself stays where it is.
    ///
    /// # Errors
    ///
    /// When it cannot be read or kept.
    pub fn adopt(&self, file: &Path) -> Result<Packed, BundleError> {
        let context = format!("reading {}", file.display());
        let reader = File::open(file).map_err(BundleError::io(context))?;
        self.receive(reader, None)
    }

    /// Reads a bundle to its end and keeps it. With an expected digest, bytes that hash to another are not kept.
    ///
    /// # Errors
    ///
    /// When reading or writing fails, or the digest differs.
    pub fn receive(
        &self,
        mut reader: impl Read,
        expected: Option<&Digest>,
    ) -> Result<Packed, BundleError> {
        let mut incoming = self.incoming()?;
        let context = || format!("receiving a bundle into {}", self.dir.display());
        io::copy(&mut reader, &mut incoming).map_err(BundleError::io(context()))?;
        incoming.keep(expected)
    }

    /// Packs a folder reproducibly, or takes a zip, tar or tar.gz archive as it is.
    ///
    /// The same files give the same digest wherever and by whomever they are packed: names are sorted, owners are left
    /// out, modes and modification times are kept, and symbolic links stay links.
    ///
    /// # Errors
    ///
    /// When it has no `AppSpec` at its root, is not an archive that a host would unpack, or cannot be read or kept.
    pub fn pack(&self, source: &Path) -> Result<Packed, BundleError> {
        let context = format!("reading {}", source.display());
        let metadata = fs::metadata(source).map_err(BundleError::io(context))?;
        if metadata.is_dir() {
            pack::check_folder(source)?;
            self.pack_tree(source)
        } else {
            check_archive(source)?;
            self.adopt(source)
        }
    }

    /// Packs a folder like [`Bundles::pack`], whatever is in it.
    ///
    /// # Errors
    ///
    /// When it cannot be read or kept.
    pub fn pack_tree(&self, folder: &Path) -> Result<Packed, BundleError> {
        let mut incoming = self.incoming()?;
        pack::folder(folder, &mut incoming)?;
        incoming.keep(None)
    }

    /// A file for bytes that are no bundle yet. It goes when it is dropped.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn landing(&self) -> Result<NamedTempFile, BundleError> {
        let context = format!("writing into {}", self.dir.display());
        tempfile::Builder::new()
            .prefix(INCOMING)
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(&self.dir)
            .map_err(BundleError::io(context))
    }

    /// A folder beside the bundles, for one that is not to be kept yet. It goes when it is dropped.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn aside(&self) -> Result<TempDir, BundleError> {
        let context = format!("writing into {}", self.dir.display());
        tempfile::Builder::new()
            .prefix(INCOMING)
            .tempdir_in(&self.dir)
            .map_err(BundleError::io(context))
    }

    fn incoming(&self) -> Result<Incoming<'_>, BundleError> {
        Ok(Incoming {
            bundles: self,
            file: self.landing()?,
            hash: Sha256::new(),
            size: 0,
        })
    }
}

/// What a revision is called that is pushed from here: `shop-1.8.0.tar.gz` is called `shop-1.8.0`.
pub fn label_of(path: &Path) -> String {
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    [".tar.gz", ".tgz", ".tar", ".zip"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(&name)
        .to_owned()
}

/// Checks that the file is an archive that a host may unpack, with an `AppSpec` at its root.
fn check_archive(path: &Path) -> Result<(), BundleError> {
    let limits = Limits {
        // Some hosts are set up to take them.
        links_may_leave: true,
        ..Limits::structure()
    };
    let contents = archive::check(path, &limits).map_err(|source| BundleError::Archive {
        path: path.to_owned(),
        source,
    })?;
    if contents.has_appspec() {
        Ok(())
    } else {
        Err(BundleError::NoAppSpec(path.to_owned()))
    }
}

/// Whether the file is a temporary one that a crashed process left behind.
fn is_abandoned(entry: &fs::DirEntry) -> bool {
    let named_so = entry.file_name().to_string_lossy().starts_with(INCOMING);
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    named_so && modified.is_ok_and(|modified| clock::age(modified) > Some(ABANDONED))
}

/// A bundle on its way in.
struct Incoming<'a> {
    bundles: &'a Bundles,
    file: NamedTempFile,
    hash: Sha256,
    size: u64,
}

impl Write for Incoming<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Incoming<'_> {
    /// Makes the file durable and gives it its name.
    fn keep(self, expected: Option<&Digest>) -> Result<Packed, BundleError> {
        let digest = Digest::from_bytes(&self.hash.finalize());
        if let Some(expected) = expected.filter(|expected| **expected != digest) {
            return Err(BundleError::Digest {
                expected: expected.clone(),
                actual: digest,
            });
        }
        let path = self.bundles.path(&digest);
        let context = || format!("writing {}", path.display());
        crate::crash_point::here!("bundles.before-keep");
        self.file
            .as_file()
            .sync_all()
            .map_err(BundleError::io(context()))?;
        self.file
            .persist(&path)
            .map_err(|error| BundleError::io(context())(error.error))?;
        File::open(&self.bundles.dir)
            .and_then(|dir| dir.sync_all())
            .map_err(BundleError::io(context()))?;
        crate::crash_point::here!("bundles.kept");
        Ok(Packed {
            digest,
            size: self.size,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn revision(at: &Path) {
        fs::create_dir_all(at.join("bin")).unwrap();
        fs::write(at.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
        fs::write(at.join("bin/run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(at.join("bin/run"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("run", at.join("bin/start")).unwrap();
        let then = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for name in ["appspec.yml", "bin/run", "bin", "."] {
            File::open(at.join(name))
                .unwrap()
                .set_modified(then)
                .unwrap();
        }
    }

    #[test]
    fn packing_is_reproducible_and_content_addressed() {
        let scratch = tempfile::tempdir().unwrap();
        let bundles = Bundles::open(scratch.path().join("bundles")).unwrap();
        let mut digests = Vec::new();
        for name in ["one", "two"] {
            let folder = scratch.path().join(name);
            revision(&folder);
            let packed = bundles.pack(&folder).unwrap();
            assert!(bundles.has(&packed.digest));
            let size = fs::metadata(bundles.path(&packed.digest)).unwrap().len();
            assert_eq!(size, packed.size);
            digests.push(packed.digest);
        }
        // The links' own times differ between the two folders and must not show.
        assert_eq!(digests[0], digests[1]);
        assert_eq!(bundles.list().unwrap(), digests[..1]);

        let again = bundles.pack(&bundles.path(&digests[0])).unwrap();
        assert_eq!(again.digest, digests[0], "an archive is taken as it is");
        bundles.remove(&digests[0]).unwrap();
        assert!(!bundles.has(&digests[0]));
    }

    #[test]
    fn a_wrong_digest_leaves_nothing_behind() {
        let scratch = tempfile::tempdir().unwrap();
        let bundles = Bundles::open(scratch.path()).unwrap();
        let expected = Digest::from_bytes(&[7; 32]);
        let refused = bundles.receive(&b"bytes"[..], Some(&expected));
        assert!(matches!(refused, Err(BundleError::Digest { .. })));
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_revisions_are_packed() {
        let scratch = tempfile::tempdir().unwrap();
        let bundles = Bundles::open(scratch.path().join("bundles")).unwrap();
        let folder = scratch.path().join("no-appspec");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("README"), "no").unwrap();
        // One of another name alone cannot be deployed, because nobody could say its name.
        fs::write(folder.join("prod.yml"), "version: 0.0\nos: linux\n").unwrap();
        let error = bundles.pack(&folder).unwrap_err();
        assert!(matches!(error, BundleError::NoAppSpec(_)));
        assert!(error.to_string().contains("appspec.yml or appspec.yaml"));
        let text = folder.join("README");
        assert!(matches!(
            bundles.pack(&text),
            Err(BundleError::Archive {
                source: ArchiveError::NotAnArchive { .. },
                ..
            })
        ));
        assert!(matches!(
            bundles.pack(&folder.join("missing")),
            Err(BundleError::Io { .. })
        ));
    }
}
