//! Two orchestrators that have the same keys, as one was copied from the other: one of them is obeyed, and the other knows it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::world::{World, until};

/// Ends with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Copies the project, its state among it.
fn copy(world: &World) -> PathBuf {
    let copy = world.project().with_file_name("copy");
    let copied = Command::new("cp")
        .arg("-a")
        .arg(world.project())
        .arg(&copy)
        .status();
    assert!(copied.unwrap().success());
    copy
}

/// Orchestrates on a copy in the place of the original.
fn take_over(world: &World, copy: &Path) -> Serving {
    let mut taking = world.command_on(copy, &["serve", "--take-over"]);
    Serving(taking.stdin(Stdio::null()).spawn().unwrap())
}

#[test]
fn a_copied_state_directory_is_refused_and_then_the_original_is_fenced_off() {
    let mut world = World::new();
    world.serve();
    let host = world.joined("web-1");
    world.push("1.0", "0");
    let first = world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    world.kill_orchestrator();
    let copy = copy(&world);
    world.serve();
    world.until_ok("web-1");

    // The copy is not started from by accident, in the foreground or by any command.
    let on_copy = |arguments: &[&str]| world.command_on(&copy, arguments);
    for command in [
        &["serve"][..],
        &["hosts"],
        &["deploy", "shop", "production", "1.0"],
    ] {
        let refused = on_copy(command).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(
            said.contains("was copied") && said.contains("--take-over"),
            "{said}"
        );
    }
    assert!(world.status("web-1")["status"]["reachable"] == true);

    let _taking = take_over(&world, &copy);
    world.until_problem("web-1", "obeys another orchestrator of this project since");
    let status = world.status("web-1")["status"].clone();
    let problem = status["problem"].as_str().unwrap();
    assert!(
        problem.contains("epoch 1001; this one is fenced off (epoch 2)"),
        "{problem}"
    );
    let remedy = status["remedy"].as_str().unwrap();
    assert!(remedy.contains("end one of the two"), "{remedy}");

    // Nor does it spread other keys, by which it would be obeyed again.
    let refused = world.refused(&["hosts", "rotate", "--orchestrator"]);
    assert!(
        refused.contains("web-1 obeys another orchestrator of this project, so the keys"),
        "{refused}"
    );
    assert!(!world.state().join("key.pem.next").exists());

    // What the former one wants changes nothing; what the other wants is done, once.
    let nothing = world.ok(&["deploy", "shop", "production", "1.0"]);
    let done = on_copy(&["deploy", "shop", "production", "1.0", "--wait"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let done = String::from_utf8(done.stdout).unwrap();
    until("the former one has tried", || {
        let shown = world.ok(&["show", nothing.trim()]);
        shown.contains("obeys another orchestrator") || shown.contains("not heard of")
    });
    let of = |told: &str| {
        let id = told
            .split_whitespace()
            .find(|word| word.starts_with("d-"))
            .unwrap();
        host.trace()
            .iter()
            .filter(|line| line.starts_with(id))
            .count()
    };
    assert_eq!(
        (of(&first), of(&nothing), of(&done)),
        (2, 0, 2),
        "{:?}",
        host.trace()
    );
}

#[test]
fn a_copy_from_before_a_change_of_keys_is_nobody() {
    let mut world = World::new();
    world.serve();
    let host = world.joined("web-1");
    world.kill_orchestrator();
    let copy = copy(&world);
    world.serve();
    world.until_ok("web-1");
    world.ok(&["hosts", "rotate", "--orchestrator"]);
    let book = host.files().join("identity/orchestrators.json");
    until("the former key is obeyed no more", || {
        std::fs::read_to_string(&book)
            .unwrap()
            .matches("sha256:")
            .count()
            == 1
    });
    let _taking = take_over(&world, &copy);
    until("the copy is turned away", || {
        let hosts = world.command_on(&copy, &["hosts", "web-1", "--output", "json"]);
        let hosts = { hosts }.output().unwrap();
        let hosts: Value = serde_json::from_slice(&hosts.stdout).unwrap_or_default();
        let problem = hosts["hosts"][0]["status"]["problem"].as_str();
        problem.is_some_and(|problem| problem.contains("does not obey this orchestrator"))
    });
    world.push("1.0", "0");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    assert_eq!(host.trace().len(), 2, "{:?}", host.trace());
}
