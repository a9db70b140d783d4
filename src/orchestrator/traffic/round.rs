//! One look at a load balancer: what ought to be so there next, and what has come of it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::shares::{empty_side, in_effect, was_never_told, weighs_nothing};
use crate::engine::deliberate::{Bug, deliberate};
use crate::engine::deployment::{Target, TargetEvent};
use crate::engine::traffic::{Place, place};
use crate::model::endpoint::Endpoint;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::{Side, Split};
use crate::providers::traffic::{At, Observed, Seen, Server, Service, Wanted};

/// A target at a load balancer.
#[derive(Clone, Debug)]
pub struct Member {
    /// The server's name; a host's is its own.
    pub name: Name,
    /// Whose server it is.
    pub target: Name,
    /// Where it serves.
    pub endpoint: At,
    /// Its side; in place, the original.
    pub side: Side,
    /// Where it ought to be.
    pub place: Option<Place>,
    /// When it leaves even with requests in flight.
    pub leave_by: Option<Timestamp>,
    /// When it must have come into service, while it enters.
    pub enter_by: Option<Timestamp>,
    /// Whether its deployment has begun to move it there.
    pub moved: bool,
    /// Whether it was asked to leave, which may take effect at any moment.
    pub asked: bool,
    /// Whether it is of neither side: it is to have nothing, and what it has counts for nobody.
    pub bystander: bool,
}

/// How long a target has at a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// To finish what it does, before it leaves with requests in flight.
    pub drain: Duration,
    /// To come into service.
    pub enter: Duration,
}

/// What a round does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// What to ask for.
    pub wanted: Wanted<At>,
    /// Servers that have to stay for now: without them the route would have no healthy one.
    pub kept: BTreeSet<Name>,
    /// Servers that leave, and with how many requests in flight: with none, or because their time to drain is over.
    pub left: BTreeMap<Name, u64>,
    /// The side that was to get a share, and has no server in service that is well: the split stays as it is.
    pub empty: Option<Side>,
}

/// What ought to be so next, if the route is to be split like this.
pub fn round(
    members: &[Member],
    observed: &Observed,
    split: Option<Split>,
    now: Timestamp,
) -> Round {
    // Nobody counts on one that was asked to leave.
    let counts = |member: &&Member| serves(observed, member) && !member.asked;
    let mut serving = observed.others + members.iter().filter(counts).count();
    let leaves = |member: &&Member| member.place == Some(Place::Out) && counts(member);
    let stays = serving > members.iter().filter(leaves).count();
    let mut round = Round {
        wanted: Wanted {
            servers: Vec::new(),
            split,
        },
        kept: BTreeSet::new(),
        left: BTreeMap::new(),
        empty: split.and_then(|split| empty_side(split, members, observed)),
    };
    if round.empty.is_some() && !deliberate(Bug::EmptySideGetsShare) {
        // Where nothing weighs anything nobody loses by what was asked for.
        let nothing = split.filter(|_| weighs_nothing(members, observed));
        round.wanted.split = in_effect(members, observed).or(nothing);
    }
    // Who was to leave first still is, while what was asked for has not taken effect: not one more leaves than may.
    let mut members: Vec<&Member> = members.iter().collect();
    members.sort_by_key(|member| member.leave_by);
    for member in members {
        let seen = observed.servers.get(&member.name);
        let service = match (member.place, seen) {
            (Some(Place::In), _) => Service::In,
            // Its weight depends on the split, wherever it is.
            (None, Some(seen)) if split.is_some() && was_never_told(seen) => Service::In,
            (None, Some(seen)) if split.is_some() => seen.service,
            (None | Some(Place::Out), None) | (None, Some(_)) => continue,
            (Some(Place::Out), Some(seen)) => {
                if serves(observed, member) {
                    // One whose turn has not come makes way for those that stay, and for nobody who leaves in its turn.
                    let others = serving - usize::from(!member.asked);
                    let may = if member.leave_by.is_some() {
                        others > 0
                    } else {
                        stays
                    };
                    if !may && !deliberate(Bug::LastServerTaken) {
                        round.kept.insert(member.name.clone());
                        continue;
                    }
                    serving = others;
                }
                leaving(member, seen, now, &mut round.left)
            }
        };
        round.wanted.servers.push(member.server_in(service));
    }
    round
}

fn serves(observed: &Observed, member: &Member) -> bool {
    let seen = observed.servers.get(&member.name);
    seen.is_some_and(|seen| {
        let well = seen.healthy != Some(false) || deliberate(Bug::SickServerCounts);
        // One that weighs nothing gets nothing.
        seen.service == Service::In && well && seen.weight != Some(0)
    })
}

/// It drains until nothing is in flight, or its time is over.
fn leaving(
    member: &Member,
    seen: &Seen,
    now: Timestamp,
    left: &mut BTreeMap<Name, u64>,
) -> Service {
    let late = member.leave_by.is_some_and(|by| by <= now) || deliberate(Bug::DrainCutShort);
    match (seen.service, seen.in_flight) {
        (Service::Out, _) => Service::Out,
        (Service::Draining, Some(0)) => {
            left.insert(member.target.clone(), 0);
            Service::Out
        }
        _ if deliberate(Bug::DrainSkipped) => Service::Out,
        (Service::Draining, in_flight) if late => {
            if let Some(n) = in_flight {
                left.insert(member.target.clone(), n);
            }
            Service::Out
        }
        _ => Service::Draining,
    }
}

/// Whether the load balancer has a target where it ought to be. `judges` says whether it looks after health by itself.
pub fn is_there(member: &Member, observed: &Observed, judges: bool) -> bool {
    let seen = observed.servers.get(&member.name);
    match (member.place, seen) {
        (None, _) | (Some(Place::Out), None) => true,
        (Some(Place::Out), Some(seen)) => {
            let drains = seen.service == Service::Draining && deliberate(Bug::DrainingIsOut);
            seen.service == Service::Out || drains
        }
        (Some(Place::In), None) => false,
        (Some(Place::In), Some(seen)) => {
            seen.service == Service::In && (!judges || seen.healthy == Some(true))
        }
    }
}

/// The servers that the load balancer does not have as they are wanted.
pub fn differing(wanted: &Wanted<At>, observed: &Observed) -> Vec<Name> {
    let differs = |server: &&Server<At>| {
        let seen = observed.servers.get(&server.name);
        seen.is_none_or(|seen| seen.service != server.service)
    };
    let differing = wanted.servers.iter().filter(differs);
    differing.map(|server| server.name.clone()).collect()
}

/// Why a target that ought to be in service by now is not, in the load balancer's words where it has some.
fn overdue(member: &Member, observed: &Observed, judges: bool, now: Timestamp) -> Option<String> {
    let is_late = member.enter_by.is_some_and(|by| by <= now);
    if member.place != Some(Place::In) || !is_late || is_there(member, observed, judges) {
        return None;
    }
    let why = match observed.servers.get(&member.name) {
        None => "the load balancer does not have it".to_owned(),
        Some(seen) => seen.trouble.clone().unwrap_or_else(|| {
            let why = match seen.service {
                Service::In => "the load balancer does not find it well",
                Service::Draining | Service::Out => "the load balancer gives it no requests",
            };
            why.to_owned()
        }),
    };
    Some(format!(
        "{} did not come into service in time (enterSeconds): {why}",
        member.name
    ))
}

impl Member {
    /// A target that serves there, and has so long to drain and to enter.
    pub fn of(target: &Target, endpoint: Endpoint, times: Times) -> Self {
        let since = |event| target.event(event)?.start_time;
        let enters = |entry: &&TargetEvent| entry.status == EventStatus::InProgress;
        let allow = target.event(LifecycleEvent::AllowTraffic).filter(enters);
        Self {
            name: target.name.clone(),
            target: target.name.clone(),
            endpoint: endpoint.into(),
            side: target.side.unwrap_or(Side::Blue),
            place: place(target),
            leave_by: since(LifecycleEvent::BlockTraffic).map(|at| at + times.drain),
            enter_by: allow.and_then(|entry| Some(entry.start_time? + times.enter)),
            moved: since(LifecycleEvent::BlockTraffic)
                .or(since(LifecycleEvent::AllowTraffic))
                .is_some(),
            asked: false,
            bystander: false,
        }
    }

    /// One that did not come into service in time leaves again, and is kept among those that were late, with the reason. An
    /// original stays: it may be all that there is.
    pub fn give_up_if_late(
        &mut self,
        observed: &Observed,
        judges: bool,
        late: &mut BTreeMap<Name, String>,
        now: Timestamp,
    ) {
        if let Some(why) = overdue(self, observed, judges, now) {
            late.entry(self.target.clone()).or_insert(why);
        }
        if self.place == Some(Place::In) && late.contains_key(&self.target) {
            self.place = (self.side == Side::Green).then_some(Place::Out);
        }
    }

    /// The server that it is, wherever it ought to be.
    pub fn server(&self) -> Server<At> {
        self.server_in(Service::In)
    }

    fn server_in(&self, service: Service) -> Server<At> {
        Server {
            name: self.name.clone(),
            endpoint: self.endpoint.clone(),
            side: self.side,
            service,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn member(name: &str, place: Option<Place>) -> Member {
        Member {
            name: name.parse().unwrap(),
            target: name.parse().unwrap(),
            endpoint: Endpoint::parse("127.0.0.1:80").unwrap().into(),
            side: Side::Blue,
            place,
            leave_by: Some(Timestamp(30_000)),
            enter_by: Some(Timestamp(60_000)),
            moved: true,
            asked: false,
            bystander: false,
        }
    }

    fn seen(service: Service, healthy: bool, in_flight: u64) -> Seen {
        Seen {
            service,
            healthy: Some(healthy),
            trouble: None,
            weight: None,
            in_flight: Some(in_flight),
            requests: None,
            errors: None,
        }
    }

    fn observed(servers: &[(&str, Seen)]) -> Observed {
        Observed {
            servers: servers
                .iter()
                .map(|(name, seen)| (name.parse().unwrap(), seen.clone()))
                .collect(),
            ..Observed::default()
        }
    }

    fn services(round: &Round) -> Vec<(&str, Service)> {
        let servers = round.wanted.servers.iter();
        servers.map(|s| (s.name.as_str(), s.service)).collect()
    }

    #[test]
    fn a_server_drains_first_and_leaves_when_nothing_is_in_flight_or_its_time_is_over() {
        let members = [member("a", Some(Place::Out)), member("b", None)];
        let b = ("b", seen(Service::In, true, 9));
        let at = |service, in_flight, now| {
            let observed = observed(&[("a", seen(service, true, in_flight)), b.clone()]);
            round(&members, &observed, None, Timestamp(now))
        };
        assert_eq!(services(&at(Service::In, 0, 0)), [("a", Service::Draining)]);
        assert_eq!(
            services(&at(Service::Draining, 3, 0)),
            [("a", Service::Draining)]
        );
        assert_eq!(
            services(&at(Service::Draining, 0, 0)),
            [("a", Service::Out)]
        );
        // Also what an earlier look cut off, and was not heard, has drained now.
        assert_eq!(at(Service::Draining, 0, 0).left.get(&name("a")), Some(&0));
        let late = at(Service::Draining, 3, 30_000);
        assert_eq!(services(&late), [("a", Service::Out)]);
        assert_eq!(late.left.get(&name("a")), Some(&3));
        assert_eq!(
            services(&at(Service::In, 3, 30_000)),
            [("a", Service::Draining)],
            "it gets nothing new before it is cut off"
        );
    }

    #[test]
    fn the_last_healthy_server_stays() {
        let members = [
            member("a", Some(Place::Out)),
            member("b", Some(Place::Out)),
            member("c", None),
        ];
        let healthy = || seen(Service::In, true, 0);
        let all = [
            ("a", healthy()),
            ("b", healthy()),
            ("c", seen(Service::In, false, 0)),
        ];
        let look = |observed: &Observed| round(&members, observed, None, Timestamp(0));
        let found = look(&observed(&all));
        assert_eq!(services(&found), [("a", Service::Draining)]);
        assert!(found.kept.contains(&name("b")));
        let others = Observed {
            others: 1,
            ..observed(&all)
        };
        assert!(look(&others).kept.is_empty());
    }

    #[test]
    fn while_nothing_takes_effect_the_same_ones_leave_and_the_same_one_stays() {
        let leaves = |name, at| Member {
            leave_by: Some(Timestamp(at)),
            ..member(name, Some(Place::Out))
        };
        let all = ["a", "b", "c"].map(|name| (name, seen(Service::In, true, 1)));
        let look = |members: &[Member]| round(members, &observed(&all), None, Timestamp(0));
        let first = look(&[leaves("c", 5), leaves("b", 6), member("a", None)]);
        assert_eq!(
            services(&first),
            [("c", Service::Draining), ("b", Service::Draining)]
        );
        let second = look(&[leaves("a", 7), leaves("c", 5), leaves("b", 6)]);
        assert_eq!(services(&second), services(&first));
        assert!(second.kept.contains(&name("a")));
    }

    #[test]
    fn nobody_counts_on_one_that_was_asked_to_leave_when_it_was_unwell() {
        let asked = Member {
            asked: true,
            ..member("b", Some(Place::Out))
        };
        let members = [member("a", Some(Place::Out)), asked];
        let look = |a, b| {
            let seen = [
                ("a", seen(Service::In, a, 1)),
                ("b", seen(Service::In, b, 1)),
            ];
            round(&members, &observed(&seen), None, Timestamp(0))
        };
        // It is well again, and leaves at any moment.
        let found = look(true, true);
        assert_eq!(services(&found), [("b", Service::Draining)]);
        assert!(found.kept.contains(&name("a")));
        // It is all that there is now, if what was asked has been lost.
        let found = look(false, true);
        assert_eq!(services(&found), [("a", Service::Draining)]);
        assert!(found.kept.contains(&name("b")));
    }

    #[test]
    fn who_makes_way_before_its_turn_does_so_for_those_that_stay_alone() {
        let makes_way = |name| Member {
            leave_by: None,
            ..member(name, Some(Place::Out))
        };
        let all = ["a", "b", "c"].map(|name| (name, seen(Service::In, true, 1)));
        let look = |members: &[Member]| round(members, &observed(&all), None, Timestamp(0));
        let leaves = member("b", Some(Place::Out));
        let found = look(&[makes_way("a"), leaves.clone(), member("c", None)]);
        assert_eq!(
            services(&found),
            [("a", Service::Draining), ("b", Service::Draining)]
        );
        let found = look(&[makes_way("a"), leaves, makes_way("c")]);
        assert_eq!(services(&found), [("b", Service::Draining)]);
        assert!(found.kept.contains(&name("a")) && found.kept.contains(&name("c")));
    }

    #[test]
    fn entering_is_over_when_the_load_balancer_finds_it_well() {
        let a = member("a", Some(Place::In));
        let with = |service, healthy| observed(&[("a", seen(service, healthy, 0))]);
        assert!(!is_there(&a, &observed(&[]), true));
        assert!(!is_there(&a, &with(Service::In, false), true));
        assert!(is_there(&a, &with(Service::In, false), false));
        assert!(is_there(&a, &with(Service::In, true), true));
        let late = |observed: &Observed, now| overdue(&a, observed, true, Timestamp(now));
        let unwell = with(Service::In, false);
        assert_eq!(late(&unwell, 59_999), None);
        let why = late(&unwell, 60_000).unwrap();
        assert!(why.ends_with("does not find it well"), "{why}");
        assert_eq!(late(&with(Service::In, true), 60_000), None);
        let out = member("a", Some(Place::Out));
        assert!(is_there(&out, &observed(&[]), true));
        assert!(!is_there(&out, &with(Service::Draining, true), true));
        assert!(is_there(&out, &with(Service::Out, true), true));
    }
}
