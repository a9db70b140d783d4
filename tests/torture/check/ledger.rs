//! The group's memory: it opens and closes with its deployments, one at a time, and folds to what they left.

use std::collections::BTreeMap;

use cutover::engine::ledger::{Ledger, LedgerEvent, LedgerRecord};
use cutover::model::deployment::DeploymentId;
use cutover::store::journal::Journal;

use super::Story;
use crate::cluster::Cluster;

pub fn check(cluster: &Cluster, stories: &BTreeMap<DeploymentId, Story>, wrong: &mut Vec<String>) {
    let path = cluster.state().join("journal.sqlite");
    let records = records(&path);
    let mut active: Option<&DeploymentId> = None;
    let mut seen = 0;
    for (expected, record) in (1..).zip(&records) {
        let mut tell = |what: String| wrong.push(format!("ledger, entry {}: {what}", record.seq));
        if record.seq != expected {
            tell(format!("entry {expected} is missing"));
        }
        match &record.event {
            // No cluster has fleets or Auto Scaling groups, and none follows a place.
            LedgerEvent::Provisioned { .. }
            | LedgerEvent::Terminated { .. }
            | LedgerEvent::Leaving { .. }
            | LedgerEvent::Watched { .. }
            | LedgerEvent::Suspending { .. }
            | LedgerEvent::Resumed { .. } => {}
            LedgerEvent::Opened { deployment } => {
                if active.replace(deployment).is_some() {
                    tell(format!("{deployment} takes a slot that is taken"));
                }
                seen += 1;
            }
            LedgerEvent::Joining { deployment, .. } => {
                tell(format!("{deployment} updates a host, and none is outdated"));
            }
            LedgerEvent::Closed { deployment, .. } => {
                if active.take() != Some(deployment) {
                    tell(format!("{deployment} leaves a slot that it does not have"));
                }
                let left = stories
                    .get(deployment)
                    .map(|story| LedgerEvent::closing(&story.deployment));
                if left.as_ref() != Some(&record.event) {
                    tell(format!("{deployment} left something else: {left:?}"));
                }
            }
        }
    }
    if active.is_some() || seen != stories.len() {
        wrong.push(format!(
            "ledger: {seen} of {} deployments were opened, {active:?} is still there",
            stories.len()
        ));
    }
    let told: Vec<Ledger> = Journal::open(&path)
        .and_then(|journal| journal.ledgers())
        .unwrap()
        .into_iter()
        .map(|(_, ledger)| ledger)
        .collect();
    if told != [Ledger::fold(&records)] {
        wrong.push("ledger: its fold is not that of its entries".to_owned());
    }
}

/// The ledger's entries, straight from the table.
fn records(path: &std::path::Path) -> Vec<LedgerRecord> {
    let database = rusqlite::Connection::open(path).unwrap();
    let mut query = database
        .prepare("SELECT body FROM records WHERE stream LIKE 'ledger/%' ORDER BY seq")
        .unwrap();
    let rows = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(|text| serde_json::from_str(&text.unwrap()).unwrap())
        .collect()
}
