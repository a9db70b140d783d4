//! What keepers have load balancers do, and what others do there: each change of a route, and whose doing it is.

use super::super::balancer::{Step, WEIGHT};
use super::super::env::EPOCH;
use super::super::happening::Life;
use super::super::shape::Millis;
use super::function::{has_to_go, may_enter};
use super::route::Server;
use super::service::{is_tests, may_be_asked, may_be_tested};
use super::shift::is_as_asked;
use super::traffic::{is_validated, status, target_on};
use super::{Invariant, Seen, Watch};
use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::engine::traffic::Place;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::traffic::Split;
use crate::providers::traffic::Service;

/// The target that a server is of.
fn moved_by(deployment: &Deployment, server: usize) -> Option<&Target> {
    if deployment.spec.is_on_hosts() {
        target_on(deployment, server)
    } else {
        deployment.targets.first()
    }
}

/// I-3: whether everything that comes before its entry has ended well.
fn may_serve(deployment: &Deployment, gate: usize, target: &Target) -> bool {
    let back = deployment.spec.service.is_some() && deployment.spec.rolls_back.is_some();
    if is_tests(gate) {
        return back || may_be_tested(deployment);
    }
    back || is_validated(deployment, target)
}

impl Seen {
    /// How the route of a load balancer ought to be split.
    fn split_at(&self, gate: usize) -> Option<Split> {
        let split = self.deployment.split().filter(|_| !is_tests(gate))?;
        may_be_asked(&self.deployment, split).then_some(split)
    }
}

impl Watch {
    /// A load balancer has its own configuration: it starts, or is away.
    pub fn configured(
        &mut self,
        now: Millis,
        gate: usize,
        servers: impl Iterator<Item = Option<(Service, bool)>>,
    ) {
        let Some(route) = self.routes.get_mut(gate) else {
            return;
        };
        let first = route.counted == 0;
        route.counted += 1;
        route.lost = route.counted;
        route.restarted = (route.counted, now);
        route.weighed = (route.counted, now);
        route.others_split = !first;
        route.disturbed = now;
        let touched = (route.counted, now);
        route.servers = servers
            .map(|server| {
                let (service, well) = server?;
                Some(Server {
                    service,
                    weight: WEIGHT,
                    well,
                    flight: Vec::new(),
                    touched,
                    others_did: !first,
                    found: touched.0,
                    belated: false,
                    cut_by: None,
                })
            })
            .collect();
    }

    /// What a load balancer's state is counted as now.
    pub fn counted(&self, gate: usize) -> u64 {
        self.routes.get(gate).map_or(0, |route| route.counted)
    }

    /// A keeper has seen how a load balancer was.
    pub fn knows(&mut self, gate: usize, counted: u64) {
        if let Some(route) = self.routes.get_mut(gate) {
            route.known = route.known.max(counted);
        }
    }

    /// Something gets in the way of putting things right.
    pub fn disturbed(&mut self, now: Millis, gate: usize) {
        if let Some(route) = self.routes.get_mut(gate) {
            route.disturbed = now;
        }
    }

    /// The orchestrator was killed: what it knew of requests that were cut is lost.
    pub fn orchestrator_died(&mut self, now: Millis) {
        self.life = 0;
        for route in &mut self.routes {
            route.disturbed = now;
            for server in route.servers.iter_mut().flatten() {
                server.cut_by = None;
            }
        }
    }

    /// The orchestrator is back.
    pub fn orchestrator_starts(&mut self, now: Millis, life: Life) {
        self.life = life;
        for route in &mut self.routes {
            route.disturbed = now;
        }
    }

    /// A load balancer found that an application began or ceased to serve.
    pub fn found(&mut self, now: Millis, gate: usize, host: usize, well: bool) {
        let Some(route) = self.routes.get_mut(gate) else {
            return;
        };
        route.counted += 1;
        let counted = route.counted;
        if let Some(Some(server)) = route.servers.get_mut(host) {
            server.well = well;
            // Also one that gets nothing yet: whoever makes way for it can't know.
            if well {
                server.found = counted;
            } else {
                route.lost = counted;
            }
        }
        // Whoever had to stay because there was no other may go from now on.
        route.disturbed = now;
    }

    /// Somebody changed a server by hand.
    pub fn changed_by_hand(
        &mut self,
        now: Millis,
        gate: usize,
        host: usize,
        service: Service,
        flight: &[Millis],
    ) {
        let Some(route) = self.routes.get_mut(gate) else {
            return;
        };
        route.counted += 1;
        route.disturbed = now;
        let counted = route.counted;
        route.is_split_by_others(now);
        let Some(place) = route.servers.get_mut(host) else {
            return;
        };
        let server = place.get_or_insert_with(|| Server::new(!self.shape.balancers.judges));
        if server.gets_requests() && service != Service::In {
            route.lost = counted;
        }
        server.service = service;
        server.flight = flight.to_vec();
        server.touched = (counted, now);
        if service == Service::In {
            server.found = counted;
        }
        server.others_did = true;
        // It may finish now what was cut off before.
        server.cut_by = None;
    }

    /// Somebody gave a server another weight by hand.
    pub fn weighed_by_hand(&mut self, now: Millis, gate: usize, host: usize, weight: u32) {
        let Some(route) = self.routes.get_mut(gate) else {
            return;
        };
        route.counted += 1;
        route.disturbed = now;
        route.is_split_by_others(now);
        let counted = route.counted;
        let Some(Some(server)) = route.servers.get_mut(host) else {
            return;
        };
        let before = server.gets_requests();
        server.weight = weight;
        match (before, server.gets_requests()) {
            (true, false) => route.lost = counted,
            (false, true) => server.found = counted,
            _ => {}
        }
    }

    /// The keeper of a deployment will see to it that a server is there: its journal has to say so.
    pub fn wants(&mut self, number: usize, gate: usize, host: usize, place: Option<Place>) {
        let Some(seen) = self.seen(number) else {
            self.violated(Invariant::DurableFirst, || {
                format!("deployment {number} moved traffic before it was durable")
            });
            return;
        };
        let target = moved_by(&seen.deployment, host);
        let may = target.is_some_and(|target| match place {
            None => true,
            Some(Place::In) => {
                may_serve(&seen.deployment, gate, target) && may_enter(&seen.deployment, gate, host)
            }
            Some(Place::Out) => has_to_go(&seen.deployment, gate, host),
        });
        let invariant = match place {
            Some(Place::In) => Invariant::Validated,
            _ => Invariant::Route,
        };
        self.check(may, invariant, || {
            format!(
                "deployment {number} wants h{host:03} {place:?}, and its journal does not say so"
            )
        });
    }

    /// A keeper will have a server in service that its journal says nothing of: it served before a restart.
    pub fn restores(&mut self, number: usize, gate: usize, host: usize, place: Option<Place>) {
        let route = self.routes.get(gate);
        let restarted = route.is_some_and(|route| route.restarted.0 > 1);
        let may = place == Some(Place::In) && restarted;
        self.check(may, Invariant::Route, || {
            format!("deployment {number} wants h{host:03} {place:?}, and nothing was forgotten")
        });
    }

    /// What a deployment asked for takes effect at a server. `flight` says when each request that it still works on ends. Answers
    /// whether that put right what others had done.
    pub fn changed(&mut self, now: Millis, gate: usize, step: &Step, flight: &[Millis]) -> bool {
        let (host, service) = (step.host, step.service);
        let number = step.called.deployment;
        self.now = now;
        let over = self
            .seen(number)
            .is_none_or(|seen| seen.deployment.status.is_terminal());
        let leaves = self.seen(number).is_some_and(|seen| {
            let target = target_on(&seen.deployment, host);
            let block = target.and_then(|t| status(t, LifecycleEvent::BlockTraffic));
            block == Some(EventStatus::InProgress)
        });
        let split = self.seen(number).and_then(|seen| seen.split_at(gate));
        let Some(route) = self.routes.get_mut(gate) else {
            return false;
        };
        let (served, known) = (route.is_served(), route.lost <= step.seen);
        let Some(place) = route.servers.get_mut(host) else {
            return false;
        };
        let changed = place.get_or_insert_with(|| Server::new(!self.shape.balancers.judges));
        let was = changed.service;
        let weighed = changed.weight != step.weight;
        // What others changed after that was decided on is not put right by it.
        let knew = changed.touched.0 <= step.seen;
        let puts_right = knew && changed.others_did && was != service;
        if knew && service != Service::Draining && !over {
            changed.others_did = false;
        }
        // It came to light only after that was decided on that it serves.
        let known = known && changed.found <= step.seen;
        // Nor can an orchestrator know what one before it asked, and that takes effect only now.
        let another = step.called.life != self.life;
        let known = known && !another;
        changed.service = service;
        changed.weight = step.weight;
        changed.flight = flight.to_vec();
        let cut = flight.iter().filter(|end| **end > now).count();
        // What came there by an order that was too late is not there by our doing.
        let ours = !changed.belated;
        let cuts = service == Service::Out && was != Service::Out && cut > 0 && ours;
        if cuts && leaves && knew && step.called.life == self.life {
            changed.cut_by = Some(number);
        } else if service == Service::In {
            changed.cut_by = None;
        }
        let emptied = served && !route.is_served();
        if was == service && !weighed {
            return false;
        }
        if over || split != step.split {
            route.counted += 1;
            route.is_split_by_others(now);
            if weighed {
                route.lost = route.counted;
            }
        }
        if another && service != Service::In {
            route.counted += 1;
            route.lost = route.counted;
        }
        // Others may come or go from now on.
        route.disturbed = now;
        self.is_split_again(number, gate);
        if cuts && knew {
            self.may_be_cut(now, number, host, was, cut);
        }
        self.version_changed(number, gate, host);
        let belated = self.seen(number).is_some_and(|seen| {
            let there = moved_by(&seen.deployment, host).is_some();
            let weighed = was == service && !seen.deployment.spec.is_on_hosts();
            there
                && match service {
                    Service::In => !weighed && !may_enter(&seen.deployment, gate, host),
                    Service::Draining | Service::Out => !has_to_go(&seen.deployment, gate, host),
                }
        });
        if was != service {
            self.set_belated(gate, host, belated || !knew, over);
        }
        let belated = belated || split != step.split;
        self.check(!emptied || !known || belated || over, Invariant::Route, || {
            format!("h{host:03} was the last healthy server of g{gate}, and deployment {number} took it out")
        });
        if service == Service::In && was != service && knew && !over && !belated {
            let seen = self.seen(number);
            if seen.is_some_and(|seen| seen.deployment.spec.is_on_hosts()) {
                self.entered.push((host, number));
            }
            let good = self.seen(number).is_some_and(|seen| {
                let target = moved_by(&seen.deployment, host);
                target.is_some_and(|target| may_serve(&seen.deployment, gate, target))
            });
            self.check(good, Invariant::Validated, || {
                format!("deployment {number} put h{host:03} into service, and its events have not all succeeded")
            });
        }
        puts_right
    }

    /// A route that is split as its deployment says is so by our doing, whoever changed it before.
    fn is_split_again(&mut self, number: usize, gate: usize) {
        let split = self
            .seen(number)
            .is_some_and(|seen| is_as_asked(&self.routes[gate], &seen.deployment));
        self.routes[gate].others_split &= !split || is_tests(gate);
    }

    /// What takes effect after its deployment has ended is as if somebody else had done it.
    fn set_belated(&mut self, gate: usize, host: usize, belated: bool, over: bool) {
        if belated || over {
            let route = &mut self.routes[gate];
            route.counted += 1;
            route.lost = route.counted;
        }
        if let Some(Some(server)) = self.routes[gate].servers.get_mut(host) {
            server.belated = belated || over;
            server.others_did |= over;
        }
    }

    /// I-2: requests in flight have the time that they were promised.
    fn may_be_cut(&mut self, now: Millis, number: usize, host: usize, was: Service, cut: usize) {
        let drain = self.shape.balancers.drain;
        let since = self.seen(number).and_then(|seen| {
            let target = target_on(&seen.deployment, host)?;
            // By the orchestrator's clock, which is right unless it has jumped.
            let block = target.event(LifecycleEvent::BlockTraffic)?;
            Some(block.start_time?.0 - EPOCH)
        });
        let drained = was == Service::Draining;
        let late = match since {
            Some(since) => now >= since + drain,
            // It leaves for another reason than an event, at once if need be.
            None => true,
        };
        let jumped = self.clock_jumped;
        self.check(drained && (late || jumped), Invariant::Drained, || {
            format!("{cut} requests of h{host:03} were cut off before their time by deployment {number}, which had it {was:?}")
        });
    }
}
