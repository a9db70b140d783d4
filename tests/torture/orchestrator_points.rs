//! Orchestrators that kill themselves at named places of a rollout, of its beginning and of its end.

use cutover::model::deployment::DeploymentStatus;

use crate::check;
use crate::cluster::Cluster;
use crate::project::{ALL, ONE, Revision};
use crate::supervise::Place;

/// One after the other in a single rollout: each orchestrator that takes it up kills itself at the next place.
const IN_A_ROLLOUT: [Place; 18] = [
    ("task.before-write", 2),
    ("task.before-assign", 1),
    ("task.after-assign", 1),
    ("driver.before-order", 1),
    ("driver.after-order", 1),
    ("journal.before-commit", 1),
    ("journal.after-commit", 1),
    ("task.before-publish", 1),
    ("task.before-work", 3),
    ("recover.before-run", 1),
    ("recover.after-run", 1),
    ("driver.before-report", 1),
    ("driver.after-report", 1),
    ("driver.before-report", 4),
    ("driver.after-report", 6),
    ("journal.before-commit", 2),
    ("journal.after-commit", 3),
    ("task.before-write", 3),
];
const CREATING: [Place; 3] = [
    ("create.before-write", 1),
    ("create.after-write", 1),
    ("create.before-answer", 1),
];
/// The write of one that was killed before it is made by the next, which is killed behind it.
const CLOSING: [&[Place]; 2] = [
    &[("closing.before-write", 1), ("closing.after-write", 1)],
    &[("closing.before-rollback", 1)],
];
const PUSHING: [Place; 3] = [
    ("bundles.before-keep", 1),
    ("bundles.kept", 1),
    ("push.after-write", 1),
];
const STOPPING: Place = ("task.before-answer", 1);

/// All of them.
pub fn places() -> impl Iterator<Item = Place> {
    let creating = CREATING
        .into_iter()
        .chain(CLOSING.into_iter().flatten().copied());
    IN_A_ROLLOUT
        .into_iter()
        .chain(creating)
        .chain(PUSHING)
        .chain([STOPPING])
}

const GOOD: Revision<'_> = Revision {
    label: "1",
    pause: "0.02",
    failing: &[],
    hanging: &[],
};
/// The first host fails, and so does the deployment, one at a time.
const BAD: Revision<'_> = Revision {
    label: "bad",
    failing: &["web-1"],
    ..GOOD
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orchestrators_killed_at_places_of_a_rollout() {
    let mut cluster = Cluster::up(8).await;
    // Long enough that the rollout is not over before the last of them: agents go on while nobody orchestrates.
    cluster
        .push(Revision {
            pause: "0.15",
            ..GOOD
        })
        .await;
    cluster.orchestrator().restart(&IN_A_ROLLOUT);
    let id = cluster.deploy("1", ONE).await;
    let ended = cluster.wait_for_end(&id).await;
    for place in IN_A_ROLLOUT {
        cluster.orchestrator().wait_fired(place);
    }
    assert_eq!(ended.status, DeploymentStatus::Succeeded);
    assert_eq!(
        ended.overview.succeeded, 8,
        "a killed orchestrator fails no host"
    );
    check::everything(&mut cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orchestrators_killed_while_a_deployment_is_created() {
    let mut cluster = Cluster::up(8).await;
    for place in PUSHING {
        cluster.orchestrator().restart(&[place]);
        let label = place.0.replace('.', "-");
        cluster
            .push(Revision {
                label: &label,
                ..GOOD
            })
            .await;
        cluster.orchestrator().wait_fired(place);
    }
    for (place, label) in std::iter::zip(CREATING, PUSHING) {
        cluster.orchestrator().restart(&[place]);
        let id = cluster.deploy(&label.0.replace('.', "-"), ALL).await;
        cluster.orchestrator().wait_fired(place);
        let ended = cluster.wait_for_end(&id).await;
        assert_eq!(ended.overview.succeeded, 8, "{place:?}");
    }
    check::everything(&mut cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orchestrators_killed_between_an_end_and_its_rollback() {
    let mut cluster = Cluster::up(8).await;
    for revision in [GOOD, BAD] {
        cluster.push(revision).await;
    }
    let id = cluster.deploy("1", ALL).await;
    cluster.wait_for_end(&id).await;
    for places in CLOSING {
        cluster.orchestrator().restart(places);
        let id = cluster.deploy("bad", ONE).await;
        let ended = cluster.wait_for_end(&id).await;
        for place in places {
            cluster.orchestrator().wait_fired(*place);
        }
        assert_eq!(ended.status, DeploymentStatus::Failed);
        let rollback = ended.rollback.unwrap().deployment.unwrap();
        let back = cluster.deployment(&rollback).await;
        assert_eq!(back.status, DeploymentStatus::Succeeded);
    }
    check::everything(&mut cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orchestrator_killed_before_it_answers_a_stop() {
    let mut cluster = Cluster::up(4).await;
    cluster
        .push(Revision {
            pause: "0.3",
            ..GOOD
        })
        .await;
    cluster.orchestrator().restart(&[STOPPING]);
    let id = cluster.deploy("1", ONE).await;
    cluster
        .wait_for(&id, |now| {
            now.targets.iter().any(|target| target.running().is_some())
        })
        .await;
    cluster.stop(&id).await;
    cluster.orchestrator().wait_fired(STOPPING);
    let ended = cluster.wait_for_end(&id).await;
    assert_eq!(ended.status, DeploymentStatus::Stopped);
    check::everything(&mut cluster).await;
}
