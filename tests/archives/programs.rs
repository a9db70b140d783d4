//! The programs that people make archives with.

use std::io::{Seek, Write};
use std::path::Path;
use std::process::Command;

/// Runs a shell script in a folder.
///
/// # Panics
///
/// When a program is missing, with the line that installs it, or when the script fails.
pub fn shell(folder: &Path, script: &str) -> String {
    let script = format!(
        "umask 022
{script}"
    );
    run(
        Command::new("bash").args(["-euo", "pipefail", "-c", &script]),
        folder,
        "",
    )
}

/// Runs a Python script in a folder, with an input.
///
/// # Panics
///
/// As [`shell`].
pub fn python(folder: &Path, script: &str, input: &str) -> String {
    run(Command::new("python3").args(["-c", script]), folder, input)
}

fn run(command: &mut Command, folder: &Path, input: &str) -> String {
    let mut from = tempfile::tempfile().unwrap();
    from.write_all(input.as_bytes()).unwrap();
    from.rewind().unwrap();
    let output = command
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .stdin(from)
        .output()
        .expect("bash and python3 are needed: apt-get install bash python3");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // The exit code with which shells say that there is no such program.
    assert_ne!(
        output.status.code(),
        Some(127),
        "a program is missing: apt-get install git tar unzip zip ({})",
        text(&output.stderr)
    );
    assert!(
        output.status.success(),
        "{command:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}
