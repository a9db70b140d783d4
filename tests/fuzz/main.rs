//! Inputs changed at random: whatever they are, nothing panics, hangs or takes memory without end, and what must be true stays
//! true. Archives are not unpacked to where they should not be, leave nothing behind when they are refused, and are seen as
//! Python's readers see them; AppSpecs, documents, messages, kept output and text for terminals have promises of their own
//! (`targets`).
//!
//! Among the other tests each target is looked at for ten seconds, always in the same way, so that nobody's change fails for an
//! input that it has nothing to do with. `tests/fuzz/run SECONDS [TARGET]` looks for that long, where nobody looked before. What
//! breaks a promise is kept in `corpus/`, and examined by every run from then on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]

#[path = "../archives/differential.rs"]
mod differential;
mod engine;
mod examine;
#[allow(dead_code, reason = "shared with tests/archives")]
#[path = "../archives/host.rs"]
mod host;
#[path = "../archives/hostile/mod.rs"]
mod hostile;
#[path = "../archives/make/mod.rs"]
mod make;
mod mutate;
#[allow(dead_code, reason = "shared with tests/archives")]
#[path = "../archives/programs.rs"]
mod programs;
mod random;
mod targets;
mod words;

use std::hash::{BuildHasher, RandomState};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::examine::{Examiner, Verdict, extract};
use crate::mutate::{mutant, seeds};

/// No archive of the corpus is large: one that takes longer than this is a hang.
const HANG: Duration = Duration::from_mins(1);

/// So many accepted archives are shown to Python.
const COMPARED: usize = 400;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|error| panic!("{name}={text}: {error}")),
    )
}

/// How long a target is looked at among the other tests, in seconds.
const USUAL: u64 = 10;

/// Says what happened, keeps the archive, and tells how to do it again.
fn fail(seed: u64, what: &str) -> ! {
    let kept = engine::keep("archives", &mutant(&seeds(), seed));
    panic!(
        "{what}\nthe archive: {}, which is a test now\nagain: CUTOVER_FUZZ_SEED={seed} cargo test --test fuzz changed_archives",
        kept.display()
    );
}

#[test]
fn changed_appspec() {
    engine::look(targets::target("appspec"), USUAL);
}

#[test]
fn changed_documents() {
    engine::look(targets::target("documents"), USUAL);
}

#[test]
fn changed_output() {
    engine::look(targets::target("output"), USUAL);
}

#[test]
fn changed_protocol() {
    engine::look(targets::target("protocol"), USUAL);
}

#[test]
fn changed_sanitiser() {
    engine::look(targets::target("sanitiser"), USUAL);
}

/// What once broke a promise, and what is kept to begin with, breaks none.
#[test]
fn the_corpus_breaks_no_promise() {
    targets::ALL.into_iter().for_each(engine::again);
    let examiner = Examiner::new();
    for (name, bytes) in engine::corpus("archives") {
        match examiner.examine(&bytes, &extract) {
            Verdict::Harm(harm) => panic!("tests/fuzz/corpus/archives/{name}: {harm}"),
            Verdict::Accepted(listing) => {
                let different = examine::seen_otherwise(&[(0, listing, bytes)]);
                assert_eq!(different, [], "tests/fuzz/corpus/archives/{name}");
            }
            Verdict::Refused => {}
        }
    }
}

#[test]
fn changed_archives() {
    let only = setting("CUTOVER_FUZZ_SEED");
    let seconds = engine::seconds();
    let elsewhere = || seconds.map_or(0, |_| RandomState::new().hash_one(0) >> 16);
    let first = only.unwrap_or_else(elsewhere);
    let seconds = seconds.unwrap_or(USUAL);
    let (tell, told) = mpsc::channel();
    let worker = thread::spawn(move || {
        let corpus = seeds();
        let examiner = Examiner::new();
        let start = Instant::now();
        for seed in first.. {
            tell.send((seed, None)).unwrap();
            let bytes = mutant(&corpus, seed);
            let verdict = examiner.examine(&bytes, &extract);
            tell.send((seed, Some((verdict, bytes)))).unwrap();
            if only.is_some() || start.elapsed().as_secs() >= seconds {
                return;
            }
        }
    });
    let (mut examined, mut accepted, mut current) = (0_u64, Vec::new(), first);
    loop {
        let (seed, verdict) = match told.recv_timeout(HANG) {
            Ok(news) => news,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => fail(current, "a hang"),
        };
        current = seed;
        match verdict {
            None => {}
            Some((Verdict::Harm(harm), _)) => fail(seed, &harm),
            Some((Verdict::Refused, _)) => examined += 1,
            Some((Verdict::Accepted(listing), bytes)) => {
                examined += 1;
                if accepted.len() < COMPARED {
                    accepted.push((seed, listing, bytes));
                }
            }
        }
    }
    if worker.join().is_err() {
        fail(current, "a panic");
    }
    if let Some((seed, difference)) = examine::seen_otherwise(&accepted).first() {
        fail(*seed, difference);
    }
    println!(
        "{examined} archives examined, {} accepted ones compared",
        accepted.len()
    );
}

/// Each promise that is broken is seen.
#[test]
fn harm_is_noticed() {
    let examiner = Examiner::new();
    let good = make::tar::Tar::new().file("x", b"1").end();
    for (harm, unpack) in examine::harmful() {
        match examiner.examine(&good, unpack) {
            Verdict::Harm(said) if said.contains(harm) => {}
            other => panic!("{harm}: {other:?}"),
        }
    }
    let verdict = examiner.examine(&good, &extract);
    let Verdict::Accepted(mut listing) = verdict else {
        panic!("a good archive is not accepted: {verdict:?}");
    };
    listing.push("file 1 ff ".to_owned());
    assert_eq!(examine::seen_otherwise(&[(7, listing, good)]).len(), 1);
}

/// The same seed makes the same archive, or nothing could be run again; and another seed another.
#[test]
fn seeds_can_be_run_again() {
    let corpus = seeds();
    assert!(corpus.len() > 200);
    for seed in 0..50 {
        assert_eq!(mutant(&corpus, seed), mutant(&corpus, seed));
    }
    assert_ne!(mutant(&corpus, 1), mutant(&corpus, 2));
}
