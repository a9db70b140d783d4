//! The orchestrator's disk: what of its journal is durable. It survives the orchestrator.

use crate::engine::event::Record;
use crate::engine::ledger::LedgerRecord;

/// One entry of the journal.
#[derive(Clone, Debug)]
pub enum Line {
    /// Of a deployment.
    Deployment(usize, Record),
    /// Of a group's ledger.
    Group(usize, LedgerRecord),
}

/// What is durable.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// The entries of each deployment, by its number.
    pub deployments: Vec<Vec<Record>>,
    /// The entries of each group's ledger.
    pub ledgers: Vec<Vec<LedgerRecord>>,
    /// The order of all entries: group or deployment, and its place there. Kept for replays.
    pub order: Vec<Place>,
}

/// Where an entry is.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// The entry of this place of a deployment.
    Deployment(usize, usize),
    /// The entry of this place of a group's ledger.
    Group(usize, usize),
}

impl Disk {
    /// An empty journal.
    pub fn new(groups: usize) -> Self {
        Self {
            ledgers: vec![Vec::new(); groups],
            ..Self::default()
        }
    }

    /// Makes an entry durable.
    pub fn keep(&mut self, line: Line) {
        match line {
            Line::Deployment(number, record) => {
                if self.deployments.len() <= number {
                    self.deployments.resize_with(number + 1, Vec::new);
                }
                let records = &mut self.deployments[number];
                self.order.push(Place::Deployment(number, records.len()));
                records.push(record);
            }
            Line::Group(group, record) => {
                let records = &mut self.ledgers[group];
                self.order.push(Place::Group(group, records.len()));
                records.push(record);
            }
        }
    }

    /// The entries of a deployment.
    pub fn deployment(&self, number: usize) -> &[Record] {
        self.deployments.get(number).map_or(&[], Vec::as_slice)
    }
}
