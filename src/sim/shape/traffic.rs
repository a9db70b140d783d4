//! What load balancers are like, and which groups deploy behind one.

use super::{Draw, Millis};
use crate::model::group::{
    BlueGreenDeploymentConfiguration, BlueInstanceTerminationOption, DeploymentReadyAction,
    DeploymentReadyOption, InstanceAction,
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
}

/// How long a blue/green deployment waits, in minutes; `None` where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// For somebody to reroute.
    pub reroute: Option<u32>,
    /// Before the original is terminated.
    pub termination: Option<u32>,
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

    /// How long its deployments may wait for nothing but time or people.
    pub fn waits(self) -> Millis {
        let Self::BlueGreen(waits) = self else {
            return 0;
        };
        let minutes = waits.reroute.unwrap_or(0) + waits.termination.unwrap_or(0);
        60_000 * Millis::from(minutes)
    }

    /// The options of a blue/green group.
    pub fn options(self) -> Option<BlueGreenDeploymentConfiguration> {
        let Self::BlueGreen(waits) = self else {
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
        };
        match choice {
            0..=3 => Style::Alone,
            4 | 5 => Style::Behind,
            _ => Style::BlueGreen(waits),
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
