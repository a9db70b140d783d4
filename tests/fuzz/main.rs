//! Archives changed at random: whatever comes out, nothing panics, hangs, exceeds its limits or writes where it should
//! not, a refusal leaves nothing behind, and what is accepted Python's readers see in the same way.
//!
//! Among the other tests it runs for ten seconds, always from the same seed on, so that nobody's change fails for an archive
//! that it has nothing to do with. With `CUTOVER_FUZZ_SECONDS` it looks for that long, where nobody looked before. A
//! failure names its seed; `CUTOVER_FUZZ_SEED` runs only that one.
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

/// Says what happened, keeps the archive, and tells how to do it again.
fn fail(seed: u64, what: &str) -> ! {
    let kept = format!("{}/{seed}.archive", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&kept, mutant(&seeds(), seed)).unwrap();
    panic!(
        "{what}\nthe archive: {kept}\nagain: CUTOVER_FUZZ_SEED={seed} cargo test --test fuzz changed"
    );
}

#[test]
fn changed_archives_do_no_harm() {
    let only = setting("CUTOVER_FUZZ_SEED");
    let seconds = setting("CUTOVER_FUZZ_SECONDS");
    let elsewhere = || seconds.map_or(0, |_| RandomState::new().hash_one(0) >> 16);
    let first = only.unwrap_or_else(elsewhere);
    let seconds = seconds.unwrap_or(10);
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
