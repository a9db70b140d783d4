//! Many runs, on several threads.

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::cast::Cast;
use super::marks::Marks;
use super::shape::{Millis, Setting};
use super::shrink::shrink;
use super::tape::{Bytes, Tape};
use super::watch::{Invariant, Violation};
use super::world::{Care, Outcome, run};

/// Every so many seeds one is run twice and compared.
const TWICE: u64 = 1_000;

/// Every so many seeds one is run again with right clocks on the hosts, and compared.
const CLOCKS: u64 = 100;

/// In every so many seeds what costs much is checked after every step.
const THOROUGH: u64 = 8;

/// Seeds are handed out in blocks of so many.
const BLOCK: u64 = 64;

/// Which runs.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// The first seed.
    pub from: u64,
    /// How many seeds.
    pub seeds: u64,
    /// How many threads.
    pub threads: usize,
    /// What all have in common.
    pub setting: Setting,
    /// Whether a failure is made small before it is told.
    pub shrink: bool,
}

/// What came of all runs.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many runs there were.
    pub seeds: u64,
    /// How many deployments.
    pub deployments: u64,
    /// How many things happened.
    pub steps: u64,
    /// How long it all was, in simulated time.
    pub time: Millis,
    /// Which rare branches were taken how often.
    pub marks: Marks,
    /// The failure with the lowest seed of those found.
    pub failure: Option<Failure>,
}

/// A run in which an invariant did not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What did not hold.
    pub violation: Violation,
    /// The smallest run found in which the same does not hold.
    pub bytes: Bytes,
    /// That run's last lines.
    pub lines: Vec<String>,
    /// How many hosts it has.
    pub hosts: usize,
    /// How many things happen in it.
    pub steps: u64,
}

impl Campaign {
    /// Whether a seed's run is checked after every step for what costs much, too.
    pub fn care(seed: u64) -> Care {
        Care {
            trace: false,
            right_clocks: false,
            thorough: seed.is_multiple_of(THOROUGH),
        }
    }

    /// Runs all seeds, or until one fails. `progress` is told now and then how many are done.
    pub fn run(&self, progress: impl Fn(u64) + Sync) -> Report {
        let next = AtomicU64::new(0);
        let failed = AtomicBool::new(false);
        let total = Mutex::new(Report::default());
        thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    let cast = Rc::new(Cast::default());
                    while !failed.load(Ordering::Relaxed) {
                        let first = next.fetch_add(BLOCK, Ordering::Relaxed);
                        if first >= self.seeds {
                            break;
                        }
                        let last = (first + BLOCK).min(self.seeds);
                        let report = self.block(&cast, first, last, &failed);
                        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                        total.add(report);
                        progress(total.seeds);
                    }
                });
            }
        });
        total.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn block(&self, cast: &Rc<Cast>, first: u64, last: u64, failed: &AtomicBool) -> Report {
        let mut report = Report::default();
        for seed in self.from + first..self.from + last {
            let care = Self::care(seed);
            let (outcome, violation) = examine(cast, seed, self.setting);
            report.seeds += 1;
            report.deployments += outcome.deployments;
            report.steps += outcome.steps;
            report.time += outcome.time;
            report.marks.add(&outcome.marks);
            if let Some(violation) = violation {
                failed.store(true, Ordering::Relaxed);
                report.failure = Some(self.explain(cast, seed, care, violation));
                break;
            }
        }
        report
    }

    fn explain(&self, cast: &Rc<Cast>, seed: u64, care: Care, violation: Violation) -> Failure {
        let recorded = run(cast, Tape::recording(seed), self.setting, care).bytes;
        let bytes = if self.shrink {
            shrink(cast, recorded, self.setting, care, violation.invariant)
        } else {
            recorded
        };
        let care = Care {
            trace: true,
            ..care
        };
        let told = run(cast, Tape::kept(bytes.clone()), self.setting, care);
        Failure {
            seed,
            violation: told.violation.unwrap_or(violation),
            bytes,
            lines: told.lines,
            hosts: told.shape.hosts,
            steps: told.steps,
        }
    }
}

/// Runs a seed; now and then twice, to see that it does the same again, and with right clocks on the hosts, too.
pub(super) fn examine(
    cast: &Rc<Cast>,
    seed: u64,
    setting: Setting,
) -> (Outcome, Option<Violation>) {
    let care = Campaign::care(seed);
    let mut outcome = run(cast, Tape::seeded(seed), setting, care);
    let mut violation = outcome.violation.take();
    let mut same = |care: Care, invariant: Invariant, message: &str| {
        if violation.is_none() && run(cast, Tape::seeded(seed), setting, care).hash != outcome.hash
        {
            let message = message.to_owned();
            violation = Some(Violation { invariant, message });
        }
    };
    if seed.is_multiple_of(TWICE) {
        same(
            care,
            Invariant::Deterministic,
            "the same seed did something else",
        );
    }
    if seed.is_multiple_of(CLOCKS) {
        let care = Care {
            right_clocks: true,
            ..care
        };
        same(
            care,
            Invariant::Clocks,
            "with right clocks on the hosts, something else was decided",
        );
    }
    (outcome, violation)
}

impl Report {
    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.deployments += other.deployments;
        self.steps += other.steps;
        self.time += other.time;
        self.marks.add(&other.marks);
        let earlier = |mine: &Failure, theirs: &Failure| theirs.seed < mine.seed;
        self.failure = match (self.failure.take(), other.failure) {
            (Some(mine), Some(theirs)) => Some(if earlier(&mine, &theirs) {
                theirs
            } else {
                mine
            }),
            (mine, theirs) => mine.or(theirs),
        };
    }
}
