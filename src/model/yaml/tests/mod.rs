//! What the reader accepts, and what it says when it does not.

mod parsing;
mod reading;
