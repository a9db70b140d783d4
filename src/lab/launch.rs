//! Starts this program once more, apart from the terminal, with what it says in a log.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::process::Process;

/// Starts it; `arguments` says with what.
pub(super) fn launch(log: &Path, arguments: impl FnOnce(&mut Command)) -> io::Result<Process> {
    let log = File::options().create(true).append(true).open(log)?;
    let mut command = Command::new(std::env::current_exe()?);
    arguments(&mut command);
    let child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // A group of its own: Ctrl-C in this terminal is not meant for it.
        .process_group(0)
        .spawn()?;
    let process = child.id().and_then(Process::now);
    process.ok_or_else(|| io::Error::other("it ended at once"))
}

/// The last line of a log, for a message.
pub(super) fn last_line(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    crate::text::safe(last.unwrap_or("it said nothing"))
}
