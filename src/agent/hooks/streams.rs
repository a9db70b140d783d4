//! A script's two output streams.

use nix::sys::stat::fstat;
use std::os::fd::AsFd;

use tokio::io::AsyncRead;
use tokio::process::{ChildStderr, ChildStdout};

use super::lines::Blocks;
use crate::agent::log::LogError;
use crate::agent::protocol::OutputSource;
use crate::agent::report::Report;
use crate::model::secret::mask::Mask;

/// Standard output and standard error, each as long as it is open.
#[derive(Debug)]
pub struct Streams {
    stdout: Option<Blocks<ChildStdout>>,
    stderr: Option<Blocks<ChildStderr>>,
    pipes: [u64; 2],
}

impl Streams {
    /// Reads from these, and masks what it finds.
    pub fn new(stdout: ChildStdout, stderr: ChildStderr, mask: &Mask) -> Self {
        Self {
            pipes: [number(&stdout), number(&stderr)],
            stdout: Some(Blocks::new(stdout, mask.clone())),
            stderr: Some(Blocks::new(stderr, mask.clone())),
        }
    }

    /// By which the kernel tells these pipes from others.
    pub fn pipes(&self) -> [u64; 2] {
        self.pipes
    }

    /// Reports both streams as they come, until both are closed.
    pub async fn report(&mut self, report: &Report) -> Result<(), LogError> {
        while self.stdout.is_some() || self.stderr.is_some() {
            // A script that says something and then complains is mostly read in that order.
            tokio::select! {
                biased;
                block = next(&mut self.stdout), if self.stdout.is_some() => match block {
                    Some(block) => report.output(OutputSource::Stdout, &block).await?,
                    None => self.stdout = None,
                },
                block = next(&mut self.stderr), if self.stderr.is_some() => match block {
                    Some(block) => report.output(OutputSource::Stderr, &block).await?,
                    None => self.stderr = None,
                },
            }
            // Those who share the thread come to their turn, however much there is to read.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Goes on reading, so that nobody who still writes is ended by that, and keeps nothing.
    pub fn discard(mut self) {
        tokio::spawn(async move {
            while self.stdout.is_some() || self.stderr.is_some() {
                tokio::select! {
                    block = next(&mut self.stdout), if self.stdout.is_some() => {
                        if block.is_none() { self.stdout = None; }
                    }
                    block = next(&mut self.stderr), if self.stderr.is_some() => {
                        if block.is_none() { self.stderr = None; }
                    }
                }
            }
        });
    }
}

fn number(pipe: &impl AsFd) -> u64 {
    fstat(pipe).map_or(0, |stat| stat.st_ino)
}

/// A stream that cannot be read any more counts as closed.
async fn next<R: AsyncRead + Unpin>(blocks: &mut Option<Blocks<R>>) -> Option<Vec<u8>> {
    match blocks {
        Some(blocks) => blocks.next().await.ok().flatten(),
        None => None,
    }
}
