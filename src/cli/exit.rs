//! What a command's exit code means.

use std::process::ExitCode;

/// The outcome of a command, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// 0: done; a deployment succeeded.
    Succeeded = 0,
    /// 1: it failed.
    Failed = 1,
    /// 2: wrong usage, or a document with an error.
    Usage = 2,
    /// 3: a deployment was stopped or rolled back.
    Stopped = 3,
    /// 70: cutover itself failed (`EX_SOFTWARE`); that is a bug.
    Crashed = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
