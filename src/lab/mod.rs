//! A whole fleet on loopback, for the first run and for tests: a project, its revisions, and a real agent a host; and on
//! request a second application behind the router, with requests that flow.
//!
//! Everything is below one folder, agents' installations included: [`project`] writes the documents and revisions,
//! [`checkout`] is what the second application is made of, [`fleet`] starts, finds and ends what runs, `agents` does so for
//! one host, `traffic` is what stands before `checkout`'s hosts, `provision` makes more of them, [`instance`] is what serves
//! on them, [`gallery`] a container service on them, [`thumbs`] a function beside it, [`requests`] who asks, [`counts`] what came of it, [`alarm`] what that means. [`process`] tells a process of ours
//! from another with the same number.

mod agents;
pub mod alarm;
pub mod checkout;
pub mod counts;
pub mod fleet;
pub mod gallery;
pub mod instance;
mod launch;
pub mod process;
pub mod project;
mod provision;
mod record;
pub mod requests;
pub mod thumbs;
mod traffic;

pub use fleet::{Fleet, LabError};
