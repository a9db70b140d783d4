//! `cutover` drives software rollouts from a terminal.
//!
//! Rooms, from the door down (arrows of `use` point down this list, never up): `cli`, `tui`, `api`, `lab`, `sim`,
//! `router`, `orchestrator`, `providers`, `agent`, `identity`, `store`, `text`, `clock`, `crash_point`, `engine`, `appspec`, `model`.
//! The last three are pure.

pub mod agent;
pub mod api;
pub mod appspec;
pub mod cli;
pub mod clock;
pub mod crash_point;
pub mod engine;
pub mod identity;
pub mod lab;
pub mod model;
pub mod orchestrator;
pub mod providers;
pub mod router;
pub mod sim;
pub mod store;
pub mod text;
pub mod tui;
