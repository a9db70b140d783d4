//! What deployments and hosts make of where requests go (I-2, I-3, I-4, I-20), against the routes that are kept a second time: what
//! others did there is exempt until somebody of ours has had the time to put it right.

use super::super::cast::{Cast, group_of};
use super::super::env::EPOCH;
use super::super::marks::{Mark, Marks};
use super::super::shape::Millis;
use super::function::{has_begun, server_of};
use super::route::{Route, Server};
use super::{Invariant, Seen, Watch};
use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::engine::event::Event;
use crate::engine::plan::{Before, Stage};
use crate::model::deployment::{DeploymentStatus, TargetStatus};
use crate::model::group::Selection;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Side;
use crate::providers::traffic::Service;

/// What others changed is put right within this, if nothing gets in the way: a look now and then, two more that are given up, and
/// what takes effect late.
const PUT_RIGHT: Millis = 60_000;

impl Watch {
    /// I-2: an application is stopped, or something is installed, where no request can come by our doing.
    pub(super) fn touches(&mut self, number: usize, host: usize, event: LifecycleEvent) {
        let group = self.group(number);
        if !self.shape.styles[group].controls_traffic()
            || !LifecycleEvent::IN_PLACE.contains(&event)
        {
            return;
        }
        let now = self.now;
        let Some(route) = self.routes.get(group) else {
            return;
        };
        let Some(server) = route.server(host) else {
            return;
        };
        let requests = server.service == Service::In;
        let open = server.flight.iter().any(|end| *end > now);
        let drains = server.service == Service::Draining && open;
        let exempt = route.is_others_doing(host);
        self.check(exempt || !(requests || drains), Invariant::Drained, || {
            format!("{event} began on h{host:03} while it was in service for g{group}")
        });
    }

    /// I-8: nobody's traffic moves before somebody has said so, where that is waited for; and what is kept for a time is kept so
    /// long, unless somebody says otherwise.
    pub(super) fn goes_on(&mut self, number: usize, seen: &Seen, at: Timestamp) {
        self.has_shifted(number, seen);
        let Some(Stage::Wait { before, minutes }) = seen.deployment.current_stage() else {
            return;
        };
        let said = seen.continued == Some(*before);
        let over = self.is_over(seen, *minutes, at);
        let may = match before {
            Before::Reroute => said,
            Before::Termination => said || over,
        };
        self.check(may, Invariant::Permission, || {
            format!("deployment {number} goes on, and nobody has said so: {before:?}")
        });
    }

    /// Whether a wait of so many minutes is over.
    fn is_over(&self, seen: &Seen, minutes: u32, at: Timestamp) -> bool {
        let waited = at.since(seen.stage_time).as_secs();
        waited >= u64::from(60 * minutes) || self.clock_jumped
    }

    /// Whether it may end because nobody rerouted in time.
    pub(super) fn waited_in_vain(&self, seen: &Seen, at: Timestamp) -> bool {
        match seen.deployment.current_stage() {
            Some(Stage::Wait {
                before: Before::Reroute,
                minutes,
            }) => self.is_over(seen, *minutes, at),
            _ => false,
        }
    }

    /// What a deployment's entry says about traffic, after it is folded.
    pub(super) fn traffic_after(
        &mut self,
        number: usize,
        seen: &mut Seen,
        event: &Event,
        marks: &mut Marks,
    ) {
        if !self.shape.styles[seen.group].controls_traffic() {
            return;
        }
        match event {
            Event::Continued { before, .. } => {
                seen.continued = Some(*before);
                if *before == Before::Reroute {
                    marks.hit(Mark::Rerouted);
                }
            }
            Event::Held { .. } if seen.deployment.spec.function.is_some() => {
                marks.hit(Mark::FunctionHeld);
            }
            Event::Paused { .. } if seen.deployment.spec.function.is_some() => {
                marks.hit(Mark::FunctionPaused);
            }
            Event::Started => seen.began = self.now,
            // What is to end leaves from now on.
            Event::StageStarted { .. } if seen.deployment.ends().is_some() => {
                let target = seen.deployment.targets.first();
                let target = target.map(|target| target.name.clone());
                seen.moved.extend(target.map(|target| (target, self.now)));
            }
            Event::Retried { target, .. }
            | Event::EventStarted {
                target,
                event:
                    LifecycleEvent::BlockTraffic
                    | LifecycleEvent::AllowTraffic
                    | LifecycleEvent::AllowTestTraffic,
                ..
            } => {
                seen.moved.insert(target.clone(), self.now);
            }
            Event::EventEnded {
                target,
                event: event @ (LifecycleEvent::BlockTraffic | LifecycleEvent::AllowTraffic),
                status: EventStatus::Succeeded,
                diagnostics,
                host_time,
            } if seen.deployment.spec.service.is_none() => {
                let told = diagnostics
                    .as_ref()
                    .is_some_and(|d| d.message.contains("requests in flight"));
                // By the orchestrator's clock, which is right unless it has jumped.
                let since = host_time.0 - EPOCH;
                let found = seen.deployment.target(target);
                let claim = Claim {
                    server: found.map_or(0, |it| server_of(&seen.deployment, it)),
                    target,
                    event: *event,
                    told,
                    since: if self.clock_jumped { 0 } else { since },
                };
                self.moved(number, seen.group, &claim, marks);
            }
            Event::Ended { status, .. } => {
                self.ends_there(number, seen, *status, marks);
            }
            _ => {}
        }
    }

    /// An event at the load balancer is said to have succeeded.
    fn moved(&mut self, number: usize, group: usize, claim: &Claim<'_>, marks: &mut Marks) {
        let Claim {
            target,
            server: host,
            event,
            told,
            since,
        } = *claim;
        let Some(route) = self.routes.get_mut(group) else {
            return;
        };
        let service = route.service(host);
        let exempt = route.has_changed(host, since);
        let blocks = event == LifecycleEvent::BlockTraffic;
        let cut = match route.servers.get_mut(host) {
            Some(Some(server)) => server.cut_by.take() == Some(number),
            _ => false,
        };
        let there = if blocks {
            route.is_empty_of(host, self.now)
        } else {
            service == Service::In
        };
        if blocks && !exempt {
            marks.hit(if cut {
                Mark::CutOff
            } else {
                Mark::DrainedInTime
            });
        }
        let invariant = if blocks {
            Invariant::Drained
        } else {
            Invariant::Sides
        };
        self.check(there || exempt, invariant, || {
            format!(
                "deployment {number} says that {event} of {target} succeeded, and it is {service:?}"
            )
        });
        let counts = self.shape.balancers.counts;
        self.check(
            !cut || told || !counts || exempt,
            Invariant::Drained,
            || {
                format!(
                    "requests of {target} were cut off, and deployment {number} does not say so"
                )
            },
        );
    }

    /// I-20: when it is over, every server is where the deployment says.
    fn ends_there(
        &mut self,
        number: usize,
        seen: &Seen,
        status: DeploymentStatus,
        marks: &mut Marks,
    ) {
        let deployment = &seen.deployment;
        if status == DeploymentStatus::Succeeded && deployment.spec.sides.is_some() {
            marks.hit(if deployment.spec.rolls_back.is_some() {
                Mark::WayBack
            } else {
                Mark::Swapped
            });
        }
        let keeps = matches!(
            deployment.current_stage(),
            Some(Stage::Wait {
                before: Before::Termination,
                ..
            })
        );
        if keeps
            && status == DeploymentStatus::Succeeded
            && seen.continued != Some(Before::Termination)
        {
            marks.hit(Mark::KeptWhile);
        }
        let mut wrong = None;
        let Some(route) = self.routes.get(seen.group) else {
            return;
        };
        let targets = deployment.targets.iter();
        for target in targets.filter(|_| deployment.spec.service.is_none()) {
            let host = server_of(deployment, target);
            if target.status != TargetStatus::Succeeded
                || route.has_changed(host, self.now)
                || route.is_others_doing(host)
            {
                continue;
            }
            let done = |event| {
                let entry = target.event(event);
                entry.is_some_and(|entry| entry.status == EventStatus::Succeeded)
            };
            let service = route.service(host);
            let good = if done(LifecycleEvent::AllowTraffic) {
                service == Service::In
            } else {
                !done(LifecycleEvent::BlockTraffic) || route.is_empty_of(host, self.now)
            };
            if !good {
                wrong = Some(format!(
                    "deployment {number} ended {status}, and {} is {service:?}",
                    target.name
                ));
            }
        }
        if let Some(message) = wrong {
            self.violated(Invariant::Sides, || message);
        }
        self.function_ends(number, seen, status, marks);
    }

    /// I-20: the group takes the side for its own that has entered service.
    pub(super) fn serves_from_now_on(&mut self, number: usize, now: &Selection) {
        let Some(deployment) = self.deployment(number) else {
            return;
        };
        let entered = |side: Side| {
            let mut targets = deployment.targets.iter();
            targets.any(|target| {
                let allow = status(target, LifecycleEvent::AllowTraffic);
                target.side == Some(side) && allow == Some(EventStatus::Succeeded)
            })
        };
        let sides = deployment.spec.sides.as_ref();
        let good = sides.is_some_and(|sides| {
            (entered(Side::Green) && *now == sides.replacement)
                || (entered(Side::Blue) && *now == sides.original)
        });
        self.check(good, Invariant::Sides, || {
            format!("after deployment {number} its group takes the side for its own that has lost the traffic")
        });
    }

    /// I-4: what others changed is put right, and what we want comes to be, unless the route would be empty.
    pub fn routes_are_kept(&mut self, now: Millis, gate: usize) {
        let group = group_of(gate);
        let Some(route) = self.routes.get(gate) else {
            return;
        };
        if now < route.disturbed + PUT_RIGHT {
            return;
        }
        let mut wrong = None;
        let open = self.seen.iter().enumerate().filter_map(|(number, seen)| {
            let seen = seen.as_deref()?;
            let runs = seen.deployment.status.is_running();
            (seen.group == group && runs).then_some((number, seen))
        });
        for (number, seen) in open {
            let function = !seen.deployment.spec.is_on_hosts();
            let mut targets = seen.deployment.targets.iter();
            let there = |target: &Target| !self.gone.contains(&Cast::host(&target.name));
            let all = if function {
                has_begun(&seen.deployment) && now >= seen.moved_last() + PUT_RIGHT
            } else {
                targets.all(there)
            };
            if all && gate == group && self.is_split_otherwise(seen, now, PUT_RIGHT) {
                wrong = Some(format!(
                    "deployment {number} leaves the traffic of g{group} split otherwise than it asks"
                ));
            }
            if let Some(version) = self.leaves_version(seen, gate, (now, PUT_RIGHT)) {
                wrong = Some(format!(
                    "deployment {number} leaves server {version} at the load balancer g{gate} as others made it"
                ));
            }
            let hosts = seen.deployment.targets.iter().filter(|_| !function);
            for target in hosts {
                let host = Cast::host(&target.name);
                let since = seen.moved.get(&target.name).copied();
                let since = since.unwrap_or(seen.began);
                // Nothing can be done about one that is no longer in the project.
                if now < since + PUT_RIGHT || self.gone.contains(&host) {
                    continue;
                }
                let service = route.service(host);
                // One whose turn has not come makes way for those that stay alone.
                let turn = status(target, LifecycleEvent::BlockTraffic);
                let relieved = match turn {
                    Some(EventStatus::Pending) => is_served_by_others(route, &seen.deployment),
                    _ => route.is_served_without(host),
                };
                let stays = service == Service::In && has_to_leave(target) && relieved;
                let is_missed = service != Service::In && has_to_be_in(target);
                if stays || is_missed {
                    wrong = Some(format!(
                        "deployment {number} leaves h{host:03} {service:?} at the load balancer of g{group}"
                    ));
                }
            }
        }
        if let Some(message) = wrong {
            self.violated(Invariant::Route, || message);
        }
    }
}

/// What a deployment says of an event at its load balancer that succeeded.
struct Claim<'a> {
    target: &'a Name,
    /// The server that it is.
    server: usize,
    event: LifecycleEvent,
    /// Whether it says that requests were cut off.
    told: bool,
    /// When a keeper found so.
    since: Millis,
}

pub(super) fn status(target: &Target, event: LifecycleEvent) -> Option<EventStatus> {
    target.event(event).map(|entry| entry.status)
}

pub(super) fn target_on(deployment: &Deployment, host: usize) -> Option<&Target> {
    let mut targets = deployment.targets.iter();
    targets.find(|target| Cast::host(&target.name) == host)
}

/// Whether somebody gets requests who does not have to leave.
fn is_served_by_others(route: &Route, deployment: &Deployment) -> bool {
    let servers = route.servers.iter().enumerate();
    let mut serving = servers.filter(|(_, server)| {
        let server = server.as_ref();
        server.is_some_and(Server::gets_requests)
    });
    serving.any(|(host, _)| !target_on(deployment, host).is_some_and(has_to_leave))
}

/// I-3: whether everything that comes before its entry has ended well, so that it may get requests.
pub(super) fn is_validated(deployment: &Deployment, target: &Target) -> bool {
    let ignores = deployment.spec.options.ignore_application_stop_failures;
    let mut before = target
        .events
        .iter()
        .take_while(|entry| entry.event != LifecycleEvent::AllowTraffic);
    before.all(|entry| match entry.status {
        EventStatus::Succeeded => true,
        EventStatus::Failed => ignores && entry.event.failure_may_be_ignored(),
        _ => false,
    })
}

/// Whether its journal says that it is in service, or enters it.
pub(super) fn has_to_be_in(target: &Target) -> bool {
    use EventStatus::{InProgress, Succeeded};
    let allow = status(target, LifecycleEvent::AllowTraffic);
    matches!(allow, Some(InProgress | Succeeded))
}

/// Whether its journal says that it is out of service, or leaves it: from the start of its leaving to that of its entry; a
/// replacement that is installed from the beginning.
pub(super) fn has_to_leave(target: &Target) -> bool {
    use EventStatus::{Failed, InProgress, Pending, Succeeded};
    let allow = status(target, LifecycleEvent::AllowTraffic);
    if matches!(allow, Some(InProgress | Succeeded | Failed)) {
        return false;
    }
    let replaces =
        target.side == Some(Side::Green) && target.event(LifecycleEvent::Install).is_some();
    match status(target, LifecycleEvent::BlockTraffic) {
        Some(Pending) => replaces,
        Some(status) => matches!(status, InProgress | Succeeded),
        // One that joins has nothing to leave.
        None => target.event(LifecycleEvent::Install).is_some() && allow == Some(Pending),
    }
}
