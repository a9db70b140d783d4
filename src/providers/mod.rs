//! The outside world: one trait a kind of thing, one file a real system.

pub mod alarms;
pub mod aws;
pub mod fleets;
mod group;
pub mod hosts;
pub mod instances;
pub mod notify;
pub mod scaling;
pub mod secrets;
pub mod services;
pub mod sources;
pub mod traffic;
