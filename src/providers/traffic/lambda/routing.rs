//! Where an alias leads: to one version, and with a part of its requests to another. Pure.

use std::collections::{BTreeMap, HashMap};

use crate::model::connections::Version;
use crate::model::traffic::Split;

/// Where an alias leads.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Routing {
    /// The version that gets what no other does.
    pub main: String,
    /// Which parts others get, as they are called.
    pub others: BTreeMap<String, f64>,
    /// What a change of it has to name.
    pub revision: Option<String>,
}

impl Routing {
    /// What AWS says.
    pub fn read(
        main: Option<&str>,
        others: Option<&HashMap<String, f64>>,
        revision: Option<&str>,
    ) -> Self {
        let others = others.into_iter().flatten();
        Self {
            main: main.unwrap_or_default().to_owned(),
            others: others.map(|(name, part)| (name.clone(), *part)).collect(),
            revision: revision.map(str::to_owned),
        }
    }

    /// Where it is to lead for this split; `None` if nobody is there. One that `enters` is named even without a share.
    pub fn of(
        blue: Option<Version>,
        green: Option<Version>,
        split: Option<Split>,
        enters: bool,
    ) -> Option<Self> {
        let alone = |version: Version| Self {
            main: version.to_string(),
            ..Self::default()
        };
        Some(match (blue, green, split) {
            (Some(only), None, _) | (None, Some(only), _) => alone(only),
            (Some(_), Some(green), Some(Split::REPLACEMENT)) => alone(green),
            (Some(blue), Some(green), split) => {
                let split = split.unwrap_or(Split::ORIGINAL);
                let part = f64::from(split.replacement()) / 100.0;
                let named = enters || split != Split::ORIGINAL;
                let other = named.then(|| (green.to_string(), part));
                Self {
                    others: other.into_iter().collect(),
                    ..alone(blue)
                }
            }
            (None, None, _) => return None,
        })
    }

    /// The part that a version gets, if the alias names it.
    fn part(&self, version: &str) -> Option<f64> {
        if version == self.main {
            return Some(1.0 - self.others.values().sum::<f64>());
        }
        self.others.get(version).copied()
    }

    /// Whether it may give requests to a version.
    pub fn names(&self, version: Version) -> bool {
        self.part(&version.to_string()).is_some()
    }

    /// What a version gets, in whole percent; what gets something is not said to get nothing.
    pub fn percent(&self, version: Version) -> u32 {
        let part = self.part(&version.to_string()).unwrap_or(0.0);
        let rounded = format!("{:.0}", part * 100.0).parse().unwrap_or(0);
        match part {
            part if part <= 0.0 => 0,
            part if part >= 1.0 => 100,
            _ => rounded.clamp(1, 99),
        }
    }

    /// The versions that get something, besides these.
    pub fn strangers(&self, these: &[Version]) -> Vec<&str> {
        let names = std::iter::once(&self.main).chain(self.others.keys());
        let gets = |name: &&String| self.part(name).is_some_and(|part| part > 0.0);
        let these: Vec<String> = these.iter().map(Version::to_string).collect();
        let others = names.filter(gets).filter(|name| !these.contains(name));
        others.map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Version = Version(1);
    const TWO: Version = Version(2);

    fn of(share: u8, enters: bool) -> Routing {
        let split = Split::new(share).unwrap();
        Routing::of(Some(ONE), Some(TWO), Some(split), enters).unwrap()
    }

    fn names(routing: &Routing) -> (&str, Vec<(&str, f64)>) {
        let others = routing.others.iter();
        let others = others.map(|(name, part)| (name.as_str(), *part));
        (&routing.main, others.collect())
    }

    #[test]
    fn every_split_is_written_and_read_again() {
        for share in 0..=100 {
            let routing = of(share, false);
            assert_eq!(routing.percent(TWO), u32::from(share));
            assert_eq!(routing.percent(ONE), 100 - u32::from(share));
            let none: [&str; 0] = [];
            assert_eq!(routing.strangers(&[ONE, TWO]), none);
        }
        assert_eq!(names(&of(10, false)), ("1", vec![("2", 0.1)]));
    }

    #[test]
    fn who_has_everything_is_named_alone_and_who_enters_is_named_without_a_share() {
        assert_eq!(names(&of(100, false)), ("2", vec![]));
        assert_eq!(names(&of(0, false)), ("1", vec![]));
        let enters = of(0, true);
        assert_eq!(names(&enters), ("1", vec![("2", 0.0)]));
        assert!(enters.names(TWO) && !of(0, false).names(TWO));
        assert_eq!(enters.percent(ONE), 100);
        let leaves = Routing::of(Some(ONE), None, Split::new(10).ok(), false).unwrap();
        assert_eq!(names(&leaves), ("1", vec![]));
        assert_eq!(Routing::of(None, None, None, false), None);
    }

    #[test]
    fn what_goes_elsewhere_is_told_and_little_is_not_nothing() {
        let parts = HashMap::from([("3".to_owned(), 0.001)]);
        let routing = Routing::read(Some("1"), Some(&parts), None);
        assert_eq!(routing.percent(Version(3)), 1);
        assert_eq!(routing.percent(ONE), 99);
        assert_eq!(routing.strangers(&[ONE, TWO]), ["3"]);
        let latest = Routing::read(Some("$LATEST"), None, None);
        assert_eq!(latest.strangers(&[ONE, TWO]), ["$LATEST"]);
    }
}
