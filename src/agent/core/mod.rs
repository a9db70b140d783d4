//! What the agent decides: synchronous, without a clock, files or an async runtime.
//!
//! [`Known`] is the fold of the log. [`order`] and [`stop`] say what a request appends to it, and [`step()`] what an
//! execution does next. Whoever uses them takes one decision at a time: looks, appends what is decided durably, and only then looks
//! again. The host's agent does so with a real log and real scripts, a simulation without either.

mod execution;
mod group_id;
mod known;
mod orders;
mod queues;
mod record;
mod renewals;
mod script;
mod step;

pub use execution::Execution;
pub use group_id::is_group_id;
pub use known::Known;
pub use orders::{Refusal, order, stop};
pub use record::{Entry, Head, Note, Record};
pub use renewals::Renewals;
pub use script::{Orphan, Process, Script, ScriptResult, mark};
pub use step::{Control, Ending, Step, Then, step};

#[cfg(test)]
mod tests;
