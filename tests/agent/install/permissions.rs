//! Owners, modes, access control lists and contexts.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use cutover::agent::protocol::{ExecutionEnd, OutputSource};
use cutover::model::lifecycle::LifecycleEvent as E;

use crate::support::{Host, appspec, order};

/// Says what a test needs that gives files away.
pub fn needs_root() {
    let is_root = nix::unistd::geteuid().is_root();
    assert!(is_root, "this test gives files away, and must run as root");
}

/// The access control list of a file, as the system's own program shows it.
pub fn getfacl(path: &Path) -> String {
    let output = Command::new("getfacl")
        .args(["--omit-header", "--absolute-names", "--"])
        .arg(path)
        .output()
        .expect("this test needs getfacl: apt-get install acl");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn access_control_lists_are_computed_for_each_target() {
    needs_root();
    let host = Host::started().await;
    let more = "permissions:
  - object: /srv/app
    pattern: \"*.txt\"
    type: [file]
    acls: [\"u:daemon:rw\", \"g:daemon:r\"]
  - object: /srv/app
    type: [directory]
    owner: daemon
    mode: \"750\"
    acls: [\"u:bin:rx\", \"d:u:bin:rwx\", \"d:m::rx\"]
  - object: /srv/app/tool
    owner: daemon
    mode: \"4755\"
    acls: [\"bin:7\", \"m::r-x\"]";
    let spec = appspec(more);
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/a.txt", "", 0o640),
        ("files/b.txt", "", 0o604),
        ("files/c.other", "", 0o640),
        ("files/tool", "", 0o600),
        ("files/dir/x", "", 0o600),
    ];
    let revision = host.push("1", &members).await;
    for number in 1..=2 {
        host.run(&order(number, &revision)).await.succeeded();
        let list = |name: &str| getfacl(&host.installed("/srv/app").join(name));
        let a = "user::rw-\nuser:daemon:rw-\t#effective:r--\ngroup::r--\ngroup:daemon:r--\nmask::r--\nother::---\n\n";
        assert_eq!(list("a.txt"), a);
        let b = "user::rw-\nuser:daemon:rw-\t#effective:---\ngroup::---\ngroup:daemon:r--\t#effective:---\nmask::---\nother::r--\n\n";
        assert_eq!(list("b.txt"), b, "not with the bits of the first target");
        assert_eq!(list("c.other"), "user::rw-\ngroup::r--\nother::---\n\n");
        let tool = "user::rwx\nuser:bin:rwx\t#effective:r-x\ngroup::r-x\nmask::r-x\nother::r-x\n\n";
        assert!(list("tool").ends_with(tool), "{}", list("tool"));
        let found = fs::metadata(host.installed("/srv/app/tool")).unwrap();
        assert_eq!((found.uid(), found.mode() & 0o7777), (1, 0o4755));
        let dir = "user::rwx\nuser:bin:r-x\ngroup::r-x\nmask::r-x\nother::---\n\
                   default:user::rwx\ndefault:user:bin:rwx\t#effective:r-x\ndefault:group::r-x\ndefault:mask::r-x\ndefault:other::---\n\n";
        assert_eq!(list("dir"), dir);
    }
}

#[tokio::test]
async fn links_get_owners_and_nothing_else() {
    needs_root();
    let host = Host::started().await;
    let folder = host.path("revision");
    let more = "permissions:\n  - {object: /srv/app, owner: daemon, group: bin, mode: \"640\", type: [file], acls: [\"u:daemon:r\"]}";
    crate::support::lay_out(
        &folder,
        &[
            ("appspec.yml", &appspec(more), 0o644),
            ("files/a", "", 0o600),
        ],
    );
    std::os::unix::fs::symlink("nowhere", folder.join("files/link")).unwrap();
    let revision = host.push_folder("1", &folder).await;
    host.run(&order(1, &revision)).await.succeeded();
    let owner = |path: &str| {
        let found = fs::symlink_metadata(host.installed(path)).unwrap();
        (found.uid(), found.gid())
    };
    assert_eq!(owner("/srv/app/link"), (1, 2));
    assert_eq!(owner("/srv/app/a"), (1, 2));
}

#[tokio::test]
async fn contexts_that_cannot_be_set_are_remarked_on() {
    assert!(
        !Path::new("/sys/fs/selinux/enforce").exists(),
        "this test needs a host without SELinux"
    );
    let host = Host::started().await;
    let more = "permissions:\n  - object: /srv/app\n    type: [file]\n    context: {user: system_u, type: httpd_sys_content_t, range: \"s0:c1,c0\"}";
    let spec = appspec(more);
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/a b.txt", "", 0o644),
    ];
    let revision = host.push("1", &members).await;
    let run = host.run(&order(1, &revision)).await;
    run.succeeded();
    let at = host.installed("/srv/app").canonicalize().unwrap();
    let at = at.to_str().unwrap();
    let expected = format!(
        r"not run: semanage fcontext -a -s system_u -t httpd_sys_content_t -r s0:c0.c1 '{}/a\x20b\.txt' && restorecon -vF '{at}/a b.txt': SELinux is not enabled on this host",
        at.replace('.', r"\.")
    );
    let remarks = run.lines(OutputSource::Agent);
    assert!(
        remarks.contains(&expected.as_str()),
        "{expected}\n{remarks:#?}"
    );
}

#[tokio::test]
async fn the_instruction_file_has_all_six_kinds_also_of_what_is_refused() {
    needs_root();
    let host = Host::started().await;
    let more = "permissions:
  - object: /srv/app
    type: [file]
    owner: daemon
    mode: \"40\"
    acls: [\"bin:r\"]
    context: {type: bin_t}";
    let spec = appspec(more);
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/a", "", 0o644),
    ];
    let revision = host.push("1", &members).await;
    fs::create_dir_all(host.installed("/srv")).unwrap();
    let installed = order(1, &revision);
    let file = format!("{}-install.json", installed.deployment_group_id);
    let file = host.config.root.join("deployment-instructions").join(file);
    let archive = host.config.root.join(&installed.deployment_group_id);
    let archive = archive.canonicalize().unwrap_or(archive);
    let expected = |number: u32| {
        let source = archive.join(format!("d-{number:09}/deployment-archive/files/a"));
        let file = "/srv/app/a";
        serde_json::json!({ "instructions": [
            { "type": "mkdir", "directory": "/srv/app" },
            { "type": "copy", "source": source, "destination": file },
            { "type": "chown", "owner": "daemon", "group": null, "file": file },
            { "type": "chmod", "mode": "040", "file": file },
            { "type": "setfacl", "acl": ["user:bin:r--"], "file": file },
            {
                "type": "semanage",
                "context": { "user": null, "role": null, "type": "bin_t", "range": null },
                "file": file,
            },
        ]})
    };
    let written =
        || -> serde_json::Value { serde_json::from_slice(&fs::read(&file).unwrap()).unwrap() };
    host.run(&installed).await.succeeded();
    assert_eq!(written(), expected(1));

    let more = format!("{more}\n  - {{object: /srv/app/a, owner: bin}}");
    let spec = appspec(&more);
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("files/a", "", 0o644),
    ];
    let revision = host.push("2", &members).await;
    let refused = host.run(&order(2, &revision)).await;
    assert_eq!(refused.end(), ExecutionEnd::Failed);
    assert!(refused.diagnostics(E::Install).message.contains("E39"));
    assert_eq!(written()["instructions"][1], expected(2)["instructions"][1]);
}
