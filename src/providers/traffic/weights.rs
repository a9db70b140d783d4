//! From the split of a route to weights of its servers.

use std::collections::BTreeMap;

use super::{Service, Wanted};
use crate::model::name::Name;
use crate::model::traffic::Side;

/// A weight from 0 to `most` for each server in service, so that the shares of the sides are those of the split as nearly as
/// whole numbers allow, and every server of a side weighs the same. Without a split all weigh the same. A side whose share is
/// not zero never weighs nothing.
pub fn weights<A>(wanted: &Wanted<A>, most: u32) -> BTreeMap<Name, u32> {
    let serving = || wanted.servers.iter().filter(|s| s.service == Service::In);
    let Some(split) = wanted.split else {
        return serving().map(|s| (s.name.clone(), most.min(100))).collect();
    };
    let count = |side| serving().filter(|s| s.side == side).count();
    // A server of a side weighs its side's share by the number that shares it: over a common denominator, share by the
    // number on the other side.
    let part = |side: Side| {
        let others = count(side.other()).max(1);
        u64::from(split.share(side)) * u64::try_from(others).unwrap_or(u64::MAX)
    };
    let (blue, green) = (part(Side::Blue), part(Side::Green));
    let largest = blue.max(green).max(1);
    let scaled = |part: u64| {
        let exact = (part * u64::from(most) + largest / 2) / largest;
        let least = u64::from(part > 0);
        u32::try_from(exact.max(least)).unwrap_or(most)
    };
    serving()
        .map(|s| {
            let part = if s.side == Side::Blue { blue } else { green };
            (s.name.clone(), scaled(part))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Server;
    use super::*;
    use crate::model::endpoint::Endpoint;
    use crate::model::traffic::Split;

    fn wanted(blue: usize, green: usize, replacement: u8) -> Wanted {
        let server = |side: Side, n: usize| Server {
            name: format!("{}-{n}", side.label()).parse().unwrap(),
            endpoint: Endpoint::parse("127.0.0.1:80").unwrap(),
            side,
            service: Service::In,
        };
        let blue = (0..blue).map(|n| server(Side::Blue, n));
        let green = (0..green).map(|n| server(Side::Green, n));
        Wanted {
            servers: blue.chain(green).collect(),
            split: Some(Split::new(replacement).unwrap()),
        }
    }

    #[test]
    fn the_shares_of_the_sides_are_those_of_the_split() {
        for (blue, green) in [(1, 1), (4, 4), (3, 1), (1, 5), (10, 7)] {
            for replacement in 0..=100 {
                let weights = weights(&wanted(blue, green, replacement), 256);
                let all: u32 = weights.values().sum();
                let of_green = weights
                    .iter()
                    .filter(|(name, _)| name.as_str().starts_with("replacement"));
                let share = f64::from(of_green.map(|(_, w)| w).sum::<u32>()) / f64::from(all);
                let asked = f64::from(replacement) / 100.0;
                assert!(
                    (share - asked).abs() < 0.01,
                    "{blue} and {green}, {replacement} %: {share}"
                );
                assert_eq!(share == 0.0, replacement == 0);
                assert!(weights.values().all(|w| *w <= 256));
            }
        }
    }
}
