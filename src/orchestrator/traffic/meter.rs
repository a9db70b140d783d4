//! Counts requests at a load balancer: what each side was given since the last time, and the share of the last seconds.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::round::Member;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Side;
use crate::model::traffic::status::Counted;
use crate::providers::traffic::Observed;

/// How often a sample is taken.
const EVERY: Duration = Duration::from_secs(1);

/// How many samples the measured share is of.
const SAMPLES: usize = 10;

/// The counters of a load balancer at the last sample, and what was counted before.
#[derive(Debug, Default)]
pub struct Meter {
    epoch: Option<String>,
    taken: Option<Timestamp>,
    /// Requests and errors by server.
    counters: BTreeMap<Name, (u64, u64)>,
    /// The last samples, the newest last.
    samples: VecDeque<[Counted; 2]>,
}

impl Meter {
    /// Takes a sample if it is time, and says whether it did.
    pub fn sample(&mut self, members: &[Member], observed: &Observed, now: Timestamp) -> bool {
        let since = self.taken.map(|taken| now.since(taken));
        if since.is_some_and(|since| since < EVERY) {
            return false;
        }
        // Counters begin anew with the load balancer.
        let same = self.epoch == observed.epoch;
        let mut sides = [Counted::default(); 2];
        let mut counters = BTreeMap::new();
        for member in members {
            let seen = observed.servers.get(&member.name);
            let Some((requests, errors)) = seen.and_then(|s| Some((s.requests?, s.errors))) else {
                continue;
            };
            let after = (requests, errors.unwrap_or(0));
            if let Some(before) = self.counters.get(&member.name).filter(|_| same) {
                let side = &mut sides[place(member.side)];
                side.requests += after.0.saturating_sub(before.0);
                side.errors += after.1.saturating_sub(before.1);
            }
            counters.insert(member.name.clone(), after);
        }
        let counts = !counters.is_empty();
        if let Some(since) = since.filter(|_| same && counts) {
            let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
            self.samples
                .push_back(sides.map(|side| Counted { millis, ..side }));
        } else {
            self.samples.clear();
        }
        while self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
        self.epoch.clone_from(&observed.epoch);
        self.taken = Some(now);
        self.counters = counters;
        true
    }

    /// What a side was given between the last two samples.
    pub fn counted(&self, side: Side) -> Option<Counted> {
        self.samples.back().map(|sample| sample[place(side)])
    }

    /// The replacement's share of the requests of the last seconds, in percent.
    pub fn measured(&self) -> Option<u8> {
        let sum = |side| -> u64 {
            let samples = self.samples.iter();
            samples.map(|sample| sample[place(side)].requests).sum()
        };
        let (blue, green) = (sum(Side::Blue), sum(Side::Green));
        let all = blue + green;
        let percent = (green * 100 + all / 2).checked_div(all)?;
        u8::try_from(percent).ok()
    }
}

fn place(side: Side) -> usize {
    usize::from(side == Side::Green)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::endpoint::Endpoint;
    use crate::providers::traffic::{Seen, Service};

    fn members() -> Vec<Member> {
        [("a", Side::Blue), ("b", Side::Green)]
            .map(|(name, side)| Member {
                target: name.parse().unwrap(),
                name: name.parse().unwrap(),
                endpoint: Endpoint::parse("127.0.0.1:80").unwrap().into(),
                side,
                place: None,
                leave_by: None,
                enter_by: None,
                moved: false,
                asked: false,
                bystander: false,
            })
            .into()
    }

    fn observed(epoch: &str, counters: [(u64, u64); 2]) -> Observed {
        let names = ["a", "b"].into_iter().zip(counters);
        let servers = names.map(|(name, (requests, errors))| {
            let seen = Seen {
                service: Service::In,
                healthy: None,
                trouble: None,
                weight: None,
                in_flight: None,
                requests: Some(requests),
                errors: Some(errors),
            };
            (name.parse().unwrap(), seen)
        });
        Observed {
            servers: servers.collect(),
            epoch: Some(epoch.to_owned()),
            ..Observed::default()
        }
    }

    #[test]
    fn it_counts_by_side_and_second_and_begins_anew_with_the_load_balancer() {
        let mut meter = Meter::default();
        let members = members();
        let mut at = |epoch, counters, now| {
            let taken = meter.sample(&members, &observed(epoch, counters), Timestamp(now));
            (taken, meter.counted(Side::Green), meter.measured())
        };
        assert_eq!(at("1", [(100, 0), (0, 0)], 0), (true, None, None));
        assert_eq!(at("1", [(150, 0), (5, 0)], 500), (false, None, None));
        let counted = |requests, errors| {
            Some(Counted {
                millis: 1000,
                requests,
                errors,
            })
        };
        assert_eq!(
            at("1", [(190, 0), (10, 2)], 1000),
            (true, counted(10, 2), Some(10))
        );
        assert_eq!(
            at("1", [(190, 0), (100, 2)], 2000),
            (true, counted(90, 0), Some(53))
        );
        assert_eq!(at("2", [(5, 0), (5, 0)], 3000), (true, None, None));
        assert_eq!(
            at("2", [(5, 0), (6, 0)], 4000),
            (true, counted(1, 0), Some(100))
        );
    }
}
