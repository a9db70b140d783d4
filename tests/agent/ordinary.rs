//! The agent of an ordinary user: one process, everything that needs no root, and a clear refusal of the rest before
//! anything is touched.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use cutover::agent::protocol::ExecutionEnd;
use cutover::agent::protocol::OutputSource::{Agent, Stdout};
use cutover::model::lifecycle::LifecycleEvent as E;
use nix::unistd::{User, chown};

use crate::support::{Host, appspec, needs_root, order, set_mode};

/// A host whose agent is nobody's.
async fn started() -> (Host, User) {
    needs_root();
    let mut host = Host::new();
    set_mode(&host, 0o755);
    let nobody = User::from_name("nobody").unwrap().unwrap();
    for folder in ["agent", "root", "."] {
        fs::create_dir_all(host.path(folder)).unwrap();
        chown(&host.path(folder), Some(nobody.uid), Some(nobody.gid)).unwrap();
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            format!("--reuid={}", nobody.uid),
            format!("--regid={}", nobody.gid),
        ])
        .args(["--clear-groups", "--no-new-privs"])
        .arg(env!("CARGO_BIN_EXE_cutover"));
    host.start_binary_by(command).await;
    (host, nobody)
}

#[tokio::test]
async fn what_needs_no_root_works_in_one_process() {
    let (host, nobody) = started().await;
    let pid = host.pid();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    assert_eq!(children, "", "its front is a task");
    let spec = appspec(
        "permissions:\n  - object: /srv/app\n    owner: nobody\n    mode: \"600\"\n    type: [file]\n\
         hooks:\n  ApplicationStart: [{location: run.sh}]\n  ApplicationStop: [{location: run.sh}]",
    );
    for (number, content) in [(1, "1"), (2, "2")] {
        let members = [
            ("appspec.yml", spec.as_str(), 0o644),
            ("run.sh", "#!/bin/sh\nid -un\n", 0o755),
            ("files/a", content, 0o644),
        ];
        let revision = host.push(content, &members).await;
        let run = host.run(&order(number, &revision)).await;
        run.succeeded();
        let expected = if number == 1 {
            vec!["nobody"]
        } else {
            vec!["nobody"; 2]
        };
        assert_eq!(run.lines(Stdout), expected);
        assert_eq!(host.read("/srv/app/a"), content);
        let installed = fs::metadata(host.installed("/srv/app/a")).unwrap();
        assert_eq!(
            (installed.uid(), installed.mode() & 0o777),
            (nobody.uid.as_raw(), 0o600)
        );
    }
}

#[tokio::test]
async fn what_needs_root_is_refused_before_anything_is_touched() {
    let (host, _) = started().await;
    let members = |spec: &str| {
        let files = [("run.sh", "#!/bin/sh\n", 0o755), ("files/a", "1", 0o644)];
        let all = [("appspec.yml", spec, 0o644)].into_iter().chain(files);
        all.map(|(name, text, mode)| (name, text.to_owned(), mode))
            .collect::<Vec<_>>()
    };
    let push = async |spec: &str| {
        let all = members(spec);
        let all: Vec<_> = all
            .iter()
            .map(|(name, text, mode)| (*name, text.as_str(), *mode))
            .collect();
        host.push("1", &all).await
    };
    let revision = push(&appspec("")).await;
    host.run(&order(1, &revision)).await.succeeded();
    let before = fs::metadata(host.installed("/srv/app/a")).unwrap().ino();

    // Owners of files, and folders that are another's.
    let foreign = host.installed("/opt/other");
    fs::create_dir_all(&foreign).unwrap();
    let spec = appspec("").replace("/srv/app", "/opt/other");
    let root = "permissions:\n  - object: /srv/app\n    owner: root";
    for (number, spec, message) in [
        (2, appspec(root), "the agent does not run as root"),
        (3, spec, "/opt/other"),
    ] {
        let revision = push(&spec).await;
        let run = host.run(&order(number, &revision)).await;
        assert_eq!(run.end(), ExecutionEnd::Failed);
        let diagnostics = run.diagnostics(E::Install);
        assert!(diagnostics.message.contains(message), "{diagnostics:?}");
        let warned = run.text(Agent);
        assert!(
            warned.contains("as the host is now, Install would refuse"),
            "{warned}"
        );
        let now = fs::metadata(host.installed("/srv/app/a")).unwrap().ino();
        assert_eq!(now, before, "{message}: what was installed is as it was");
        assert_eq!(fs::read_dir(&foreign).unwrap().count(), 0);
    }

    // Another user's scripts, of which one hears when the bundle comes.
    let spec = appspec("hooks:\n  ValidateService: [{location: run.sh, runas: daemon}]");
    let revision = push(&spec).await;
    let run = host.run(&order(4, &revision)).await;
    let warned = run.text(Agent);
    let refusal = "the script run.sh would not start: runas: the agent runs as nobody, which cannot become daemon";
    assert!(warned.contains(refusal), "{warned}");
    let diagnostics = run.diagnostics(E::ValidateService);
    assert!(
        diagnostics.message.contains("which cannot become daemon"),
        "{diagnostics:?}"
    );
}

/// The check says beforehand what such an agent cannot do.
#[test]
fn a_check_tells_an_ordinary_user() {
    needs_root();
    let check = |command: &str, arguments: &[&str]| {
        let scratch = tempfile::tempdir().unwrap();
        let output = Command::new(command)
            .args(arguments)
            .args([
                "agent",
                "--check",
                "--config",
                "/dev/null",
                "--name",
                "web-1",
                "--listen",
                "127.0.0.1:0",
                "--root",
            ])
            .arg(scratch.path().join("agent"))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let program = env!("CARGO_BIN_EXE_cutover");
    let said = check("setpriv", &["--reuid=nobody", "--clear-groups", program]);
    assert!(
        said.contains("warning  user           nobody, not root"),
        "{said}"
    );
    assert!(
        said.contains("ok       front          in the agent's own process"),
        "{said}"
    );
    let said = check("env", &[program]);
    assert!(
        said.contains("ok       front          a process of its own, as "),
        "{said}"
    );
}
