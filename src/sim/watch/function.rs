//! Functions, and what services have in common with them (I-3, I-5, I-8, I-9, I-18, I-20): an alias, or a listener, is changed only
//! when it is its deployment's turn and leads where that takes it to; nobody gets requests but the former version and the next; a
//! hook that has taken its call is not called again, and what it reported is what the journal says.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cast::{Cast, VERSIONS};
use super::super::marks::{Mark, Marks};
use super::super::shape::Millis;
use super::route::{Route, Server};
use super::service::{self, is_tests};
use super::traffic::{has_to_be_in, has_to_leave, target_on};
use super::{Invariant, Seen, Watch};
use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::engine::event::Event;
use crate::engine::plan::{Before, Stage};
use crate::model::approval::Step;
use crate::model::deployment::{DeploymentStatus, ErrorCode, ExecutionId};
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::routing::TrafficRoutingType;
use crate::model::traffic::{Side, Split};
use crate::providers::traffic::{Observed, Service};

/// What a server behind an alias, or a listener, is to a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The version that had the traffic before, or a task of the original.
    Current,
    /// The version that gets it, or a task of the replacement.
    Next,
    /// Another version of the function, or a task that a failed deployment left behind.
    Bystander,
    /// None of these.
    Foreign,
}

/// Who is who behind an alias or a listener: a bit for each server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    pub current: u64,
    pub next: u64,
    pub left: u64,
}

impl Parts {
    fn role(self, server: usize) -> Role {
        let is_in = |servers: u64| servers >> server & 1 == 1;
        match server {
            0 => Role::Foreign,
            _ if is_in(self.next) => Role::Next,
            _ if is_in(self.current) => Role::Current,
            _ if is_in(self.left) => Role::Bystander,
            _ => Role::Foreign,
        }
    }

    /// The servers of a side.
    pub fn of(self, side: Side) -> impl Iterator<Item = usize> {
        let servers = match side {
            Side::Blue => self.current & !self.next,
            Side::Green => self.next,
        };
        (0..64).filter(move |server| servers >> server & 1 == 1)
    }
}

/// Who is who to a deployment; `None` if that is to hosts.
pub(super) fn parts(deployment: &Deployment) -> Option<Parts> {
    if let Some(parts) = service::parts(deployment) {
        return Some(parts);
    }
    let [current, next] = versions(deployment)?;
    let all = (2 << VERSIONS) - 2;
    let (current, next) = (1 << current, 1 << next);
    Some(Parts {
        current,
        next,
        left: all & !current & !next,
    })
}

/// What the keeper of a function's deployment, or a service's, has found in the look that it is at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// The split that was asked for when the look began.
    asked: Option<Split>,
    /// Whether the alias led to the former version alone; the listener, to nothing that the deployment does not count on.
    pub whole: bool,
    /// Whether the former version, and the next, could serve.
    pub serves: [bool; 2],
}

/// What hooks have done.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    /// What they have reported.
    reports: BTreeSet<(ExecutionId, bool)>,
    /// The programs that have run.
    ran: BTreeSet<ExecutionId>,
}

/// The version that had the traffic before, and the one that gets it.
pub(super) fn versions(deployment: &Deployment) -> Option<[usize; 2]> {
    let function = &deployment.spec.function.as_ref()?.function;
    let number = |version: u64| usize::try_from(version).unwrap_or(0);
    let current = function.current_version.map_or(0, number);
    Some([current, number(function.target_version)])
}

/// What a server is to a deployment; `None` if that is to hosts.
pub(super) fn role(deployment: &Deployment, server: usize) -> Option<Role> {
    parts(deployment).map(|parts| parts.role(server))
}

/// The hooks that a deployment is to call; `None` if that is to hosts.
pub(super) fn hooks(deployment: &Deployment) -> Option<&BTreeMap<LifecycleEvent, String>> {
    let spec = &deployment.spec;
    let function = spec.function.as_ref().map(|asked| &asked.hooks);
    function.or_else(|| spec.service.as_ref().map(|asked| &asked.hooks))
}

/// The server that a target is at the load balancer, or enters as.
pub(super) fn server_of(deployment: &Deployment, target: &Target) -> usize {
    match versions(deployment) {
        Some([current, next]) if deployment.spec.rolls_back.is_none() => {
            debug_assert_ne!(current, next);
            next
        }
        Some([current, _]) => current,
        None => Cast::host(&target.name),
    }
}

/// The entry of a function's deployment, or a service's, for an event.
pub(super) fn status(deployment: &Deployment, event: LifecycleEvent) -> Option<EventStatus> {
    let target = deployment.targets.first()?;
    target.event(event).map(|entry| entry.status)
}

/// Whether traffic may have begun to move, by the journal.
pub(super) fn has_begun(deployment: &Deployment) -> bool {
    let allow = status(deployment, LifecycleEvent::AllowTraffic);
    let entered = matches!(
        allow,
        Some(EventStatus::InProgress | EventStatus::Succeeded)
    );
    deployment.spec.rolls_back.is_some() || entered
}

/// Whether a server may be put into service at a load balancer, and has to be there.
pub(super) fn may_enter(deployment: &Deployment, gate: usize, server: usize) -> bool {
    if is_tests(gate) {
        return service::is_tested(deployment, server);
    }
    if service::has_to_end(deployment, server) {
        return false;
    }
    let target = || deployment.targets.first().is_some_and(has_to_be_in);
    let back = deployment.spec.rolls_back.is_some();
    match role(deployment, server) {
        None => target_on(deployment, server).is_some_and(has_to_be_in),
        Some(Role::Current) => back || target(),
        Some(Role::Next) => !back && target(),
        Some(Role::Bystander | Role::Foreign) => false,
    }
}

/// Whether a server may be taken out of service at a load balancer, and has to be.
pub(super) fn has_to_go(deployment: &Deployment, gate: usize, server: usize) -> bool {
    if service::has_to_end(deployment, server) {
        return true;
    }
    if is_tests(gate) {
        return service::is_not_tested(deployment, server);
    }
    match role(deployment, server) {
        None => target_on(deployment, server).is_some_and(has_to_leave),
        Some(Role::Next) => service::is_new(deployment),
        Some(role) => role == Role::Bystander,
    }
}

pub(super) fn weighs(server: Option<&Server>) -> bool {
    server.is_some_and(|server| server.service == Service::In && server.weight > 0)
}

impl Watch {
    /// The one server that has a share of a group's route, if one alone has.
    pub fn leads_to(&self, group: usize) -> Option<usize> {
        let servers = self.routes.get(group)?.servers.iter().enumerate();
        let mut having = servers.filter(|(_, server)| weighs(server.as_ref()));
        let (server, _) = having.next()?;
        having.next().is_none().then_some(server)
    }

    /// Whether the traffic of some function shifts, and that of some service.
    pub fn shifts_single(&self) -> (bool, bool) {
        let shifts = |(_, deployment): &(usize, &Deployment)| {
            let stage = deployment.current_stage();
            matches!(stage, Some(Stage::Shift { .. })) && deployment.status.is_running()
        };
        let shifting = || self.deployments().filter(shifts);
        (
            shifting().any(|(_, deployment)| deployment.spec.function.is_some()),
            shifting().any(|(_, deployment)| deployment.spec.service.is_some()),
        )
    }

    /// The keeper of a deployment begins a look.
    pub fn looks(&mut self, number: usize) {
        let Some(seen) = self.seen.get_mut(number).and_then(Option::as_mut) else {
            return;
        };
        if seen.deployment.spec.is_on_hosts() {
            return;
        }
        seen.found = Found {
            asked: seen.asked(),
            ..Found::default()
        };
    }

    /// The keeper of a function's deployment learns how its route is.
    pub fn finds(&mut self, number: usize, observed: &Observed) {
        let Some(seen) = self.seen.get_mut(number).and_then(Option::as_mut) else {
            return;
        };
        if seen.deployment.spec.service.is_some() {
            return seen.finds_listener(observed);
        }
        let Some([current, next]) = versions(&seen.deployment) else {
            return;
        };
        let all = || observed.servers.iter();
        let weighing = all().filter(|(_, it)| it.service == Service::In && it.weight != Some(0));
        let weighing: Vec<usize> = weighing.map(|(name, _)| Cast::host(name)).collect();
        let serves = |version: usize| {
            let mut found = all().filter(|(name, _)| Cast::host(name) == version);
            found.any(|(_, it)| it.service == Service::In && it.healthy != Some(false))
        };
        seen.found.whole = observed.others == 0 && weighing == [current];
        seen.found.serves = [serves(current), serves(next)];
    }

    /// I-8, I-20: what a keeper asks of the load balancer of a function: nothing before it may, nothing while the alias is not as its
    /// deployment takes it to be, and no share but that which the journal asks for, unless nobody could serve that.
    pub(super) fn asks_of_alias(&mut self, number: usize, wanted: Option<Split>) {
        let Some(seen) = self.seen(number) else {
            return;
        };
        let deployment = &seen.deployment;
        let Some(hooks) = hooks(deployment) else {
            return;
        };
        let back = deployment.spec.rolls_back.is_some();
        let agreed = !hooks.contains_key(&LifecycleEvent::BeforeAllowTraffic)
            || status(deployment, LifecycleEvent::BeforeAllowTraffic)
                == Some(EventStatus::Succeeded);
        let demanded = self.shape.gates.approvals[seen.group].get(&Step::Reroute);
        let given = seen.approved.iter().filter(|(of, _)| *of == Step::Reroute);
        let approved = given.count() >= demanded.map_or(0, |count| *count as usize);
        let begun = has_begun(deployment);
        let good = back || (agreed && approved && begun);
        let enters = status(deployment, LifecycleEvent::AllowTraffic);
        let looks = !back && enters == Some(EventStatus::InProgress);
        let whole = !looks || seen.found.whole;
        let now = seen.asked();
        let serves = |split: Split| {
            let sides = [Side::Blue, Side::Green].into_iter();
            let mut sides = sides.zip(seen.found.serves);
            sides.all(|(side, serves)| serves || split.share(side) == 0)
        };
        let then = seen.found.asked;
        let fits = wanted == now || wanted == then;
        let fits = fits || then.is_some_and(|then| !serves(then));
        self.check(good, Invariant::Permission, || {
            format!("deployment {number} changes its alias before it may")
        });
        self.check(whole, Invariant::Permission, || {
            format!("deployment {number} changes an alias that is not as it takes it to be")
        });
        self.check(fits, Invariant::Permission, || {
            format!("deployment {number} asks for {wanted:?}, and its journal for {now:?}")
        });
    }

    /// I-18: `INVALID_LAMBDA_CONFIGURATION` is said of an alias that did not lead to its version alone, and of no other; of a listener
    /// likewise.
    pub fn says(
        &mut self,
        number: usize,
        event: LifecycleEvent,
        status: EventStatus,
        why: Option<&Diagnostics>,
    ) {
        let Some(seen) = self.seen(number) else {
            return;
        };
        let spec = &seen.deployment.spec;
        let traffic = event == LifecycleEvent::AllowTraffic;
        if spec.is_on_hosts() || spec.rolls_back.is_some() || !traffic {
            return;
        }
        // Of what the journal says by then how it ended, nobody hears any more.
        let known = self::status(&seen.deployment, event);
        if known.is_some_and(EventStatus::is_terminal) {
            return;
        }
        let whole = seen.found.whole;
        let code = why.and_then(|why| why.ends_with);
        let blamed = match &spec.function {
            Some(_) => code == Some(ErrorCode::InvalidLambdaConfiguration),
            None => code == Some(ErrorCode::ElasticLoadBalancingInvalid),
        };
        self.check(blamed != whole, Invariant::Verdict, || {
            format!("{event} of deployment {number} ended {status:?} with {code:?}, and its alias led to its version alone: {whole}")
        });
    }

    /// I-3: whoever gets a share by our doing is the former version or the next.
    pub(super) fn version_changed(&mut self, number: usize, gate: usize, server: usize) {
        let Some(seen) = self.seen(number).filter(|_| !is_tests(gate)) else {
            return;
        };
        let Some(role) = role(&seen.deployment, server) else {
            return;
        };
        let has = weighs(self.routes.get(gate).and_then(|route| route.server(server)));
        let may = match role {
            Role::Bystander | Role::Foreign => false,
            Role::Current => true,
            Role::Next => has_begun(&seen.deployment) || service::has_failed(&seen.deployment),
        };
        self.check(may || !has, Invariant::Validated, || {
            format!("deployment {number} gives version {server} a share, which is {role:?} to it")
        });
    }

    /// I-9: a hook is called until it has taken its call, while its deployment goes on.
    pub fn calls(&mut self, number: usize, execution: &ExecutionId) {
        let Some(seen) = self.seen(number) else {
            return;
        };
        let deployment = &seen.deployment;
        let target = deployment.targets.first();
        let target = target.filter(|target| target.execution.as_ref() == Some(execution));
        let entry = target.and_then(|target| target.leg_events().first());
        let status = entry.filter(|entry| entry.hook.is_some());
        let status = status.map(|entry| entry.status);
        let ceasing = deployment.is_ceasing();
        let back = deployment.spec.rolls_back.is_some();
        self.check(
            status == Some(EventStatus::Pending),
            Invariant::ScriptOnce,
            || format!("{execution} is called, and its journal says {status:?}"),
        );
        self.check(!ceasing, Invariant::StopHolds, || {
            format!("{execution} is called after a stop was durable")
        });
        self.check(!back, Invariant::Permission, || {
            format!("{execution} is called on the way back")
        });
    }

    /// I-9: a program runs once, after it was written that it does.
    pub fn runs_program(&mut self, number: usize, execution: &ExecutionId) {
        let first = self.hooks.ran.insert(execution.clone());
        let Some(seen) = self.seen(number) else {
            return;
        };
        let target = seen.deployment.targets.first();
        let target = target.filter(|target| target.execution.as_ref() == Some(execution));
        let entry = target.and_then(|target| target.leg_events().first());
        let written = entry.is_some_and(|entry| entry.status == EventStatus::InProgress);
        self.check(first, Invariant::ScriptOnce, || {
            format!("the program of {execution} runs twice")
        });
        self.check(written, Invariant::DurableFirst, || {
            format!("the program of {execution} runs before that is durable")
        });
    }

    /// A hook has reported how it ended.
    pub fn hook_reported(&mut self, execution: &ExecutionId, well: bool) {
        self.hooks.reports.insert((execution.clone(), well));
    }

    /// I-18: what an entry says of a hook is what it has reported.
    pub(super) fn hook_ended(
        &mut self,
        number: usize,
        seen: &Seen,
        event: &Event,
        marks: &mut Marks,
    ) {
        let Event::EventEnded {
            target,
            event,
            status,
            diagnostics,
            ..
        } = event
        else {
            return;
        };
        let target = seen.deployment.target(target);
        let entry = target.and_then(|target| target.event(*event));
        let hook = entry.is_some_and(|entry| entry.hook.is_some());
        let execution = target.and_then(|target| target.execution.clone());
        let (true, Some(execution)) = (hook, execution) else {
            return;
        };
        let message = diagnostics.as_ref().map_or("", |why| &why.message);
        let said = |well| self.hooks.reports.contains(&(execution.clone(), well));
        let good = match status {
            EventStatus::Succeeded => said(true),
            _ => !message.contains("reported that") || said(false),
        };
        if message.starts_with("timed out") {
            marks.hit(Mark::HookTimedOut);
        }
        self.check(good, Invariant::Verdict, || {
            format!("deployment {number} says that {event} ended {status:?}, and its hook has not")
        });
    }

    /// I-18, I-20: at its end a function's deployment that succeeded has heard that all is well from every hook that it was to call,
    /// and has the traffic where it says.
    pub(super) fn function_ends(
        &mut self,
        number: usize,
        seen: &Seen,
        status: DeploymentStatus,
        marks: &mut Marks,
    ) {
        let deployment = &seen.deployment;
        let (Some(asked), Some([current, next])) =
            (&deployment.spec.function, versions(deployment))
        else {
            return;
        };
        let back = deployment.spec.rolls_back.is_some();
        let code = deployment.error.as_ref().map(|error| error.code);
        if code == Some(ErrorCode::InvalidLambdaConfiguration) {
            marks.hit(Mark::AliasFaulty);
        }
        if status == DeploymentStatus::Stopped {
            marks.hit(Mark::FunctionStopped);
        }
        if status != DeploymentStatus::Succeeded {
            return;
        }
        let routing = deployment.spec.configuration.traffic_routing_config;
        let kind = routing.map(|routing| routing.kind);
        marks.hit(match kind {
            _ if back => Mark::FunctionWentBack,
            Some(TrafficRoutingType::TimeBasedCanary) => Mark::ReleasedByCanary,
            Some(TrafficRoutingType::TimeBasedLinear) => Mark::ReleasedInSteps,
            Some(TrafficRoutingType::AllAtOnce) | None => Mark::ReleasedAtOnce,
        });
        let well = |event: &LifecycleEvent| {
            self::status(deployment, *event) == Some(EventStatus::Succeeded)
        };
        let unheard = asked.hooks.keys().find(|event| !back && !well(event));
        let unheard = unheard.copied();
        self.check(unheard.is_none(), Invariant::Verdict, || {
            format!("deployment {number} succeeded, and {unheard:?} has not")
        });
        let winner = if back { current } else { next };
        let Some(route) = self.routes.get(seen.group) else {
            return;
        };
        let exempt =
            |server: usize| route.has_changed(server, self.now) || route.is_others_doing(server);
        let mut servers = (1..route.servers.len()).filter(|server| !exempt(*server));
        let split = route.others_split || route.was_weighed(self.now - super::shift::WRITTEN);
        let wrong = servers.find(|server| weighs(route.server(*server)) != (*server == winner));
        self.check(wrong.is_none() || split, Invariant::Sides, || {
            format!("deployment {number} succeeded with everything at version {winner}, and version {wrong:?} says otherwise")
        });
    }

    /// I-4: whether a function's deployment leaves a server otherwise than it says, although nothing has got in the way for so long.
    pub(super) fn leaves_version(
        &self,
        seen: &Seen,
        gate: usize,
        (now, patience): (Millis, Millis),
    ) -> Option<usize> {
        let deployment = &seen.deployment;
        let parts = parts(deployment)?;
        let route = self.routes.get(gate)?;
        if now < seen.moved_last() + patience || !service::is_entrusted(deployment, gate) {
            return None;
        }
        let both = parts.of(Side::Blue).chain(parts.of(Side::Green));
        let served = both.into_iter().any(|server| {
            let server = route.server(server);
            server.is_some_and(Server::gets_requests)
        });
        let wrong = |server: &usize| match parts.role(*server) {
            Role::Bystander => served && weighs(route.server(*server)),
            Role::Current | Role::Next if has_to_go(deployment, gate, *server) => {
                route.service(*server) == Service::In && route.is_served_without(*server)
            }
            // How well the original does is no matter of its successor, until it shares its traffic.
            Role::Current if service::is_found_so(deployment, gate) => false,
            Role::Current | Role::Next => {
                may_enter(deployment, gate, *server) && route.service(*server) != Service::In
            }
            Role::Foreign => false,
        };
        (1..route.servers.len()).find(wrong)
    }

    /// I-14: why a deployment of a function failed in a world in which nothing goes wrong, if somebody had seen to it at this time
    /// that its alias led to this version alone, and nobody has changed it since.
    pub fn failed_for_nothing(
        &self,
        number: usize,
        (version, since): (usize, Millis),
    ) -> Option<String> {
        let seen = self.seen(number)?;
        let route: &Route = self.routes.get(seen.group)?;
        let (_, weighed) = route.weighed;
        let current = versions(&seen.deployment).map_or(version, |[current, _]| current);
        let good = seen.deployment.status == DeploymentStatus::Succeeded;
        let stage = seen.deployment.current_stage();
        let reroute =
            matches!(stage, Some(Stage::Wait { before, .. }) if *before == Before::Reroute);
        let in_vain = reroute && seen.deployment.status == DeploymentStatus::Stopped;
        let meddled = current != version || seen.began < since || weighed > since || in_vain;
        (!good && !meddled).then(|| {
            let error = seen.deployment.error.as_ref();
            let why = error.map(|error| &error.message);
            format!(
                "deployment {number} ended {}: {why:?}",
                seen.deployment.status
            )
        })
    }
}

impl Seen {
    /// When it was last that something at the alias was to begin.
    pub(super) fn moved_last(&self) -> Millis {
        let moved = self.moved.values().copied().max();
        moved.unwrap_or(self.began).max(self.began)
    }

    /// The split that was asked for last; none where nobody can have a share of it yet, or nothing shifts.
    fn asked(&self) -> Option<Split> {
        let spec = &self.deployment.spec;
        let asked = if spec.service.is_some() {
            self.deployment.split()
        } else {
            let from = spec.from_split.unwrap_or(Split::ORIGINAL);
            Some(self.shifts.asked.unwrap_or(from))
        };
        asked.filter(|split| service::may_be_asked(&self.deployment, *split))
    }
}
