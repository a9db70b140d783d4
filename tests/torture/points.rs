//! Every place at which the program can be made to kill itself is in one of the tests' lists.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{
    agent_points, automatic_places, fleet_places, orchestrator_points, scaling_places, task_places,
};

/// The places in the source.
fn places() -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            for line in lines {
                let Some((_, rest)) = line.split_once("crash_point::here!(\"") else {
                    continue;
                };
                let name = rest.split('"').next().unwrap().to_owned();
                assert!(
                    found.insert(name.clone()),
                    "{name} is the name of two places"
                );
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    found
}

/// Each of these tests fails if the program does not kill itself at a place of its list.
#[test]
fn every_place_is_tried() {
    let tried: BTreeSet<String> = agent_points::places()
        .chain(orchestrator_points::places())
        .map(|(name, _)| name.to_owned())
        .chain(fleet_places::PLACES.map(str::to_owned))
        .chain(task_places::BEGINNING.map(str::to_owned))
        .chain(task_places::ENDING.map(str::to_owned))
        .chain([automatic_places::PLACE.to_owned()])
        .chain(scaling_places::PLACES.map(str::to_owned))
        .chain(scaling_places::COPYING.map(str::to_owned))
        .chain(scaling_places::ANSWERING.map(str::to_owned))
        .collect();
    assert_eq!(places(), tried);
}
