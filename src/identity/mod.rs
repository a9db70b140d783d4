//! Who is who on the network: keys of one's own ([`OwnKey`]), which may give way to another, the pins of the keys that are known,
//! and encrypted connections between those alone. A certificate is no more than the envelope of its key.
//!
//! [`invitation`] is how two that have never met come to know each other's keys, by a secret or, where people have an
//! [`authority`] of their own, by its certificates ([`proof`]); by an [`enrolment`] many that come by themselves do. [`hosts`] and
//! [`orchestrators`] is what each side knows then.
//! [`command`] is what an orchestrator wants of a host, signed.

pub mod authority;
pub mod command;
pub mod enrolment;
pub mod hosts;
pub mod invitation;
mod key;
pub mod orchestrators;
mod own;
mod pin;
pub mod proof;
mod tls;

pub use key::{Identity, IdentityError};
pub use own::{OwnKey, OwnKeys, Successor};
pub use pin::{Pin, PinError};
pub use tls::{Known, Stranger, client, server};
