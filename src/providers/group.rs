//! The process group of a program that the outside world is asked through.

use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Child;

use crate::agent::process::end_group;

/// The process group of a program that may still run. Whoever gives up on it kills it.
pub(super) struct Group(Option<i32>);

impl Group {
    /// That of a program that was started in a group of its own.
    pub fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| id.try_into().ok()))
    }

    /// The program has ended: what it may have started is left alone.
    pub fn leave(mut self) {
        self.0 = None;
    }

    /// Ends what is left of it: by asking, and after this time by force.
    pub async fn end(mut self, grace: Duration) {
        if let Some(group) = self.0 {
            end_group(group, grace).await;
        }
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended in this very moment.
            let _gone = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
}
