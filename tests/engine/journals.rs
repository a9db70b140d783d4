//! Journals that were written by earlier versions still fold. The files are recordings (`cutover export`) of real rollouts;
//! one is added with each new form of the entries, and none is ever changed.

use cutover::engine::event::VERSION;
use cutover::engine::ledger::LedgerRecord;
use cutover::engine::{Ledger, Record, fold};
use cutover::model::deployment::{DeploymentStatus, TargetStatus};

use crate::world::name;

/// A pause, an instance left out and one chosen, a hold, a retry, and giving up.
const VERSION_1: &str = include_str!("journals/version-1.jsonl");

fn read(recording: &str) -> (Vec<Record>, Vec<LedgerRecord>) {
    let mut records = Vec::new();
    let mut ledger = Vec::new();
    for line in recording.lines().skip(1) {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(record) = entry.get("record") {
            let read: Record = serde_json::from_value(record.clone()).unwrap();
            assert_eq!(&serde_json::to_value(&read).unwrap(), record, "as it was");
            records.push(read);
        } else {
            ledger.push(serde_json::from_value(entry["ledger"].clone()).unwrap());
        }
    }
    (records, ledger)
}

#[test]
fn a_journal_of_the_first_form_folds() {
    assert_eq!(VERSION, 1, "a new form needs a new recording");
    let (records, entries) = read(VERSION_1);
    let deployment = fold(&records).unwrap();
    assert_eq!(deployment.status, DeploymentStatus::Failed);
    assert_eq!(deployment.fleet.can_be_healthy(), 4);
    let target = |host| deployment.target(&name(host)).unwrap();
    assert_eq!(target("web-2").attempt, 2);
    assert_eq!(target("web-2").status, TargetStatus::Failed);
    assert_eq!(
        target("web-5").message.as_deref(),
        Some("left out by root: its disk is swapped")
    );
    let order: Vec<&str> = deployment
        .targets
        .iter()
        .filter(|target| target.status == TargetStatus::Succeeded)
        .map(|target| target.name.as_str())
        .collect();
    assert_eq!(order, ["web-1", "web-4"]);

    let ledger = Ledger::fold(&entries);
    assert_eq!(ledger.active, None);
    assert_eq!(ledger.target_revision.unwrap().label, "1.0.0");
}
