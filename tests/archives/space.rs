//! A file system that has no room.

use std::fs;
use std::path::Path;
use std::process::Command;

use cutover::store::archive::{self, Limits, Owners};

use crate::host::Host;
use crate::make::tar::{Tar, put};

#[test]
fn what_does_not_fit_is_refused_before_anything_is_written() {
    // A hole of eight terabytes takes no room in the archive, and is more than any disk here has.
    let large = Tar::new().with("x", b'S', b"", |header| {
        put(header, 257, b"ustar  \0");
        put(header, 483, b"\x80\0\0\0\0\0\x08\0\0\0\0\0");
    });
    let limits = Limits {
        unpacked: u64::MAX,
        ratio_floor: u64::MAX,
        ..Limits::default()
    };
    let host = Host::new();
    let refused = host.unpack(&large.end(), &limits).unwrap_err().to_string();
    assert!(
        refused.starts_with("the bundle needs 8.0 TiB, "),
        "{refused}"
    );
    assert!(refused.contains(" are free on /"), "{refused}");
    assert!(host.is_unharmed() && !host.target().exists());
}

/// A small file system of its own, which only root can make.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(at: &'a Path, options: &str) -> Self {
        let mut mount = Command::new("mount");
        let done = mount
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(at)
            .status();
        assert!(
            done.unwrap().success(),
            "this test must be able to mount a tmpfs"
        );
        Self(at)
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_disk_that_is_full_leaves_nothing_behind() {
    if !nix::unistd::geteuid().is_root() {
        println!("not run: only root can mount a small file system");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let disk = scratch.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let unpack = |bundle: &Path| {
        archive::extract(
            bundle,
            &disk.join("into"),
            &Limits::default(),
            Owners::Archive,
        )
    };
    // There is room for the bytes, but not for so many files: it shows only while they are written.
    let _small = Small::mount(&disk, "size=1m,nr_inodes=20");
    let many = (0..50).fold(Tar::new(), |tar, n| tar.file(format!("d{n}/f"), b"x"));
    let bundle = scratch.path().join("bundle");
    fs::write(&bundle, many.end()).unwrap();
    let error = unpack(&bundle).unwrap_err();
    assert!(error.to_string().contains("No space left"), "{error}");
    assert_eq!(fs::read_dir(&disk).unwrap().count(), 0);

    let large = (0..30).fold(Tar::new(), |tar, n| {
        tar.file(format!("f{n}"), &vec![7; 40_000])
    });
    fs::write(&bundle, large.end()).unwrap();
    let error = unpack(&bundle).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the bundle needs 1.1 MiB, 1.0 MiB are free on"),
        "{error}"
    );
    assert_eq!(fs::read_dir(&disk).unwrap().count(), 0);
}
