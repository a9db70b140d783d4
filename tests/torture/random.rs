//! Processes killed at random in the middle of rollouts, and stopped for longer than a lease.

use std::time::Duration;

use cutover::agent::protocol::LEASE;
use cutover::model::deployment::DeploymentStatus;
use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::check;
use crate::cluster::Cluster;
use crate::project::{ALL, HALF, ONE, Revision, THREE_QUARTERS};
use crate::seed::Random;
use crate::trace;

/// At least so many kills, and so many rollouts.
const KILLS: u32 = 60;
const ROLLOUTS: u32 = 4;

/// The moments are random, so no run is like another; what is left must be right each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_random() {
    let mut random = Random::new();
    let mut cluster = Cluster::up(8).await;
    let good = Revision {
        label: "good",
        pause: "0.05",
        failing: &[],
        hanging: &[],
    };
    let better = Revision {
        label: "better",
        ..good
    };
    let bad = Revision {
        label: "bad",
        failing: &["web-2", "web-5"],
        ..good
    };
    for revision in [good, better, bad] {
        cluster.push(revision).await;
    }
    let mut rollouts = 0;
    while cluster.kills() < KILLS || rollouts < ROLLOUTS {
        let label = ["good", "better", "bad"][random.index(3)];
        let configuration = [ALL, HALF, THREE_QUARTERS, ONE][random.index(4)];
        let id = cluster.deploy(label, configuration).await;
        rollouts += 1;
        let stopped_after = random.below(24);
        for kill in 0.. {
            // The slot is free when no deployment is active, the rollback included.
            if cluster.look().await.active.is_empty() {
                break;
            }
            if kill == stopped_after {
                cluster.stop(&id).await;
            }
            sleep(Duration::from_millis(20 + random.below(180))).await;
            match random.below(5) {
                0 => cluster.agents[random.index(8)].kill(),
                1 => {
                    // Both sides at once.
                    cluster.orchestrator().kill();
                    cluster.agents[random.index(8)].kill();
                }
                _ => cluster.orchestrator().kill(),
            }
        }
    }
    eprintln!("{} kills in {rollouts} rollouts", cluster.kills());
    check::everything(&mut cluster).await;
}

/// An agent that stands still for longer than its lease and than the orchestrator listens to silence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_stands_still_goes_on() {
    let mut cluster = Cluster::up(8).await;
    cluster
        .push(Revision {
            label: "1",
            pause: "0.3",
            failing: &[],
            hanging: &[],
        })
        .await;
    let id = cluster.deploy("1", THREE_QUARTERS).await;
    let first = cluster
        .wait_for(&id, |now| {
            now.targets.iter().any(|target| target.running().is_some())
        })
        .await;
    let still = first
        .targets
        .iter()
        .position(|target| target.running().is_some())
        .unwrap();
    let name = first.targets[still].name.clone();
    let agent = &cluster.agents[cluster
        .hosts
        .iter()
        .position(|host| host.name == name.as_str())
        .unwrap()];
    agent.signal(Signal::SIGSTOP);
    // What is measured is time itself.
    sleep(LEASE + Duration::from_secs(2)).await;
    let now = cluster.deployment(&id).await;
    assert!(!now.target(&name).unwrap().status.is_terminal());
    agent.signal(Signal::SIGCONT);
    let ended = cluster.wait_for_end(&id).await;
    assert_eq!(
        (ended.status, ended.overview.succeeded),
        (DeploymentStatus::Succeeded, 8)
    );
    check::everything(&mut cluster).await;
}

/// While the orchestrator stands still, agents finish what they do and start nothing more when their leases have ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_of_an_orchestrator_that_stands_still_wait_for_it() {
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
    cluster.orchestrator().signal(Signal::SIGSTOP);
    sleep(LEASE + Duration::from_secs(1)).await;
    let before = trace::read(&cluster.trace());
    sleep(Duration::from_secs(4)).await;
    let after = trace::read(&cluster.trace());
    assert!(
        before.keys().eq(after.keys()),
        "a script started without a lease"
    );
    assert!(
        after.values().all(|runs| runs.ended == 1),
        "what ran went on"
    );
    assert!(
        after.keys().all(|mark| !mark.contains("/ValidateService/")),
        "there was more to do"
    );
    cluster.orchestrator().signal(Signal::SIGCONT);
    let ended = cluster.wait_for_end(&id).await;
    assert_eq!(
        (ended.status, ended.overview.succeeded),
        (DeploymentStatus::Succeeded, 8)
    );
    check::everything(&mut cluster).await;
}
