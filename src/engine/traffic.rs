//! Where targets ought to be at the load balancers: what follows from how far each has come, and nothing else.

use super::deliberate::{Bug, deliberate};
use super::deployment::Deployment;
use super::target::Target;
use crate::model::deployment::TargetStatus;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::traffic::Side;

/// Whether a target ought to get traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// It ought to be in service.
    In,
    /// It ought to get nothing.
    Out,
}

/// Where a target ought to be, for as long as its deployment runs; `None` leaves it where it is.
///
/// Between leaving and entering it is out, whatever happens to the load balancer meanwhile. One that joins, or is of the
/// replacement, is out from the beginning until it enters, for nobody has validated it. One whose events at the load balancer
/// failed is left as it is: it shows what went wrong.
pub fn place(target: &Target) -> Option<Place> {
    use EventStatus::{Failed, InProgress, Pending, Succeeded};
    let status = |event| target.event(event).map(|entry| entry.status);
    let block = status(LifecycleEvent::BlockTraffic);
    let allow = status(LifecycleEvent::AllowTraffic);
    let installed = status(LifecycleEvent::Install).is_some();
    let replaces = target.side == Some(Side::Green);
    match (block, allow) {
        (_, Some(InProgress | Succeeded)) => Some(Place::In),
        (_, Some(Failed)) => None,
        (_, Some(Pending)) if deliberate(Bug::EntersUnvalidated) && is_installed(target) => {
            Some(Place::In)
        }
        (Some(Succeeded), _) if deliberate(Bug::PlaceForgotten) => None,
        (Some(InProgress | Succeeded), _) => Some(Place::Out),
        (None, Some(Pending)) if installed => Some(Place::Out),
        (Some(Pending), Some(Pending)) if installed && replaces => Some(Place::Out),
        _ => None,
    }
}

/// The side that the test listener of a service ought to lead to, for as long as its deployment runs; `None` leaves it as it
/// is: until it was its turn, or where that failed.
pub fn tested(deployment: &Deployment) -> Option<Side> {
    use EventStatus::{InProgress, Succeeded};
    let mut events = deployment.targets.iter().flat_map(|target| &target.events);
    let entry = events.find(|entry| entry.event == LifecycleEvent::AllowTestTraffic)?;
    let back = deployment.spec.goes_back();
    let side = if back { Side::Blue } else { Side::Green };
    matches!(entry.status, InProgress | Succeeded).then_some(side)
}

/// For a mistake alone: whether something has been installed, be it good or not.
fn is_installed(target: &Target) -> bool {
    let install = target.event(LifecycleEvent::Install);
    install.is_some_and(|entry| entry.status == EventStatus::Succeeded)
}

/// Whether a target that did not succeed was left without traffic: it left the load balancers and did not enter them again, or
/// was kept out of them.
pub fn is_left_out(target: &Target) -> bool {
    let succeeded = |event| {
        let entry = target.event(event);
        entry.is_some_and(|entry| entry.status == EventStatus::Succeeded)
    };
    let enters = target.event(LifecycleEvent::AllowTraffic).is_some();
    // That a replacement has none as long as nobody reroutes is as it should be.
    let ended = match target.side {
        None => target.status.is_terminal(),
        Some(_) => target.status == TargetStatus::Failed,
    };
    ended
        && enters
        && succeeded(LifecycleEvent::BlockTraffic)
        && !succeeded(LifecycleEvent::AllowTraffic)
}
