//! Whatever revisions follow each other and whatever others put on the host: Install does all of it or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::appspec::server::parse;

/// Names that get into each other's way: some are files here and folders there.
const NAMES: [&str; 7] = ["a", "a/x", "a/x/y", "b", "b/x", "c/d/e", "c/d"];

#[derive(Clone, Debug)]
enum Move {
    /// Somebody writes a file by hand.
    Write(&'static str),
    /// Somebody removes it.
    Remove(&'static str),
    /// A revision with these files is installed.
    Install(BTreeSet<&'static str>, FileExistsBehavior),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let name = || proptest::sample::select(&NAMES[..]);
    let names = proptest::collection::btree_set(name(), 0..6);
    let behavior = prop_oneof![
        Just(FileExistsBehavior::Disallow),
        Just(FileExistsBehavior::Overwrite),
        Just(FileExistsBehavior::Retain),
    ];
    let one = prop_oneof![
        2 => name().prop_map(Move::Write),
        1 => name().prop_map(Move::Remove),
        4 => (names, behavior).prop_map(|(names, behavior)| Move::Install(names, behavior)),
    ];
    proptest::collection::vec(one, 1..7)
}

/// Writes as many of the files as can be: a name that is a folder already, or below a file, is left out.
fn write(folder: &Path, name: &str, text: &str) -> bool {
    let at = folder.join(name);
    let folder = at.parent().unwrap();
    fs::create_dir_all(folder).is_ok() && !at.is_dir() && fs::write(at, text).is_ok()
}

/// All files and empty folders below a folder, with their text.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Option<String>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let mut children = 0;
        for child in fs::read_dir(&next).unwrap() {
            let path = child.unwrap().path();
            children += 1;
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read_to_string(path).ok());
            }
        }
        if children == 0 {
            found.insert(next.strip_prefix(folder).unwrap().to_owned(), None);
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_or_nothing(moves in moves()) {
        let scratch = tempfile::tempdir().unwrap();
        let layout = Layout::open(&scratch.path().join("agent")).unwrap();
        let place = Place::new(Some(&scratch.path().join("root"))).unwrap();
        let host = place.root().unwrap().join("srv");
        fs::create_dir(&host).unwrap();
        let spec = parse("version: 0.0\nos: linux\nfiles: [{source: files, destination: /srv}]\n").unwrap();
        // What others have put there, and what is ours.
        let mut foreign: BTreeSet<PathBuf> = BTreeSet::new();
        let mut own: BTreeSet<PathBuf> = BTreeSet::new();
        for (number, step) in (1..).zip(moves) {
            let text = format!("{number}");
            match step {
                Move::Write(name) => {
                    if write(&host, name, &text) && !own.contains(Path::new(name)) {
                        foreign.insert(name.into());
                    }
                }
                Move::Remove(name) => {
                    if fs::remove_file(host.join(name)).is_ok() {
                        foreign.remove(Path::new(name));
                        // The clean-up file still names it: what is written there later is taken for ours.
                    }
                }
                Move::Install(names, behavior) => {
                    let id: DeploymentId = format!("d-{number:09}").parse().unwrap();
                    let archive = layout.make_deployment("g", &id).unwrap().archive();
                    let files = archive.join("files");
                    fs::create_dir_all(&files).unwrap();
                    let new: BTreeSet<PathBuf> = names
                        .into_iter()
                        .filter(|name| write(&files, name, &text))
                        .map(PathBuf::from)
                        .collect();
                    let before = tree(&host);
                    let install = Install {
                        layout: &layout,
                        place: &place,
                        group: "g",
                        deployment: &id,
                        appspec: &spec,
                        behavior,
                    };
                    match install.run() {
                        Err(InstallError::Refused(_)) => {
                            prop_assert_eq!(before, tree(&host));
                            continue;
                        }
                        result => drop(result.unwrap()),
                    }
                    let after = tree(&host);
                    let retain = behavior == FileExistsBehavior::Retain;
                    let mut ours = BTreeSet::new();
                    for path in &new {
                        if host.join(path).is_dir() {
                            prop_assert!(retain, "{} is a folder", path.display());
                        } else if retain && foreign.contains(path) {
                            prop_assert_eq!(after.get(path), before.get(path), "{}", path.display());
                        } else {
                            prop_assert_eq!(after.get(path), Some(&Some(text.clone())), "{}", path.display());
                            ours.insert(path.clone());
                        }
                    }
                    for path in foreign.difference(&new) {
                        prop_assert_eq!(before.get(path), after.get(path), "{}", path.display());
                    }
                    for (path, text) in &after {
                        let known = foreign.contains(path) || new.contains(path);
                        prop_assert!(known || text.is_none(), "{} was left", path.display());
                    }
                    foreign.retain(|path| !ours.contains(path));
                    own = ours;
                }
            }
        }
    }
}
