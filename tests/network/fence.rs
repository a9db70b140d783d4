//! Two orchestrators that have the same keys, as one was copied from the other: one of them is obeyed, and the other knows it.

use std::process::{Child, Command, Stdio};

use crate::world::{World, until};

/// Ends with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_copied_state_directory_is_refused_and_then_the_original_is_fenced_off() {
    let mut world = World::new();
    world.serve();
    let host = world.joined("web-1");
    world.push("1.0", "0");
    let first = world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    world.kill_orchestrator();
    let copy = world.project().with_file_name("copy");
    let copied = Command::new("cp")
        .arg("-a")
        .arg(world.project())
        .arg(&copy)
        .status();
    assert!(copied.unwrap().success());
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

    let taking = on_copy(&["serve", "--take-over"])
        .stdin(Stdio::null())
        .spawn();
    let _taking = Serving(taking.unwrap());
    world.until_problem("web-1", "obeys another orchestrator of this project since");
    let status = world.status("web-1")["status"].clone();
    let problem = status["problem"].as_str().unwrap();
    assert!(
        problem.contains("epoch 1001; this one is fenced off (epoch 2)"),
        "{problem}"
    );
    let remedy = status["remedy"].as_str().unwrap();
    assert!(remedy.contains("end one of the two"), "{remedy}");

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
