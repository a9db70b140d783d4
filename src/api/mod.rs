//! The orchestrator's door: commands in, events out, as HTTP over a Unix socket.
//!
//! [`command`] is what can be asked for, [`gate`] the one way to ask, [`snapshot`] and [`feed`] what comes out,
//! [`view`] the client's fold of it, [`info`] a deployment as `CodeDeploy` writes it, [`host`] a host in words, [`client`] the client, [`server`] the door itself.

pub mod client;
pub mod gate;
pub mod gauge;
pub mod host;
pub mod info;
pub mod server;
pub mod view;

pub use crate::orchestrator::{command, feed, snapshot};
