//! Whole deployments in a simulated world in which everything goes wrong: one thread, one seed, no clock but its own.
//!
//! The engine and the agent's core are the real ones; what carries their decisions out is simulated (`host`,
//! `controller`), as are disks, networks, scripts and people. Every choice comes from a byte tape (`tape`), so that a
//! failure can be replayed and shrunk. `watch` asserts the invariants after every step. docs/simulation.md says how to
//! use it.

mod balancer;
#[cfg(feature = "deliberate-bugs")]
pub mod bugs;
mod campaign;
mod cast;
mod controller;
mod disk;
mod env;
mod happening;
mod hook;
mod host;
mod marks;
mod operators;
mod shape;
mod shrink;
mod tape;
mod tasks;
mod trace;
mod watch;
mod world;

pub use campaign::{Campaign, Failure, Report};
pub use cast::{Cast, MOST_HOSTS};
pub use marks::Marks;
pub use shape::{Setting, Shape};
pub use shrink::shrink;
pub use tape::{Bytes, Tape};
pub use trace::replay;
pub use watch::{Invariant, Violation};
pub use world::{Care, Outcome, run};
