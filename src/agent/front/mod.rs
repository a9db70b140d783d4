//! The *front*: the part of the agent that the network reaches. It asks the executor over a link and touches
//! nothing on the host.
//!
//! An agent that root started runs it as a process of its own, as a user who may do nothing ([`process`]); any other agent
//! runs it as a task of the same process, over the same link.

pub mod process;
mod supervise;
mod trusted;
mod user;

use std::io;
use std::sync::Arc;

use tokio::net::{TcpListener, UnixStream};

use super::http;
use super::link::{Client, Servant};
pub(super) use trusted::{Trusted, Way};
pub use user::FrontUser;

/// Serves the listener's requests until the agent is told to end, and those that are under way to their end.
pub(super) async fn run(
    user: Option<FrontUser>,
    listener: TcpListener,
    servant: Arc<Servant>,
) -> io::Result<()> {
    match user {
        Some(user) => supervise::keep(&user, listener.into_std()?, &servant).await,
        None => beside(listener, &servant).await,
    }
}

/// The front as a task.
async fn beside(listener: TcpListener, servant: &Arc<Servant>) -> io::Result<()> {
    let (ours, theirs) = UnixStream::pair()?;
    let (result, ()) = tokio::join!(
        http::listen(listener, Client::new(theirs)),
        servant.serve(ours)
    );
    result
}
