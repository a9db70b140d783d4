//! Keeps two orchestrators with the same keys apart: each start is of a greater epoch than all before, and a state directory that
//! was copied is not started from unless somebody says so.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::write_atomically;
use super::state::State;

/// By how much the epoch of one that takes over is greater: more than the other will have been started before it is found.
const AHEAD: u64 = 1000;

/// Where Linux says which machine it is, whatever it is called and however often it starts.
const MACHINE: &str = "/etc/machine-id";

/// What the file has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fence {
    epoch: u64,
    place: Place,
}

/// Where a state directory is: a copy is elsewhere, also on the same machine. Numbers of devices are not in it, as they may be
/// others after the machine starts again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Place {
    machine: String,
    inode: u64,
    /// When the directory was made, in nanoseconds since the Unix epoch; none where the file system does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<u64>,
}

/// Why an orchestrator does not start.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// The state directory is not where it was.
    #[error(
        "{path} was copied, restored or moved from elsewhere: an orchestrator may still run on the original, and two must not \
         command the same hosts. If the other is gone for good, `cutover serve --take-over` goes on from here; if not, go on \
         there. For a project of its own, remove this directory",
        path = .0.display()
    )]
    Elsewhere(PathBuf),
    /// The file can't be read or written.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Place {
    /// Whether this is the same place, as far as both know.
    fn is(&self, other: &Self) -> bool {
        let machine = |place: &Self| (!place.machine.is_empty()).then(|| place.machine.clone());
        let agrees = machine(self)
            .zip(machine(other))
            .is_none_or(|(a, b)| a == b);
        let made = self.made.zip(other.made).is_none_or(|(a, b)| a == b);
        agrees && made && self.inode == other.inode
    }
}

/// Begins an epoch, and answers it once it is durable. The caller holds the state's lock.
///
/// # Errors
/// If the state directory is not where it was, unless this is to take over; or if the file can't be read or written.
pub fn begin(state: &State, take_over: bool) -> Result<u64, FenceError> {
    let place = place(&state.directory)?;
    let epoch = match read(state)? {
        Some(former) if take_over => former.epoch + AHEAD,
        Some(former) if !former.place.is(&place) => {
            return Err(FenceError::Elsewhere(state.directory.clone()));
        }
        Some(former) => former.epoch + 1,
        None if take_over => AHEAD,
        None => 1,
    };
    let path = state.fence();
    let text = serde_json::to_vec(&Fence { epoch, place });
    let written = text
        .map_err(io::Error::from)
        .and_then(|text| write_atomically(&path, &text));
    written.map_err(at(&path))?;
    Ok(epoch)
}

/// Whether an orchestrator could begin here without taking over. Changes nothing.
///
/// # Errors
/// If not, or if the file can't be read.
pub fn look(state: &State) -> Result<(), FenceError> {
    match read(state)? {
        Some(former) if !former.place.is(&place(&state.directory)?) => {
            Err(FenceError::Elsewhere(state.directory.clone()))
        }
        _ => Ok(()),
    }
}

fn read(state: &State) -> Result<Option<Fence>, FenceError> {
    let path = state.fence();
    let text = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(at(&path))?,
    };
    let fence = serde_json::from_slice(&text).map_err(io::Error::from);
    fence.map_err(at(&path))
}

fn place(directory: &Path) -> Result<Place, FenceError> {
    let about = fs::metadata(directory).map_err(at(directory))?;
    let made = about.created().ok();
    let made = made.and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(Place {
        // Without one, the directory alone tells.
        machine: fs::read_to_string(MACHINE)
            .unwrap_or_default()
            .trim()
            .to_owned(),
        inode: about.ino(),
        made: made.and_then(|made| u64::try_from(made.as_nanos()).ok()),
    })
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> FenceError {
    let path = path.to_owned();
    move |source| FenceError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(folder: &Path) -> State {
        fs::create_dir_all(folder.join("state")).unwrap();
        State {
            project: folder.to_owned(),
            directory: folder.join("state"),
            socket: folder.join("socket"),
        }
    }

    #[test]
    fn each_start_is_of_a_greater_epoch_than_all_before() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(folder.path());
        look(&state).unwrap();
        assert!(!state.fence().exists(), "a look leaves nothing");
        assert_eq!(begin(&state, false).unwrap(), 1);
        assert_eq!(begin(&state, false).unwrap(), 2);
        look(&state).unwrap();
        assert_eq!(begin(&state, true).unwrap(), 1002);
        assert_eq!(begin(&state, false).unwrap(), 1003);
    }

    #[test]
    fn a_copy_begins_when_somebody_says_so() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (original, copy) = (state(one.path()), state(other.path()));
        begin(&original, false).unwrap();
        fs::copy(original.fence(), copy.fence()).unwrap();
        for refused in [look(&copy), begin(&copy, false).map(drop)] {
            let words = refused.unwrap_err().to_string();
            assert!(words.contains("--take-over"), "{words}");
        }
        assert_eq!(begin(&copy, true).unwrap(), 1001);
        look(&copy).unwrap();
        assert_eq!(begin(&copy, false).unwrap(), 1002);
        assert_eq!(begin(&original, false).unwrap(), 2);
    }

    #[test]
    fn a_directory_that_is_renamed_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = state(folder.path());
        begin(&state, false).unwrap();
        let renamed = folder.path().join("renamed");
        fs::rename(&state.directory, &renamed).unwrap();
        state.directory = renamed;
        assert_eq!(begin(&state, false).unwrap(), 2);
    }
}
