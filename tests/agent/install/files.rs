//! Files and folders: what copies keep, odd names, what becomes what between revisions.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use cutover::agent::protocol::{Order, OutputSource};
use cutover::model::deployment::FileExistsBehavior;

use crate::support::{Host, appspec, lay_out, order};

#[tokio::test]
async fn copies_keep_mode_time_and_owner_and_folders_do_not() {
    super::permissions::needs_root();
    let host = Host::started().await;
    // Bundles are packed without owners; what counts is the unpacked file.
    let script = "#!/bin/sh -e\ncd \"$(dirname \"$0\")\"\nchown 1234:4321 files/dir/a\nchmod 2751 files/dir/a\n\
                  touch -d @1600000000 files/dir/a\nchmod 700 files/dir\n";
    let spec = appspec("hooks:\n  BeforeInstall: [{location: set.sh}]");
    let folder = host.path("revision");
    lay_out(
        &folder,
        &[
            ("appspec.yml", &spec, 0o644),
            ("set.sh", script, 0o755),
            ("files/dir/a", "1", 0o644),
        ],
    );
    fs::create_dir(folder.join("files/empty")).unwrap();
    let revision = host.push_folder("1", &folder).await;
    host.run(&order(1, &revision)).await.succeeded();

    let then = UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    let found = fs::metadata(host.installed("/srv/app/dir/a")).unwrap();
    assert_eq!(found.modified().unwrap(), then);
    assert_eq!((found.uid(), found.gid()), (1234, 4321));
    assert_eq!(found.mode() & 0o7777, 0o2751);
    fs::create_dir(host.path("plain")).unwrap();
    let plain = fs::metadata(host.path("plain")).unwrap();
    for name in ["dir", "empty"] {
        let made = fs::metadata(host.installed("/srv/app").join(name)).unwrap();
        assert_eq!(made.mode(), plain.mode(), "{name}: only the umask counts");
        assert_ne!(made.modified().unwrap(), then);
    }
}

#[tokio::test]
async fn any_name_is_installed_and_cleaned_up() {
    let host = Host::started().await;
    let folder = host.path("revision");
    let long = "x".repeat(255);
    let names: [&[u8]; 8] = [
        b" leading and trailing ",
        b"quotes '\"`$(id)",
        b"line\nbreak",
        b"not \xff\xfe text",
        b"-rf",
        b"*?[a]{b}",
        b"back\\slash",
        long.as_bytes(),
    ];
    let more = "permissions:\n  - {object: /srv/app, mode: \"0640\", type: [file], acls: [\"u:daemon:r\"]}";
    lay_out(&folder, &[("appspec.yml", &appspec(more), 0o644)]);
    for name in names {
        let inside = folder.join("files/sub").join(OsStr::from_bytes(name));
        fs::create_dir_all(inside.parent().unwrap()).unwrap();
        fs::write(inside, "1").unwrap();
    }
    let one = host.push_folder("1", &folder).await;
    let empty = host
        .push("2", &[("appspec.yml", "version: 0.0\nos: linux\n", 0o644)])
        .await;
    host.run(&order(1, &one)).await.succeeded();
    for name in names {
        let at = host.installed("/srv/app/sub").join(OsStr::from_bytes(name));
        assert_eq!(fs::read_to_string(&at).unwrap(), "1");
        let list = super::permissions::getfacl(&at);
        assert!(list.contains("user:daemon:r--"), "{}: {list}", at.display());
    }
    host.run(&order(2, &empty)).await.succeeded();
    assert!(!host.installed("/srv").exists());
}

#[tokio::test]
async fn a_file_becomes_a_folder_and_a_folder_a_file() {
    let host = Host::started().await;
    let spec = appspec("");
    let one = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/x", "1", 0o644),
        ("files/y/z", "1", 0o644),
    ];
    let two = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/x/z", "2", 0o644),
        ("files/y", "2", 0o644),
    ];
    let (one, two) = (host.push("1", &one).await, host.push("2", &two).await);
    host.run(&order(1, &one)).await.succeeded();
    host.run(&order(2, &two)).await.succeeded();
    assert_eq!(
        (host.read("/srv/app/x/z"), host.read("/srv/app/y")),
        ("2".to_owned(), "2".to_owned())
    );
    host.run(&order(3, &one)).await.succeeded();
    assert_eq!(
        (host.read("/srv/app/x"), host.read("/srv/app/y/z")),
        ("1".to_owned(), "1".to_owned())
    );
}

#[tokio::test]
async fn a_running_program_is_overwritten() {
    let host = Host::started().await;
    let tool = host.installed("/srv/app/tool");
    fs::create_dir_all(tool.parent().unwrap()).unwrap();
    fs::copy("/bin/sleep", &tool).unwrap();
    let mut running = Command::new(&tool).arg("1000").spawn().unwrap();
    let spec = appspec("file_exists_behavior: OVERWRITE");
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/tool", "new", 0o755),
    ];
    let revision = host.push("1", &members).await;
    let run = host.run(&order(1, &revision)).await;
    assert!(
        running.try_wait().unwrap().is_none(),
        "it goes on with the old file"
    );
    running.kill().unwrap();
    running.wait().unwrap();
    run.succeeded();
    assert_eq!(host.read("/srv/app/tool"), "new");
}

#[tokio::test]
async fn what_is_retained_may_be_anything_and_is_nobody_s() {
    let host = Host::started().await;
    let spec = appspec("");
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/a", "new", 0o644),
        ("files/b", "new", 0o644),
    ];
    let revision = host.push("1", &members).await;
    host.write("/srv/app/a/inside", "mine");
    host.write("/srv/app/keep", "mine");
    std::os::unix::fs::symlink("nowhere", host.installed("/srv/app/b")).unwrap();
    let retain = |number| Order {
        file_exists_behavior: FileExistsBehavior::Retain,
        ..order(number, &revision)
    };
    let run = host.run(&retain(1)).await;
    run.succeeded();
    let remarks = run.lines(OutputSource::Agent).join("\n");
    assert!(
        remarks.contains("kept /srv/app/a, which existed"),
        "{remarks}"
    );
    host.run(&retain(2)).await.succeeded();
    assert_eq!(host.read("/srv/app/a/inside"), "mine");
    assert!(
        host.installed("/srv/app/b").is_symlink(),
        "a dangling link exists, too"
    );
}
