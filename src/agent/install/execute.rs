//! Carrying out a plan.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown, symlink};
use std::path::{Path, PathBuf};

use nix::unistd::syncfs;

use super::cleanup::Journal;
use super::place::Place;
use super::plan::{Plan, Step};

/// So many paths are announced in the clean-up file at a time: each time waits for the disk, but what is announced and
/// not yet made must not be much after a crash.
const ANNOUNCED: usize = 1000;

/// Not everything was made.
#[derive(Debug)]
pub struct Broken {
    /// So many steps are done.
    pub done: usize,
    /// So many have left something.
    pub left: usize,
    /// Why it did not go on.
    pub error: io::Error,
}

/// Makes what the plan says.
pub fn run(plan: &Plan, place: &Place, journal: &mut Journal) -> Result<(), Broken> {
    for (chunk, steps) in plan.steps.chunks(ANNOUNCED).enumerate() {
        let before = chunk * ANNOUNCED;
        let announced = journal.announce(steps.iter().map(Step::path));
        announced.map_err(|error| Broken {
            done: before,
            left: before,
            error,
        })?;
        for (done, step) in (before..).zip(steps) {
            crate::crash_point::here!("install.copying");
            carry_out(step, place).map_err(|Failed { left, error }| Broken {
                done,
                left: done + usize::from(left),
                error,
            })?;
        }
    }
    Ok(())
}

/// Makes durable what was made and removed in these folders, with one request to each file system.
///
/// # Errors
///
/// When a file system reports that it lost something.
pub fn sync(folders: &BTreeSet<PathBuf>) -> io::Result<()> {
    let mut devices = BTreeSet::new();
    for folder in folders {
        match fs::metadata(folder) {
            Ok(found) if devices.insert(found.dev()) => {
                let synced = File::open(folder).and_then(|folder| Ok(syncfs(folder)?));
                synced.map_err(context("syncing", folder))?;
            }
            // A folder that was removed is on the file system of the one above it, which is there.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// A step failed. What it found is not its own, and what it made it has taken away again, unless that failed too.
struct Failed {
    left: bool,
    error: io::Error,
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self { left: false, error }
    }
}

fn carry_out(step: &Step, place: &Place) -> Result<(), Failed> {
    match step {
        Step::Directory { path } => {
            let at = place.at(path)?;
            match fs::create_dir(&at) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && at.is_dir() => Ok(()),
                made => Ok(made.map_err(context("making", &at))?),
            }
        }
        Step::Copy { source, path, .. } => {
            let at = place.at(path)?;
            copy(source, &at).map_err(|Failed { left, error }| Failed {
                left,
                error: context("copying to", &at)(error),
            })
        }
    }
}

/// Copies a file with its mode, modification time and, as far as the agent may, its owner; or makes a link with the same target.
/// Whatever is there is taken away first, so that nothing is written through a link or into a running program.
fn copy(source: &Path, at: &Path) -> Result<(), Failed> {
    let found = fs::symlink_metadata(source)?;
    if found.is_symlink() {
        let target = fs::read_link(source)?;
        return Ok(replacing(at, || symlink(&target, at))?);
    }
    let from = File::open(source)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let to = replacing(at, || options.open(at))?;
    fill(&to, &from, &found).map_err(|error| Failed {
        left: fs::remove_file(at).is_err(),
        error,
    })
}

fn fill(mut to: &File, mut from: &File, found: &Metadata) -> io::Result<()> {
    io::copy(&mut from, &mut to)?;
    // Before the mode, because a change of owner clears the setuid bit.
    let kept = match fchown(to, Some(found.uid()), Some(found.gid())) {
        // The file stays the agent's, and must not run as the agent for everybody.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => 0o1777,
        owned => owned.map(|()| 0o7777)?,
    };
    to.set_permissions(fs::Permissions::from_mode(found.mode() & kept))?;
    to.set_modified(found.modified()?)
}

fn replacing<T>(at: &Path, make: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match make() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(at)?;
            make()
        }
        result => result,
    }
}

/// Says what was being done, and with what.
pub fn context(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let doing = format!("{doing} {}", path.display());
    move |error| io::Error::new(error.kind(), format!("{doing}: {error}"))
}
