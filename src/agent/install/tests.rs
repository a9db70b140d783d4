//! Failing on the way, and trying again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::agent::install::claims::Claims;
use crate::agent::install::cleanup::Journal;
use crate::agent::install::tools::Tools;
use crate::appspec::server::parse;

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
    let made = ["/srv/app", "/srv/app/a"];
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

const ACL: &str = "permissions: [{object: /srv/app, type: [file], acls: ['u:daemon:r']}]\n";

#[test]
fn a_host_without_setfacl_is_told_how_to_get_it() {
    let host = Host::new();
    host.unpack(1, &["a"]);
    let appspec = parse(&format!("{SPEC}{ACL}")).unwrap();
    let install = host.install_of(1, &appspec);
    let (archive, gone) = (install.archive(), HashSet::new());
    let this = foresee::Host {
        tools: Tools::find(&[], Path::new("/nowhere")),
        claims: Claims::of_others(&host.layout, "g"),
    };
    let errors = foresee(&install.dry_run(&archive, &gone, &this)).errors;
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].id, "E38");
    assert!(errors[0].message.contains("apt-get install acl"));
}

#[test]
fn without_a_host_only_the_revision_is_looked_at_and_nothing_changes() {
    let host = Host::new();
    host.unpack(1, &["a", "b"]);
    let archive = host.layout.deployment("g", Host::id(1)).archive();
    let owner =
        "permissions: [{object: /srv/app, owner: nobody-here, acls: ['u:nobody-here:r']}]\n";
    let gone = HashSet::new();
    let foreseen = |text: &str| {
        let appspec = parse(text).unwrap();
        let dry = DryRun {
            archive: &archive,
            appspec: &appspec,
            place: &host.place,
            gone: &gone,
            behavior: FileExistsBehavior::Disallow,
            host: None,
        };
        let foresight = foresee(&dry);
        let ids: Vec<_> = foresight.errors.iter().map(|finding| finding.id).collect();
        (ids, foresight.plan.steps.len())
    };
    assert_eq!(foreseen(&format!("{SPEC}{owner}")), (vec![], 3));
    let twice = SPEC.replace(']', ", {source: files, destination: /srv/app}]");
    assert_eq!(foreseen(&twice), (vec!["E10", "E10"], 3));
    assert!(!host.at("srv/app").exists());
}

/// Programs that write down what they are told stand in for those of a host with `SELinux`. This proves what is run and
/// when; that rules have the intended effect only such a host can show.
#[test]
fn contexts_are_set_and_their_rules_deleted_by_the_next_clean_up() {
    let host = Host::new();
    host.unpack(1, &["a b.txt"]);
    let programs = host.scratch.path().join("programs");
    let said = host.scratch.path().join("said");
    fs::create_dir(&programs).unwrap();
    let program = |name: &str, end: &str| {
        let text = format!(
            "#!/bin/sh\necho \"$(basename \"$0\") $*\" >> {}\n{end}\n",
            said.display()
        );
        let at = programs.join(name);
        fs::write(&at, text).unwrap();
        fs::set_permissions(&at, fs::Permissions::from_mode(0o755)).unwrap();
    };
    program("semanage", "");
    program("restorecon", "");
    let tools = Tools::find(std::slice::from_ref(&programs), &programs);
    let context =
        "permissions: [{object: /srv/app, type: [file], context: {type: bin_t, user: system_u}}]\n";
    let appspec = parse(&format!("{SPEC}{context}")).unwrap();
    let install = host.install_of(1, &appspec);
    let (archive, gone) = (install.archive(), HashSet::new());
    let claims = Claims::of_others(&host.layout, "g");
    let this = foresee::Host { tools, claims };
    let foresight = foresee(&install.dry_run(&archive, &gone, &this));
    let file = host.layout.cleanup("g");
    assert_eq!(install.make(&foresight, &this, &file).unwrap(), [""; 0]);

    let listed = cleanup::read(&file).unwrap();
    let at = host.place.real(Path::new("/srv/app/a b.txt")).unwrap();
    assert_eq!(listed.contexts, [selinux::expression(&at)]);
    program("semanage", "exit 1");
    cleanup::run(&listed, &host.place, &this.tools).unwrap();
    let (rule, at) = (&listed.contexts[0], at.display());
    let expected = format!(
        "semanage fcontext -a -s system_u -t bin_t {rule}\nrestorecon -vF {at}\nsemanage fcontext -d {rule}\n"
    );
    assert_eq!(fs::read_to_string(&said).unwrap(), expected);

    // A rule that cannot be added is an error, and what was announced is still in the clean-up file.
    let error = install
        .make(&foresight, &this, &file)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("E38 semanage fcontext -a") && error.contains("exit status: 1"),
        "{error}"
    );
    assert!(error.contains("All 1 files were copied"), "{error}");
    assert_eq!(cleanup::read(&file).unwrap().contexts.len(), 1);
}
