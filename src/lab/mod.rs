//! A whole fleet on loopback, for the first run and for tests: a project, its revisions, and a real agent a host.
//!
//! Everything is below one folder, agents' installations included: [`project`] writes the documents and revisions,
//! [`fleet`] starts, finds and ends the agents, [`process`] tells a process of ours from another with the same number.

pub mod fleet;
pub mod process;
pub mod project;

pub use fleet::{Fleet, LabError};
