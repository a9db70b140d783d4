//! The clean-up file: what this group's Install has created on the host, so that the next one can remove it.
//!
//! Paths in the order of their creation, each followed by a zero byte, so that any name is fine. A path is in the file,
//! and the file on the disk, before the path is created: after a crash the next Install finds everything.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::place::Place;
use crate::agent::layout::sync_dir;

/// The paths the previous Install of the group created, in order.
///
/// # Errors
///
/// When the file cannot be read.
pub fn read(file: &Path) -> io::Result<Vec<PathBuf>> {
    let bytes = match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes?,
    };
    let mut paths: Vec<_> = bytes
        .split(|byte| *byte == 0)
        .map(|path| PathBuf::from(OsStr::from_bytes(path)))
        .collect();
    // What follows the last zero byte is empty, or was being written when the host stopped.
    paths.pop();
    Ok(paths)
}

/// Removes what the previous Install created: contents before their directories, and a directory only if nothing else
/// is in it.
///
/// # Errors
///
/// When something cannot be removed. Trying again goes on from there.
pub fn run(paths: &[PathBuf], place: &Place) -> io::Result<()> {
    for path in paths.iter().rev() {
        let at = place.at(path)?;
        let removed = match fs::symlink_metadata(&at) {
            Ok(found) if found.is_dir() => fs::remove_dir(&at),
            Ok(_) => fs::remove_file(&at),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if !is_fine(&error) => {
                let message = format!(
                    "removing {} of the previous revision: {error}",
                    at.display()
                );
                return Err(io::Error::new(error.kind(), message));
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_fine(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        // A file in place of a folder on the way means that the path is gone as well.
        K::NotFound | K::NotADirectory | K::DirectoryNotEmpty
    )
}

/// What will be gone once the clean-up has run.
///
/// # Errors
///
/// When a directory cannot be read.
pub fn forecast(paths: &[PathBuf], place: &Place) -> io::Result<HashSet<PathBuf>> {
    let mut gone = HashSet::new();
    for path in paths.iter().rev() {
        let at = place.at(path)?;
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_dir() && !is_emptied(&at, &gone)? => {}
            Ok(_) => {
                gone.insert(at);
            }
            Err(_) => {}
        }
    }
    Ok(gone)
}

fn is_emptied(directory: &Path, gone: &HashSet<PathBuf>) -> io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        if !gone.contains(&entry?.path()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The clean-up file while Install writes it.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

impl Journal {
    /// Starts an empty one.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn start(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(path)?;
        file.sync_all()?;
        sync_dir(path.parent().unwrap_or(Path::new("/")))?;
        Ok(Self { file })
    }

    /// Makes it durable that these paths are about to be created.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn announce<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) -> io::Result<()> {
        let mut bytes = Vec::new();
        for path in paths {
            bytes.extend(path.as_os_str().as_bytes());
            bytes.push(0);
        }
        self.file.write_all(&bytes)?;
        self.file.sync_data()
    }
}

/// Writes the paths that were really created, after Install failed on the way.
///
/// # Errors
///
/// When it cannot be written.
pub fn rewrite(path: &Path, created: &[&Path]) -> io::Result<()> {
    let mut bytes = Vec::new();
    for path in created {
        bytes.extend(path.as_os_str().as_bytes());
        bytes.push(0);
    }
    crate::agent::layout::write_atomically(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_foreign_survives_and_the_forecast_is_right() {
        let scratch = tempfile::tempdir().unwrap();
        let place = Place::new(Some(&scratch.path().join("root"))).unwrap();
        let root = place.root().unwrap().to_owned();
        for folder in ["app/empty", "app/kept"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in ["app/own", "app/kept/own", "app/kept/by hand"] {
            fs::write(root.join(file), "x").unwrap();
        }
        std::os::unix::fs::symlink("nowhere", root.join("app/link")).unwrap();
        let journal = scratch.path().join("g-cleanup");
        let names = [
            "/app",
            "/app/own",
            "/app/empty",
            "/app/kept",
            "/app/kept/own",
            "/app/link",
            "/app/missing",
        ];
        let mut writing = Journal::start(&journal).unwrap();
        writing.announce(names.iter().map(Path::new)).unwrap();
        fs::write(
            &journal,
            [fs::read(&journal).unwrap(), b"/app/torn".to_vec()].concat(),
        )
        .unwrap();

        let paths = read(&journal).unwrap();
        assert_eq!(paths, names.map(PathBuf::from));
        let gone = forecast(&paths, &place).unwrap();
        for _ in 0..2 {
            run(&paths, &place).unwrap();
        }
        for (name, stays) in [
            ("app", true),
            ("app/own", false),
            ("app/empty", false),
            ("app/kept", true),
            ("app/kept/own", false),
            ("app/kept/by hand", true),
            ("app/link", false),
        ] {
            let at = root.join(name);
            assert_eq!(fs::symlink_metadata(&at).is_ok(), stays, "{name}");
            assert_eq!(gone.contains(&at), !stays, "{name}");
        }
    }
}
