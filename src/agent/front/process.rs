//! The front as a process: what it does before it answers anybody.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as StdUnixStream;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{geteuid, setsid};
use tokio::net::{TcpListener, UnixStream};

use crate::agent::http;
use crate::agent::link::{Client, receive};

/// Serves as the front of the agent at the other end of standard input, until that ends.
///
/// # Errors
///
/// When no agent is there, or this process has rights that a front must not have.
pub async fn run() -> io::Result<()> {
    let other = io::Error::other;
    if geteuid().is_root() {
        return Err(other("the front of an agent does not run as root"));
    }
    let control = StdUnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    control.set_nonblocking(true)?;
    let control = UnixStream::from_std(control)
        .map_err(|_| other("only the agent itself starts its front, over a socket"))?;
    give_up_rights()?;
    let listener = receive(&control).await?;
    let listener = listener.ok_or_else(|| other("the agent is gone"))?;
    let listener = std::net::TcpListener::from(listener);
    http::listen(TcpListener::from_std(listener)?, Client::new(control)).await
}

/// What starts this process has made it another user's. Nothing that it could start gets more rights, no other process of
/// that user can look into it, no terminal reaches it, and it does not outlive the agent.
fn give_up_rights() -> io::Result<()> {
    prctl::set_no_new_privs()?;
    prctl::set_dumpable(false)?;
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // For those who look at the list of processes: it was started by way of /proc.
    prctl::set_name(c"cutover-front")?;
    setsid()?;
    Ok(())
}
