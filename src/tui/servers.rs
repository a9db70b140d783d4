//! How the servers of the selected deployment stand at its load balancers: asked for again whenever something was counted.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::Deployment;
use crate::model::deployment::DeploymentId;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::status::{BalancerDetails, Presence};

/// After so long without an answer it is asked again.
const PATIENCE: Duration = Duration::from_secs(5);

/// The servers of one deployment.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    of: Option<DeploymentId>,
    /// The look at the load balancers that was asked about last.
    look: Option<Timestamp>,
    /// When somebody was asked who has not answered.
    awaited: Option<Timestamp>,
    /// Counts answers.
    pub news: u64,
    seats: BTreeMap<Name, Seat>,
}

/// A server at the load balancers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    /// How it is there; `None` if one load balancer has it in service and another has not.
    pub presence: Option<Presence>,
    /// Which load balancer finds it unwell, and why, if one does.
    pub unwell: Option<String>,
    /// Whether one has looked, and finds it well.
    pub found_well: bool,
}

impl Servers {
    /// Whether to ask now. `look` is the time of the newest look at the load balancers of this deployment.
    pub(crate) fn ask(&mut self, of: &DeploymentId, look: Timestamp, now: Timestamp) -> bool {
        if self.of.as_ref() != Some(of) {
            *self = Self {
                of: Some(of.clone()),
                news: self.news + 1,
                ..Self::default()
            };
        }
        let waits = self.awaited.is_some_and(|at| now.since(at) < PATIENCE);
        if waits || self.look == Some(look) {
            return false;
        }
        self.look = Some(look);
        self.awaited = Some(now);
        true
    }

    /// Takes an answer. Where there is none, nothing is known any more.
    pub(crate) fn take(&mut self, of: &DeploymentId, answer: Option<&[BalancerDetails]>) {
        if self.of.as_ref() != Some(of) {
            return;
        }
        self.awaited = None;
        self.news += 1;
        self.seats = answer.map(seats).unwrap_or_default();
    }

    /// How a server of a deployment stands, if that is known.
    pub(crate) fn seat(&self, deployment: &Deployment, name: &Name) -> Option<&Seat> {
        let known = self.of.as_ref() == Some(deployment.id()) && !deployment.status.is_terminal();
        self.seats.get(name).filter(|_| known)
    }
}

fn seats(balancers: &[BalancerDetails]) -> BTreeMap<Name, Seat> {
    let mut seats: BTreeMap<Name, Seat> = BTreeMap::new();
    for balancer in balancers {
        for server in &balancer.servers {
            let unwell = (server.healthy == Some(false)).then(|| {
                let name = &balancer.status.name;
                match &server.trouble {
                    Some(why) => format!("{name} finds it unwell: {why}"),
                    None => format!("{name} finds it unwell"),
                }
            });
            let here = Seat {
                presence: Some(server.service),
                unwell,
                found_well: server.healthy == Some(true),
            };
            let seat = seats.entry(server.name.clone()).or_insert(here.clone());
            if seat.presence != here.presence {
                seat.presence = None;
            }
            seat.found_well |= here.found_well;
            if seat.unwell.is_none() {
                seat.unwell = here.unwell;
            }
            seat.found_well &= seat.unwell.is_none();
        }
    }
    seats
}
