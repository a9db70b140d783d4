//! Replay: a recording is folded into the same picture, at its own time and at any speed, forwards and backwards.
//!
//! The screens are those of the live cockpit, as they are a fold too. Nothing can be changed: there is nobody to ask.

mod player;
mod recording;

pub(crate) use player::{Player, Progress, advance, begin, control, wake};
pub use recording::{Entry, Recording, RecordingError};

/// Why nothing can be changed.
pub(crate) const REFUSED: &str = "this is a replay";
