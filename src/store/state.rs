//! Where a project's runtime state lives, and the lock that lets one process orchestrate it.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::model::revision::Digest;

/// The longest path a Unix socket can have on Linux, in bytes.
pub const SOCKET_PATH_LIMIT: usize = 107;

/// The journal's file in the state directory.
const JOURNAL: &str = "journal.sqlite";

/// Where everything of one project is kept on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The project's folder, with `cutover.yaml`.
    pub project: PathBuf,
    /// Journal, bundles and output.
    pub directory: PathBuf,
    /// Where the orchestrator listens.
    pub socket: PathBuf,
}

/// Why the state can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder can't be made or read.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is nowhere to keep state.
    #[error("no home folder is known: set HOME, or settings.stateDirectory in cutover.yaml")]
    NoHome,
    /// The folder for sockets belongs to somebody else.
    #[error("{path} belongs to another user or is open to others: remove it, or set XDG_RUNTIME_DIR", path = .0.display())]
    Foreign(PathBuf),
    /// The socket's path is too long for the system.
    #[error("the socket path {path} is longer than {SOCKET_PATH_LIMIT} bytes: set XDG_RUNTIME_DIR to a shorter folder", path = .0.display())]
    TooLong(PathBuf),
    /// Another process orchestrates the project.
    #[error("another process orchestrates this project already (it holds {path})", path = .0.display())]
    Locked(PathBuf),
}

impl State {
    /// Where the state of the project in this folder is; `state_directory` is the project's own setting. Makes the folders.
    ///
    /// # Errors
    /// If a folder can't be made, or belongs to somebody else.
    pub fn of(project: &Path, state_directory: Option<&str>) -> Result<Self, StateError> {
        let project = canonical(project)?;
        let directory = directory(&project, state_directory)?;
        private_folder(&directory)?;
        let socket = socket_of(&identity(&project))?;
        Ok(Self {
            project,
            directory,
            socket,
        })
    }

    /// The journal's file.
    pub fn journal(&self) -> PathBuf {
        self.directory.join(JOURNAL)
    }

    /// The documents as they were when last read without an error.
    pub fn last_good(&self) -> PathBuf {
        self.directory.join("project.json")
    }

    /// The instances of AWS as they were found last.
    pub fn instances(&self) -> PathBuf {
        self.directory.join("instances.json")
    }

    /// The key by which hosts know the orchestrator.
    pub fn key(&self) -> PathBuf {
        self.directory.join("key.pem")
    }

    /// The key that signs commands.
    pub fn commands(&self) -> PathBuf {
        self.directory.join("commands.pem")
    }

    /// The key that seals what hooks report with.
    pub fn hooks(&self) -> PathBuf {
        self.directory.join("hooks.json")
    }

    /// Which start of the orchestrator it is, and where.
    pub fn fence(&self) -> PathBuf {
        self.directory.join("fence.json")
    }

    /// The keys of the hosts that have joined.
    pub fn hosts(&self) -> PathBuf {
        self.directory.join("hosts.json")
    }

    /// The folder of bundles.
    pub fn bundles(&self) -> PathBuf {
        self.directory.join("bundles")
    }

    /// The folder of output.
    pub fn output(&self) -> PathBuf {
        self.directory.join("output")
    }

    /// The audit trail.
    pub fn audit(&self) -> PathBuf {
        self.directory.join("audit.log")
    }

    /// What an orchestrator in the background writes.
    pub fn log(&self) -> PathBuf {
        self.directory.join("serve.log")
    }

    /// Takes the right to orchestrate the project, for as long as the result lives.
    ///
    /// # Errors
    /// [`StateError::Locked`] if another process has it.
    pub fn lock(&self) -> Result<File, StateError> {
        let path = self.directory.join("lock");
        let open = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = open.map_err(|source| StateError::Io {
            path: path.clone(),
            source,
        })?;
        match file.try_lock() {
            Ok(()) => {
                // For people and scripts that look for the process; the lock itself is what counts.
                let pid = format!("{}\n", std::process::id());
                let written = file
                    .set_len(0)
                    .and_then(|()| (&file).write_all(pid.as_bytes()));
                written.map_err(|source| StateError::Io { path, source })?;
                Ok(file)
            }
            Err(TryLockError::WouldBlock) => Err(StateError::Locked(path)),
            Err(TryLockError::Error(source)) => Err(StateError::Io { path, source }),
        }
    }
}

/// Where the journal of the project in this folder is, or will be. Makes nothing.
///
/// # Errors
/// If there is no such folder, or no home folder is known.
pub fn journal(project: &Path, state_directory: Option<&str>) -> Result<PathBuf, StateError> {
    Ok(directory(&canonical(project)?, state_directory)?.join(JOURNAL))
}

/// Where the state of a project is, by its canonical path.
fn directory(project: &Path, state_directory: Option<&str>) -> Result<PathBuf, StateError> {
    let id = id(project, &identity(project));
    Ok(match state_directory {
        Some(relative) => project.join(relative),
        None => user_state()?.join("projects").join(id),
    })
}

/// Where the orchestrator of the project in this folder listens, whatever its documents say.
///
/// # Errors
/// If there is no such folder, or the one for sockets can't be made or belongs to somebody else.
pub fn socket(project: &Path) -> Result<PathBuf, StateError> {
    socket_of(&identity(&canonical(project)?))
}

/// The file with which this person's cockpit begins where the last one was left: each of those who share a project has
/// their own.
///
/// # Errors
/// If there is no such folder, or no home folder is known.
pub fn session(project: &Path) -> Result<PathBuf, StateError> {
    let project = canonical(project)?;
    let name = format!("{}.json", id(&project, &identity(&project)));
    Ok(user_state()?.join("cockpit").join(name))
}

/// What a project is called among those of this machine.
fn id(canonical: &Path, digest: &Digest) -> String {
    let folder = canonical
        .file_name()
        .map_or_else(|| "root".into(), |name| name.to_string_lossy().into_owned());
    format!("{folder}-{}", digest.short())
}

/// A project is known by where it is.
fn identity(canonical: &Path) -> Digest {
    Digest::from_bytes(&Sha256::digest(canonical.as_os_str().as_encoded_bytes()))
}

fn canonical(path: &Path) -> Result<PathBuf, StateError> {
    path.canonicalize().map_err(|source| StateError::Io {
        path: path.to_owned(),
        source,
    })
}

fn socket_of(identity: &Digest) -> Result<PathBuf, StateError> {
    // Sixteen digits identify it well enough, and more would only make the path longer.
    let socket = runtime_folder()?.join(format!("{}.sock", &identity.as_str()[..16]));
    if socket.as_os_str().len() > SOCKET_PATH_LIMIT {
        return Err(StateError::TooLong(socket));
    }
    Ok(socket)
}

/// The user's folder for state of this program.
///
/// # Errors
/// If no home folder is known.
pub fn user_state() -> Result<PathBuf, StateError> {
    let folders = directories::ProjectDirs::from("", "", "cutover").ok_or(StateError::NoHome)?;
    Ok(folders
        .state_dir()
        .unwrap_or_else(|| folders.data_local_dir())
        .to_owned())
}

/// The user's folder for configuration of this program; none, if no home folder is known.
pub fn user_configuration() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "cutover")?;
    Some(folders.config_dir().to_owned())
}

/// A short folder for sockets that nobody else may enter.
fn runtime_folder() -> Result<PathBuf, StateError> {
    let folder = directories::BaseDirs::new()
        .and_then(|dirs| dirs.runtime_dir().map(Path::to_owned))
        .map_or_else(
            || std::env::temp_dir().join(format!("cutover-{}", nix::unistd::getuid())),
            |runtime| runtime.join("cutover"),
        );
    private_folder(&folder)?;
    // The folder may have been there before: /tmp is everybody's.
    let about = folder.symlink_metadata().map_err(|source| StateError::Io {
        path: folder.clone(),
        source,
    })?;
    let ours = about.is_dir()
        && about.uid() == nix::unistd::getuid().as_raw()
        && about.permissions().mode().trailing_zeros() >= 6;
    if ours {
        Ok(folder)
    } else {
        Err(StateError::Foreign(folder))
    }
}

fn private_folder(path: &Path) -> Result<(), StateError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| StateError::Io {
            path: path.to_owned(),
            source,
        })
}
