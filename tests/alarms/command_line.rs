//! `cutover alarms`, the real program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cutover::api::client::Client;
use cutover::api::feed::FeedItem;
use futures_util::StreamExt as _;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::Program;

const PROJECT: &str = "\
name: demo
connections:
  alarms:
    - { name: errors, source: { command: { run: [sh, -c, 'echo value=0.2; echo too many; exit 1'] } } }
    - { name: disk, source: { command: { run: ['true'] } } }
    - { name: gone, source: { prometheus: { address: 'http://127.0.0.1:1', alert: Slow } } }
";

fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cutover.yaml"), PROJECT).unwrap();
    folder
}

fn command(folder: &TempDir, arguments: &[&str]) -> Command {
    let own = folder.path();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command
        .env("HOME", own)
        .env("XDG_STATE_HOME", own.join("state"))
        .env("XDG_RUNTIME_DIR", own)
        .arg("--project")
        .arg(own)
        .args(arguments);
    command
}

fn cutover(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = command(folder, &["alarms"]);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn all_alarms_are_read_once_if_nobody_watches_them() {
    let folder = project();
    let shown = text(&cutover(&folder, &[]));
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "ALARM   STATE       VALUE  THRESHOLD    SINCE  MESSAGE",
            "errors  ALARM       0.2    exit code 1  -      too many",
            "disk    OK          -      exit code 1  -      true: exit status: 0",
        ]
    );
    let gone = "gone    unreadable  -      Slow fires   -      Prometheus at http://127.0.0.1:1 does not answer: ";
    assert!(lines[3].starts_with(gone), "{shown}");
    // Looking starts no orchestrator.
    assert!(!folder.path().join("state").exists());

    let one = text(&cutover(&folder, &["errors"]));
    assert!(one.ends_with("\n\nno deployment has it watched\n"), "{one}");
    let json: Value =
        serde_json::from_str(&text(&cutover(&folder, &["--output", "json"]))).unwrap();
    assert_eq!(json["alarms"][0]["state"], "ALARM");
    assert_eq!(json["alarms"][0]["value"], "0.2");
    assert_eq!(json["alarms"][0]["watched"], false);
    assert_eq!(json["alarms"][2]["state"], Value::Null);
    let reason = json["alarms"][2]["unreadable"].as_str().unwrap();
    assert!(reason.contains("does not answer"), "{reason}");
}

#[test]
fn the_exit_code_tells_of_alarms_only_when_asked_to() {
    let folder = project();
    let code = |arguments: &[&str]| cutover(&folder, arguments).status.code();
    assert_eq!(code(&["errors"]), Some(0));
    assert_eq!(code(&["errors", "--exit-code"]), Some(1));
    assert_eq!(code(&["disk", "--exit-code"]), Some(0));
    assert_eq!(code(&["gone", "--exit-code"]), Some(1));
    let unknown = cutover(&folder, &["error"]);
    assert_eq!(unknown.status.code(), Some(2));
    let told = String::from_utf8(unknown.stderr).unwrap();
    assert!(
        told.contains("there is no alarm error: did you mean \"errors\"?"),
        "{told}"
    );
}

/// An orchestrator answers at its door what it has watched: nothing, while nothing runs.
#[tokio::test]
async fn the_door_tells_what_is_watched() {
    let folder = project();
    let mut serving = Program::start(command(&folder, &["serve"]), folder.path());
    let mut answered = None;
    serving
        .until("the door is open", async || {
            let Some(socket) = socket(folder.path()) else {
                return false;
            };
            let client = Client::new(&socket).unwrap();
            let open = client.alarms().await.ok();
            answered = open.map(|alarms| (client, alarms));
            answered.is_some()
        })
        .await;
    let (client, alarms) = answered.unwrap();
    assert_eq!(alarms, []);
    let first = client.feed().await.unwrap().next().await.unwrap().unwrap();
    let FeedItem::Snapshot(snapshot) = first else {
        panic!("{first:?}")
    };
    assert_eq!(snapshot.alarms, []);
    // What it does not watch is read once.
    let shown = text(&cutover(&folder, &["errors"]));
    let line = "errors  ALARM  0.2    exit code 1  -      too many";
    assert_eq!(shown.lines().nth(1), Some(line));
}

/// The socket below this folder.
fn socket(folder: &Path) -> Option<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .find_map(|entry| {
            let path = entry.path();
            if path.is_dir() {
                return socket(&path);
            }
            path.extension()
                .is_some_and(|ending| ending == "sock")
                .then_some(path)
        })
}
