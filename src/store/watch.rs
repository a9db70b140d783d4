//! Learning that files of a folder have changed, without looking again and again.

use std::future::pending;
use std::io;
use std::path::Path;

use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use tokio::net::unix::pipe::Receiver;

/// Sees what happens in a folder from the moment on at which it was made. To the runtime it is a pipe that can be read when
/// something has happened: that is all there is to it.
#[derive(Debug)]
pub struct Watch(Receiver);

impl Watch {
    /// Watches the files of this folder.
    ///
    /// # Errors
    /// If the kernel watches no more for this user, or the folder is not there.
    pub fn on(folder: &Path) -> io::Result<Self> {
        let watch = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let changes = WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::ATTRIB;
        add_watch(&watch, folder, changes)?;
        Receiver::from_owned_fd_unchecked(watch).map(Self)
    }

    /// Waits until something has happened. What it was is seen by looking, after watching anew.
    pub async fn changed(&self) {
        if self.0.readable().await.is_err() {
            // The runtime ends, and everybody with it.
            pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::store::files::write_atomically;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn what_happens_after_it_was_made_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        write_atomically(&file, b"1").unwrap();
        let watch = Watch::on(folder.path()).unwrap();
        let quiet = timeout(Duration::from_millis(50), watch.changed()).await;
        assert!(quiet.is_err(), "nothing has happened");
        write_atomically(&file, b"2").unwrap();
        timeout(PATIENCE, watch.changed()).await.unwrap();
        let watch = Watch::on(folder.path()).unwrap();
        std::fs::remove_file(&file).unwrap();
        timeout(PATIENCE, watch.changed()).await.unwrap();
        assert!(Watch::on(&file).is_err());
    }
}
