//! `cutover agent task`: what the agent starts in order to have a task.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::agent::task_sets::shim::{self, Start};
use crate::cli::Exit;

/// The arguments of `cutover agent task`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The task's folder
    folder: PathBuf,
    /// Where it is to serve
    port: u16,
    /// How many restarts there have been
    restarts: u32,
    /// The program with its arguments
    #[arg(last = true, required = true)]
    words: Vec<OsString>,
}

/// Becomes the program, unless it is one too many.
///
/// # Errors
///
/// When the program cannot be run.
pub fn run(args: &Args) -> color_eyre::Result<Exit> {
    let start = Start {
        folder: args.folder.clone(),
        port: args.port,
        restarts: args.restarts,
        words: args.words.clone(),
    };
    match shim::run(&start)? {
        Some(never) => match never {},
        None => Ok(Exit::Succeeded),
    }
}
