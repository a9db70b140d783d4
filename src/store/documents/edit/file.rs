//! One file: read, and replaced at once if nobody changed it in between.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use super::ChangeError;

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Original(Option<String>);

impl Original {
    /// Reads a file of the project, which may not exist.
    pub fn read(folder: &Path, path: &Path) -> Result<Self, ChangeError> {
        match fs::read(folder.join(path)) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Self(Some(text))),
                Err(_) => Err(fault(path, "not UTF-8 text")),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self(None)),
            Err(error) => Err(fault(path, format!("can't be read: {error}"))),
        }
    }

    /// The text, if there is a file.
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Refuses if the file is not what was read.
    pub fn unchanged(&self, folder: &Path, path: &Path) -> Result<(), ChangeError> {
        if Self::read(folder, path)?.0 == self.0 {
            return Ok(());
        }
        Err(fault(
            path,
            "was changed by somebody else in the meantime; nothing is written, try again",
        ))
    }

    /// Puts a text in the file's place, or takes the file away.
    pub fn replace(
        &self,
        folder: &Path,
        path: &Path,
        text: Option<&str>,
    ) -> Result<(), ChangeError> {
        let failed = |error: io::Error| fault(path, format!("can't be written: {error}"));
        let file = folder.join(path);
        match (text, &self.0) {
            (Some(text), Some(_)) => {
                // Behind a link is the file.
                let target = file.canonicalize().map_err(failed)?;
                self.unchanged(folder, path)?;
                over(&target, text).map_err(failed)
            }
            (Some(text), None) => new(&file, text).map_err(failed),
            (None, Some(_)) => {
                fs::remove_file(&file).map_err(failed)?;
                clear(folder, path);
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }
}

fn fault(path: &Path, message: impl Into<String>) -> ChangeError {
    ChangeError::File {
        path: path.to_owned(),
        message: message.into(),
    }
}

/// Keeps others of this program from writing documents of the project for as long as it is held.
pub(super) fn lock(folder: &Path) -> Result<File, ChangeError> {
    let open = || {
        let opened = File::open(folder)?;
        opened.lock()?;
        Ok(opened)
    };
    open().map_err(|error: io::Error| fault(Path::new("."), format!("can't be locked: {error}")))
}

/// Writes over a file: whoever reads it sees the old text or the new one.
fn over(target: &Path, text: &str) -> io::Result<()> {
    let parent = target.parent().unwrap_or(Path::new("/"));
    let metadata = target.metadata()?;
    let mut written = tempfile::Builder::new()
        .prefix(".cutover-")
        .tempfile_in(parent)?;
    written.write_all(text.as_bytes())?;
    if written.as_file().metadata()?.uid() != metadata.uid()
        || written.as_file().metadata()?.gid() != metadata.gid()
    {
        // Only root can give a file to another user; another's file stays in its place with a new owner.
        let _kept = fchown(
            written.as_file(),
            Some(metadata.uid()),
            Some(metadata.gid()),
        );
    }
    written.as_file().set_permissions(metadata.permissions())?;
    written.as_file().sync_all()?;
    written.persist(target)?;
    File::open(parent)?.sync_all()
}

/// Writes a file that does not exist, and the folders above it.
fn new(file: &Path, text: &str) -> io::Result<()> {
    let parent: PathBuf = file.parent().unwrap_or(Path::new("/")).to_owned();
    fs::create_dir_all(&parent)?;
    let mut written = tempfile::Builder::new()
        .prefix(".cutover-")
        .permissions(ordinary())
        .tempfile_in(&parent)?;
    written.write_all(text.as_bytes())?;
    written.as_file().sync_all()?;
    written.persist_noclobber(file)?;
    File::open(&parent)?.sync_all()
}

/// The mode of a new file, of which the umask takes its part.
fn ordinary() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

/// Takes the folder of an application away when nothing is left in it.
fn clear(project: &Path, path: &Path) {
    if let Some(folder) = path
        .parent()
        .filter(|folder| folder.components().count() > 1)
    {
        // What else is there is somebody's.
        let _other_files = fs::remove_dir(project.join(folder));
    }
}
