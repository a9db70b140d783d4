//! The clean-up file: what this group's Install has created on the host, so that the next one can remove it.
//!
//! Records that each end with a zero byte, so that any name is fine: paths, which begin with `/`, in the order of their
//! creation, and `context EXPRESSION` for rules of `SELinux`. A record is in the file, and the file on the disk, before
//! what it names is created: after a crash the next Install finds everything. Records of the previous Install stay until
//! everything of the new one is on the disk.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::place::Place;
use super::selinux;
use super::tools::{self, Tools};
use crate::store::files::{sync_dir, write_atomically};

const CONTEXT: &[u8] = b"context ";

/// What a clean-up file names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Files, links and directories in the order of their creation.
    pub paths: Vec<PathBuf>,
    /// The expressions of rules for contexts.
    pub contexts: Vec<String>,
}

/// Removing what the previous Install created failed on the way.
#[derive(Debug)]
pub struct Stuck {
    /// So many paths were gone already.
    pub removed: usize,
    /// Why it did not go on.
    pub error: io::Error,
}

/// What the previous Install of the group created.
///
/// # Errors
///
/// When the file cannot be read, or a newer version wrote records that this one does not know.
pub fn read(file: &Path) -> io::Result<Listed> {
    let bytes = match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listed::default()),
        bytes => bytes?,
    };
    let mut records: Vec<_> = bytes.split(|byte| *byte == 0).collect();
    // What follows the last zero byte is empty, or was being written when the host stopped.
    records.pop();
    let mut listed = Listed::default();
    for record in records {
        if record.starts_with(b"/") {
            listed.paths.push(PathBuf::from(OsStr::from_bytes(record)));
        } else if let Some(expression) = record.strip_prefix(CONTEXT) {
            let expression = String::from_utf8_lossy(expression).into_owned();
            listed.contexts.push(expression);
        } else {
            let message = format!(
                "{} has the record {:?}, which this version of cutover does not know: run the newer one that wrote it",
                file.display(),
                String::from_utf8_lossy(record)
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    }
    Ok(listed)
}

/// Removes what the previous Install created: rules for contexts, whatever comes of it, then contents before their
/// directories, and a directory only if nothing else is in it.
///
/// # Errors
///
/// When something cannot be removed. Trying again goes on from there.
pub fn run(listed: &Listed, place: &Place, tools: &Tools) -> Result<(), Stuck> {
    if let Ok(selinux) = &tools.selinux {
        for expression in listed.contexts.iter().rev() {
            // The rule may be gone, and the previous revision must not stand in the way of the next.
            drop(tools::run(&selinux.semanage, &selinux::delete(expression)));
        }
    }
    let own = Own::new(listed, place);
    for (removed, path) in listed.paths.iter().rev().enumerate() {
        crate::crash_point::here!("install.cleaning");
        own.remove(path).map_err(|error| Stuck { removed, error })?;
    }
    Ok(())
}

/// What will be gone once the clean-up has run, as [`Place::real`] names it.
///
/// # Errors
///
/// When a directory cannot be read.
pub fn forecast(listed: &Listed, place: &Place) -> io::Result<HashSet<PathBuf>> {
    let own = Own::new(listed, place);
    let mut gone = HashSet::new();
    for path in listed.paths.iter().rev() {
        let Some(at) = own.at(path)? else {
            continue;
        };
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

/// The listed paths as far as they still are what Install made.
struct Own<'a> {
    place: &'a Place,
    paths: HashSet<&'a Path>,
}

impl<'a> Own<'a> {
    fn new(listed: &'a Listed, place: &'a Place) -> Self {
        let paths = listed.paths.iter().map(PathBuf::as_path).collect();
        Self { place, paths }
    }

    /// Where a listed path really is: nowhere if a directory of ours on the way has become a link, because what is
    /// behind it was never ours.
    fn at(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        let mut above: Vec<_> = path.ancestors().skip(1).collect();
        above.reverse();
        for above in above {
            if self.paths.contains(above) && self.place.at(above)?.is_symlink() {
                return Ok(None);
            }
        }
        self.place.real(path).map(Some)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let Some(at) = self.at(path)? else {
            return Ok(());
        };
        let removed = match fs::symlink_metadata(&at) {
            Ok(found) if found.is_dir() => fs::remove_dir(&at),
            Ok(_) => fs::remove_file(&at),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if !is_fine(&error) => {
                let message = format!("{}: {error}", at.display());
                Err(io::Error::new(error.kind(), message))
            }
            _ => Ok(()),
        }
    }
}

fn is_fine(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        // A file in place of a folder on the way means that the path is gone as well. Some file systems say of a
        // directory that is not empty that it exists.
        K::NotFound | K::NotADirectory | K::DirectoryNotEmpty | K::AlreadyExists
    )
}

/// The clean-up file while Install writes it.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    contexts: Vec<String>,
}

impl Journal {
    /// Opens it to add to what is in it.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let is_new = !path.exists();
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(path)?;
        if is_new {
            sync_dir(path.parent().unwrap_or(Path::new("/")))?;
        } else {
            cut_torn_record(path, &mut file)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            contexts: Vec::new(),
        })
    }

    /// Makes it durable that these paths are about to be created.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn announce<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) -> io::Result<()> {
        self.file.write_all(&records(paths, &[]))?;
        self.file.sync_data()
    }

    /// Makes it durable that rules with these expressions are about to be created.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn announce_contexts(&mut self, expressions: Vec<String>) -> io::Result<()> {
        self.file
            .write_all(&records(std::iter::empty(), &expressions))?;
        self.contexts.extend(expressions);
        self.file.sync_data()
    }

    /// Lets the file name exactly these paths, and the contexts that were announced.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn settle<'a>(self, paths: impl Iterator<Item = &'a Path>) -> io::Result<()> {
        write_atomically(&self.path, &records(paths, &self.contexts))
    }
}

fn records<'a>(paths: impl Iterator<Item = &'a Path>, contexts: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend(path.as_os_str().as_bytes());
        bytes.push(0);
    }
    for expression in contexts {
        bytes.extend(CONTEXT);
        bytes.extend(expression.as_bytes());
        bytes.push(0);
    }
    bytes
}

/// What a crash left half written must not become the beginning of the next record.
fn cut_torn_record(path: &Path, file: &mut File) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == 0);
    file.set_len(whole.map_or(0, |last| last as u64 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> (tempfile::TempDir, Place, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let place = Place::new(Some(&scratch.path().join("root"))).unwrap();
        let root = place.root().unwrap().to_owned();
        (scratch, place, root)
    }

    fn listed(paths: &[&str]) -> Listed {
        Listed {
            paths: paths.iter().map(PathBuf::from).collect(),
            contexts: Vec::new(),
        }
    }

    #[test]
    fn what_is_foreign_survives_and_the_forecast_is_right() {
        let (scratch, place, root) = host();
        for folder in ["app/empty", "app/kept"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in ["app/own", "app/kept/own", "app/kept/by hand"] {
            fs::write(root.join(file), "x").unwrap();
        }
        std::os::unix::fs::symlink("nowhere", root.join("app/link")).unwrap();
        let names = listed(&[
            "/app",
            "/app/own",
            "/app/empty",
            "/app/kept",
            "/app/kept/own",
            "/app/link",
            "/app/missing",
        ]);
        let file = scratch.path().join("g-cleanup");
        let mut journal = Journal::open(&file).unwrap();
        journal
            .announce(names.paths.iter().map(PathBuf::as_path))
            .unwrap();
        let read = read(&file).unwrap();
        assert_eq!(read, names);
        let gone = forecast(&read, &place).unwrap();
        let tools = Tools::find(&[], Path::new("/nowhere"));
        for _ in 0..2 {
            run(&read, &place, &tools).unwrap();
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

    #[test]
    fn what_is_behind_a_link_that_took_our_directory_s_place_is_not_ours() {
        let (_scratch, place, root) = host();
        fs::create_dir(root.join("precious")).unwrap();
        fs::write(root.join("precious/a"), "x").unwrap();
        std::os::unix::fs::symlink("precious", root.join("app")).unwrap();
        let names = listed(&["/app", "/app/a"]);
        let gone = forecast(&names, &place).unwrap();
        assert_eq!(gone, HashSet::from([root.join("app")]));
        run(&names, &place, &Tools::find(&[], Path::new("/nowhere"))).unwrap();
        assert!(root.join("precious/a").exists() && !root.join("app").is_symlink());
    }

    #[test]
    fn torn_records_are_dropped_and_unknown_ones_are_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("g-cleanup");
        fs::write(&file, b"/old\0/to").unwrap();
        let mut journal = Journal::open(&file).unwrap();
        journal.announce(["/new"].iter().map(Path::new)).unwrap();
        journal
            .announce_contexts(vec![r"/new\.x".to_owned()])
            .unwrap();
        let expected = Listed {
            contexts: vec![r"/new\.x".to_owned()],
            ..listed(&["/old", "/new"])
        };
        assert_eq!(read(&file).unwrap(), expected);
        journal.settle(["/new"].iter().map(Path::new)).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"/new\0context /new\\.x\0");
        fs::write(&file, b"/new\0mount /x\0").unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(
            error.contains("mount /x") && error.contains("newer"),
            "{error}"
        );
    }
}
