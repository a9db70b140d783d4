//! Ending a task, and whatever it has left.

use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::time::{sleep, timeout};

use super::folder::{Run, TaskFolder};
use crate::agent::process;

/// How often the task's own process is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How often it is looked whether its group is empty, which costs more.
const GROUP: Duration = Duration::from_millis(200);

/// How long the kernel may take to end what was killed.
const KILLED: Duration = Duration::from_secs(2);

/// How long what is not in the task's group has: it was not told together with it.
const STRAYS: Duration = Duration::from_secs(1);

/// Asks the task's process group to end, kills it after the grace time, and ends then whatever else carries its mark.
pub async fn stop(folder: &TaskFolder, boot: &str, grace: Duration) {
    let orphan = folder.orphan();
    let run = folder.run().filter(|run| run.process.boot == boot);
    if let Some(run) = run.filter(|run| process::is_group_of(&run.process, &orphan.mark)) {
        let group = Pid::from_raw(run.process.pid);
        // It may end in this very moment.
        let _ = killpg(group, Signal::SIGTERM);
        if timeout(grace, over(&run, boot)).await.is_err() {
            let _ = killpg(group, Signal::SIGKILL);
            let _ = timeout(KILLED, over(&run, boot)).await;
        }
    }
    process::end_orphan(&orphan, boot, STRAYS).await;
}

async fn over(run: &Run, boot: &str) {
    while run.process.lives(boot) {
        sleep(LOOK).await;
    }
    while process::group_lives(run.process.pid) {
        sleep(GROUP).await;
    }
}
