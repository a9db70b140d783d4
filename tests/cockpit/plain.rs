//! The linear mode without any terminal: lines go in by a pipe, and sentences come out by another.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::processes;

/// `cutover` with pipes at both ends.
struct Pipes {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    /// What was written.
    bytes: Vec<u8>,
    /// How much of it was waited for, as words.
    heard: usize,
    folder: tempfile::TempDir,
}

impl Pipes {
    /// A small lab that is listened to.
    fn lab() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = command(&folder)
            .args(["lab", "--plain", "--hosts", "2"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut buffer) {
                // Nobody reads any more when the test is over.
                let _ = send.send(buffer[..read].to_vec());
            }
        });
        Self {
            input: child.stdin.take(),
            child,
            output,
            bytes: Vec::new(),
            heard: 0,
            folder,
        }
    }

    /// All that was written, with single blanks between words: where lines end depends on their words.
    fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Waits until this is said, behind what was waited for before.
    fn hear(&mut self, what: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let words = self.words();
            if let Some(at) = words[self.heard..].find(what) {
                self.heard += at + what.len();
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let more = self.output.recv_timeout(left);
            assert!(
                more.is_ok(),
                "no {what:?} behind {} in\n{words}",
                self.heard
            );
            self.bytes.extend(more.unwrap());
        }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn ended(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(Instant::now() < deadline, "still runs:\n{}", self.words());
            let more = self.output.recv_timeout(Duration::from_millis(20));
            self.bytes.extend(more.unwrap_or_default());
        }
    }

    /// A command on the lab, without input.
    fn command(&self, arguments: &[&str]) -> Command {
        let lab = self.folder.path().join("lab");
        let mut command = command(&self.folder);
        command.arg("-C").arg(lab).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

/// `cutover`, with all that it keeps in a folder of its own.
fn command(folder: &tempfile::TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command
        .current_dir(folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .env("XDG_CONFIG_HOME", folder.path().join("config"))
        .env("CUTOVER_LAB", folder.path().join("lab"))
        .env("LC_ALL", "C.UTF-8")
        .env("TERM", "xterm");
    command
}

impl Drop for Pipes {
    fn drop(&mut self) {
        // A test that failed leaves a fleet behind.
        let _ = self.child.kill();
        let _ = command(&self.folder).args(["lab", "--down"]).output();
    }
}

/// What a newcomer does in the first minutes, without seeing anything.
#[test]
fn a_whole_blue_green_rollout_is_driven_by_lines() {
    let mut lab = Pipes::lab();
    lab.hear("Needs a person: reroute, checkout/production,");
    lab.say("checkout/production");
    lab.say("1");
    lab.hear("Instances: 4.");
    lab.say("reroute");
    lab.hear("Traffic moves from the 2 of the original (pay-1, pay-2)");
    lab.hear("y: reroute");
    // An empty line is no answer.
    lab.say("");
    lab.hear("Nothing is done.");
    lab.say("r");
    lab.hear("y: reroute");
    lab.say("y");
    lab.hear("Needs a person: termination, checkout/production,");
    lab.say("where");
    lab.hear("done reroute 2/2");
    lab.hear("e ends the wait, b rolls back");
    lab.say("end wait");
    lab.hear("y: end the wait");
    lab.say("y");
    lab.hear("in checkout/production: Succeeded");
    let shown = lab.run(&["list", "--group", "checkout/production"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(shown.matches("Succeeded").count(), 2, "{shown}");
    let text = lab.words();
    assert!(!text.contains(char::is_control), "{text}");

    // Where something else still runs, leaving asks.
    lab.say("quit");
    let deadline = Instant::now() + Duration::from_mins(1);
    while lab.child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "{}", lab.words());
        let more = lab.output.recv_timeout(Duration::from_millis(20));
        lab.bytes.extend(more.unwrap_or_default());
        if lab.words()[lab.heard..].contains("s: stop: running events finish") {
            lab.heard = lab.words().len();
            lab.say("s");
        }
    }
    assert!(lab.ended());
    assert_eq!(processes(lab.folder.path()), Vec::<String>::new());
}

/// The end of the input ends the linear mode, and nothing that runs; what was told is where things stand.
#[test]
fn without_lines_it_tells_where_things_stand_and_ends() {
    let mut lab = Pipes::lab();
    lab.hear("Deployments to checkout/production: 2.");
    drop(lab.input.take());
    assert!(lab.ended());
    lab.hear("the lab goes on in");
    let once = lab.run(&["open", "shop/production", "--plain"]);
    assert!(once.status.success(), "{once:?}");
    let told = String::from_utf8(once.stdout).unwrap();
    assert!(
        told.contains("Deployments to shop/production: 1."),
        "{told}"
    );
    for (name, value) in [("CUTOVER_A11Y", "1"), ("TERM", "dumb")] {
        let mut open = lab.command(&["open", "shop/production"]);
        let chosen = open.env(name, value).output().unwrap();
        assert!(chosen.status.success(), "{name}: {chosen:?}");
        let chosen = String::from_utf8(chosen.stdout).unwrap();
        assert!(
            chosen.contains("Deployments to shop/production: 1."),
            "{chosen}"
        );
    }
    let refused = lab.run(&["open", "shop/production"]);
    assert_eq!(refused.status.code(), Some(2));
    // The lines of a file: a replay at its end, in which nothing can be changed.
    let listed = lab.run(&["list", "--group", "checkout/production"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    let id = listed
        .split_whitespace()
        .find(|word| word.starts_with("d-"));
    let script = lab.folder.path().join("script");
    std::fs::write(&script, "replay-last\nstop\nquit\n").unwrap();
    let mut replay = lab.command(&["replay", id.unwrap(), "--plain"]);
    replay.stdin(std::fs::File::open(&script).unwrap());
    let told = String::from_utf8(replay.output().unwrap().stdout).unwrap();
    let place = told.split_once("A replay, at entry ").unwrap().1;
    let (at, all) = place.split_once(',').unwrap().0.split_once(" of ").unwrap();
    assert_ne!(
        at, all,
        "the place is told before the first line is taken: {told}"
    );
    assert!(told.contains(&format!("entry {all} of {all}")), "{told}");
    assert!(told.contains("stop: this is a replay"), "{told}");
    let misplaced = lab.run(&["--plain", "list"]);
    assert_eq!(misplaced.status.code(), Some(2));
}
