//! The link between the agent's two parts: the *front*, which the network reaches, and the *executor*, which touches the
//! host. Whether they are two processes or two tasks of one, they talk over socket pairs and in no other way.
//!
//! One pair is there from the start, the *control*. The front asks for a *channel* by writing a byte to it; the executor
//! makes a pair and sends one end back. So the executor never takes a descriptor, and says itself how many requests it
//! serves at a time. A channel carries one request and its answer, as frames ([`frame`]): an order's bytes, a bundle's, or
//! the event stream for as long as it lasts. When the control closes, the front takes no more requests and ends.
//!
//! What a request may say is a kind, the id of an execution or the name of an upstream, a digest, and an opaque body. There
//! is no path in it.

mod answers;
mod bundle;
mod client;
pub mod frame;
#[cfg(test)]
mod hostile;
mod servant;
#[cfg(test)]
mod signer;
#[cfg(test)]
mod standings;
mod wire;

pub(super) use client::{Client, Reply};
pub(super) use frame::{Kind, Request, Status};
pub(super) use servant::{Parts, Servant};
pub(super) use wire::{receive, send};

use std::io;

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The other side is gone.
    #[error("the other part of the agent is gone")]
    Gone,
    /// No channel was to be had in time.
    #[error("this host serves as many requests as it can; try again")]
    Busy,
    /// The other side says nothing.
    #[error("the other part of the agent is silent")]
    Silent,
    /// What came makes no sense.
    #[error(transparent)]
    Malformed(#[from] frame::Malformed),
    /// A frame came that has no place there.
    #[error("a frame came out of turn")]
    OutOfTurn,
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
