//! `HAProxy`, the real one, with requests flowing.

mod hands;
mod moves;
mod refusals;
mod running;
