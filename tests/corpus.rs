//! The conformance corpus of the agent: the rules of the `AppSpec` and of the host agent, each as a small case in
//! `tests/corpus/cases`, carried out by a real agent on the real file system. `tests/corpus/README.md` says how a case is
//! written.
//!
//! Owners and users matter, so the corpus runs as root only.

#[path = "corpus/bundle.rs"]
mod bundle;
#[path = "corpus/case.rs"]
mod case;
#[path = "corpus/check.rs"]
mod check;
#[path = "corpus/entry.rs"]
mod entry;
#[path = "corpus/own.rs"]
mod own;
#[path = "corpus/rules.rs"]
mod rules;
#[path = "corpus/run.rs"]
mod run;
#[expect(
    dead_code,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the tests of the agent use all of it"
)]
#[path = "agent/support.rs"]
mod support;
#[path = "corpus/tree.rs"]
mod tree;
#[path = "corpus/wildcard.rs"]
mod wildcard;
#[path = "corpus/zip.rs"]
mod zip;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::stat::{Mode, umask};

/// So many cases run side by side unless it is said otherwise: they mostly wait, for the disk and for scripts.
const SIDE_BY_SIDE: usize = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(SIDE_BY_SIDE);
    // What the agent makes depends on it, and the cases say what it makes.
    umask(Mode::from_bits_truncate(0o022));
    let (cases, coverage) = match case::all() {
        Ok(cases) => {
            let coverage = rules::check(&cases);
            (cases, coverage)
        }
        Err(error) => (Vec::new(), Err(error)),
    };
    let mut trials = vec![Trial::test("every rule has a case", || {
        coverage.map_err(Failed::from)
    })];
    trials.extend(cases.into_iter().map(|case| {
        let kind = if case.pending.is_some() {
            "pending"
        } else {
            ""
        };
        Trial::test(case.title(), move || run::run(&case).map_err(Failed::from)).with_kind(kind)
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}
