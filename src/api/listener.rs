//! The sockets: the owner's own, and the door where everybody knocks (`access.door`).

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::{UnixListener, UnixStream};

/// Everybody may knock at the door; who comes in is decided behind it.
const FOR_EVERYBODY: u32 = 0o666;

/// Write permission of the group or of others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Why there is no door.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Its folder is not fit.
    #[error("access.door {door}: {reason}", door = .door.display())]
    Unfit {
        /// Where it was to be.
        door: PathBuf,
        /// What is wrong, and what to do about it.
        reason: String,
    },
    /// The socket can't be made.
    #[error("can't listen on {path}: {source}", path = .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Where an orchestrator listens.
#[derive(Debug)]
pub struct Listeners {
    own: UnixListener,
    door: Option<(PathBuf, UnixListener)>,
}

impl Listeners {
    /// Listens on the owner's socket, and at the door if there is to be one. The caller holds the project's lock, so that
    /// an old socket of the owner's belongs to nobody.
    ///
    /// # Errors
    /// If a socket can't be made, or somebody else could replace the door.
    pub fn bind(own: &Path, door: Option<&Path>) -> Result<Self, DoorError> {
        let failed = |source| DoorError::Io {
            path: own.to_owned(),
            source,
        };
        Ok(Self {
            own: replace(own).map_err(failed)?,
            door: door
                .map(|door| Ok::<_, DoorError>((door.to_owned(), open(door)?)))
                .transpose()?,
        })
    }

    /// What is to be removed when nobody listens any more.
    pub fn door(&self) -> Option<PathBuf> {
        self.door.as_ref().map(|(path, _)| path.clone())
    }

    async fn next(&self) -> io::Result<UnixStream> {
        let at_the_door = async {
            match &self.door {
                Some((_, door)) => door.accept().await,
                None => std::future::pending().await,
            }
        };
        let accepted = tokio::select! {
            accepted = self.own.accept() => accepted,
            accepted = at_the_door => accepted,
        };
        accepted.map(|(stream, _)| stream)
    }
}

/// Opens the door, if nobody else can replace it and nobody listens there.
fn open(door: &Path) -> Result<UnixListener, DoorError> {
    let unfit = |reason: String| DoorError::Unfit {
        door: door.to_owned(),
        reason,
    };
    let folder = door.parent().unwrap_or(Path::new("/"));
    let shown = folder.display();
    let about = folder.symlink_metadata().map_err(|error| {
        unfit(format!(
            "{shown}: {error}; make the folder, for instance with `install -d -m 755 {shown}`"
        ))
    })?;
    if !about.is_dir() {
        return Err(unfit(format!("{shown} is no folder")));
    }
    let owner = nix::unistd::getuid().as_raw();
    if about.uid() != owner && about.uid() != 0 {
        return Err(unfit(format!(
            "{shown} belongs to another user, who could replace the door: `chown` it to the user who orchestrates, or to root"
        )));
    }
    if about.permissions().mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(unfit(format!(
            "others may write to {shown}, and could replace the door: `chmod go-w {shown}`"
        )));
    }
    if std::os::unix::net::UnixStream::connect(door).is_ok() {
        let reason = "another process listens there already: end it, or choose another door";
        return Err(unfit(reason.to_owned()));
    }
    let failed = |source| DoorError::Io {
        path: door.to_owned(),
        source,
    };
    let listener = replace(door).map_err(failed)?;
    std::fs::set_permissions(door, Permissions::from_mode(FOR_EVERYBODY)).map_err(failed)?;
    Ok(listener)
}

/// Listens in place of a socket that belongs to nobody any more.
fn replace(socket: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => UnixListener::bind(socket),
    }
}

/// The user id at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub u32);

impl axum::serve::Listener for Listeners {
    type Io = UnixStream;
    type Addr = Peer;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.next().await {
                Ok(stream) => match stream.peer_cred() {
                    Ok(peer) => return (stream, Peer(peer.uid())),
                    Err(error) => tracing::warn!(%error, "turned away somebody unknown"),
                },
                Err(error) => {
                    // Most likely too many open files: others may close some.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(Peer(nix::unistd::getuid().as_raw()))
    }
}

impl Connected<IncomingStream<'_, Listeners>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listeners>) -> Self {
        *stream.remote_addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    fn set(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn a_door_is_open_to_everybody_and_replaceable_by_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let (own, doors) = (folder.path().join("own"), folder.path().join("doors"));
        let door = doors.join("shop.sock");
        let bind = || Listeners::bind(&own, Some(&door)).map(|_| ());
        let missing = bind().unwrap_err().to_string();
        assert!(missing.contains("install -d -m 755"), "{missing}");

        std::fs::create_dir(&doors).unwrap();
        for open in [0o775, 0o757, 0o1777] {
            set(&doors, open);
            let refused = bind().unwrap_err().to_string();
            assert!(refused.contains("chmod go-w"), "{refused}");
        }
        set(&doors, 0o755);
        let listeners = Listeners::bind(&own, Some(&door)).unwrap();
        assert_eq!(mode(&door), FOR_EVERYBODY);
        let second = Listeners::bind(&own, Some(&door)).unwrap_err().to_string();
        assert!(second.contains("listens there already"), "{second}");
        drop(listeners);
        // What a killed process left is replaced.
        assert!(door.exists());
        bind().unwrap();
    }
}
