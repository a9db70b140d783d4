//! How a route is split between the sides: what weights come to, and which splits may be asked for. Pure.

use super::round::Member;
use crate::model::name::Name;
use crate::model::traffic::{Side, Split};
use crate::providers::traffic::{Observed, Seen, Service, Wanted, weights};

/// The split that is in effect by what the load balancer says, or by the weights of the servers in service.
pub fn in_effect(members: &[Member], observed: &Observed) -> Option<Split> {
    if observed.split.is_some() {
        return observed.split;
    }
    let weight = |side: Side| {
        let seen = of_side(members, side);
        let seen = seen.filter_map(|member| observed.servers.get(&member.name));
        let serving = seen.filter(|seen| seen.service == Service::In);
        serving
            .map(|seen| seen.weight.map(u64::from))
            .sum::<Option<u64>>()
    };
    let (blue, green) = (weight(Side::Blue)?, weight(Side::Green)?);
    let all = blue + green;
    if all == 0 {
        return None;
    }
    let percent = (green * 100 + all / 2) / all;
    // What has a share is not said to have none, and what lacks one not to have all.
    let percent = match (blue, green) {
        (0, _) => 100,
        (_, 0) => 0,
        _ => percent.clamp(1, 99),
    };
    Split::new(u8::try_from(percent).ok()?).ok()
}

/// Whether a route is split like this, as nearly as weights of at most `largest` allow: with many servers on one side and few on
/// the other, the least that a side can have may be more than was asked for.
pub fn is_split(split: Split, members: &[Member], observed: &Observed, largest: u32) -> bool {
    let found = in_effect(members, observed);
    found.is_some_and(|found| is_nearly(found, split)) || weighs(split, members, observed, largest)
}

/// Whether every server in service weighs what it would be given for this split.
fn weighs(split: Split, members: &[Member], observed: &Observed, largest: u32) -> bool {
    let seen = |name: &Name| observed.servers.get(name);
    let serving = members.iter().filter(|member| {
        let seen = seen(&member.name);
        !member.bystander && seen.is_some_and(|seen| seen.service == Service::In)
    });
    let wanted = Wanted {
        servers: serving.map(Member::server).collect(),
        split: Some(split),
    };
    let weights = weights(&wanted, largest);
    let as_wanted =
        |(name, weight): (&Name, &u32)| seen(name).is_some_and(|seen| seen.weight == Some(*weight));
    !weights.is_empty() && weights.iter().all(as_wanted)
}

/// Whether one is the other, but for what rounding does.
fn is_nearly(one: Split, other: Split) -> bool {
    let whole = |split: Split| matches!(split, Split::ORIGINAL | Split::REPLACEMENT);
    let apart = one.replacement().abs_diff(other.replacement());
    apart == 0 || (apart == 1 && !whole(one) && !whole(other))
}

/// Whether every server in service is known to weigh nothing.
pub fn weighs_nothing(members: &[Member], observed: &Observed) -> bool {
    let seen = members.iter().filter(|member| !member.bystander);
    let seen = seen.filter_map(|member| observed.servers.get(&member.name));
    let mut serving = seen.filter(|seen| seen.service == Service::In);
    serving.all(|seen| seen.weight == Some(0))
}

/// The servers of a side.
fn of_side(members: &[Member], side: Side) -> impl Iterator<Item = &Member> {
    let members = members.iter();
    members.filter(move |member| member.side == side && !member.bystander)
}

/// Whether a server that is of neither side has a share all the same.
pub fn goes_elsewhere(members: &[Member], observed: &Observed) -> bool {
    let mut bystanders = members.iter().filter(|member| member.bystander);
    bystanders.any(|member| {
        let seen = observed.servers.get(&member.name);
        seen.is_some_and(|seen| seen.service == Service::In && seen.weight != Some(0))
    })
}

/// Whether a load balancer that has not been told any weights gives it requests as its own configuration says.
pub fn was_never_told(seen: &Seen) -> bool {
    seen.service == Service::Draining && seen.weight.is_none()
}

/// The side that a split gives a share and that has no server in service that is well.
pub fn empty_side(split: Split, members: &[Member], observed: &Observed) -> Option<Side> {
    let serves = |side: Side| {
        of_side(members, side).any(|member| {
            let seen = observed.servers.get(&member.name);
            seen.is_some_and(|seen| {
                (seen.service == Service::In || was_never_told(seen)) && seen.healthy != Some(false)
            })
        })
    };
    [Side::Blue, Side::Green]
        .into_iter()
        .find(|side| split.share(*side) > 0 && !serves(*side))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::endpoint::Endpoint;

    fn at(servers: &[(&str, Side, u32, bool)]) -> (Vec<Member>, Observed) {
        let members = servers.iter().map(|(name, side, ..)| Member {
            name: name.parse().unwrap(),
            target: name.parse().unwrap(),
            endpoint: Endpoint::parse("127.0.0.1:80").unwrap().into(),
            side: *side,
            place: None,
            leave_by: None,
            enter_by: None,
            moved: false,
            asked: false,
            bystander: false,
        });
        let seen = servers.iter().map(|(name, _, weight, healthy)| {
            let seen = Seen {
                service: Service::In,
                healthy: Some(*healthy),
                trouble: None,
                weight: Some(*weight),
                in_flight: Some(0),
                requests: None,
                errors: None,
            };
            (name.parse().unwrap(), seen)
        });
        let observed = Observed {
            servers: seen.collect(),
            ..Observed::default()
        };
        (members.collect(), observed)
    }

    #[test]
    fn weights_come_to_a_split() {
        let split = |blue, green| {
            let (members, observed) = at(&[
                ("a", Side::Blue, blue, true),
                ("b", Side::Blue, blue, true),
                ("c", Side::Green, green, true),
            ]);
            in_effect(&members, &observed).map(Split::replacement)
        };
        assert_eq!(split(45, 10), Some(10));
        assert_eq!(split(0, 10), Some(100));
        assert_eq!(split(10, 0), Some(0));
        assert_eq!(split(1000, 1), Some(1), "something is not nothing");
        assert_eq!(split(1, 10_000), Some(99));
        assert_eq!(split(0, 0), None);
    }

    #[test]
    fn all_and_nothing_are_exact_and_the_rest_within_one_percent() {
        let near = |one, other| is_nearly(Split::new(one).unwrap(), Split::new(other).unwrap());
        assert!(near(10, 11) && near(100, 100));
        assert!(!near(99, 100) && !near(1, 0) && !near(10, 12));
    }

    #[test]
    fn a_split_is_in_effect_if_no_weights_come_nearer_to_it() {
        let seven = ["a", "b", "c", "d", "e", "f", "g"];
        let found = |blue: u32, green: u32, asked: u8| {
            let servers = seven.map(|name| (name, Side::Blue, blue, true));
            let mut servers = servers.to_vec();
            servers.push(("z", Side::Green, green, true));
            let (members, observed) = at(&servers);
            is_split(Split::new(asked).unwrap(), &members, &observed, 256)
        };
        assert!(found(1, 256, 99), "seven can't weigh less than 2.7 %");
        assert!(!found(2, 256, 99) && !found(1, 128, 99));
        assert!(!found(1, 256, 100) && found(0, 256, 100));
        assert!(found(256, 199, 10) && !found(256, 256, 10));
    }

    #[test]
    fn what_a_server_of_neither_side_has_counts_for_nobody() {
        let (mut members, observed) = at(&[
            ("a", Side::Blue, 0, true),
            ("b", Side::Blue, 100, true),
            ("c", Side::Green, 0, true),
        ]);
        members[1].bystander = true;
        let split = |share| is_split(Split::new(share).unwrap(), &members, &observed, 256);
        assert!(!split(0), "the original has nothing");
        assert!(goes_elsewhere(&members, &observed));
        members[1].bystander = false;
        assert!(!goes_elsewhere(&members, &observed));
    }

    #[test]
    fn what_is_unknown_is_not_nothing() {
        let (members, mut observed) =
            at(&[("a", Side::Blue, 0, true), ("c", Side::Green, 0, true)]);
        assert!(weighs_nothing(&members, &observed));
        for seen in observed.servers.values_mut() {
            seen.weight = None;
        }
        assert!(!weighs_nothing(&members, &observed));
    }

    #[test]
    fn a_side_with_a_share_needs_a_server_that_is_well() {
        let (members, observed) = at(&[("a", Side::Blue, 1, true), ("c", Side::Green, 0, false)]);
        let empty = |share| empty_side(Split::new(share).unwrap(), &members, &observed);
        assert_eq!(empty(0), None);
        assert_eq!(empty(1), Some(Side::Green));
        assert_eq!(empty(100), Some(Side::Green));
        let (members, observed) = at(&[("a", Side::Blue, 1, false), ("c", Side::Green, 0, true)]);
        let empty = |share| empty_side(Split::new(share).unwrap(), &members, &observed);
        assert_eq!(empty(99), Some(Side::Blue));
        assert_eq!(empty(100), None);
    }
}
