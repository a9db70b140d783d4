//! Networks that delay, cut, lose and fall silent in the middle of a rollout.

use std::time::Duration;

use cutover::agent::protocol::LEASE;
use cutover::model::deployment::DeploymentStatus;
use tokio::time::{Instant, sleep};

use crate::check;
use crate::cluster::{Cluster, until};
use crate::project::{ALL, HALF, Revision};
use crate::relay::Mode;
use crate::trace;

/// Connections are cut at every byte up to this one of what passes next, then at larger steps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_anywhere() {
    let mut cluster = Cluster::up(8).await;
    let mut limit = 0;
    for label in ["1", "2", "3"] {
        cluster
            .push(Revision {
                label,
                pause: "0.1",
                failing: &[],
                hanging: &[],
            })
            .await;
        let id = cluster.deploy(label, HALF).await;
        loop {
            let now = cluster.deployment(&id).await;
            if now.status.is_terminal() {
                assert_eq!(
                    (now.status, now.overview.succeeded),
                    (DeploymentStatus::Succeeded, 8)
                );
                break;
            }
            for host in &cluster.hosts {
                host.relay.set(Mode::CutAfter(limit));
                limit = (limit * 9 / 8 + 1) % 20_000;
            }
            sleep(Duration::from_millis(100)).await;
            for host in &cluster.hosts {
                host.relay.set(Mode::Pass);
            }
            // As long as a back-off at its longest: each gets somewhere before it is cut again.
            let until = Instant::now() + Duration::from_millis(700);
            while Instant::now() < until && !cluster.deployment(&id).await.status.is_terminal() {
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
    check::everything(&mut cluster).await;
}

/// Each host's network fails in its own way, for longer than a lease. Whoever is cut off starts nothing more; healed,
/// everything goes on where it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_are_cut_off_wait_and_go_on() {
    let mut cluster = Cluster::up(8).await;
    cluster
        .push(Revision {
            label: "1",
            pause: "4",
            failing: &[],
            hanging: &[],
        })
        .await;
    let id = cluster.deploy("1", ALL).await;
    cluster
        .wait_for(&id, |now| {
            now.targets.iter().all(|target| target.running().is_some())
        })
        .await;
    let modes = [
        Mode::Silence,
        Mode::Deaf,
        Mode::Mute,
        Mode::Refuse,
        Mode::Delay(Duration::from_millis(150)),
        Mode::Delay(Duration::from_secs(1)),
        Mode::CutAfter(700),
        Mode::Pass,
    ];
    for (host, mode) in std::iter::zip(&cluster.hosts, modes) {
        host.relay.set(mode);
    }
    sleep(LEASE + Duration::from_secs(4)).await;
    let runs = trace::read(&cluster.trace());
    let validated = |host: &str| {
        runs.keys()
            .any(|mark| mark.contains(&format!("~{host}~")) && mark.contains("/ValidateService/"))
    };
    for host in &cluster.hosts[..4] {
        assert!(
            !validated(&host.name),
            "{} went on without a lease",
            host.name
        );
    }
    assert!(validated("web-8"), "the others go on");
    for host in &cluster.hosts {
        host.relay.set(Mode::Pass);
    }
    let ended = cluster.wait_for_end(&id).await;
    assert_eq!(
        (ended.status, ended.overview.succeeded),
        (DeploymentStatus::Succeeded, 8)
    );
    check::everything(&mut cluster).await;
}

/// A stop reaches a host that is cut off: it starts nothing more, and until it confirms the deployment is not over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_holds_for_a_host_that_is_cut_off() {
    let mut cluster = Cluster::up(2).await;
    cluster
        .push(Revision {
            label: "1",
            pause: "2",
            failing: &[],
            hanging: &[],
        })
        .await;
    let id = cluster.deploy("1", ALL).await;
    cluster
        .wait_for(&id, |now| {
            now.targets.iter().all(|target| target.running().is_some())
        })
        .await;
    cluster.hosts[0].relay.set(Mode::Silence);
    cluster.stop(&id).await;
    let now = cluster
        .wait_for(&id, |now| {
            now.target(&"web-2".parse().unwrap())
                .unwrap()
                .status
                .is_terminal()
        })
        .await;
    assert!(!now.status.is_terminal(), "web-1 has not confirmed");
    cluster.hosts[0].relay.set(Mode::Pass);
    let ended = cluster.wait_for_end(&id).await;
    assert_eq!(ended.status, DeploymentStatus::Stopped);
    check::everything(&mut cluster).await;
}

/// A connection of each host's gets stuck at another request or in the middle of the bundle, and stays open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_get_stuck_are_given_up() {
    let mut cluster = Cluster::up(8).await;
    cluster
        .push(Revision {
            label: "1",
            pause: "1",
            failing: &[],
            hanging: &[],
        })
        .await;
    let modes = [
        Mode::StickAt("GET /v1/agent"),
        Mode::StickAt("HEAD /v1/bundles"),
        Mode::StickAt("PUT /v1/bundles"),
        Mode::StickAfter(8_000),
        Mode::StickAfter(18_000),
        Mode::StickAt("PUT /v1/executions"),
        Mode::StickAt("GET /v1/stream"),
        Mode::StickAt("POST /v1/leases"),
    ];
    for (host, mode) in std::iter::zip(&cluster.hosts, modes) {
        host.relay.set(mode);
    }
    let id = cluster.deploy("1", ALL).await;
    for (host, mode) in std::iter::zip(&cluster.hosts, modes) {
        until(&format!("{mode:?}"), || host.relay.stuck() > 0).await;
        host.relay.set(Mode::Pass);
    }
    let ended = cluster.wait_for_end(&id).await;
    assert_eq!(
        (ended.status, ended.overview.succeeded),
        (DeploymentStatus::Succeeded, 8)
    );
    check::everything(&mut cluster).await;
}
