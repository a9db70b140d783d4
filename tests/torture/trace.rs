//! What the scripts wrote down themselves.

use std::collections::BTreeMap;
use std::path::Path;

/// What is known of a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    pub started: usize,
    pub ended: usize,
}

/// How often each script started and ended, by its mark: execution, event and place among the event's scripts.
pub fn read(path: &Path) -> BTreeMap<String, Runs> {
    let mut all: BTreeMap<String, Runs> = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
        let (what, mark) = line.split_once(' ').unwrap();
        let runs = all.entry(mark.to_owned()).or_default();
        match what {
            "start" => runs.started += 1,
            "end" => runs.ended += 1,
            _ => panic!("not a line of a script: {line}"),
        }
    }
    all
}
