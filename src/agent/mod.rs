//! The host agent.

pub mod protocol;
