//! Carrying out a plan.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::Path;

use nix::unistd::syncfs;

use super::cleanup::{self, Journal};
use super::place::Place;
use super::plan::{Plan, Step};

/// So many paths are announced in the clean-up file at a time.
const ANNOUNCED: usize = 128;

/// Makes what the plan says. What was made is in the clean-up file, also after a failure on the way.
pub fn run(plan: &Plan, place: &Place, journal: &Path) -> io::Result<()> {
    let mut writing = Journal::start(journal).map_err(context("writing", journal))?;
    for (chunk, steps) in plan.steps.chunks(ANNOUNCED).enumerate() {
        writing
            .announce(steps.iter().map(Step::path))
            .map_err(context("writing", journal))?;
        for (index, step) in steps.iter().enumerate() {
            if let Err(error) = carry_out(step, place) {
                let done = chunk * ANNOUNCED + index;
                // A copy that failed halfway may have left something; a directory has not.
                let kept = done + usize::from(matches!(step, Step::Copy { .. }));
                let created: Vec<_> = plan.steps[..kept].iter().map(Step::path).collect();
                cleanup::rewrite(journal, &created).map_err(context("writing", journal))?;
                return Err(error);
            }
        }
    }
    sync(plan, place)
}

/// Makes everything durable, with one request to each file system.
fn sync(plan: &Plan, place: &Place) -> io::Result<()> {
    let mut devices = BTreeSet::new();
    for step in &plan.steps {
        let at = place.at(step.path())?;
        let folder = at.parent().unwrap_or(&at);
        let device = fs::metadata(folder)
            .map_err(context("reading", folder))?
            .dev();
        if devices.insert(device) {
            let synced = File::open(folder).and_then(|folder| Ok(syncfs(folder)?));
            synced.map_err(context("syncing", folder))?;
        }
    }
    Ok(())
}

fn carry_out(step: &Step, place: &Place) -> io::Result<()> {
    match step {
        Step::Directory { path } => {
            let at = place.at(path)?;
            match fs::create_dir(&at) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && at.is_dir() => Ok(()),
                made => made.map_err(context("making", &at)),
            }
        }
        Step::Copy { source, path } => {
            let at = place.at(path)?;
            copy(source, &at).map_err(context("copying to", &at))
        }
    }
}

/// Copies a file with its mode, modification time and, as root, its owner; or makes a link with the same target.
/// Whatever is there is taken away first, so that nothing is written through a link or into a running program.
fn copy(source: &Path, at: &Path) -> io::Result<()> {
    match fs::remove_file(at) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(source)?;
    if found.is_symlink() {
        return symlink(fs::read_link(source)?, at);
    }
    let mut from = File::open(source)?;
    let mut to = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(at)?;
    io::copy(&mut from, &mut to)?;
    if nix::unistd::geteuid().is_root() {
        // Before the mode, because a change of owner clears the setuid bit.
        chown(at, Some(found.uid()), Some(found.gid()))?;
    }
    to.set_permissions(fs::Permissions::from_mode(found.mode() & 0o7777))?;
    to.set_modified(found.modified()?)
}

/// Says what was being done, and with what.
pub fn context(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let doing = format!("{doing} {}", path.display());
    move |error| io::Error::new(error.kind(), format!("{doing}: {error}"))
}
