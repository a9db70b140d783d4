//! A place where archives are unpacked, with everything around it watched.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cutover::store::archive::{self, ArchiveError, Contents, Limits, Owners};

/// A scratch folder with a canary beside the folder that is unpacked into.
pub struct Host {
    scratch: tempfile::TempDir,
}

impl Host {
    pub fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let deep = scratch.path().join("a/b/c");
        fs::create_dir_all(&deep).unwrap();
        let host = Self { scratch };
        host.heal();
        host
    }

    /// Makes everything around the folder as it was.
    pub fn heal(&self) {
        for folder in ["", "a", "a/b", "a/b/c"] {
            fs::write(self.scratch.path().join(folder).join("canary"), "alive").unwrap();
        }
        let _ = fs::remove_file(self.target().with_file_name("egg"));
    }

    /// The folder that is unpacked into.
    pub fn target(&self) -> PathBuf {
        self.scratch.path().join("a/b/c/into")
    }

    /// Where the archive is written.
    pub fn bundle(&self) -> PathBuf {
        self.scratch.path().join("bundle")
    }

    pub fn unpack(&self, bytes: &[u8], limits: &Limits) -> Result<Contents, ArchiveError> {
        fs::write(self.bundle(), bytes).unwrap();
        archive::extract(&self.bundle(), &self.target(), limits, Owners::Archive)
    }

    /// Unpacks what must be refused, and answers what was said.
    ///
    /// # Errors
    ///
    /// When it was not refused, or anything was written, or checking alone says something else.
    pub fn refuse(&self, bytes: &[u8], limits: &Limits) -> Result<String, String> {
        fs::write(self.bundle(), bytes).unwrap();
        let before = seen(self.scratch.path());
        let checked = archive::check(&self.bundle(), limits);
        let unpacked = archive::extract(&self.bundle(), &self.target(), limits, Owners::Archive);
        if seen(self.scratch.path()) != before {
            return Err("something was written or changed".to_owned());
        }
        match (checked, unpacked) {
            (Err(checked), Err(unpacked)) if checked.to_string() == unpacked.to_string() => {
                Ok(unpacked.to_string())
            }
            (checked, unpacked) => Err(format!(
                "not refused: {:?}, {:?}",
                checked.map(|contents| contents.members),
                unpacked.map(|contents| contents.members.len())
            )),
        }
    }

    /// Whether everything around the folder is as it was.
    pub fn is_unharmed(&self) -> bool {
        let all = seen(self.scratch.path());
        let outside = all
            .iter()
            .filter(|(path, _)| !path.starts_with("a/b/c/into"));
        let names: Vec<_> = outside
            .map(|(path, _)| path.to_string_lossy().into_owned())
            .collect();
        let expected = [
            "a",
            "a/b",
            "a/b/c",
            "a/b/c/canary",
            "a/b/canary",
            "a/canary",
            "bundle",
            "canary",
        ];
        let canaries = ["", "a", "a/b", "a/b/c"].iter().all(|folder| {
            let canary = self.scratch.path().join(folder).join("canary");
            fs::read_to_string(canary).is_ok_and(|text| text == "alive")
        });
        names == expected && canaries
    }
}

/// What a path is: its kind and mode, its change times, its size and its number.
type Look = (u32, i64, i64, u64, u64);

/// Everything below a folder.
fn seen(root: &Path) -> BTreeMap<PathBuf, Look> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, Look>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let data = fs::symlink_metadata(&path).unwrap();
            // Making and removing a folder changes its parent's times, and that is no harm.
            let look = if data.is_dir() {
                (data.mode(), 0, 0, 0, data.ino())
            } else {
                (
                    data.mode(),
                    data.ctime(),
                    data.ctime_nsec(),
                    data.len(),
                    data.ino(),
                )
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), look);
            if data.is_dir() {
                walk(root, &path, found);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}
