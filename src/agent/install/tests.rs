//! Failing on the way, and trying again.

use std::fs;
use std::path::Path;

use super::*;
use crate::agent::install::cleanup::Journal;
use crate::appspec::parse;

const SPEC: &str = "version: 0.0\nos: linux\nfiles: [{source: files, destination: /srv/app}]\n";

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

    /// Lives as long as the tests do, so that an `Install` can borrow it.
    fn id(number: u32) -> &'static DeploymentId {
        Box::leak(Box::new(format!("d-{number:09}").parse().unwrap()))
    }

    /// Puts an unpacked revision where a deployment has it.
    fn unpack(&self, number: u32, files: &[&str]) {
        let dir = self.layout.make_deployment("g", Self::id(number)).unwrap();
        for file in files {
            let at = dir.archive().join("files").join(file);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, number.to_string()).unwrap();
        }
    }

    fn install(&self, number: u32) -> Result<Vec<String>, InstallError> {
        self.install_of(number, &parse(SPEC).unwrap()).run()
    }

    fn install_of<'a>(&'a self, number: u32, appspec: &'a AppSpec) -> Install<'a> {
        Install {
            layout: &self.layout,
            place: &self.place,
            group: "g",
            deployment: Self::id(number),
            appspec,
            behavior: FileExistsBehavior::Disallow,
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.scratch.path().join("root").join(path)
    }
}

#[test]
fn what_a_crash_left_is_no_conflict() {
    let host = Host::new();
    host.unpack(1, &["a", "b", "c"]);
    // As if the agent had been killed after the second file: the clean-up file is ahead of what exists.
    let mut journal = Journal::open(&host.layout.cleanup("g")).unwrap();
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
    assert_eq!(installed, Some(host.layout.deployment("g", Host::id(1))));
}

#[test]
fn after_a_failure_on_the_way_only_what_was_made_is_removed() {
    let host = Host::new();
    host.unpack(1, &["a", "b", "z"]);
    let appspec = parse(SPEC).unwrap();
    let install = host.install_of(1, &appspec);
    let (archive, gone) = (install.archive(), HashSet::new());
    let this = foresee::Host::this(&host.layout, "g");
    let foresight = foresee(&install.dry_run(&archive, &gone, &this));
    fs::remove_file(archive.join("files/b")).unwrap();
    let file = host.layout.cleanup("g");
    let error = install
        .make(&foresight, &this, &file)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("copying to") && error.contains("app/b"),
        "{error}"
    );
    assert!(error.contains("1 of 3 files were copied"), "{error}");
    let recorded = cleanup::read(&file).unwrap();
    let made = ["/srv/app", "/srv/app/a", "/srv/app/b"];
    assert_eq!(recorded.paths, made.map(PathBuf::from));

    // A file that somebody else puts where the failed Install would have is not ours to remove.
    fs::write(host.at("srv/app/z"), "foreign").unwrap();
    host.unpack(2, &["b"]);
    host.install(2).unwrap();
    assert_eq!(fs::read_to_string(host.at("srv/app/z")).unwrap(), "foreign");
    assert_eq!(fs::read_to_string(host.at("srv/app/b")).unwrap(), "2");
    assert!(!host.at("srv/app/a").exists());
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
