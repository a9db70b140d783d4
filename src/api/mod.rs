//! The orchestrator's door: commands in, events out, as HTTP over a Unix socket.
//!
//! [`command`] is what can be asked for, [`gate`] the one way to ask, [`snapshot`] and [`feed`] what comes out,
//! [`view`] the client's fold of it, [`client`] the client, [`server`] the door itself.

pub mod client;
pub mod command;
pub mod feed;
pub mod gate;
pub mod snapshot;
pub mod view;
