//! Printing for people and pipes.

use std::fmt::Display;
use std::io::{self, Write as _};

/// Prints a line of the command's output. A reader that has gone (`cutover list | head -1`) is no error: what the command
/// does besides printing is done all the same.
pub(super) fn say(line: impl Display) {
    report(writeln!(io::stdout().lock(), "{line}"));
}

/// Prints a line of progress, apart from the output.
pub(super) fn note(line: impl Display) {
    report(writeln!(io::stderr().lock(), "{line}"));
}

fn report(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        tracing::error!(%error, "the output can't be written");
    }
}
