//! What no single look at a load balancer shows: what it forgot when it was restarted, of the targets that their deployment has not
//! moved yet, and what it was asked that has not taken effect yet. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::round::Member;
use crate::engine::traffic::Place;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::providers::traffic::{At, Observed, Service, Wanted};

/// For how long what a load balancer was asked may still take effect.
const BELATED: Duration = Duration::from_secs(10);

/// What earlier looks at a load balancer found and asked.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    epoch: Option<String>,
    serving: BTreeSet<Name>,
    /// Those that served until it was restarted, and do not since.
    forgotten: BTreeSet<Name>,
    /// Those that were asked to leave, and when.
    asked: BTreeMap<Name, Timestamp>,
}

impl Memory {
    /// This is asked of the load balancer.
    pub fn asks(&mut self, wanted: &Wanted<At>, now: Timestamp) {
        for server in &wanted.servers {
            if server.service == Service::In {
                self.asked.remove(&server.name);
            } else {
                self.asked.insert(server.name.clone(), now);
            }
        }
    }

    /// It refused what was asked for these.
    pub fn was_refused(&mut self, servers: &[Name]) {
        for server in servers {
            self.asked.remove(server);
        }
    }

    /// What served until the load balancer was restarted ought to serve again. What somebody takes out by hand stays out: that
    /// is no restart. Notes of what it still has in service whether it was asked to leave.
    pub fn put_right(&mut self, members: &mut [Member], observed: &Observed, now: Timestamp) {
        let is_in = |member: &Member| {
            let seen = observed.servers.get(&member.name);
            seen.is_some_and(|seen| seen.service == Service::In)
        };
        let restarted = self.epoch.is_some() && self.epoch != observed.epoch;
        if restarted {
            self.forgotten.append(&mut self.serving);
        }
        self.epoch.clone_from(&observed.epoch);
        self.serving.clear();
        self.asked.retain(|_, at| now < *at + BELATED);
        for member in members {
            if member.moved || member.place.is_some() || is_in(member) {
                self.forgotten.remove(&member.name);
            } else if self.forgotten.contains(&member.name) {
                member.place = Some(Place::In);
            }
            if is_in(member) {
                self.serving.insert(member.name.clone());
            }
            member.asked = self.asked.contains_key(&member.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::endpoint::Endpoint;
    use crate::model::traffic::Side;
    use crate::providers::traffic::{Seen, Server};

    fn members() -> Vec<Member> {
        let member = |name: &str, place| Member {
            name: name.parse().unwrap(),
            target: name.parse().unwrap(),
            endpoint: Endpoint::parse("127.0.0.1:80").unwrap().into(),
            side: Side::Blue,
            place,
            leave_by: None,
            enter_by: None,
            moved: false,
            asked: false,
            bystander: false,
        };
        vec![
            member("a", None),
            member("b", None),
            member("c", Some(Place::Out)),
        ]
    }

    /// In this run of the load balancer these serve.
    fn observed(epoch: &str, serving: &[&str]) -> Observed {
        let seen = |name: &str| Seen {
            service: if serving.contains(&name) {
                Service::In
            } else {
                Service::Out
            },
            healthy: Some(true),
            trouble: None,
            weight: None,
            in_flight: Some(0),
            requests: None,
            errors: None,
        };
        let servers = ["a", "b", "c"].map(|name| (name.parse().unwrap(), seen(name)));
        Observed {
            servers: servers.into(),
            epoch: Some(epoch.to_owned()),
            ..Observed::default()
        }
    }

    fn places(memory: &mut Memory, observed: &Observed) -> Vec<Option<Place>> {
        let mut members = members();
        memory.put_right(&mut members, observed, Timestamp(0));
        members.iter().map(|member| member.place).collect()
    }

    #[test]
    fn what_was_asked_to_leave_may_do_so_for_a_while_unless_it_is_asked_to_serve() {
        let mut memory = Memory::default();
        let mut asked = |wanted: &[(Member, Service)], now| {
            let servers = wanted.iter().map(|(member, service)| Server {
                service: *service,
                ..member.server()
            });
            let (servers, split) = (servers.collect(), None);
            memory.asks(&Wanted { servers, split }, Timestamp(now));
            let mut members = members();
            let observed = observed("1", &["a", "b", "c"]);
            memory.put_right(&mut members, &observed, Timestamp(now));
            let asked = members.into_iter().filter(|member| member.asked);
            asked
                .map(|member| member.name.to_string())
                .collect::<Vec<_>>()
        };
        let [a, b, _] = members().try_into().unwrap();
        let leave = [
            (a.clone(), Service::Draining),
            (b.clone(), Service::Draining),
        ];
        assert_eq!(asked(&leave, 0), ["a", "b"]);
        assert_eq!(asked(&[(b, Service::In)], 5_000), ["a"]);
        assert_eq!(asked(&[(a, Service::Out)], 9_000), ["a"]);
        assert_eq!(asked(&[], 18_999), ["a"]);
        assert!(asked(&[], 19_000).is_empty());
    }

    #[test]
    fn what_served_before_a_restart_serves_again_and_what_was_taken_out_by_hand_does_not() {
        let mut memory = Memory::default();
        let out = Some(Place::Out);
        let as_it_was = vec![None, None, out];
        assert_eq!(
            places(&mut memory, &observed("1", &["a", "b", "c"])),
            as_it_was
        );
        assert_eq!(places(&mut memory, &observed("1", &["a"])), as_it_was);
        // It comes back as its own configuration has it.
        let forgotten = vec![Some(Place::In), None, out];
        assert_eq!(places(&mut memory, &observed("2", &["c"])), forgotten);
        assert_eq!(places(&mut memory, &observed("2", &["c"])), forgotten);
        assert_eq!(places(&mut memory, &observed("3", &["c"])), forgotten);
        assert_eq!(places(&mut memory, &observed("3", &["a"])), as_it_was);
        assert_eq!(places(&mut memory, &observed("3", &[])), as_it_was);
    }
}
