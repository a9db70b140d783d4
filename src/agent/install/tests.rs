//! Failing on the way, and trying again.

use std::fs;
use std::path::Path;

use super::*;
use crate::agent::install::cleanup::Journal;
use crate::appspec::parse;

struct Host {
    scratch: tempfile::TempDir,
    layout: Layout,
    place: Place,
}

impl Host {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let layout = Layout::open(&scratch.path().join("agent")).unwrap();
        let place = Place::new(Some(&scratch.path().join("root"))).unwrap();
        fs::create_dir(scratch.path().join("root/srv")).unwrap();
        Self {
            scratch,
            layout,
            place,
        }
    }

    fn id(number: u32) -> DeploymentId {
        format!("d-{number:09}").parse().unwrap()
    }

    /// Puts an unpacked revision where a deployment has it.
    fn unpack(&self, number: u32, files: &[&str]) {
        let dir = self.layout.make_deployment("g", &Self::id(number)).unwrap();
        for file in files {
            let at = dir.archive().join("files").join(file);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, number.to_string()).unwrap();
        }
    }

    fn install(&self, number: u32) -> Result<Vec<String>, InstallError> {
        let text = "version: 0.0\nos: linux\nfiles: [{source: files, destination: /srv/app}]\n";
        Install {
            layout: &self.layout,
            place: &self.place,
            group: "g",
            deployment: &Self::id(number),
            appspec: &parse(text).unwrap(),
            behavior: FileExistsBehavior::Disallow,
        }
        .run()
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.scratch.path().join("root").join(path)
    }
}

#[test]
fn what_a_crash_left_is_no_conflict() {
    let host = Host::new();
    host.unpack(1, &["a", "b", "c"]);
    // As if the agent had been killed after the second file: the clean-up file is ahead of what exists.
    let mut journal = Journal::start(&host.layout.cleanup("g")).unwrap();
    let announced = ["/srv/app", "/srv/app/a", "/srv/app/b", "/srv/app/c"];
    journal.announce(announced.iter().map(Path::new)).unwrap();
    fs::create_dir(host.at("srv/app")).unwrap();
    fs::write(host.at("srv/app/a"), "half").unwrap();
    host.install(1).unwrap();
    for file in ["a", "b", "c"] {
        let text = fs::read_to_string(host.at("srv/app").join(file)).unwrap();
        assert_eq!(text, "1");
    }
    let installed = host.layout.pointer("g", Pointer::LastInstalled).unwrap();
    assert_eq!(installed, Some(host.layout.deployment("g", &Host::id(1))));
}

#[test]
fn after_a_failure_on_the_way_only_what_was_made_is_removed() {
    let host = Host::new();
    host.unpack(1, &["a", "z"]);
    let archive = host.layout.deployment("g", &Host::id(1)).archive();
    let gone = std::collections::HashSet::new();
    let entries =
        parse("version: 0.0\nos: linux\nfiles: [{source: files, destination: /srv/app}]\n");
    let plan = Planner::new(&archive, &host.place, &gone, FileExistsBehavior::Disallow)
        .plan(&entries.unwrap().files)
        .unwrap();
    let journal = host.layout.cleanup("g");
    fs::remove_file(archive.join("files/a")).unwrap();
    assert!(execute::run(&plan, &host.place, &journal).is_err());
    let recorded = cleanup::read(&journal).unwrap();
    assert_eq!(
        recorded,
        ["/srv/app", "/srv/app/a"].map(std::path::PathBuf::from)
    );

    // A file that somebody else puts where the failed Install would have is not ours to remove.
    fs::write(host.at("srv/app/z"), "foreign").unwrap();
    host.unpack(2, &["b"]);
    host.install(2).unwrap();
    assert_eq!(fs::read_to_string(host.at("srv/app/z")).unwrap(), "foreign");
    assert_eq!(fs::read_to_string(host.at("srv/app/b")).unwrap(), "2");
}

#[test]
fn the_instruction_file_says_what_is_done() {
    let host = Host::new();
    host.unpack(1, &["sub/a"]);
    host.install(1).unwrap();
    let text = fs::read_to_string(host.layout.install_plan("g")).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    let types: Vec<_> = plan["instructions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|instruction| instruction["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["mkdir", "mkdir", "copy"]);
    assert_eq!(plan["instructions"][2]["destination"], "/srv/app/sub/a");
}
