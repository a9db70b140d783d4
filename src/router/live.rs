//! What is known of a running server: its counters and its health. It outlives changes of its route.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use super::pool::Pool;
use crate::model::endpoint::Endpoint;
use crate::model::name::Name;
use crate::providers::traffic::router::protocol::Latency;

/// A server, as long as its name and endpoint stay the same.
#[derive(Debug)]
pub(super) struct Live {
    pub name: Name,
    pub endpoint: Endpoint,
    pub pool: Pool,
    pub counters: Counters,
    pub health: Health,
}

impl Live {
    pub fn new(name: Name, endpoint: Endpoint) -> Self {
        Self {
            pool: Pool::new(endpoint.clone()),
            name,
            endpoint,
            counters: Counters::default(),
            health: Health::default(),
        }
    }
}

/// Powers of two of microseconds: the last is above half an hour.
const BUCKETS: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub in_flight: AtomicU64,
    pub requests: AtomicU64,
    pub errors: AtomicU64,
    micros: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

impl Counters {
    /// An answer began after this time.
    pub fn answered(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        let bucket = micros.max(1).next_power_of_two().trailing_zeros() as usize;
        self.buckets[bucket.min(BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    /// One request ended in an error.
    pub fn failed(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub fn latency(&self) -> Latency {
        let counts = self.buckets.each_ref().map(|b| b.load(Ordering::Relaxed));
        let all: u64 = counts.iter().sum();
        let within = |percent: u64| {
            let enough = (all * percent).div_ceil(100);
            let mut seen = 0;
            let reached = counts.iter().position(|count| {
                seen += count;
                seen >= enough
            });
            reached.filter(|_| all > 0).map_or(0, |power| 1 << power)
        };
        Latency {
            mean_micros: self.micros.load(Ordering::Relaxed) / all.max(1),
            p50_micros: within(50),
            p99_micros: within(99),
        }
    }
}

/// How a server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Standing {
    /// Nothing is known yet: it counts as well where no other of its side is.
    Untried,
    Well,
    /// It could not be connected to: tried again only where there is no other.
    Refused,
    /// Its checks failed: it gets something only where there is nobody else at all.
    Unwell,
}

#[derive(Debug, Default)]
pub(super) struct Health {
    standing: AtomicU8,
    runs: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    good: u32,
    bad: u32,
    trouble: Option<String>,
}

impl Health {
    pub fn standing(&self) -> Standing {
        match self.standing.load(Ordering::Relaxed) {
            0 => Standing::Untried,
            1 => Standing::Well,
            2 => Standing::Refused,
            _ => Standing::Unwell,
        }
    }

    /// Why it is not well.
    pub fn trouble(&self) -> Option<String> {
        self.runs().trouble.clone()
    }

    /// A request could not be connected. Whether that is news.
    pub fn refused(&self, reason: &str) -> bool {
        let mut runs = self.runs();
        if matches!(self.standing(), Standing::Refused | Standing::Unwell) {
            return false;
        }
        runs.good = 0;
        runs.trouble = Some(reason.to_owned());
        self.set(Standing::Refused);
        true
    }

    /// Where nobody checks, a server that was refused is tried again after a while.
    pub fn forgive(&self) {
        self.runs().trouble = None;
        self.set(Standing::Well);
    }

    /// What a check found. Answers the new standing if it is another.
    pub fn checked(&self, found: Result<(), String>, rise: u32, fall: u32) -> Option<Standing> {
        let mut runs = self.runs();
        let before = self.standing();
        let after = match found {
            Ok(()) => {
                runs.bad = 0;
                runs.good = runs.good.saturating_add(1);
                // The first good word of a server that nothing bad is known of is enough.
                if before == Standing::Untried || runs.good >= rise {
                    runs.trouble = None;
                    Standing::Well
                } else {
                    before
                }
            }
            Err(reason) => {
                runs.good = 0;
                runs.bad = runs.bad.saturating_add(1);
                if before == Standing::Untried || runs.bad >= fall {
                    runs.trouble = Some(reason);
                    Standing::Unwell
                } else {
                    before
                }
            }
        };
        self.set(after);
        (after != before).then_some(after)
    }

    fn set(&self, standing: Standing) {
        self.standing.store(standing as u8, Ordering::Relaxed);
    }

    fn runs(&self) -> std::sync::MutexGuard<'_, Runs> {
        self.runs
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_rise_and_fall() {
        let health = Health::default();
        let good = || health.checked(Ok(()), 2, 3);
        let bad = || health.checked(Err("status 503".to_owned()), 2, 3);
        assert_eq!(good(), Some(Standing::Well));
        assert_eq!((bad(), bad()), (None, None));
        assert_eq!(good(), None);
        assert_eq!((bad(), bad(), bad()), (None, None, Some(Standing::Unwell)));
        assert_eq!(health.trouble().as_deref(), Some("status 503"));
        assert_eq!((good(), good()), (None, Some(Standing::Well)));
        assert_eq!(health.trouble(), None);
        assert!(health.refused("refused") && !health.refused("refused"));
        assert_eq!((good(), good()), (None, Some(Standing::Well)));
    }

    #[test]
    fn the_first_check_decides_about_a_server_of_which_nothing_is_known() {
        let health = Health::default();
        let found = health.checked(Err("refused".to_owned()), 2, 3);
        assert_eq!(found, Some(Standing::Unwell));
    }

    #[test]
    fn latencies_are_within_the_next_power_of_two() {
        let counters = Counters::default();
        assert_eq!(counters.latency(), Latency::default());
        for _ in 0..99 {
            counters.answered(Duration::from_micros(100));
        }
        counters.answered(Duration::from_millis(10));
        let latency = counters.latency();
        assert_eq!((latency.p50_micros, latency.p99_micros), (128, 128));
        assert_eq!(latency.mean_micros, 199);
    }
}
