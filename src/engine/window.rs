//! How many instances may be in flight, and how many must stay healthy (configurations.md §2, §4).

use serde::{Deserialize, Serialize};

use super::deliberate::{Bug, deliberate};
use crate::model::configuration::{
    DeploymentConfiguration, HALF_AT_A_TIME, MinimumHealthyHosts, MinimumHealthyHostsType,
};

/// The sliding window of a deployment of N instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// At the end, at least this many instances must not have failed.
    pub minimum_healthy: u32,
    /// At most this many are in flight.
    pub concurrency: u32,
    /// While instances wait: no healthy one is taken away when only this many would remain, and the deployment ends as
    /// soon as no more than this many can stay healthy. Equals the minimum, but for a predefined configuration on a
    /// single instance, which would otherwise never start.
    pub floor: u32,
}

/// The window of `n` instances under a configuration; `None` if the minimum leaves nothing to deploy
/// (`HEALTH_CONSTRAINTS_INVALID`).
pub fn window(configuration: &DeploymentConfiguration, n: u32) -> Option<Window> {
    let hosts = configuration.minimum_healthy_hosts;
    let minimum_healthy = hosts.map_or(0, |hosts| minimum(hosts, n));
    let predefined_half = configuration.deployment_config_name.as_str() == HALF_AT_A_TIME;
    let concurrency = match n.checked_sub(minimum_healthy)? {
        0 if predefined_half && n > 0 => 1,
        0 => return None,
        room => room,
    };
    let one_more = u32::from(deliberate(Bug::OneTooMany) && concurrency < n);
    Some(Window::new(n, minimum_healthy, concurrency + one_more))
}

/// The window of a zone of `n` instances, within that of the whole fleet (configurations.md §7). A zone of one instance
/// is always deployed to.
pub fn zone_window(
    per_zone: Option<MinimumHealthyHosts>,
    n: u32,
    fleet: &Window,
) -> Option<Window> {
    let minimum_healthy = per_zone.map_or(0, |hosts| minimum(hosts, n));
    if minimum_healthy >= n && n > 1 {
        return None;
    }
    // No zone can keep more instances healthy than it has.
    let minimum_healthy = if deliberate(Bug::ZoneKeepsMoreThanItHas) {
        minimum_healthy
    } else {
        minimum_healthy.min(n)
    };
    let room = n.saturating_sub(minimum_healthy).max(1);
    Some(Window::new(n, minimum_healthy, room.min(fleet.concurrency)))
}

/// How many of `n` instances must stay healthy (configurations.md §4.1).
fn minimum(hosts: MinimumHealthyHosts, n: u32) -> u32 {
    match hosts.kind {
        MinimumHealthyHostsType::HostCount => hosts.value,
        MinimumHealthyHostsType::FleetPercent => {
            let part = u64::from(n) * u64::from(hosts.value);
            let share = if deliberate(Bug::PercentRoundedDown) {
                part / 100
            } else {
                part.div_ceil(100)
            };
            u32::try_from(share).unwrap_or(u32::MAX)
        }
        MinimumHealthyHostsType::MostConcurrency => n.saturating_sub(hosts.value),
    }
}

impl Window {
    fn new(n: u32, minimum_healthy: u32, concurrency: u32) -> Self {
        Self {
            minimum_healthy,
            concurrency,
            floor: minimum_healthy.min(n - concurrency),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use MinimumHealthyHostsType::{FleetPercent, HostCount, MostConcurrency};

    fn cell(name: &str, kind: MinimumHealthyHostsType, value: u32, n: u32) -> Option<(u32, u32)> {
        let configuration = DeploymentConfiguration {
            deployment_config_name: name.parse().unwrap(),
            compute_platform: crate::model::application::ComputePlatform::Server,
            minimum_healthy_hosts: Some(MinimumHealthyHosts { kind, value }),
            zonal_config: None,
            traffic_routing_config: None,
        };
        window(&configuration, n).map(|w| (w.minimum_healthy, w.concurrency))
    }

    /// configurations.md §4.8 as it is printed there: minimum / concurrency, `x` for `HEALTH_CONSTRAINTS_INVALID`.
    const TABLE: &str = "
        1    1/1    x      x      x      x      x      x
        2    1/1    1/1    1/1    x      x      x      x
        3    2/1    1/2    2/1    x      x      x      x
        4    2/2    1/3    2/2    3/1    3/1    x      x
        5    3/2    2/3    3/2    4/1    4/1    x      x
        6    3/3    2/4    3/3    5/1    5/1    x      x
        7    4/3    2/5    4/3    5/2    6/1    x      x
        8    4/4    2/6    4/4    6/2    6/2    x      x
        9    5/4    3/6    5/4    7/2    7/2    x      x
        10   5/5    3/7    5/5    7/3    8/2    9/1    x
        12   6/6    3/9    6/6    9/3    9/3    11/1   x
        20   10/10  5/15   10/10  14/6   15/5   18/2   x
        100  50/50  25/75  50/50  67/33  75/25  90/10  99/1";

    #[test]
    fn the_table_of_minimum_and_concurrency() {
        assert_eq!(
            cell(HALF_AT_A_TIME, FleetPercent, 50, 0),
            None,
            "of nothing"
        );
        let columns = [
            (HALF_AT_A_TIME, 50),
            ("custom", 25),
            ("custom", 50),
            ("custom", 67),
            ("custom", 75),
            ("custom", 90),
            ("custom", 99),
        ];
        for row in TABLE.trim().lines() {
            let mut words = row.split_whitespace();
            let n = words.next().unwrap().parse().unwrap();
            for ((name, percent), expected) in columns.into_iter().zip(words) {
                let found = cell(name, FleetPercent, percent, n)
                    .map_or("x".to_owned(), |(m, cap)| format!("{m}/{cap}"));
                assert_eq!(found, expected, "{name} {percent} % of {n}");
            }
        }
    }

    #[test]
    fn counts_percentages_and_predefined_kinds() {
        assert_eq!(cell("c", HostCount, 9, 10), Some((9, 1)));
        assert_eq!(cell("c", HostCount, 0, 10), Some((0, 10)));
        assert_eq!(cell("c", HostCount, 10, 10), None);
        assert_eq!(cell("c", HostCount, 11, 10), None);
        assert_eq!(cell("c", FleetPercent, 95, 10), None);
        assert_eq!(cell("c", FleetPercent, 85, 10), Some((9, 1)));
        assert_eq!(cell("c", FleetPercent, 40, 9), Some((4, 5)));
        for n in [1, 2, 5, 1000] {
            assert_eq!(cell("one", MostConcurrency, 1, n), Some((n - 1, 1)));
            assert_eq!(cell("all", FleetPercent, 0, n), Some((0, n)));
        }
    }
}
