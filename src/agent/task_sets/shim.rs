//! What becomes a task: a small process between the agent, which may be killed at any moment, and the program. It takes the
//! task's lock, which goes over to the program and what that starts; whoever doesn't get it is one too many and ends.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::TryLockError;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};

use super::folder::{Run, TaskFolder};
use super::ports::Reservation;
use crate::agent::core::Process;
use crate::agent::process;
use crate::clock;

/// What is to be run as which task.
#[derive(Debug)]
pub struct Start {
    /// The task's folder.
    pub folder: PathBuf,
    /// Where it is to serve.
    pub port: u16,
    /// How many restarts there have been.
    pub restarts: u32,
    /// The program with its arguments.
    pub words: Vec<OsString>,
}

/// Becomes the task. Comes back with nothing if there is one already, or there must be none any more, or its port is another
/// task's.
///
/// # Errors
///
/// When the program cannot be run.
pub fn run(start: &Start) -> io::Result<Option<Infallible>> {
    let folder = TaskFolder::of(start.folder.clone());
    let boot = process::boot_id()?;
    let lock = folder.lock()?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Behind the lock: whoever ends a task set writes that down first and looks at the lock then.
    let lives = folder.run().is_some_and(|run| run.process.lives(&boot));
    if lives || folder.set().is_over() {
        return Ok(None);
    }
    let Ok(Reservation(port)) = Reservation::of(start.port) else {
        return Ok(None);
    };
    let (program, arguments) = start
        .words
        .split_first()
        .ok_or_else(|| io::Error::other("there is no program to run"))?;
    folder.keep_run(&Run {
        process: Process::of(
            i32::try_from(std::process::id()).map_err(io::Error::other)?,
            &boot,
        ),
        port: start.port,
        restarts: start.restarts,
        since: clock::now(),
    })?;
    outlive_exec(&lock)?;
    outlive_exec(&port)?;
    let error = Command::new(program).args(arguments).exec();
    let text = format!("{} cannot be run: {error}", program.to_string_lossy());
    Err(io::Error::new(error.kind(), text))
}

fn outlive_exec(file: &impl AsFd) -> io::Result<()> {
    Ok(fcntl_setfd(file, FdFlags::empty())?)
}
