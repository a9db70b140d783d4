//! The front's process as the executor sees it: started, started again when it ends, and ended with the agent.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{Instant, sleep};

use super::FrontUser;
use crate::agent::link::{Servant, send};
use crate::text::safe;

/// This program, also when its file was replaced or moved since.
const PROGRAM: &str = "/proc/self/exe";

/// How long the first start after an end waits; each further one twice as long.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// A front that lived for so long was well.
const WELL: Duration = Duration::from_mins(1);

/// So much of what a front says is put into the agent's log.
const SAID: usize = 64 * 1024;

/// Keeps a front serving until the agent is told to end.
pub async fn keep(
    user: &FrontUser,
    listener: TcpListener,
    servant: &Arc<Servant>,
) -> io::Result<()> {
    let stopping = servant.stopping();
    let mut pause = SHORTEST;
    // One that cannot be started at all is no matter of patience.
    let mut started = start(user)?;
    loop {
        let since = Instant::now();
        let (mut child, control) = started;
        let ended = tokio::select! {
            ended = child.wait() => format!("{:?}", ended.map(|status| status.to_string())),
            () = serve(&listener, control, servant) => "it broke off".to_owned(),
        };
        if stopping.is_cancelled() {
            // Its requests come to their end, and it with them.
            child.wait().await?;
            return Ok(());
        }
        // One that broke off may still be there.
        child.kill().await?;
        if since.elapsed() > WELL {
            pause = SHORTEST;
        }
        tracing::error!(ended, "the agent's front is gone: it is started again");
        started = loop {
            if stopping.run_until_cancelled(sleep(pause)).await.is_none() {
                return Ok(());
            }
            pause = (pause * 2).min(LONGEST);
            match start(user) {
                Ok(started) => break started,
                Err(error) => tracing::error!(%error, "the agent's front cannot be started"),
            }
        };
    }
}

async fn serve(listener: &TcpListener, control: UnixStream, servant: &Arc<Servant>) {
    // A front that does not take the listener ends, and that is seen.
    if send(&control, listener.as_fd()).await.is_ok() {
        servant.serve(control).await;
    }
}

fn start(user: &FrontUser) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = StdUnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let mut child = Command::new(PROGRAM)
        .arg0("cutover")
        .args(["agent", "front"])
        // With the user, std gives up all further groups.
        .uid(user.uid)
        .gid(user.gid)
        .env_clear()
        .current_dir("/")
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            let name = &user.name;
            // Some containers have a root without its rights.
            let text = format!(
                "starting the front as {name}: {error}; root has to be able to become {name}, who has to be allowed to \
                 run this program; or run the whole agent as another user, with user: in its configuration"
            );
            io::Error::new(error.kind(), text)
        })?;
    tokio::spawn(listen(child.stderr.take()));
    Ok((child, UnixStream::from_std(ours)?))
}

/// Puts what a front says into the agent's log, up to a point: it is data.
async fn listen(stderr: Option<ChildStderr>) {
    let Some(mut stderr) = stderr else { return };
    let mut said = 0;
    let mut piece = vec![0; 4096];
    while let Ok(length @ 1..) = stderr.read(&mut piece).await {
        if said < SAID {
            let text = String::from_utf8_lossy(&piece[..length]);
            for line in text.lines() {
                tracing::warn!("the front says: {}", safe(line));
            }
        }
        said += length;
    }
}
