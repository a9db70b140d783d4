//! Several people at one door: the real binary, run by different users of this machine. It wants root.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::lab::Lab;

/// Users that every Debian system has.
const VIEWER: &str = "games";
const OPERATOR: &str = "daemon";
const APPROVER: &str = "bin";
const STRANGER: &str = "nobody";

/// Three people and a stranger. The operator has staging alone.
const PEOPLE: &str = "    - { user: games, role: viewer }
    - { user: daemon, role: operator, application: shop, group: staging }
    - { user: bin, role: operator }
    - { unixGroup: bin, role: approver }
";

fn open(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A lab whose documents everybody may read, with a door.
pub struct Shared {
    pub lab: Lab,
}

impl Shared {
    pub fn up(hosts: &[&str], more: &str) -> Self {
        assert!(
            nix::unistd::getuid().is_root(),
            "this test runs commands as other users: run it as root"
        );
        let shared = Self {
            lab: Lab::up(hosts.len()),
        };
        let (lab, top) = (shared.lab.folder(), shared.top());
        open(&top, 0o755);
        let doors = top.join("doors");
        std::fs::create_dir(&doors).unwrap();
        open(&doors, 0o755);
        open(&lab, 0o755);
        shared.lab.project(hosts, "{}");
        shared.append(&format!(
            "access:\n  door: {}\n  people:\n{PEOPLE}{more}",
            shared.door().display()
        ));
        for (group, host) in [("production", hosts.first()), ("staging", hosts.last())] {
            shared.lab.group(group, "name", host.unwrap(), "");
        }
        // Whoever owns the document starts the orchestrator.
        shared.lab.ok(&["list"]);
        shared
    }

    fn top(&self) -> PathBuf {
        self.lab.folder().parent().unwrap().to_owned()
    }

    pub fn door(&self) -> PathBuf {
        self.top().join("doors/lab.sock")
    }

    pub fn document(&self) -> PathBuf {
        self.lab.folder().join("cutover.yaml")
    }

    pub fn append(&self, text: &str) {
        let known = std::fs::read_to_string(self.document()).unwrap();
        std::fs::write(self.document(), known + text).unwrap();
        open(&self.document(), 0o644);
    }

    /// A command as this user.
    pub fn command(&self, user: &str, arguments: &[&str]) -> Command {
        let home = self.top().join(format!("home-{user}"));
        if !home.exists() {
            std::fs::create_dir(&home).unwrap();
            let known = nix::unistd::User::from_name(user).unwrap().unwrap();
            nix::unistd::chown(&home, Some(known.uid), Some(known.gid)).unwrap();
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", user, "--regid", "nogroup", "--init-groups", "--"])
            .arg(env!("CARGO_BIN_EXE_cutover"))
            .arg("--project")
            .arg(self.lab.folder())
            .args(arguments)
            .current_dir(&home)
            .env("HOME", &home)
            .env("XDG_RUNTIME_DIR", &home)
            .env("XDG_STATE_HOME", &home)
            .env_remove("CUTOVER_READ_ONLY")
            .stdin(std::process::Stdio::null());
        command
    }

    pub fn run(&self, user: &str, arguments: &[&str]) -> Output {
        self.command(user, arguments).output().unwrap()
    }

    pub fn ok(&self, user: &str, arguments: &[&str]) -> String {
        let output = self.run(user, arguments);
        assert!(output.status.success(), "{user} {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What somebody is told who may not do this.
    pub fn refused(&self, user: &str, arguments: &[&str]) -> String {
        let output = self.run(user, arguments);
        assert!(!output.status.success(), "{user} {arguments:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Sends bytes to the door as this user, and answers what came back.
    pub fn raw(&self, user: &str, path: &str, body: &str) -> String {
        let output = Command::new("setpriv")
            .args(["--reuid", user, "--regid", "nogroup", "--init-groups", "--"])
            .args(["curl", "--silent", "--include", "--unix-socket"])
            .arg(self.door())
            .args(["--data", body])
            .arg(format!("http://cutover{path}"))
            .output()
            .unwrap();
        assert!(output.status.success(), "curl: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn everybody_may_do_what_their_role_says_and_see_what_it_shows() {
    let shared = Shared::up(&["web-1", "web-2"], "");
    let lab = &shared.lab;
    lab.push("1.0", "0", None);
    let (ours, _) = lab.deploy(&["production", "1.0"]);

    // A stranger is turned away, whatever is asked.
    for arguments in [&["list"][..], &["deploy", "shop", "staging", "1.0"]] {
        let told = shared.refused(STRANGER, arguments);
        assert!(
            told.contains("nobody has no role in this project"),
            "{told}"
        );
    }
    // A viewer looks, and does not act.
    assert!(shared.ok(VIEWER, &["list"]).contains(&ours));
    let told = shared.refused(VIEWER, &["deploy", "shop", "production", "1.0"]);
    assert!(
        told.contains("it needs the role operator in shop/production"),
        "{told}"
    );
    let told = shared.refused(VIEWER, &["rollback", &ours]);
    assert!(told.contains("it needs the role operator"), "{told}");

    // An operator of staging pushes, deploys there, and knows of nothing else.
    let bundle = lab.revision("2.0", "0", None);
    let id = {
        shared.ok(
            OPERATOR,
            &["push", "shop", bundle.to_str().unwrap(), "--label", "2.0"],
        );
        shared.ok(OPERATOR, &["deploy", "shop", "staging", "2.0", "--wait"])
    };
    let listed = shared.ok(OPERATOR, &["list"]);
    assert!(listed.contains(&id) && !listed.contains(&ours), "{listed}");
    let groups = shared.ok(OPERATOR, &["list", "groups"]);
    assert!(!groups.contains("production"), "{groups}");
    let told = shared.refused(OPERATOR, &["show", &ours]);
    assert!(
        told.contains(&format!("there is no deployment {ours}")),
        "{told}"
    );
    let told = shared.refused(OPERATOR, &["deploy", "shop", "production", "2.0"]);
    assert!(
        told.contains("there is no deployment group called production"),
        "{told}"
    );
    assert_eq!(lab.show(&id)["deploymentInfo"]["by"], OPERATOR);

    // A forged name is put right, and the orchestrator reads no files for others.
    let forged = r#"{"type":"deploy","group":{"application":"shop","group":"staging"},"revision":"1.0","by":"root"}"#;
    let answer = shared.raw(OPERATOR, "/v1/commands", forged);
    let created = answer.lines().last().unwrap();
    let created: serde_json::Value = serde_json::from_str(created).unwrap();
    let id = created["deployment"].as_str().unwrap();
    assert_eq!(lab.show(id)["deploymentInfo"]["by"], OPERATOR);
    let push = r#"{"type":"push","application":"shop","path":"/root","label":null}"#;
    let answer = shared.raw(OPERATOR, "/v1/commands", push);
    assert!(
        answer.contains("reads no files for other users"),
        "{answer}"
    );

    // Read-only holds at the door, also for what never passed a client's gate.
    lab.wait_for_end(id);
    let text = std::fs::read_to_string(shared.document()).unwrap();
    let text = text.replace("settings:\n", "settings:\n  readOnly: true\n");
    std::fs::write(shared.document(), text).unwrap();
    for user in [OPERATOR, APPROVER, "root"] {
        let answer = shared.raw(user, "/v1/commands", forged);
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(answer.contains("ReadOnlyException"), "{answer}");
    }
}

#[test]
fn the_audit_trail_tells_who_did_what_and_notices_a_changed_byte() {
    let shared = Shared::up(&["web-1"], "");
    let lab = &shared.lab;
    lab.push("1.0", "0", None);
    let (id, _) = lab.deploy(&["staging", "1.0"]);
    shared.refused(OPERATOR, &["rollback", &id]);
    shared.refused(VIEWER, &["rollback", &id]);
    shared.refused(STRANGER, &["list"]);
    let told = shared.refused(APPROVER, &["audit"]);
    assert!(
        told.contains("it needs the role admin in the whole project"),
        "{told}"
    );

    let shown: serde_json::Value =
        serde_json::from_str(&lab.ok(&["audit", "--output", "json", "--since", "1h"])).unwrap();
    let entries = shown["entries"].as_array().unwrap();
    let has = |user: &str, what: &str, outcome: &str| {
        entries.iter().any(|entry| {
            entry["user"] == user && entry["what"]["type"] == what && entry["outcome"] == outcome
        })
    };
    assert!(
        has("root", "push", "done") && has("root", "deploy", "done"),
        "{shown:#}"
    );
    assert!(has(OPERATOR, "rollback", "refused"), "{shown:#}");
    assert!(has(VIEWER, "rollback", "denied"), "{shown:#}");
    assert!(
        has(STRANGER, "ping", "denied") && has(APPROVER, "audit", "denied"),
        "{shown:#}"
    );
    assert!(lab.ok(&["audit"]).contains(&format!("{OPERATOR} (1)")));

    let proof = lab.ok(&["audit", "--verify"]);
    let count = entries.len();
    assert!(
        proof.starts_with(&format!("sound: {count} entries")),
        "{proof}"
    );
    // Another orchestrator goes on with the same chain.
    lab.kill_orchestrator();
    let again = lab.ok(&["audit", "--verify"]);
    assert_eq!(again, proof);

    let trail = lab.folder().join(".state/audit.log");
    let text = std::fs::read_to_string(&trail).unwrap();
    let changed = text.replacen(
        &format!("\"user\":\"{OPERATOR}\""),
        "\"user\":\"xaemon\"",
        1,
    );
    assert_ne!(changed, text);
    let line = changed
        .lines()
        .position(|line| line.contains("xaemon"))
        .unwrap();
    std::fs::write(&trail, changed).unwrap();
    let told = shared.refused("root", &["audit", "--verify"]);
    assert!(
        told.contains(&format!("entry {} does not fit", line + 1)),
        "{told}"
    );
}

#[test]
fn a_freeze_in_mid_rollout_holds_also_after_a_crash_and_ends_by_itself() {
    let shared = Shared::up(
        &["web-1", "web-2"],
        "    - { user: www-data, role: admin, application: shop }\n",
    );
    let lab = &shared.lab;
    lab.group("production", "role", "web", "");
    lab.push("1.0", "0", None);
    lab.deploy(&["production", "1.0"]);
    lab.push("2.0", "1", None);
    let id = lab.ok(&["deploy", "shop", "production", "2.0"]);
    lab.wait_for(&id, |now| {
        now["deploymentInfo"]["deploymentOverview"]["InProgress"] == 1
    });

    let arguments = ["freeze", "shop", "--reason", "Black Friday", "--for", "1h"];
    shared.ok("www-data", &arguments);
    let told = shared.refused(APPROVER, &arguments);
    assert!(
        told.contains("it needs the role admin in the whole application shop"),
        "{told}"
    );
    let told = shared.refused("www-data", &["freeze", "--reason", "x", "--for", "1h"]);
    assert!(told.contains("role admin in the whole project"), "{told}");
    let frozen = lab.wait_for(&id, |now| {
        now["deploymentInfo"]["deploymentOverview"]["Succeeded"] == 1
    });
    assert_eq!(frozen["deploymentInfo"]["deploymentOverview"]["Pending"], 1);

    // Nothing is created, and the next orchestrator knows it too.
    for _ in 0..2 {
        let told = shared.refused("root", &["deploy", "shop", "staging", "1.0"]);
        assert!(
            told.contains("shop is frozen until") && told.contains("Black Friday"),
            "{told}"
        );
        assert!(lab.ok(&["freezes"]).contains("www-data"));
        let told = shared.refused(APPROVER, &["next", &id, "web-9"]);
        assert!(told.contains("no instance"), "{told}");
        lab.kill_orchestrator();
        lab.ok(&["list"]);
    }
    let pending = &lab.show(&id)["deploymentInfo"]["deploymentOverview"]["Pending"];
    assert_eq!(pending, 1);

    // It is followed by a short one, which ends by itself.
    shared.ok(
        "www-data",
        &["freeze", "shop", "--reason", "nearly over", "--for", "2s"],
    );
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    assert!(!lab.ok(&["freezes"]).contains("shop"));

    // Going back is possible in a freeze.
    lab.ok(&["freeze", "--reason", "an incident", "--for", "1h"]);
    let back = lab.ok(&["rollback", &id]);
    let back = back
        .split_whitespace()
        .find(|word| word.starts_with("d-"))
        .unwrap();
    assert_eq!(
        lab.wait_for_end(back.trim_end_matches([':', ',', '.'])),
        "Succeeded"
    );
    lab.ok(&["thaw"]);
    lab.deploy(&["staging", "1.0"]);
}

#[test]
fn nobody_but_the_owner_starts_an_orchestrator() {
    let shared = Shared::up(&["web-1"], "");
    shared.lab.kill_orchestrator();
    let told = shared.refused(APPROVER, &["list"]);
    assert!(
        told.contains("nobody orchestrates this project") && told.contains("root, who owns"),
        "{told}"
    );
    // A door in a folder that others may write to is none.
    open(shared.door().parent().unwrap(), 0o777);
    let told = shared.refused("root", &["list"]);
    assert!(told.contains("could replace the door"), "{told}");
    open(shared.door().parent().unwrap(), 0o755);
    shared.lab.ok(&["list"]);
    shared.ok(APPROVER, &["list"]);
}
