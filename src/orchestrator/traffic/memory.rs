//! What a load balancer forgets when it is restarted, of the targets that their deployment has not moved yet. Pure.

use std::collections::BTreeSet;

use super::round::Member;
use crate::engine::traffic::Place;
use crate::model::name::Name;
use crate::providers::traffic::{Observed, Service};

/// Who served at a load balancer at the last look.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    epoch: Option<String>,
    serving: BTreeSet<Name>,
    /// Those that served until it was restarted, and do not since.
    forgotten: BTreeSet<Name>,
}

impl Memory {
    /// What served until the load balancer was restarted ought to serve again. What somebody takes out by hand stays out: that
    /// is no restart.
    pub fn put_right(&mut self, members: &mut [Member], observed: &Observed) {
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
        for member in members {
            if member.moved || member.place.is_some() || is_in(member) {
                self.forgotten.remove(&member.name);
            } else if self.forgotten.contains(&member.name) {
                member.place = Some(Place::In);
            }
            if is_in(member) {
                self.serving.insert(member.name.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::endpoint::Endpoint;
    use crate::model::traffic::Side;
    use crate::providers::traffic::Seen;

    fn members() -> Vec<Member> {
        let member = |name: &str, place| Member {
            name: name.parse().unwrap(),
            endpoint: Endpoint::parse("127.0.0.1:80").unwrap(),
            side: Side::Blue,
            place,
            leave_by: None,
            enter_by: None,
            moved: false,
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
        memory.put_right(&mut members, observed);
        members.iter().map(|member| member.place).collect()
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
