//! `HAProxy`, the real one, with requests flowing.

mod hands;
mod moves;
mod refusals;
pub mod running;
