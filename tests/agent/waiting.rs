//! What an agent waits for does not keep it from answering, stopping or ending.

use std::fs::{self, File};
use std::time::Duration;

use cutover::agent::protocol::{ExecutionEnd, What};
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use crate::support::{DEADLINE, Host, execution, hook, order};

/// Holds a group's lock, as a local deployment does.
fn hold(host: &Host, group: &str) -> File {
    let folder = host.config.root.join("deployment-instructions");
    let lock = File::create(folder.join(format!("{group}.lock"))).unwrap();
    lock.lock().unwrap();
    lock
}

#[tokio::test]
async fn a_stop_ends_what_waits_for_a_local_deployment() {
    let host = Host::started().await;
    let appspec = hook(E::BeforeInstall, "");
    let members = [
        ("appspec.yml", appspec.as_str(), 0o644),
        ("run.sh", "#!/bin/sh\n", 0o755),
    ];
    let revision = host.push("1", &members).await;
    let order = order(1, &revision);
    let held = hold(&host, &order.deployment_group_id);
    let mut stream = host.stream(0).await;
    let id = execution(&order);
    host.order(&id, &order).await;
    stream.wait_for(|what| matches!(what, What::Accepted)).await;
    host.stop(&id).await;
    let ended = stream.wait_for(|what| matches!(what, What::Ended { .. }));
    let ended = timeout(DEADLINE, ended).await.unwrap();
    let end = ExecutionEnd::Stopped;
    assert_eq!(ended.what, What::Ended { end });
    drop(held);
}

/// The orchestrator gave a silent host up, and rolls back when it is there again.
#[tokio::test]
async fn a_newer_order_ends_one_that_was_given_up() {
    let mut host = Host::new();
    host.config.lease = Duration::from_millis(300);
    host.start().await;
    let gate = host.path("gate");
    let script = format!(
        "#!/bin/sh\nuntil [ -e {} ]; do sleep 0.02; done\n",
        gate.display()
    );
    let appspec = hook(E::BeforeInstall, "");
    let members = [
        ("appspec.yml", appspec.as_str(), 0o644),
        ("run.sh", &script, 0o755),
    ];
    let revision = host.push("1", &members).await;
    let (given_up, newer) = (order(1, &revision), order(2, &revision));
    let id = execution(&given_up);
    let mut stream = host.stream(0).await;
    host.order(&id, &given_up).await;
    let event = E::BeforeInstall;
    let begins = What::EventStarted { event };
    let renewing = async {
        loop {
            host.renew(&id).await;
            tokio::time::sleep(host.config.lease / 3).await;
        }
    };
    tokio::select! {
        _ = stream.wait_for(|what| *what == begins) => {}
        () = renewing => {}
    }
    // From here on nobody renews its lease, which has ended when the event does.
    tokio::time::sleep(2 * host.config.lease).await;
    fs::write(&gate, "").unwrap();
    let has_ended = |what: &What| {
        matches!(
            what,
            What::EventEnded {
                event: E::BeforeInstall,
                ..
            }
        )
    };
    stream.wait_for(has_ended).await;

    let run = timeout(DEADLINE, host.run(&newer)).await;
    run.expect("the newer one has its turn").succeeded();
    let state = host.order(&id, &given_up).await;
    assert_eq!(state.ended, Some(ExecutionEnd::Stopped));
    let status = |event| {
        state
            .events
            .iter()
            .find(|state| state.event == event)
            .unwrap()
            .status
    };
    assert_eq!(status(E::BeforeInstall), EventStatus::Succeeded);
    assert_eq!(status(E::Install), EventStatus::Skipped);
}

#[tokio::test]
async fn an_agent_ends_although_an_execution_waits_for_a_local_deployment() {
    let mut host = Host::new();
    // Longer than anybody waits here.
    host.config.drain = 4 * DEADLINE;
    host.start().await;
    let appspec = hook(E::BeforeInstall, "");
    let members = [
        ("appspec.yml", appspec.as_str(), 0o644),
        ("run.sh", "#!/bin/sh\n", 0o755),
    ];
    let revision = host.push("1", &members).await;
    let order = order(1, &revision);
    let held = hold(&host, &order.deployment_group_id);
    let id = execution(&order);
    host.order(&id, &order).await;
    host.shut_down().await;
    drop(held);
    host.start().await;
    host.finish(&id, &order, 0).await.succeeded();
}

#[tokio::test]
async fn an_upload_that_stalls_does_not_hold_an_agent_up() {
    let mut host = Host::new();
    host.config.drain = 4 * DEADLINE;
    host.start().await;
    let address = host.address.trim_start_matches("http://").to_owned();
    let mut stalled = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "PUT /v1/bundles/{} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf",
        "0".repeat(64)
    );
    stalled.write_all(head.as_bytes()).await.unwrap();
    let bundles = host.config.root.join("bundles");
    crate::support::until("the upload has begun", || {
        fs::read_dir(&bundles).unwrap().count() > 0
    })
    .await;
    host.shut_down().await;
    drop(stalled);
}

/// The orchestrator asks whether a host has a bundle, and sends its order relying on the answer.
#[tokio::test]
async fn a_bundle_that_was_asked_for_stays() {
    let host = Host::started().await;
    let appspec = hook(E::BeforeInstall, "");
    let members = [
        ("appspec.yml", appspec.as_str(), 0o644),
        ("run.sh", "#!/bin/sh\n", 0o755),
    ];
    let revision = host.push("old", &members).await;
    let bundle = host
        .config
        .root
        .join("bundles")
        .join(revision.digest.as_str());
    let file = File::options().append(true).open(&bundle).unwrap();
    let before = file.metadata().unwrap().modified().unwrap() - Duration::from_hours(48);
    file.set_modified(before).unwrap();

    let url = format!("{}/v1/bundles/{}", host.address, revision.digest);
    let has = host.client.head(url).send().await.unwrap();
    assert!(has.status().is_success());
    // Another deployment ends in between.
    host.script(2, E::BeforeInstall, "", "#!/bin/sh\necho other\n")
        .await
        .succeeded();
    let mut order = order(1, &revision);
    order.deployment_group_id = "another".to_owned();
    host.run(&order).await.succeeded();
}

/// An agent answers while a script writes as fast as it can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_does_not_silence_an_agent() {
    let mut host = Host::new();
    host.start_binary().await;
    let appspec = hook(E::BeforeInstall, "");
    let flood = "#!/bin/sh\ntouch \"$INSTALL_ROOT/flood\"\ntimeout 5 yes\nexit 0\n";
    let members = [
        ("appspec.yml", appspec.as_str(), 0o644),
        ("run.sh", flood, 0o755),
    ];
    let revision = host.push("1", &members).await;
    let order = order(1, &revision);
    fs::create_dir_all(host.path("root")).unwrap();
    let id = execution(&order);
    host.order(&id, &order).await;
    crate::support::until("the flood", || host.installed("/flood").exists()).await;
    let mut worst = Duration::ZERO;
    let end = Instant::now() + Duration::from_secs(4);
    while Instant::now() < end {
        let asked = Instant::now();
        timeout(DEADLINE, host.renew(&id)).await.unwrap();
        worst = worst.max(asked.elapsed());
    }
    assert!(worst < Duration::from_secs(1), "{worst:?}");
}
