//! Symbolic links: in the revision, and on the host.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use cutover::agent::protocol::{ExecutionEnd, Order, OutputSource};
use cutover::model::deployment::FileExistsBehavior;
use cutover::model::lifecycle::LifecycleEvent as E;

use crate::support::{Host, appspec, lay_out, order};

#[tokio::test]
async fn a_link_stays_a_link_where_it_still_leads_there() {
    let host = Host::started().await;
    let folder = host.path("revision");
    let spec = appspec("  - {source: latest, destination: /srv/top}");
    lay_out(
        &folder,
        &[
            ("appspec.yml", &spec, 0o644),
            ("files/releases/1/x", "x", 0o644),
            ("shared/y", "y", 0o644),
            ("shared/sub/z", "z", 0o644),
        ],
    );
    for (target, link) in [
        ("releases/1", "files/current"),
        ("../shared", "files/shared"),
        ("../..", "files/releases/circle"),
        ("../../files", "shared/sub/back"),
        ("sub", "shared/latest"),
        ("missing", "files/dangling"),
        ("shared", "latest"),
    ] {
        symlink(target, folder.join(link)).unwrap();
    }
    let revision = host.push_folder("1", &folder).await;
    let run = host.run(&order(1, &revision)).await;
    run.succeeded();
    let leads_to = |path: &str| fs::read_link(host.installed(path)).ok();
    let is = |path: &str, target: &str| {
        assert_eq!(leads_to(path).as_deref(), Some(Path::new(target)), "{path}");
    };
    is("/srv/app/current", "releases/1");
    is("/srv/app/releases/circle", "../..");
    is("/srv/app/dangling", "missing");
    is("/srv/app/shared/sub/back", "../../files");
    is("/srv/app/shared/latest", "sub");
    // What the link meant is not among what was copied, and so comes in its place.
    assert_eq!(leads_to("/srv/app/shared"), None);
    assert_eq!(host.read("/srv/app/shared/y"), "y");
    assert_eq!(host.read("/srv/top/sub/z"), "z", "a source that is a link");
    let remarks = run.lines(OutputSource::Agent).join("\n");
    assert!(
        remarks.contains("the link /srv/app/dangling leads to missing"),
        "{remarks}"
    );
    assert!(!remarks.contains("/srv/app/current"), "{remarks}");
}

#[tokio::test]
async fn a_destination_may_be_behind_a_link_and_have_two_names() {
    let host = Host::started().await;
    fs::create_dir_all(host.installed("/srv/real")).unwrap();
    symlink("real", host.installed("/srv/linked")).unwrap();
    for (number, name) in (1..).zip(["linked", "real", "linked"]) {
        let spec = appspec("").replace("/srv/app", &format!("/srv/{name}/app"));
        let members = [
            ("appspec.yml", spec.as_str(), 0o644),
            ("files/a", name, 0o644),
        ];
        let revision = host.push(name, &members).await;
        host.run(&order(number, &revision)).await.succeeded();
        assert_eq!(host.read("/srv/real/app/a"), name);
    }
    assert!(host.installed("/srv/linked").is_symlink());
}

#[tokio::test]
async fn a_link_at_a_file_s_place_exists_even_if_it_dangles() {
    let host = Host::started().await;
    let spec = appspec("");
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/a", "new", 0o644),
    ];
    let revision = host.push("1", &members).await;
    fs::create_dir_all(host.installed("/srv/app")).unwrap();
    symlink("../made", host.installed("/srv/app/a")).unwrap();
    let refused = host.run(&order(1, &revision)).await;
    assert_eq!(refused.end(), ExecutionEnd::Failed);
    assert!(refused.diagnostics(E::Install).message.contains("E15"));
    let overwrite = Order {
        file_exists_behavior: FileExistsBehavior::Overwrite,
        ..order(2, &revision)
    };
    let run = host.run(&overwrite).await;
    run.succeeded();
    assert!(
        run.lines(OutputSource::Agent)
            .contains(&"replaced the link /srv/app/a")
    );
    assert!(!host.installed("/srv/app/a").is_symlink());
    assert!(
        !host.installed("/srv/made").exists(),
        "nothing was written through it"
    );
}

#[tokio::test]
async fn a_link_of_the_previous_revision_hides_nothing_from_the_next() {
    let host = Host::started().await;
    host.write("/srv/data/a", "precious");
    let spec = appspec("");
    let folder = host.path("revision");
    lay_out(
        &folder,
        &[("appspec.yml", &spec, 0o644), ("files/other", "", 0o644)],
    );
    // The link leads out of the revision once it is installed, not before.
    fs::create_dir(folder.join("data")).unwrap();
    fs::write(folder.join("data/b"), "").unwrap();
    symlink("other", folder.join("files/cur")).unwrap();
    let one = host.push_folder("1", &folder).await;
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/cur/a", "2", 0o644),
    ];
    let two = host.push("2", &members).await;
    host.run(&order(1, &one)).await.succeeded();
    // As if the link had led there from the beginning.
    fs::remove_file(host.installed("/srv/app/cur")).unwrap();
    symlink("../data", host.installed("/srv/app/cur")).unwrap();
    host.run(&order(2, &two)).await.succeeded();
    assert_eq!(host.read("/srv/app/cur/a"), "2");
    assert_eq!(host.read("/srv/data/a"), "precious");
}
