//! Reading `AppSpec`s of the three compute platforms, as `CodeDeploy` does: pure, from a text to what it asks for and what is
//! wrong with it.
//!
//! ```text
//! bytes ── decode ──▶ text ── platform ──▶ Server, Lambda or ECS, as far as the text says
//!                      │
//!                      ├── server::review ──▶ files, permissions, scripts of events
//!                      ├── lambda::review ──▶ a function's versions, functions of events
//!                      └── ecs::review ─────▶ a service's next task set, functions of events
//! ```
//!
//! Findings carry ids of the [`catalogue`]: `E` for errors of Server, `L` for those of Lambda and ECS, `W` for what only looks
//! like a mistake.

pub mod catalogue;
mod document;
pub mod ecs;
mod encoding;
mod fields;
mod finding;
mod function;
mod hooks;
pub mod lambda;
mod platform;
mod resource;
mod review;
pub mod server;
mod spot;
mod version;

/// The names under which a folder may keep an `AppSpec` that is a revision by itself: those of servers, and that which tools of
/// functions and services use besides.
pub const FILE_NAMES: [&str; 3] = [server::FILE_NAMES[0], server::FILE_NAMES[1], "appspec.json"];

pub use encoding::{MAX_BYTES, decode};
pub use finding::{Finding, Position, sentence};
pub use platform::{platform, undecided};
pub use review::Review;
