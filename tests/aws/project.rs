//! The real program, in a project of its own.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A project with this for its connections.
pub fn project(connections: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("name: demo\nconnections:\n{connections}");
    std::fs::write(folder.path().join("cutover.yaml"), text).unwrap();
    folder
}

/// Runs the program there, and says how it ended and what it printed.
pub fn cutover(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
    command
        .env("XDG_STATE_HOME", folder.join("state"))
        .env("XDG_RUNTIME_DIR", folder)
        .arg("--project")
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// What it printed.
pub fn text(output: &Output) -> String {
    let both = [&*output.stdout, &*output.stderr].concat();
    String::from_utf8(both).unwrap()
}
