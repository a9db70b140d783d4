//! What load balancers are like, and which groups deploy behind one.

use super::functions::Release;
use super::services::Rollout;
use super::{Draw, Millis};
use crate::model::group::{
    BlueGreenDeploymentConfiguration, BlueInstanceTerminationOption, DeploymentReadyAction,
    DeploymentReadyOption, InstanceAction,
};
use crate::model::routing::{
    TimeBasedCanary, TimeBasedLinear, TrafficRoutingConfig, TrafficRoutingType,
};

/// How a group deploys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// In place, without a load balancer.
    #[default]
    Alone,
    /// In place, each instance taken out of the load balancer while it is deployed to.
    Behind,
    /// Blue/green behind a load balancer.
    BlueGreen(Waits),
    /// A function, whose versions are servers of a load balancer.
    Function(Release),
    /// A container service, whose tasks are servers of a load balancer.
    Service(Rollout),
}

/// How long a blue/green deployment waits, in minutes; `None` where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// For somebody to reroute.
    pub reroute: Option<u32>,
    /// Before the original is terminated.
    pub termination: Option<u32>,
    /// Between two shares of the traffic, if it shifts by weight.
    pub shift: Option<Shift>,
}

/// How traffic shifts by weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// The first share of the replacement, and that of each further step, in percent.
    pub percent: u8,
    /// Minutes from one step to the next.
    pub minutes: u32,
    /// Whether the second step is all of it.
    pub canary: bool,
}

impl Shift {
    /// Ten steps take long, and show nothing that three do not.
    pub(super) fn in_few_steps(self) -> Self {
        let canary = self.canary || self.percent < 34;
        Self { canary, ..self }
    }

    /// As a configuration says it.
    pub(super) fn routing(self) -> TrafficRoutingConfig {
        let canary = TimeBasedCanary {
            canary_percentage: self.percent,
            canary_interval: self.minutes,
        };
        let linear = TimeBasedLinear {
            linear_percentage: self.percent,
            linear_interval: self.minutes,
        };
        TrafficRoutingConfig {
            kind: if self.canary {
                TrafficRoutingType::TimeBasedCanary
            } else {
                TrafficRoutingType::TimeBasedLinear
            },
            time_based_canary: self.canary.then_some(canary),
            time_based_linear: (!self.canary).then_some(linear),
        }
    }
}

/// What load balancers are like, in ten-thousandths and milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Balancers {
    /// How long a server may drain.
    pub drain: Millis,
    /// How long an answer takes, in the mean.
    pub delay: Millis,
    /// At most so late does what was accepted take effect.
    pub late: Millis,
    /// A request does not arrive.
    pub unheard: u32,
    /// Everything is done, and the answer is lost.
    pub unanswered: u32,
    /// The connection breaks in the middle of a change.
    pub breaks_off: u32,
    /// A change is refused.
    pub refuses: u32,
    /// It restarts, at each tick of the faults, and has its own configuration then.
    pub restart: u32,
    /// Somebody changes it by hand, at each such tick.
    pub by_hand: u32,
    /// How long a restart takes, in the mean.
    pub away: Millis,
    /// At most so late does it see that an application began or ceased to serve.
    pub check: Millis,
    /// Whether it looks after its servers' health.
    pub judges: bool,
    /// Whether it says how many requests are in flight.
    pub counts: bool,
    /// Whether its own configuration lacks servers that are out.
    pub adds: bool,
    /// How long a request takes, in the mean.
    pub request: Millis,
    /// How long the keeper rests between two looks while somebody waits, and otherwise.
    pub look: (Millis, Millis),
}

impl Style {
    /// Whether a load balancer takes part.
    pub fn controls_traffic(self) -> bool {
        self != Self::Alone
    }

    /// Whether it deploys a function, and nothing to hosts.
    pub fn is_function(self) -> bool {
        matches!(self, Self::Function(_))
    }

    /// Whether it deploys a container service, and nothing to hosts but their tasks.
    pub fn is_service(self) -> bool {
        matches!(self, Self::Service(_))
    }

    /// Whether what it deploys to are hosts.
    pub fn is_on_hosts(self) -> bool {
        !self.is_function() && !self.is_service()
    }

    /// Whether its hooks are programs; nothing if it calls none.
    pub fn programs(self) -> Option<bool> {
        match self {
            Self::Function(release) => Some(release.programs),
            Self::Service(rollout) => Some(rollout.programs),
            _ => None,
        }
    }

    /// Whether it has a listener of test traffic.
    pub fn tests(self) -> bool {
        matches!(self, Self::Service(rollout) if rollout.tests)
    }

    /// How long its deployments may wait for nothing but time or people.
    pub fn waits(self) -> Millis {
        let minutes = |shift: Option<Shift>| shift.map_or(0, |shift| 4 * shift.minutes);
        let minutes = match self {
            Self::Alone | Self::Behind => 0,
            Self::BlueGreen(waits) | Self::Service(Rollout { waits, .. }) => {
                waits.reroute.unwrap_or(0) + waits.termination.unwrap_or(0) + minutes(waits.shift)
            }
            Self::Function(release) => minutes(release.shift),
        };
        60_000 * Millis::from(minutes)
    }

    /// How its configuration shifts traffic.
    pub fn routing(self) -> Option<TrafficRoutingConfig> {
        match self {
            Self::Alone | Self::Behind => None,
            Self::BlueGreen(waits) => waits.shift.map(Shift::routing),
            Self::Function(release) => Some(release.routing()),
            Self::Service(rollout) => Some(rollout.routing()),
        }
    }

    /// The options of a blue/green group.
    pub fn options(self) -> Option<BlueGreenDeploymentConfiguration> {
        let (Self::BlueGreen(waits) | Self::Service(Rollout { waits, .. })) = self else {
            return None;
        };
        Some(BlueGreenDeploymentConfiguration {
            deployment_ready_option: waits.reroute.map(|minutes| DeploymentReadyOption {
                action_on_timeout: DeploymentReadyAction::StopDeployment,
                wait_time_in_minutes: minutes,
            }),
            terminate_blue_instances_on_deployment_success: waits.termination.map(|minutes| {
                BlueInstanceTerminationOption {
                    action: InstanceAction::Terminate,
                    termination_wait_time_in_minutes: minutes,
                }
            }),
            ..BlueGreenDeploymentConfiguration::default()
        })
    }
}

impl Draw<'_> {
    pub(super) fn style(&mut self) -> Style {
        let choice = self.below(8);
        let minutes = |d: &mut Self| {
            let minutes = d.below(6);
            (d.below(2) == 1).then_some(minutes)
        };
        let waits = Waits {
            reroute: minutes(self),
            termination: minutes(self),
            shift: None,
        };
        match choice {
            0..=3 => Style::Alone,
            4 | 5 => Style::Behind,
            _ => Style::BlueGreen(waits),
        }
    }

    /// Has some groups shift their traffic by weight, if they are blue/green.
    pub(super) fn shifts(&mut self, style: &mut Style) {
        let some = self.below(3) > 0;
        let shift = Shift {
            percent: [50, 34, 10, 99][self.below(4) as usize],
            minutes: 1 + self.below(3),
            canary: self.below(2) == 1,
        };
        if let Style::BlueGreen(waits) = style
            && some
        {
            waits.shift = Some(shift.in_few_steps());
        }
    }

    pub(super) fn balancers(&mut self) -> Balancers {
        Balancers {
            drain: 1_000 * self.between(1, 20),
            delay: self.between(0, 100),
            late: match self.below(3) {
                2 => self.between(100, 6_000),
                _ => 0,
            },
            unheard: self.one_in(3, |d| 1 + d.below(1_500)),
            unanswered: self.one_in(3, |d| 1 + d.below(2_000)),
            breaks_off: self.one_in(3, |d| 1 + d.below(2_000)),
            refuses: self.one_in(8, |d| 1 + d.below(500)),
            restart: self.one_in(3, |d| 1 + d.below(600)),
            by_hand: self.one_in(3, |d| 1 + d.below(600)),
            away: self.between(100, 10_000),
            check: self.between(0, 6_000),
            judges: self.below(4) < 3,
            counts: self.below(4) < 3,
            adds: self.below(2) == 1,
            request: [50, 500, 3_000, 20_000][self.below(4) as usize],
            look: (self.between(300, 2_000), self.between(5_000, 20_000)),
        }
    }
}
