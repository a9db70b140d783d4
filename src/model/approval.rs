//! Approvals: what a deployment waits with until people other than its creator have said yes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::group::GroupKey;
use super::name::Name;

/// The most approvals that can be demanded.
pub const MOST: u32 = 5;

/// What can wait for approvals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// The first work on any instance.
    Start,
    /// The first traffic that moves to the replacement of a blue/green deployment.
    Reroute,
}

impl Step {
    /// Every step, in the order in which they come.
    pub const ALL: [Self; 2] = [Self::Start, Self::Reroute];
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Start => "start",
            Self::Reroute => "reroute",
        })
    }
}

/// One demand of `access.approvals`: in these groups, before these steps, so many people approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Demand {
    /// In which application; in all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Name>,
    /// In which of its deployment groups; in all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Name>,
    /// Before which steps.
    pub before: BTreeSet<Step>,
    /// How many different people, from 1 to [`MOST`].
    #[serde(default = "one")]
    pub count: u32,
}

impl Demand {
    /// Whether it holds in a deployment group. Names are compared whole.
    pub fn covers(&self, key: &GroupKey) -> bool {
        let is = |wanted: &Option<Name>, name| wanted.as_ref().is_none_or(|known| known == name);
        is(&self.application, &key.application) && is(&self.group, &key.group)
    }

    /// Whether it holds wherever another does.
    pub fn is_as_wide(&self, other: &Self) -> bool {
        let is = |wanted: &Option<Name>, name: &Option<Name>| wanted.is_none() || wanted == name;
        is(&self.application, &other.application) && is(&self.group, &other.group)
    }
}

fn one() -> u32 {
    1
}

/// How many approvals each step of a deployment waits for.
pub type Demanded = BTreeMap<Step, u32>;

/// What these demands come to in a group: of several, each step has the highest.
pub fn demanded(demands: &[Demand], key: &GroupKey) -> Demanded {
    let mut demanded = Demanded::new();
    for demand in demands.iter().filter(|demand| demand.covers(key)) {
        for &step in &demand.before {
            let count = demanded.entry(step).or_default();
            *count = demand.count.max(*count);
        }
    }
    demanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_demands_each_step_has_the_highest_and_names_are_compared_whole() {
        let demands: Vec<Demand> = serde_json::from_str(
            r#"[{"before": ["start"]},
                {"application": "shop", "before": ["start", "reroute"], "count": 2},
                {"application": "shop", "group": "prod", "before": ["reroute"], "count": 3}]"#,
        )
        .unwrap();
        let of = |application: &str, group: &str| {
            let key = GroupKey {
                application: application.parse().unwrap(),
                group: group.parse().unwrap(),
            };
            demanded(&demands, &key).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(of("cart", "prod"), [(Step::Start, 1)]);
        assert_eq!(of("shop", "prod"), [(Step::Start, 2), (Step::Reroute, 3)]);
        assert_eq!(
            of("shop", "production"),
            [(Step::Start, 2), (Step::Reroute, 2)]
        );
        assert_eq!(of("shop2", "prod"), [(Step::Start, 1)]);
    }
}
