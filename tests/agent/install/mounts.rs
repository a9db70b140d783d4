//! File systems that only one test sees: small ones, read-only ones, ones without access control lists.

use std::fs;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};

/// What this thread mounts is seen by it, and by the threads that it starts after this was made: make it before the host.
pub struct Apart(());

/// Mounted until dropped.
pub struct Mounted(PathBuf);

impl Apart {
    pub fn new() -> Self {
        unshare(CloneFlags::CLONE_NEWNS)
            .expect("this test mounts file systems, and must run as root");
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
        Self(())
    }

    /// Mounts a file system of a kind, with options.
    #[expect(clippy::unused_self, reason = "only who is apart may mount")]
    pub fn mount(&self, at: &Path, kind: &str, flags: MsFlags, options: &str) -> Mounted {
        fs::create_dir_all(at).unwrap();
        mount(Some("none"), at, Some(kind), flags, Some(options)).unwrap();
        Mounted(at.to_owned())
    }

    /// Makes a file a place where something is mounted, so that it cannot be removed.
    #[expect(clippy::unused_self, reason = "only who is apart may mount")]
    pub fn mount_over_file(&self, at: &Path) -> Mounted {
        let nothing = Some("/dev/null");
        mount(nothing, at, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
        Mounted(at.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = umount(&self.0);
    }
}
