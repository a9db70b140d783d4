//! Install and what goes with it: conformance items 4 to 11, 15 and 17.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use cutover::agent::protocol::{ExecutionEnd, Order, OutputSource};
use cutover::model::deployment::FileExistsBehavior;
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};

use crate::support::{Host, appspec, lay_out, order};

#[path = "install/files.rs"]
mod files;
#[path = "install/foreseen.rs"]
mod foreseen;
#[path = "install/links.rs"]
mod links;
#[path = "install/mounts.rs"]
mod mounts;
#[path = "install/permissions.rs"]
mod permissions;

#[tokio::test]
async fn seven_events_install_a_revision() {
    let host = Host::started().await;
    let hooks: Vec<_> = E::IN_PLACE
        .iter()
        .filter(|event| event.carries_hooks())
        .map(|event| format!("  {event}: [{{location: hooks/say.sh}}]"))
        .collect();
    let spec = appspec(&format!("hooks:\n{}", hooks.join("\n")));
    let revision = host
        .push(
            "1.0",
            &[
                ("appspec.yml", &spec, 0o644),
                (
                    "hooks/say.sh",
                    "#!/bin/sh\necho \"out $LIFECYCLE_EVENT\"; echo err >&2\n",
                    0o644,
                ),
                ("files/app.ini", "port=1\n", 0o640),
                ("files/bin/app", "#!/bin/sh\n", 0o755),
            ],
        )
        .await;
    let run = host.run(&order(1, &revision)).await;
    run.succeeded();
    assert!(
        run.state
            .events
            .iter()
            .all(|state| state.status == EventStatus::Succeeded)
    );
    assert!(
        run.state
            .events
            .iter()
            .all(|state| state.start_time <= state.end_time && state.end_time.is_some())
    );
    let said = [
        "out BeforeInstall",
        "out AfterInstall",
        "out ApplicationStart",
        "out ValidateService",
    ];
    assert_eq!(
        run.lines(OutputSource::Stdout),
        said,
        "the first ApplicationStop runs nothing"
    );
    assert_eq!(run.lines(OutputSource::Stderr), ["err"; 4]);
    assert!(
        run.lines(OutputSource::Agent)
            .contains(&"Script - hooks/say.sh")
    );
    assert_eq!(host.read("/srv/app/app.ini"), "port=1\n");
    let mode = |path: &str| fs::metadata(host.installed(path)).unwrap().mode() & 0o7777;
    assert_eq!(mode("/srv/app/app.ini"), 0o640);
    assert_eq!(mode("/srv/app/bin/app"), 0o755);

    let group = host
        .config
        .root
        .join(&order(1, &revision).deployment_group_id);
    let log = fs::read_to_string(group.join("d-000000001/logs/scripts.log")).unwrap();
    let entries: Vec<_> = log.lines().map(|line| &line[20..]).collect();
    assert_eq!(
        entries[..3],
        [
            "LifecycleEvent - BeforeInstall",
            "Script - hooks/say.sh",
            "[stdout]out BeforeInstall"
        ]
    );
    let shared = host
        .config
        .root
        .join("deployment-logs/codedeploy-agent-deployments.log");
    let shared = fs::read_to_string(shared).unwrap();
    assert!(
        shared.contains("[d-000000001]LifecycleEvent - ValidateService"),
        "{shared}"
    );
    assert_eq!(
        fs::metadata(&host.config.root).unwrap().mode() & 0o777,
        0o711
    );
}

#[tokio::test]
async fn the_previous_revision_is_cleaned_up() {
    let host = Host::started().await;
    let spec = appspec("");
    let one = host
        .push(
            "1",
            &[
                ("appspec.yml", &spec, 0o644),
                ("files/both", "1", 0o644),
                ("files/old/gone", "1", 0o644),
                ("files/mixed/gone", "1", 0o644),
            ],
        )
        .await;
    let two = host
        .push(
            "2",
            &[("appspec.yml", &spec, 0o644), ("files/both", "2", 0o644)],
        )
        .await;
    fs::create_dir_all(host.installed("/srv")).unwrap();
    host.run(&order(1, &one)).await.succeeded();
    host.write("/srv/app/mixed/by-hand", "mine");
    host.run(&order(2, &two)).await.succeeded();
    assert_eq!(host.read("/srv/app/both"), "2");
    assert!(
        !host.installed("/srv/app/old").exists(),
        "an empty directory of ours goes"
    );
    assert!(!host.installed("/srv/app/mixed/gone").exists());
    assert_eq!(host.read("/srv/app/mixed/by-hand"), "mine");

    let empty = host
        .push("3", &[("appspec.yml", "version: 0.0\nos: linux\n", 0o644)])
        .await;
    host.run(&order(3, &empty)).await.succeeded();
    assert!(
        !host.installed("/srv/app/both").exists(),
        "a revision without files uninstalls"
    );
    assert!(
        host.installed("/srv").exists(),
        "what was there before stays"
    );
}

#[tokio::test]
async fn existing_files_are_handled_as_asked() {
    let host = Host::started().await;
    let spec = appspec("permissions:\n  - {object: /srv/app, mode: \"600\", type: [file]}");
    let one = host
        .push(
            "1",
            &[("appspec.yml", &spec, 0o644), ("files/a", "1", 0o644)],
        )
        .await;
    let two = host
        .push(
            "2",
            &[
                ("appspec.yml", &spec, 0o644),
                ("files/a", "2", 0o644),
                ("files/b", "2", 0o644),
            ],
        )
        .await;
    host.run(&order(1, &one)).await.succeeded();
    host.write("/srv/app/b", "foreign");

    let refused = host.run(&order(2, &two)).await;
    assert_eq!(refused.end(), ExecutionEnd::Failed);
    let message = refused.diagnostics(E::Install).message;
    assert!(
        message.contains("E15") && message.contains("/srv/app/b exists"),
        "{message}"
    );
    assert_eq!(refused.status(E::AfterInstall), EventStatus::Skipped);
    assert_eq!(
        host.read("/srv/app/a"),
        "1",
        "the old application is intact"
    );

    let behave = |n, behavior| Order {
        file_exists_behavior: behavior,
        ..order(n, &two)
    };
    host.run(&behave(3, FileExistsBehavior::Retain))
        .await
        .succeeded();
    assert_eq!(
        (
            host.read("/srv/app/a").as_str(),
            host.read("/srv/app/b").as_str()
        ),
        ("2", "foreign")
    );
    let mode = |path: &str| fs::metadata(host.installed(path)).unwrap().mode() & 0o777;
    assert_eq!(mode("/srv/app/a"), 0o600);
    assert_ne!(
        mode("/srv/app/b"),
        0o600,
        "no permissions for what was kept"
    );

    host.run(&behave(4, FileExistsBehavior::Overwrite))
        .await
        .succeeded();
    assert_eq!(host.read("/srv/app/b"), "2");
    host.run(&order(5, &one)).await.succeeded();
    assert!(
        !host.installed("/srv/app/b").exists(),
        "what was overwritten is ours"
    );
}

#[tokio::test]
async fn an_overwritten_link_is_replaced_and_not_followed() {
    let host = Host::started().await;
    let spec = appspec("file_exists_behavior: OVERWRITE");
    let one = host
        .push(
            "1",
            &[("appspec.yml", &spec, 0o644), ("files/a", "new", 0o644)],
        )
        .await;
    host.write("/etc/precious", "precious");
    host.write("/srv/app/x", "");
    symlink("../../etc/precious", host.installed("/srv/app/a")).unwrap();
    host.run(&order(1, &one)).await.succeeded();
    assert_eq!(host.read("/srv/app/a"), "new");
    assert!(!host.installed("/srv/app/a").is_symlink());
    assert_eq!(host.read("/etc/precious"), "precious");
}

#[tokio::test]
async fn links_stay_links_and_setuid_survives_the_owner() {
    let host = Host::started().await;
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid())
        .unwrap()
        .unwrap()
        .name;
    let spec = appspec(&format!(
        "permissions:\n  - {{object: /srv/app/tool, owner: {user}, mode: \"4755\", type: [file]}}"
    ));
    let folder = host.path("revision");
    lay_out(
        &folder,
        &[
            ("appspec.yml", &spec, 0o644),
            ("files/tool", "", 0o644),
            ("files/dir/x", "", 0o644),
        ],
    );
    symlink("tool", folder.join("files/link")).unwrap();
    symlink("dir", folder.join("files/dirlink")).unwrap();
    let revision = host.push_folder("1", &folder).await;
    host.run(&order(1, &revision)).await.succeeded();
    assert_eq!(
        fs::read_link(host.installed("/srv/app/link"))
            .unwrap()
            .to_str(),
        Some("tool")
    );
    assert_eq!(
        fs::read_link(host.installed("/srv/app/dirlink"))
            .unwrap()
            .to_str(),
        Some("dir")
    );
    let mode = fs::metadata(host.installed("/srv/app/tool"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o4755);
}

#[tokio::test]
async fn a_wrong_revision_fails_before_anything_is_touched() {
    let host = Host::started().await;
    let good = appspec("");
    let one = host
        .push(
            "1",
            &[("appspec.yml", &good, 0o644), ("files/a", "1", 0o644)],
        )
        .await;
    host.run(&order(1, &one)).await.succeeded();
    let cases = [
        (
            appspec("permissions:\n  - {object: /srv/app/a, owner: nobody-here}"),
            E::Install,
            "E40",
        ),
        (
            appspec("file_exists_behavior: maybe"),
            E::DownloadBundle,
            "E14",
        ),
        (
            appspec("  - {source: missing, destination: /x}"),
            E::Install,
            "E08",
        ),
        (
            appspec("  - {source: other, destination: /srv/app}"),
            E::Install,
            "E10",
        ),
    ];
    for (number, (spec, event, id)) in (2..).zip(cases) {
        let members = [
            ("appspec.yaml", spec.as_str(), 0o644),
            ("files/a", "2", 0o644),
            ("other/a", "3", 0o644),
        ];
        let revision = host.push("bad", &members).await;
        let run = host.run(&order(number, &revision)).await;
        let message = run.diagnostics(event).message;
        assert!(message.contains(id), "{id}: {message}");
        assert_eq!(host.read("/srv/app/a"), "1");
    }
}

#[tokio::test]
async fn five_archives_stay() {
    let host = Host::started().await;
    let spec = appspec("");
    let revision = host
        .push(
            "1",
            &[("appspec.yml", &spec, 0o644), ("files/a", "1", 0o644)],
        )
        .await;
    let broken = host
        .push("2", &[("appspec.yml", "version: 1.0", 0o644)])
        .await;
    let group = host
        .config
        .root
        .join(&order(1, &revision).deployment_group_id);
    let left = || {
        let names = fs::read_dir(&group)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    for number in 1..=6 {
        host.run(&order(number, &revision)).await.succeeded();
    }
    assert_eq!(left().len(), 5);
    assert!(!left().contains(&"d-000000001".to_owned()));
    for number in 7..=11 {
        assert_eq!(
            host.run(&order(number, &broken)).await.end(),
            ExecutionEnd::Failed
        );
    }
    assert!(
        left().contains(&"d-000000006".to_owned()),
        "the installed one stays: {:?}",
        left()
    );
}

#[tokio::test]
async fn groups_run_side_by_side_and_one_group_in_order() {
    let host = Host::started().await;
    let gate = host.path("gate");
    let waits = format!(
        "#!/bin/sh\nuntil [ -e {} ]; do sleep 0.02; done\necho through\n",
        gate.display()
    );
    let spec = "version: 0.0\nos: linux\nhooks:\n  BeforeInstall: [{location: wait.sh}]\n";
    let waiting = host
        .push(
            "1",
            &[("appspec.yml", spec, 0o644), ("wait.sh", &waits, 0o755)],
        )
        .await;
    let plain = host
        .push("2", &[("appspec.yml", "version: 0.0\nos: linux\n", 0o644)])
        .await;
    let first = order(1, &waiting);
    let second = order(2, &plain);
    let elsewhere = Order {
        deployment_group_id: "other".to_owned(),
        ..order(3, &plain)
    };
    let id = crate::support::execution;
    host.order(&id(&first), &first).await;
    let queued = host.order(&id(&second), &second).await;
    host.run(&elsewhere).await.succeeded();
    let state = host.order(&id(&second), &second).await;
    assert!(
        state
            .events
            .iter()
            .all(|event| event.status == EventStatus::Pending),
        "it waits for its turn"
    );
    fs::write(&gate, "").unwrap();
    host.finish(&id(&first), &first, 0).await.succeeded();
    host.finish(&id(&second), &second, queued.accepted_seq)
        .await
        .succeeded();
}
