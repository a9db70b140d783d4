//! How traffic shifts from original to replacement: at once, in two steps, or in equal ones (configurations.md §8).

use serde::{Deserialize, Serialize};

use super::traffic::Split;

/// The longest time from the first shift to the end of the last one's interval, in minutes.
const LONGEST: u32 = 2880;

/// `TrafficRoutingConfig`. `CodeDeploy` knows it for functions and containers; here it also shifts between the hosts of a
/// blue/green deployment, if their load balancers have weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrafficRoutingConfig {
    /// In which way.
    #[serde(rename = "type")]
    pub kind: TrafficRoutingType,
    /// For `TimeBasedCanary`, and for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_based_canary: Option<TimeBasedCanary>,
    /// For `TimeBasedLinear`, and for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_based_linear: Option<TimeBasedLinear>,
}

/// `TrafficRoutingType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrafficRoutingType {
    /// A first share, and after a while all of it.
    TimeBasedCanary,
    /// Equal shares, one after the other.
    TimeBasedLinear,
    /// All of it.
    AllAtOnce,
}

/// `TimeBasedCanary`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeBasedCanary {
    /// The first share of the replacement, in percent: 1 to 99.
    pub canary_percentage: u8,
    /// Minutes until it gets the rest: 1 to 2880.
    pub canary_interval: u32,
}

/// `TimeBasedLinear`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeBasedLinear {
    /// What the replacement gets with each step, in percent: 1 to 99.
    pub linear_percentage: u8,
    /// Minutes from one step to the next; times the number of steps at most 2880.
    pub linear_interval: u32,
}

/// What is wrong with a traffic routing: the field, and why.
pub type RoutingProblem = (Vec<&'static str>, String);

impl TrafficRoutingConfig {
    /// What is wrong with it, if anything.
    pub fn problem(&self) -> Option<RoutingProblem> {
        use TrafficRoutingType::{AllAtOnce, TimeBasedCanary, TimeBasedLinear};
        let canary = self.time_based_canary;
        let linear = self.time_based_linear;
        match (self.kind, canary, linear) {
            (AllAtOnce, None, None) => None,
            (TimeBasedCanary, Some(canary), None) => canary.problem(),
            (TimeBasedLinear, None, Some(linear)) => linear.problem(),
            (TimeBasedCanary, None, _) => Some(missing(
                "TimeBasedCanary",
                "timeBasedCanary: {canaryPercentage, canaryInterval}",
            )),
            (TimeBasedLinear, _, None) => Some(missing(
                "TimeBasedLinear",
                "timeBasedLinear: {linearPercentage, linearInterval}",
            )),
            (_, Some(_), _) => Some(superfluous("timeBasedCanary", self.kind)),
            (_, _, Some(_)) => Some(superfluous("timeBasedLinear", self.kind)),
        }
    }

    /// The shares of the replacement, one after the other; the last one is all of it.
    pub fn steps(&self) -> Vec<Split> {
        let canary = self
            .time_based_canary
            .map(|canary| vec![canary.canary_percentage]);
        let linear = self.time_based_linear.map(TimeBasedLinear::shares);
        let shares = canary.or(linear).unwrap_or_default();
        shares
            .into_iter()
            .filter_map(|share| Split::new(share).ok())
            .filter(|split| *split < Split::REPLACEMENT)
            .chain([Split::REPLACEMENT])
            .collect()
    }

    /// Minutes from one step to the next.
    pub fn interval(&self) -> u32 {
        let canary = self.time_based_canary.map(|canary| canary.canary_interval);
        let linear = self.time_based_linear.map(|linear| linear.linear_interval);
        canary.or(linear).unwrap_or(0)
    }
}

impl TimeBasedCanary {
    fn problem(self) -> Option<RoutingProblem> {
        let place = |field| vec!["timeBasedCanary", field];
        if !(1..=99).contains(&self.canary_percentage) {
            let message = "the first share is 1 to 99 percent".to_owned();
            return Some((place("canaryPercentage"), message));
        }
        let fits = (1..=LONGEST).contains(&self.canary_interval);
        (!fits).then(|| {
            let message = format!("the interval is 1 to {LONGEST} minutes");
            (place("canaryInterval"), message)
        })
    }
}

impl TimeBasedLinear {
    fn shares(self) -> Vec<u8> {
        let step = usize::from(self.linear_percentage.max(1));
        (self.linear_percentage.max(1)..100).step_by(step).collect()
    }

    fn problem(self) -> Option<RoutingProblem> {
        let place = |field| vec!["timeBasedLinear", field];
        if !(1..=99).contains(&self.linear_percentage) {
            let message = "a step is 1 to 99 percent".to_owned();
            return Some((place("linearPercentage"), message));
        }
        let steps = 100_u32.div_ceil(u32::from(self.linear_percentage));
        let longest = LONGEST / steps;
        let fits = (1..=longest).contains(&self.linear_interval);
        (!fits).then(|| {
            let message = format!("with {steps} steps the interval is 1 to {longest} minutes");
            (place("linearInterval"), message)
        })
    }
}

fn missing(kind: &str, field: &str) -> RoutingProblem {
    (vec!["type"], format!("{kind} needs `{field}`"))
}

fn superfluous(field: &'static str, kind: TrafficRoutingType) -> RoutingProblem {
    (vec![field], format!("{kind:?} has no {field}: remove it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(percentage: u8, interval: u32) -> TrafficRoutingConfig {
        TrafficRoutingConfig {
            kind: TrafficRoutingType::TimeBasedLinear,
            time_based_canary: None,
            time_based_linear: Some(TimeBasedLinear {
                linear_percentage: percentage,
                linear_interval: interval,
            }),
        }
    }

    fn canary(percentage: u8, interval: u32) -> TrafficRoutingConfig {
        TrafficRoutingConfig {
            kind: TrafficRoutingType::TimeBasedCanary,
            time_based_canary: Some(TimeBasedCanary {
                canary_percentage: percentage,
                canary_interval: interval,
            }),
            time_based_linear: None,
        }
    }

    fn shares(routing: TrafficRoutingConfig) -> Vec<u8> {
        assert_eq!(routing.problem(), None);
        let steps = routing.steps();
        steps.into_iter().map(Split::replacement).collect()
    }

    #[test]
    fn the_timelines_of_the_specification() {
        let tens: Vec<u8> = (1..=10).map(|n| n * 10).collect();
        assert_eq!(shares(linear(10, 3)), tens);
        assert_eq!(shares(linear(30, 5)), [30, 60, 90, 100]);
        assert_eq!(shares(linear(99, 1)), [99, 100]);
        assert_eq!(shares(linear(1, 28)).len(), 100);
        assert_eq!(shares(canary(25, 45)), [25, 100]);
        let at_once = TrafficRoutingConfig {
            kind: TrafficRoutingType::AllAtOnce,
            ..canary(1, 1)
        };
        assert_eq!(at_once.problem().unwrap().0, ["timeBasedCanary"]);
        let at_once = TrafficRoutingConfig {
            time_based_canary: None,
            ..at_once
        };
        assert_eq!(shares(at_once), [100]);
    }

    #[test]
    fn limits_name_the_field_and_what_would_be_right() {
        let found = [
            linear(0, 1),
            linear(25, 721),
            linear(25, 0),
            canary(100, 1),
            canary(10, 2881),
        ]
        .map(|routing| routing.problem().unwrap());
        assert_eq!(linear(25, 720).problem(), None);
        assert_eq!(
            found.map(|(place, message)| format!("{}: {message}", place.join("."))),
            [
                "timeBasedLinear.linearPercentage: a step is 1 to 99 percent",
                "timeBasedLinear.linearInterval: with 4 steps the interval is 1 to 720 minutes",
                "timeBasedLinear.linearInterval: with 4 steps the interval is 1 to 720 minutes",
                "timeBasedCanary.canaryPercentage: the first share is 1 to 99 percent",
                "timeBasedCanary.canaryInterval: the interval is 1 to 2880 minutes",
            ]
        );
    }
}
