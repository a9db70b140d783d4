//! Whether the simulation notices bugs: each deliberate one is switched on, and seeds are run until an invariant does not
//! hold.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::campaign::{Campaign, examine};
use super::cast::Cast;
use super::shape::Setting;
use super::shrink::shrink;
use super::tape::{Bytes, Tape};
use super::watch::Violation;
use super::world::run;
use crate::engine::deliberate::{Bug, switch};

/// A bug that does not show within so many seeds has survived.
pub const MOST_SEEDS: u64 = 50_000;

/// How a bug was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which bug.
    pub bug: Bug,
    /// What it does wrong.
    pub text: &'static str,
    /// How many seeds it took.
    pub seeds: u64,
    /// What noticed it; `None` if nothing did.
    pub violation: Option<Violation>,
    /// Hosts and steps of the smallest run found.
    pub small: (usize, u64),
    /// That run's tape.
    pub bytes: Bytes,
}

/// Looks for every deliberate bug.
pub fn find_all(
    threads: usize,
    from: u64,
    only: Option<&str>,
    found: impl Fn(&Found) + Sync,
) -> Vec<Found> {
    let wanted = |(bug, _): &&(Bug, &'static str)| only.is_none_or(|name| bug.name() == name);
    let bugs: Vec<(Bug, &'static str)> = Bug::ALL.iter().filter(wanted).copied().collect();
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let cast = Rc::new(Cast::default());
                while let Some(&(bug, text)) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    switch(Some(bug));
                    let one = find(&cast, bug, text, from);
                    found(&one);
                    all.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                }
                switch(None);
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn find(cast: &Rc<Cast>, bug: Bug, text: &'static str, from: u64) -> Found {
    let setting = Setting::default();
    for seed in from..from + MOST_SEEDS {
        let care = Campaign::care(seed);
        let (_, violation) = examine(cast, seed, setting);
        let Some(violation) = violation else { continue };
        let bytes = run(cast, Tape::recording(seed), setting, care).bytes;
        let bytes = shrink(cast, bytes, setting, care, violation.invariant);
        let small = run(cast, Tape::kept(bytes.clone()), setting, care);
        return Found {
            bug,
            text,
            seeds: seed - from + 1,
            violation: small.violation.or(Some(violation)),
            small: (small.shape.hosts, small.steps),
            bytes,
        };
    }
    Found {
        bug,
        text,
        seeds: MOST_SEEDS,
        violation: None,
        small: (0, 0),
        bytes: Bytes::default(),
    }
}
