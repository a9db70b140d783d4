//! What is found before anything is touched, what can only be warned of, and what a failure on the way leaves.

use std::fs;
use std::os::unix::fs::symlink;

use cutover::agent::protocol::{ExecutionEnd, Order, OutputSource};
use cutover::model::deployment::FileExistsBehavior;
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};
use nix::mount::MsFlags;

use super::mounts::Apart;
use crate::support::{Host, Member, appspec, order};

/// A revision that also installs `more` to another place.
fn with_more<'a>(spec: &'a str, text: &'a str) -> [Member<'a>; 3] {
    [
        ("appspec.yml", spec, 0o644),
        ("files/a", "2", 0o644),
        ("more/b", text, 0o644),
    ]
}

#[tokio::test]
async fn the_old_application_survives_what_can_be_foreseen() {
    let apart = Apart::new();
    let host = Host::started().await;
    let spec = appspec("");
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/a", "1", 0o644),
    ];
    let one = host.push("1", &members).await;
    host.run(&order(1, &one)).await.succeeded();
    let mounted =
        |name: &str, kind, flags, options| apart.mount(&host.installed(name), kind, flags, options);
    let _mounted = [
        mounted("small", "tmpfs", MsFlags::empty(), "size=64k"),
        mounted("fixed", "tmpfs", MsFlags::MS_RDONLY, ""),
        mounted("plain", "ramfs", MsFlags::empty(), ""),
    ];
    host.write("/srv/file", "");
    host.write("/srv/folder/b/x", "");
    symlink("nowhere", host.installed("/srv/dangling")).unwrap();
    let large = "x".repeat(100_000);
    let to = |place: &str| format!("  - {{source: more, destination: {place}}}");
    let with = |place: &str, permission: &str| {
        let permissions =
            format!("permissions:\n  - {{object: {place}, type: [file], {permission}}}");
        format!("{}\n{permissions}", to(place))
    };
    let long = format!("/srv/{}", "x".repeat(256));
    let cases = [
        (
            to("/small/app"),
            "E60",
            "64.0 KiB free, and the revision's files need 97.6 KiB",
        ),
        (
            to("/fixed/app"),
            "E61",
            "fixed cannot be written: Read-only file system",
        ),
        (
            with("/plain/app", "acls: [\"u:daemon:r\"]"),
            "E38",
            "plain does not support access control lists",
        ),
        (
            with("/srv/new", "acls: [\"u:nobody-here:r\"]"),
            "E40",
            "there is no user nobody-here",
        ),
        (
            with("/srv/new", "group: nobody-here"),
            "E40",
            "there is no group nobody-here",
        ),
        (
            to("/srv/file"),
            "E13",
            "/srv/file exists and is not a directory",
        ),
        (
            to("/srv/dangling/x"),
            "E13",
            "/srv/dangling exists and is not a directory",
        ),
        (to("/srv/folder"), "E15", "/srv/folder/b exists"),
        (
            format!("{}\nfile_exists_behavior: OVERWRITE", to("/srv/folder")),
            "E13",
            "/srv/folder/b exists and is a directory",
        ),
        (to("/srv/app/a"), "E12", "/srv/app/a would be both"),
        (to(&long), "E13", "is too long a name"),
        (
            with("/srv/new", "acls: [\"d:u:daemon:r\"]"),
            "E29",
            "/srv/new/b is a file",
        ),
    ];
    for (number, (more, id, message)) in (2..).zip(cases) {
        let spec = appspec(&more);
        let revision = host.push("bad", &with_more(&spec, &large)).await;
        let run = host.run(&order(number, &revision)).await;
        assert_eq!(run.end(), ExecutionEnd::Failed, "{id} {message}");
        let said = run.diagnostics(E::Install).message;
        let message = message.trim_start_matches("");
        assert!(
            said.contains(id) && said.contains(message),
            "{id} {message}: {said}"
        );
        assert!(
            said.contains("The previous revision's files are untouched"),
            "{said}"
        );
        assert_eq!(host.read("/srv/app/a"), "1", "{id} {message}");
        // It was known when the bundle arrived, but was no reason to stop then.
        let remarks = run.lines(OutputSource::Agent).join("\n");
        assert!(
            remarks.contains("as the host is now, Install would refuse"),
            "{remarks}"
        );
        assert_eq!(run.status(E::BeforeInstall), EventStatus::Succeeded);
    }
}

#[tokio::test]
async fn a_script_may_remove_what_is_in_the_way() {
    let host = Host::started().await;
    host.write("/srv/app/a", "foreign");
    let script = format!("#!/bin/sh\nrm {}\n", host.installed("/srv/app/a").display());
    let spec = appspec("hooks:\n  BeforeInstall: [{location: clear.sh}]");
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("clear.sh", &script, 0o755),
        ("files/a", "1", 0o644),
    ];
    let revision = host.push("1", &members).await;
    let run = host.run(&order(1, &revision)).await;
    run.succeeded();
    assert_eq!(host.read("/srv/app/a"), "1");
    let remarks = run.lines(OutputSource::Agent).join("\n");
    assert!(remarks.contains("Install would refuse: E15"), "{remarks}");
}

#[tokio::test]
async fn a_conflict_names_the_group_that_has_the_file() {
    let host = Host::started().await;
    let spec = appspec("");
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/a", "1", 0o644),
    ];
    let revision = host.push("1", &members).await;
    let other = |number, behavior| Order {
        deployment_group_id: "other".to_owned(),
        deployment_group_name: "staging".parse().unwrap(),
        file_exists_behavior: behavior,
        ..order(number, &revision)
    };
    host.run(&order(1, &revision)).await.succeeded();
    let refused = host.run(&other(2, FileExistsBehavior::Disallow)).await;
    let said = refused.diagnostics(E::Install).message;
    let expected = "/srv/app/a exists and belongs to deployment group production of shop";
    assert!(said.contains(expected), "{said}");
    let taken = host.run(&other(3, FileExistsBehavior::Overwrite)).await;
    taken.succeeded();
    let remarks = taken.lines(OutputSource::Agent).join("\n");
    assert!(
        remarks.contains("belongs to deployment group production of shop and is overwritten"),
        "{remarks}"
    );
}

#[tokio::test]
async fn a_failure_on_the_way_says_what_it_left_and_the_next_install_removes_it() {
    let apart = Apart::new();
    let host = Host::started().await;
    let spec = appspec("");
    let members = |text| {
        [
            ("appspec.yml", spec.as_str(), 0o644),
            ("files/a", text, 0o644),
            ("files/b", text, 0o644),
            ("files/c", text, 0o644),
        ]
    };
    let one = host.push("1", &members("1")).await;
    let two = host.push("2", &members("2")).await;
    let only = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/c", "3", 0o644),
    ];
    let three = host.push("3", &only).await;
    host.write("/srv/app/b", "foreign");
    let overwrite = |number, revision| Order {
        file_exists_behavior: FileExistsBehavior::Overwrite,
        ..order(number, revision)
    };

    // Nobody foresees that a file cannot be removed because something is mounted there.
    let mounted = apart.mount_over_file(&host.installed("/srv/app/b"));
    let broken = host.run(&overwrite(1, &one)).await;
    let said = broken.diagnostics(E::Install).message;
    assert!(
        said.contains("1 of 3 files were copied")
            && said.contains("the next Install removes exactly what was made"),
        "{said}"
    );
    assert_eq!(host.read("/srv/app/a"), "1");
    let refused = host.run(&order(2, &three)).await;
    refused.succeeded();
    assert!(!host.installed("/srv/app/a").exists());
    assert_eq!(host.read("/srv/app/c"), "3");
    drop(mounted);

    host.run(&overwrite(3, &two)).await.succeeded();
    let mounted = apart.mount_over_file(&host.installed("/srv/app/b"));
    let stuck = host.run(&order(4, &three)).await;
    let said = stuck.diagnostics(E::Install).message;
    assert!(
        said.contains("of 3 paths were removed, nothing was installed"),
        "{said}"
    );
    drop(mounted);
    host.run(&order(5, &three)).await.succeeded();
    let mut left: Vec<_> = fs::read_dir(host.installed("/srv/app"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["c"]);
}
