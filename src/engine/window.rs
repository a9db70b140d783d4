//! How many instances may be in flight, and how many must stay healthy (configurations.md §2, §4).

use serde::{Deserialize, Serialize};

use crate::model::configuration::{
    DeploymentConfiguration, HALF_AT_A_TIME, MinimumHealthyHostsType,
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
    let minimum_healthy = match hosts.kind {
        MinimumHealthyHostsType::HostCount => hosts.value,
        MinimumHealthyHostsType::FleetPercent => {
            u32::try_from((u64::from(n) * u64::from(hosts.value)).div_ceil(100)).ok()?
        }
        MinimumHealthyHostsType::MostConcurrency => n.saturating_sub(hosts.value),
    };
    let predefined_half = configuration.deployment_config_name.as_str() == HALF_AT_A_TIME;
    let concurrency = match n.checked_sub(minimum_healthy)? {
        0 if predefined_half => 1,
        0 => return None,
        room => room,
    };
    Some(Window {
        minimum_healthy,
        concurrency,
        floor: minimum_healthy.min(n - concurrency),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::configuration::MinimumHealthyHosts;
    use MinimumHealthyHostsType::{FleetPercent, HostCount, MostConcurrency};

    fn cell(name: &str, kind: MinimumHealthyHostsType, value: u32, n: u32) -> Option<(u32, u32)> {
        let configuration = DeploymentConfiguration {
            deployment_config_name: name.parse().unwrap(),
            compute_platform: crate::model::application::ComputePlatform::Server,
            minimum_healthy_hosts: MinimumHealthyHosts { kind, value },
        };
        window(&configuration, n).map(|w| (w.minimum_healthy, w.concurrency))
    }

    /// configurations.md §4.8, every row; `None` stands for `HEALTH_CONSTRAINTS_INVALID`.
    #[test]
    fn the_table_of_minimum_and_concurrency() {
        type Cell = Option<(u32, u32)>;
        let rows: [(u32, [Cell; 7]); 13] = [
            (1, [Some((1, 1)), None, None, None, None, None, None]),
            (
                2,
                [
                    Some((1, 1)),
                    Some((1, 1)),
                    Some((1, 1)),
                    None,
                    None,
                    None,
                    None,
                ],
            ),
            (
                3,
                [
                    Some((2, 1)),
                    Some((1, 2)),
                    Some((2, 1)),
                    None,
                    None,
                    None,
                    None,
                ],
            ),
            (
                4,
                [
                    Some((2, 2)),
                    Some((1, 3)),
                    Some((2, 2)),
                    Some((3, 1)),
                    Some((3, 1)),
                    None,
                    None,
                ],
            ),
            (
                5,
                [
                    Some((3, 2)),
                    Some((2, 3)),
                    Some((3, 2)),
                    Some((4, 1)),
                    Some((4, 1)),
                    None,
                    None,
                ],
            ),
            (
                6,
                [
                    Some((3, 3)),
                    Some((2, 4)),
                    Some((3, 3)),
                    Some((5, 1)),
                    Some((5, 1)),
                    None,
                    None,
                ],
            ),
            (
                7,
                [
                    Some((4, 3)),
                    Some((2, 5)),
                    Some((4, 3)),
                    Some((5, 2)),
                    Some((6, 1)),
                    None,
                    None,
                ],
            ),
            (
                8,
                [
                    Some((4, 4)),
                    Some((2, 6)),
                    Some((4, 4)),
                    Some((6, 2)),
                    Some((6, 2)),
                    None,
                    None,
                ],
            ),
            (
                9,
                [
                    Some((5, 4)),
                    Some((3, 6)),
                    Some((5, 4)),
                    Some((7, 2)),
                    Some((7, 2)),
                    None,
                    None,
                ],
            ),
            (
                10,
                [
                    Some((5, 5)),
                    Some((3, 7)),
                    Some((5, 5)),
                    Some((7, 3)),
                    Some((8, 2)),
                    Some((9, 1)),
                    None,
                ],
            ),
            (
                12,
                [
                    Some((6, 6)),
                    Some((3, 9)),
                    Some((6, 6)),
                    Some((9, 3)),
                    Some((9, 3)),
                    Some((11, 1)),
                    None,
                ],
            ),
            (
                20,
                [
                    Some((10, 10)),
                    Some((5, 15)),
                    Some((10, 10)),
                    Some((14, 6)),
                    Some((15, 5)),
                    Some((18, 2)),
                    None,
                ],
            ),
            (
                100,
                [
                    Some((50, 50)),
                    Some((25, 75)),
                    Some((50, 50)),
                    Some((67, 33)),
                    Some((75, 25)),
                    Some((90, 10)),
                    Some((99, 1)),
                ],
            ),
        ];
        for (n, expected) in rows {
            let columns = [
                (HALF_AT_A_TIME, 50),
                ("custom", 25),
                ("custom", 50),
                ("custom", 67),
                ("custom", 75),
                ("custom", 90),
                ("custom", 99),
            ];
            for ((name, percent), cell_expected) in columns.into_iter().zip(expected) {
                assert_eq!(
                    cell(name, FleetPercent, percent, n),
                    cell_expected,
                    "{name} {percent} % of {n}"
                );
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
