//! Which server a request goes to. A table never changes: a route gets a new one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::live::{Live, Standing};
use crate::model::endpoint::Endpoint;
use crate::model::name::Name;
use crate::model::traffic::{Side, Split};
use crate::providers::traffic::{Server, Service};

#[derive(Debug)]
pub(super) struct Table {
    pub revision: u64,
    pub split: Option<Split>,
    pub servers: Vec<(Server, Arc<Live>)>,
    /// Those in service, by side; without a split all are on the first.
    sides: [Vec<usize>; 2],
    /// Requests so far, whose number decides their side.
    turn: AtomicU64,
    /// Requests so far of each side, whose number decides their server.
    rounds: [AtomicUsize; 2],
}

/// So many servers that are unwell are asked for one request at most: they may take the time that it takes to notice.
const LAST_RESORTS: usize = 2;

/// Whose server a request is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Whose {
    /// Its side's.
    Own,
    /// The other side's, for its own has none.
    Other,
    /// One that is unwell, for no other is left.
    Anyone,
}

impl Table {
    /// A table with these servers. Those that were there before, at the same endpoint, go on with what is known of them.
    pub fn new(
        revision: u64,
        split: Option<Split>,
        servers: Vec<Server>,
        before: Option<&Self>,
    ) -> Self {
        let known: BTreeMap<(&Name, &Endpoint), &Arc<Live>> = before
            .into_iter()
            .flat_map(|table| &table.servers)
            .map(|(server, live)| ((&server.name, &server.endpoint), live))
            .collect();
        let mut sides = [Vec::new(), Vec::new()];
        let mut all = Vec::new();
        for server in servers {
            let live = match known.get(&(&server.name, &server.endpoint)) {
                Some(live) => Arc::clone(live),
                None => Arc::new(Live::new(server.name.clone(), server.endpoint.clone())),
            };
            // A server that gets nothing new need not hold connections that wait for something.
            live.pool.keep(server.service == Service::In);
            if server.service == Service::In {
                let second = split.is_some() && server.side == Side::Green;
                sides[usize::from(second)].push(all.len());
            }
            all.push((server, live));
        }
        Self {
            revision,
            split,
            servers: all,
            sides,
            turn: AtomicU64::new(0),
            rounds: [AtomicUsize::new(0), AtomicUsize::new(0)],
        }
    }

    /// The side of the next request: of any hundred in a row, the replacement gets exactly its percentage, evenly spread.
    pub fn side(&self) -> usize {
        let Some(split) = self.split else { return 0 };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % 100;
        let share = u64::from(split.replacement());
        usize::from((turn + 1) * share / 100 > turn * share / 100)
    }

    /// A server for a request of this side that these did not serve: in turn, of those that are well; then of those of which
    /// nothing is known; then of the other side's; of those that could not be reached a moment ago only when there is nobody
    /// else, and of those whose checks fail last of all: what they answer can't be worse than nobody.
    pub fn pick(&self, side: usize, tried: &[usize]) -> Option<(usize, Whose)> {
        // A second try is not the next request's turn.
        let turn = self.rounds[side].fetch_add(usize::from(tried.is_empty()), Ordering::Relaxed);
        let tiers = [
            (side, Standing::Well),
            (side, Standing::Untried),
            (1 - side, Standing::Well),
            (1 - side, Standing::Untried),
            (side, Standing::Refused),
            (1 - side, Standing::Refused),
            (side, Standing::Unwell),
            (1 - side, Standing::Unwell),
        ];
        let unwell = |n: &&usize| self.servers[**n].1.health.standing() == Standing::Unwell;
        let enough = tried.iter().filter(unwell).count() >= LAST_RESORTS;
        tiers.into_iter().find_map(|(of, standing)| {
            if enough && standing == Standing::Unwell {
                return None;
            }
            let candidates = || {
                let servers = self.sides[of].iter().copied();
                servers.filter(|&n| {
                    self.servers[n].1.health.standing() == standing && !tried.contains(&n)
                })
            };
            let count = candidates().count();
            let picked = candidates().nth(turn.checked_rem(count)?)?;
            let whose = match standing {
                Standing::Unwell => Whose::Anyone,
                _ if of == side => Whose::Own,
                _ => Whose::Other,
            };
            Some((picked, whose))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(blue: usize, green: usize, replacement: Option<u8>) -> Table {
        let server = |side: Side, n: usize| Server {
            name: format!("{}-{n}", side.label()).parse().unwrap(),
            endpoint: Endpoint::parse("127.0.0.1:80").unwrap(),
            side,
            service: Service::In,
        };
        let blue = (0..blue).map(|n| server(Side::Blue, n));
        let servers = blue.chain((0..green).map(|n| server(Side::Green, n)));
        let split = replacement.map(|share| Split::new(share).unwrap());
        Table::new(1, split, servers.collect(), None)
    }

    fn well(table: &Table, server: usize, well: bool) {
        let found = if well { Ok(()) } else { Err(String::new()) };
        table.servers[server].1.health.checked(found, 1, 1);
    }

    #[test]
    fn of_any_hundred_in_a_row_each_side_gets_exactly_its_share() {
        for share in 0..=100 {
            let table = table(1, 1, Some(share));
            let sides: Vec<usize> = (0..300).map(|_| table.side()).collect();
            for hundred in sides.windows(100) {
                assert_eq!(hundred.iter().sum::<usize>(), usize::from(share));
            }
            // Evenly: of any ten, as many as a tenth of the share, or one more or less.
            for ten in sides.windows(10) {
                let got = ten.iter().sum::<usize>();
                assert!(got.abs_diff(usize::from(share) / 10) <= 1, "{share}: {got}");
            }
        }
    }

    #[test]
    fn the_servers_of_a_side_take_turns() {
        let table = table(3, 2, None);
        let mut got = [0; 5];
        for _ in 0..50 {
            got[table.pick(table.side(), &[]).unwrap().0] += 1;
        }
        assert_eq!(got, [10; 5]);
        well(&table, 1, true);
        assert_eq!(
            table.pick(0, &[]),
            Some((1, Whose::Own)),
            "well before untried"
        );
        assert_ne!(table.pick(0, &[1]).unwrap().0, 1);
    }

    #[test]
    fn a_side_without_a_server_that_is_well_gives_its_share_to_the_other() {
        let table = table(1, 1, Some(100));
        assert_eq!(table.pick(1, &[]), Some((1, Whose::Own)));
        well(&table, 1, false);
        assert_eq!(table.pick(1, &[]), Some((0, Whose::Other)));
        assert_eq!(table.pick(1, &[0]), Some((1, Whose::Anyone)));
        table.servers[0].1.health.refused("refused");
        assert_eq!(
            table.pick(1, &[]),
            Some((0, Whose::Other)),
            "better than one that is unwell"
        );
        well(&table, 0, false);
        assert_eq!(
            table.pick(1, &[]),
            Some((1, Whose::Anyone)),
            "better than nobody"
        );
        assert_eq!(table.pick(1, &[1]), Some((0, Whose::Anyone)));
        assert_eq!(table.pick(1, &[0, 1]), None);
    }

    #[test]
    fn servers_that_stay_keep_what_is_known_of_them() {
        let before = table(2, 0, None);
        well(&before, 0, false);
        let mut servers: Vec<Server> = before.servers.iter().map(|(s, _)| s.clone()).collect();
        servers[1].endpoint = Endpoint::parse("127.0.0.1:81").unwrap();
        servers[0].service = Service::Draining;
        let after = Table::new(2, None, servers, Some(&before));
        assert!(Arc::ptr_eq(&before.servers[0].1, &after.servers[0].1));
        assert!(!Arc::ptr_eq(&before.servers[1].1, &after.servers[1].1));
        assert_eq!(after.pick(0, &[]), Some((1, Whose::Own)));
        assert_eq!(after.pick(0, &[1]), None);
    }
}
