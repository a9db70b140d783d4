//! The door, request by request: everything that can be asked for, by everybody who can ask.

mod approvals;
mod everything;
mod sight;
mod world;
