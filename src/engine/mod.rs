//! The pure core: a deployment is a plan (data) plus a journal (facts), and one interpreter runs them all.
//!
//! Read in this order: [`spec`] (what is asked for) → [`mod@plan`] (what will be done, in which order, how many at a time) →
//! [`event`] (what can happen) → [`deployment`] (the state) → `evolve` (which folds an event into it) → [`mod@decide`] (which events an input causes), with `schedule` (what starts, halts and ends) and `verdict`
//! (when the minimum is broken) → [`mod@availability`] (which commands are refused, and why) → [`mod@pending`] (what ought to be in flight) →
//! [`ledger`] (what outlives a deployment) → [`rollback`]. [`freeze`] keeps deployments where they are for a while, [`approval`] until other people have said yes. [`mod@notices`] says which entries triggers tell of. Ahead of time run [`mod@outlook`] (what it waits for, and what comes then),
//! [`mod@foresee`] (what a command would do) and [`mod@rehearse`] (the whole of it in virtual time), on the same functions; [`steps`] tells a rehearsal.
//!
//! Nothing here does I/O, reads a clock or knows who shows it.

mod ahead;
pub mod approval;
pub mod availability;
mod blue_green;
pub mod decide;
pub mod deliberate;
pub mod deployment;
pub mod event;
mod evolve;
pub mod foresee;
pub mod freeze;
mod function;
pub mod input;
mod late;
pub mod ledger;
pub mod leg;
pub mod members;
mod naming;
pub mod notices;
pub mod order;
pub mod outlook;
pub mod pending;
pub mod plan;
pub mod provision;
pub mod rehearse;
pub mod remaining;
pub mod rollback;
mod scaling;
mod schedule;
mod service;
pub mod shift;
mod single;
pub mod spec;
pub mod steps;
pub mod summary;
pub mod tally;
pub mod target;
pub mod task_sets;
pub mod traffic;
mod verdict;
pub mod waited;
pub mod window;
mod words;

pub use availability::refusal;
pub use decide::decide;
pub use deployment::{Deployment, fold};
pub use event::{Event, Record};
pub use foresee::foresee;
pub use input::Input;
pub use ledger::Ledger;
pub use notices::{Notice, notices};
pub use outlook::outlook;
pub use pending::pending;
pub use plan::{Plan, plan};
pub use rehearse::rehearse;
pub use remaining::remaining;
pub use spec::Spec;
pub use summary::Summary;
