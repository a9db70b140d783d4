//! configurations.md §5: what a deployment's end means for the health of hosts.

use cutover::engine::Ledger;
use cutover::engine::ledger::{LedgerEvent, LedgerRecord};
use cutover::model::deployment::InstanceHealth::{Healthy, Unhealthy};
use cutover::model::deployment::RevisionHealth::{Current, Old, Unknown};
use cutover::model::deployment::{DeploymentStatus, InstanceHealth, RevisionHealth, TargetStatus};
use cutover::model::timestamp::Timestamp;

use crate::world::{id, name, revision};

fn close(
    ledger: &mut Ledger,
    deployment: &str,
    label: &str,
    status: DeploymentStatus,
    outcomes: &[(&str, TargetStatus)],
) {
    let record = LedgerRecord {
        seq: ledger.seq + 1,
        at: Timestamp(5),
        event: LedgerEvent::Closed {
            deployment: id(deployment),
            status,
            began: true,
            create_time: Timestamp(1),
            revision: Some(revision(label)),
            outcomes: outcomes
                .iter()
                .map(|(host, status)| (name(host), *status))
                .collect(),
            excluded: Vec::new(),
            file_exists_behavior: cutover::model::deployment::FileExistsBehavior::default(),
            serving: None,
            task_sets: None,
        },
    };
    ledger.evolve(&record);
}

fn health(ledger: &Ledger, host: &str) -> (InstanceHealth, RevisionHealth) {
    let record = &ledger.hosts[&name(host)];
    (record.instance_health, record.revision_health)
}

#[test]
fn the_table_of_health_updates() {
    use DeploymentStatus::{Failed, Succeeded};
    let mut ledger = Ledger::default();
    let ok = TargetStatus::Succeeded;
    let broken = TargetStatus::Failed;

    close(
        &mut ledger,
        "d-AAAAAAAA1",
        "1",
        Succeeded,
        &[("a", ok), ("b", ok), ("c", ok)],
    );
    assert_eq!(health(&ledger, "a"), (Healthy, Current));

    // Succeeded: a succeeded; b was Current and failed; c was not a target.
    close(
        &mut ledger,
        "d-AAAAAAAA2",
        "2",
        Succeeded,
        &[("a", ok), ("b", broken)],
    );
    assert_eq!(health(&ledger, "a"), (Healthy, Current));
    assert_eq!(health(&ledger, "b"), (Unhealthy, Unknown));
    assert_eq!(health(&ledger, "c"), (Healthy, Old));

    // Succeeded: c was Old and failed: its revision health is unchanged.
    close(
        &mut ledger,
        "d-AAAAAAAA3",
        "2",
        Succeeded,
        &[("a", ok), ("c", broken)],
    );
    assert_eq!(health(&ledger, "c"), (Unhealthy, Old));

    // Failed: attempted and succeeded; attempted and failed; not attempted.
    close(
        &mut ledger,
        "d-AAAAAAAA4",
        "3",
        Failed,
        &[("a", ok), ("b", broken)],
    );
    assert_eq!(health(&ledger, "a"), (Healthy, Unknown));
    assert_eq!(health(&ledger, "b"), (Unhealthy, Unknown));
    assert_eq!(health(&ledger, "c"), (Unhealthy, Old));
    assert_eq!(ledger.target_revision, Some(revision("2")));
}

#[test]
fn the_slot_is_taken_and_left() {
    let mut ledger = Ledger::default();
    ledger.evolve(&LedgerRecord {
        seq: 1,
        at: Timestamp(1),
        event: LedgerEvent::Opened {
            deployment: id("d-AAAAAAAA1"),
        },
    });
    assert_eq!(ledger.active, Some(id("d-AAAAAAAA1")));
    close(
        &mut ledger,
        "d-AAAAAAAA1",
        "1",
        DeploymentStatus::Stopped,
        &[],
    );
    assert_eq!(ledger.active, None);
    assert_eq!(ledger.last_successful_deployment, None);
    assert_eq!(
        ledger.last_attempted_deployment.unwrap().status,
        DeploymentStatus::Stopped
    );
}
