//! A small value in a file, that several processes may change and each sees at once.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::files::{lock_beside, write_for_owner};

/// A value that is kept in a file as JSON, which only its owner may read. Without the file it is the default.
#[derive(Debug)]
pub struct Kept<T> {
    path: PathBuf,
    seen: Mutex<Seen<T>>,
}

/// What was read last, and from which file.
#[derive(Debug)]
struct Seen<T> {
    file: Option<Stamp>,
    value: Arc<T>,
}

/// Tells a file from the one that takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    changed: (i64, i64),
}

impl<T: Clone + Default + Serialize + DeserializeOwned> Kept<T> {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// If it can't be read, or has something else.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let (file, value) = read(&path)?;
        let value = Arc::new(value);
        let seen = Mutex::new(Seen { file, value });
        Ok(Self { path, seen })
    }

    /// The value as it is now. While the file can't be read, it is what was read last.
    pub fn now(&self) -> Arc<T> {
        let mut seen = self.seen();
        if stamp(&self.path).is_ok_and(|file| file != seen.file) {
            match read(&self.path) {
                Ok((file, value)) => {
                    let value = Arc::new(value);
                    *seen = Seen { file, value };
                }
                Err(error) => tracing::error!(%error, "going on by what was read before"),
            }
        }
        Arc::clone(&seen.value)
    }

    /// Changes the value; it is durable when this returns, or nothing has changed.
    ///
    /// # Errors
    /// If the file can't be read or written.
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> io::Result<R> {
        let mut seen = self.seen();
        // Held until the end: others may be about to change it too.
        let _lock = lock_beside(&self.path)?;
        let (_, mut value) = read(&self.path)?;
        let result = change(&mut value);
        let text = serde_json::to_vec_pretty(&value)?;
        write_for_owner(&self.path, &text).map_err(at(&self.path))?;
        let value = Arc::new(value);
        let file = stamp(&self.path)?;
        *seen = Seen { file, value };
        Ok(result)
    }

    fn seen(&self) -> MutexGuard<'_, Seen<T>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read<T: Default + DeserializeOwned>(path: &Path) -> io::Result<(Option<Stamp>, T)> {
    // Looked at first: should the file be replaced in between, the next look reads again.
    let file = stamp(path)?;
    if file.is_none() {
        return Ok((None, T::default()));
    }
    let text = fs::read(path).map_err(at(path))?;
    let value = serde_json::from_slice(&text).map_err(io::Error::from);
    Ok((file, value.map_err(at(path))?))
}

fn stamp(path: &Path) -> io::Result<Option<Stamp>> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(Stamp {
            inode: found.ino(),
            changed: (found.ctime(), found.ctime_nsec()),
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let path = path.display().to_string();
    move |error| io::Error::new(error.kind(), format!("{path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_sees_what_one_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.json");
        let one: Kept<Vec<u32>> = Kept::open(path.clone()).unwrap();
        let other: Kept<Vec<u32>> = Kept::open(path.clone()).unwrap();
        assert!(other.now().is_empty());
        one.change(|numbers| numbers.push(1)).unwrap();
        assert_eq!(*other.now(), [1]);
        // Neither change is lost, although each had the value before the other's.
        other.change(|numbers| numbers.push(2)).unwrap();
        one.change(|numbers| numbers.push(3)).unwrap();
        assert_eq!(*other.now(), [1, 2, 3]);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
        assert!(one.now().is_empty());
    }

    #[test]
    fn a_file_that_makes_no_sense_is_named_and_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.json");
        let kept: Kept<Vec<u32>> = Kept::open(path.clone()).unwrap();
        kept.change(|numbers| numbers.push(1)).unwrap();
        fs::write(&path, "nothing").unwrap();
        assert_eq!(*kept.now(), [1]);
        let error = kept
            .change(|numbers| numbers.push(2))
            .unwrap_err()
            .to_string();
        assert!(error.contains("numbers.json"), "{error}");
        assert!(Kept::<Vec<u32>>::open(path.clone()).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"nothing");
    }
}
