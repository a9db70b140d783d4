//! Archives: the one reader of zip, tar and tar.gz that everything here uses, strict and without side effects until an
//! archive is known to be good.
//!
//! An archive is refused as a whole. [`check()`] reads it to its end and writes nothing: every name, every link, every
//! size, and every place where a format says the same thing twice. [`extract`] checks it like that, then reads it again
//! and writes, with the same rules applied anew, because a header is a claim and not a fact.
//!
//! ```text
//!   file ─▶ format ─┬─▶ gzip ─▶ tar (pax, sparse) ─┐
//!                   └─▶ zip (record, time) ────────┴─▶ member, data ─▶ checker (name, tree, limits) ─▶ contents
//!                                                                 └──▶ writer
//! ```

mod check;
mod contents;
mod data;
mod error;
mod format;
mod limits;
mod member;
mod name;
mod remove;
mod space;
mod tar;
mod tree;
mod write;
mod zip;

pub use check::check;
pub use contents::Contents;
pub use error::ArchiveError;
pub use format::Format;
pub use limits::Limits;
pub use member::{Attributes, Kind, Member, Time};
pub use remove::remove_tree;
pub use write::{Owners, extract};
