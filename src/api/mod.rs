//! The orchestrator's door: commands in, events out, as HTTP over a Unix socket.
//!
//! [`command`] is what can be asked for, [`line`](mod@line) the same as a line to type, [`gate`] the one way to ask, [`locks`] the environments that keep it shut, [`snapshot`] and [`feed`] what comes out,
//! [`view`] the client's fold of it, [`info`] a deployment as `CodeDeploy` writes it, [`host`] a host in words, [`whole`] each thing as it is shown whole, [`invitation`] what lets one join,
//! [`attention`] what needs a person, [`afterwards`] what one asks about a deployment later, [`place`] whether an address leads anywhere, [`client`] the client.
//!
//! [`listener`] has the sockets, [`server`] the routes, and behind them the [`door`]: [`caller`] is who knocks, [`rights`] what
//! each request needs, [`sight`] what is left out of what somebody sees. Hooks have a door of their own: [`callbacks`].

pub mod afterwards;
pub mod attention;
pub mod callbacks;
pub mod caller;
pub mod client;
pub mod configuration;
pub mod door;
pub mod gate;
pub mod gauge;
pub mod host;
pub mod info;
pub mod invitation;
pub mod line;
pub mod listener;
pub mod locks;
pub mod place;
pub mod rights;
pub mod server;
pub mod sight;
pub mod view;
pub mod whole;

#[cfg(test)]
mod tests;

pub use crate::orchestrator::{command, feed, snapshot};
