//! Where a deployment's traffic goes, and went in the last minutes, as a client has heard of it.

use std::collections::VecDeque;

use crate::model::timestamp::Timestamp;
use crate::model::traffic::Side;
use crate::model::traffic::status::{Counted, TrafficStatus};

/// How many samples are kept, about one a second.
const KEPT: usize = 120;

/// The traffic of a deployment, and what was counted before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gauge {
    /// How it is now.
    pub status: TrafficStatus,
    /// What was counted, the newest last.
    pub history: VecDeque<Sample>,
}

/// What all load balancers of a deployment counted at about the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Requests to the original.
    pub original: Counted,
    /// Requests to the replacement.
    pub replacement: Counted,
}

impl Sample {
    /// What a side was given.
    pub fn side(&self, side: Side) -> Counted {
        match side {
            Side::Blue => self.original,
            Side::Green => self.replacement,
        }
    }

    /// What a status tells, if its load balancers count.
    fn of(status: &TrafficStatus) -> Option<Self> {
        let side = |side| {
            let counted = status.production();
            let counted = counted.filter_map(|balancer| balancer.side(side).counted);
            counted.reduce(|a, b| Counted {
                millis: a.millis.max(b.millis),
                requests: a.requests + b.requests,
                errors: a.errors + b.errors,
            })
        };
        Some(Self {
            at: status.at,
            original: side(Side::Blue)?,
            replacement: side(Side::Green)?,
        })
    }
}

impl From<TrafficStatus> for Gauge {
    fn from(status: TrafficStatus) -> Self {
        Self {
            history: Sample::of(&status).into_iter().collect(),
            status,
        }
    }
}

impl Gauge {
    /// Whether a load balancer counts now.
    pub fn counts(&self) -> bool {
        let balancers = self.status.production();
        balancers
            .flat_map(|balancer| [&balancer.original, &balancer.replacement])
            .any(|side| side.counted.is_some())
    }

    /// What a side was given in so many of the last samples, about as many seconds; `None` if nobody counts.
    pub fn recent(&self, side: Side, samples: usize) -> Option<Counted> {
        let newest = self.history.iter().rev().take(samples);
        let sum = newest
            .map(|sample| sample.side(side))
            .reduce(|a, b| Counted {
                millis: a.millis + b.millis,
                requests: a.requests + b.requests,
                errors: a.errors + b.errors,
            });
        sum.filter(|_| self.counts())
    }

    /// Takes what was found now. A status that counted nothing new leaves the history as it is.
    pub fn observe(&mut self, status: TrafficStatus) {
        let due = |last: &Sample, millis| status.at.since(last.at).as_millis() * 2 >= millis;
        if let Some(sample) = Sample::of(&status) {
            let millis = u128::from(sample.original.millis);
            if self.history.back().is_none_or(|last| due(last, millis)) {
                self.history.push_back(sample);
            }
            while self.history.len() > KEPT {
                self.history.pop_front();
            }
        }
        self.status = status;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::traffic::status::{BalancerStatus, SideStatus};

    fn status(at: i64, requests: u64) -> TrafficStatus {
        let side = |requests| SideStatus {
            counted: Some(Counted {
                millis: 1000,
                requests,
                errors: 0,
            }),
            ..SideStatus::default()
        };
        let balancer = BalancerStatus {
            name: "web".to_owned(),
            kind: None,
            asked: None,
            in_effect: None,
            measured: None,
            original: side(requests),
            replacement: side(1),
            trouble: None,
            tests: false,
        };
        TrafficStatus {
            deployment: "d-AAAAAAAAA".parse().unwrap(),
            at: Timestamp(at),
            balancers: vec![balancer.clone(), balancer],
        }
    }

    #[test]
    fn samples_of_all_load_balancers_are_added_and_none_is_taken_twice() {
        let mut gauge = Gauge::from(status(0, 5));
        gauge.observe(status(50, 5));
        gauge.observe(status(1000, 7));
        let counts = gauge.history.iter().map(|sample| {
            let [blue, green] = [Side::Blue, Side::Green].map(|side| sample.side(side).requests);
            (blue, green)
        });
        assert_eq!(counts.collect::<Vec<_>>(), [(10, 2), (14, 2)]);
        let blue = gauge.recent(Side::Blue, 10).unwrap();
        assert_eq!((blue.requests, blue.rate()), (24, 12.0));
        for n in 2..500 {
            gauge.observe(status(n * 1000, 1));
        }
        assert_eq!(gauge.recent(Side::Blue, 10).unwrap().requests, 20);
        let mut silent = status(500_000, 0);
        for balancer in &mut silent.balancers {
            balancer.original.counted = None;
            balancer.replacement.counted = None;
        }
        gauge.observe(silent);
        assert_eq!(gauge.recent(Side::Blue, 10), None);
        assert_eq!(gauge.history.len(), KEPT);
    }
}
