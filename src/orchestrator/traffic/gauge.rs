//! What a look found, as people are shown it.

use super::findings::Looked;
use super::meter::Meter;
use super::round::Member;
use super::shares::in_effect;
use crate::model::traffic::Side;
use crate::model::traffic::status::{
    BalancerDetails, BalancerStatus, Presence, ServerStatus, SideStatus,
};
use crate::providers::traffic::{Observed, Service};

/// A load balancer as it was found, and what was counted there.
pub(super) fn balancer(looked: &Looked, meter: &Meter) -> BalancerStatus {
    let observed = looked.observed.as_ref();
    BalancerStatus {
        name: looked.name.clone(),
        kind: looked.kind.map(str::to_owned),
        asked: looked.asked,
        in_effect: observed.and_then(|observed| in_effect(&looked.members, observed)),
        measured: meter.measured(),
        original: side(looked, meter, Side::Blue),
        replacement: side(looked, meter, Side::Green),
        trouble: looked.trouble.clone(),
        tests: !looked.production,
    }
}

/// The same with each server.
pub fn details(looked: &Looked, meter: &Meter) -> BalancerDetails {
    let observed = looked.observed.as_ref();
    let servers = looked.members.iter();
    BalancerDetails {
        status: balancer(looked, meter),
        servers: servers.map(|member| server(member, observed)).collect(),
    }
}

fn side(looked: &Looked, meter: &Meter, side: Side) -> SideStatus {
    let mut status = SideStatus {
        counted: meter.counted(side),
        ..SideStatus::default()
    };
    for member in looked.members.iter().filter(|member| member.side == side) {
        status.servers += 1;
        let observed = looked.observed.as_ref();
        let Some(seen) = observed.and_then(|observed| observed.servers.get(&member.name)) else {
            continue;
        };
        match seen.service {
            Service::In => {
                status.in_service += 1;
                status.well += u32::from(seen.healthy != Some(false));
            }
            Service::Draining => status.draining += 1,
            Service::Out => {}
        }
        if let Some(n) = seen.in_flight {
            *status.in_flight.get_or_insert(0) += n;
        }
    }
    status
}

fn server(member: &Member, observed: Option<&Observed>) -> ServerStatus {
    let seen = observed.and_then(|observed| observed.servers.get(&member.name));
    ServerStatus {
        name: member.name.clone(),
        side: member.side,
        service: match seen.map(|seen| seen.service) {
            None => Presence::Absent,
            Some(Service::In) => Presence::In,
            Some(Service::Draining) => Presence::Draining,
            Some(Service::Out) => Presence::Out,
        },
        healthy: seen.and_then(|seen| seen.healthy),
        trouble: seen.and_then(|seen| seen.trouble.clone()),
        weight: seen.and_then(|seen| seen.weight),
        in_flight: seen.and_then(|seen| seen.in_flight),
        requests: seen.and_then(|seen| seen.requests),
        errors: seen.and_then(|seen| seen.errors),
    }
}
