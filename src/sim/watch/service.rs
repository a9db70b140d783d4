//! Container services (I-3, I-8, I-20, I-31, I-32): no task is there twice, nor where another is known; what is said to be steady was
//! well; a task set ends only once its traffic has left it; and each that was ever made is in use, or recorded, or gone.

use std::collections::BTreeSet;

use super::super::cast::{Cast, Spot, TESTS};
use super::super::marks::{Mark, Marks};
use super::super::shape::Millis;
use super::function::{Parts, Role, has_begun, hooks, parts as parts_of, role, status, weighs};
use super::route::Server;
use super::{Invariant, Seen, Watch};
use crate::agent::protocol::TaskSetOrder;
use crate::engine::Deployment;
use crate::engine::event::Event;
use crate::engine::plan::Stage;
use crate::engine::task_sets::Kept;
use crate::model::deployment::{DeploymentId, DeploymentStatus, ErrorCode};
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::routing::TrafficRoutingType;
use crate::model::task_set::{Task, TaskSet, TaskSetId};
use crate::model::traffic::{Side, Split};
use crate::providers::traffic::{Observed, Service};

/// A keeper looks again within this.
const LOOKED: Millis = 60_000;

/// What is known of tasks from the hosts themselves.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// The task sets of which something is on a host: the set, and the host.
    made: BTreeSet<(usize, usize)>,
    /// The tasks that were well: the set, the host and the port.
    well: BTreeSet<(usize, usize, u16)>,
    /// The hosts whose disk is new.
    renewed: BTreeSet<usize>,
}

/// Whether a load balancer is a listener of test traffic.
pub(super) fn is_tests(gate: usize) -> bool {
    gate >= TESTS
}

fn servers(tasks: &[Task]) -> u64 {
    let servers = tasks.iter().map(|task| Spot::of_task(task).server());
    servers.fold(0, |all, server| all | 1 << server)
}

/// Who is who behind the listeners of a service; `None` if a deployment is to something else.
pub(super) fn parts(deployment: &Deployment) -> Option<Parts> {
    let sets = deployment.spec.task_sets.as_ref()?;
    let next = if deployment.tasks.is_empty() {
        &sets.replacement.tasks
    } else {
        &deployment.tasks
    };
    let original = sets.original.as_ref();
    let left = sets.left.iter().map(|set| servers(&set.tasks));
    Some(Parts {
        current: original.map_or(0, |set| servers(&set.tasks)),
        next: servers(next),
        left: left.fold(0, |all, set| all | set),
    })
}

fn goes_back(deployment: &Deployment) -> bool {
    deployment.spec.rolls_back.is_some()
}

/// Whether test traffic may have begun to move, by the journal.
fn tests(deployment: &Deployment) -> bool {
    let test = status(deployment, LifecycleEvent::AllowTestTraffic);
    matches!(test, Some(EventStatus::InProgress | EventStatus::Succeeded))
}

/// Whether test traffic goes to a server, by the journal.
pub(super) fn is_tested(deployment: &Deployment, server: usize) -> bool {
    let wanted = if goes_back(deployment) {
        Role::Current
    } else {
        Role::Next
    };
    let ours = role(deployment, server) == Some(wanted);
    ours && tests(deployment) && !has_to_end(deployment, server)
}

/// Whether no test traffic goes to a server, by the journal.
pub(super) fn is_not_tested(deployment: &Deployment, server: usize) -> bool {
    let known = !matches!(role(deployment, server), None | Some(Role::Foreign));
    known && tests(deployment) && !is_tested(deployment, server)
}

/// Whether the end of a server's task has been asked for.
pub(super) fn has_to_end(deployment: &Deployment, server: usize) -> bool {
    if deployment.spec.task_sets.is_none() {
        return false;
    }
    match (deployment.ends(), role(deployment, server)) {
        (Some(Side::Blue), role) => matches!(role, Some(Role::Current | Role::Bystander)),
        (Some(Side::Green), role) => role == Some(Role::Next),
        (None, _) => false,
    }
}

/// Whether the replacement of a service has not begun to get traffic.
pub(super) fn is_new(deployment: &Deployment) -> bool {
    let allow = status(deployment, LifecycleEvent::AllowTraffic);
    let service = deployment.spec.service.is_some();
    service && !goes_back(deployment) && allow == Some(EventStatus::Pending)
}

/// Whether its traffic was to move, and could not: what was asked for takes effect late.
pub(super) fn has_failed(deployment: &Deployment) -> bool {
    let allow = status(deployment, LifecycleEvent::AllowTraffic);
    let again = deployment
        .targets
        .first()
        .is_some_and(|it| it.lost.is_some());
    let service = deployment.spec.service.is_some();
    service && (again || allow != Some(EventStatus::Pending))
}

/// Whether the original of a service is left at a load balancer as it is found.
pub(super) fn is_found_so(deployment: &Deployment, gate: usize) -> bool {
    let allow = status(deployment, LifecycleEvent::AllowTraffic);
    let forth = deployment.spec.service.is_some() && !goes_back(deployment);
    forth && !is_tests(gate) && allow != Some(EventStatus::Succeeded)
}

/// Whether a load balancer may be changed, by the journal.
pub(super) fn is_entrusted(deployment: &Deployment, gate: usize) -> bool {
    let begun = if is_tests(gate) {
        tests(deployment)
    } else {
        has_begun(deployment)
    };
    begun || deployment.ends().is_some()
}

/// Whether a split can be asked for: where there is no original, nobody has a share of it before the replacement has everything.
pub(super) fn may_be_asked(deployment: &Deployment, split: Split) -> bool {
    let parts = parts(deployment);
    let original = parts.is_none_or(|parts| parts.of(Side::Blue).next().is_some());
    original || split == Split::REPLACEMENT
}

/// Whether everything before its test has ended well, so that a replacement may get test traffic.
pub(super) fn may_be_tested(deployment: &Deployment) -> bool {
    let events = deployment.targets.iter().flat_map(|target| &target.events);
    let mut before = events.take_while(|entry| entry.event != LifecycleEvent::AllowTestTraffic);
    before.all(|entry| entry.status == EventStatus::Succeeded)
}

fn tasks_of(deployment: &Deployment, side: Side) -> Vec<(usize, usize, u16)> {
    let sets = deployment.task_sets(side);
    let all = sets.iter().flat_map(|set| {
        let number = Cast::set(&set.id);
        let spots = set.tasks.iter().map(Spot::of_task);
        spots.map(move |spot| (number, spot.host, spot.port))
    });
    all.collect()
}

impl Seen {
    /// The keeper of a service's deployment learns how its production listener is.
    pub(super) fn finds_listener(&mut self, observed: &Observed) {
        let Some(parts) = parts_of(&self.deployment) else {
            return;
        };
        let roles = |wanted: Role, well: bool| {
            let mut seen = observed.servers.iter();
            seen.any(|(name, it)| {
                let ours = role(&self.deployment, Cast::host(name)) == Some(wanted);
                let weighs = well || it.weight != Some(0);
                ours && it.service == Service::In && weighs && (!well || it.healthy != Some(false))
            })
        };
        let gets = |role| roles(role, false);
        let original = parts.of(Side::Blue).next().is_some();
        let whole = !gets(Role::Bystander) && observed.others == 0;
        let whole = whole && (!original || gets(Role::Current));
        let serves = [Role::Current, Role::Next].map(|role| roles(role, true));
        self.found.whole = whole;
        self.found.serves = serves;
    }
}

impl Watch {
    /// I-8: a keeper asks something of a listener of test traffic: it does not before the replacement is steady.
    pub(super) fn asks_of_tests(&mut self, number: usize, wanted: Option<Split>) {
        let Some(seen) = self.seen(number) else {
            return;
        };
        let deployment = &seen.deployment;
        let may = tests(deployment) || deployment.ends().is_some();
        self.check(may && wanted.is_none(), Invariant::Permission, || {
            format!("deployment {number} changes its test listener before it may")
        });
    }

    /// I-11, I-24: a host is asked for tasks: those of its deployment, which has written down that it begins.
    pub fn orders(&mut self, number: usize, host: usize, order: &TaskSetOrder) {
        let Some(seen) = self.seen(number) else {
            return;
        };
        let deployment = &seen.deployment;
        let install = status(deployment, LifecycleEvent::Install);
        let begun = install == Some(EventStatus::InProgress);
        let asked = deployment.spec.task_sets.as_ref();
        let asked = asked.map(|sets| &sets.replacement);
        let same = asked.is_some_and(|set| {
            let mut hosts = set.hosts.iter();
            let counted =
                hosts.any(|(name, count)| Cast::host(name) == host && *count == order.count);
            counted && set.definition.as_ref() == Some(&order.definition)
        });
        // What is on its way when a deadline passes has begun before.
        let late = install.is_some_and(EventStatus::is_terminal);
        self.check(begun || late, Invariant::DurableFirst, || {
            format!("h{host:03} is asked for tasks of deployment {number}, which has not begun with them")
        });
        self.check(same, Invariant::RightRevision, || {
            format!("h{host:03} is asked for other tasks than those of deployment {number}")
        });
    }

    /// I-32: tasks are told to end: their deployment says so, and no request goes to them by our doing.
    pub fn ends(&mut self, number: usize, host: usize, set: usize) {
        let Some(seen) = self.seen(number) else {
            return;
        };
        let deployment = &seen.deployment;
        let id = TaskSetId::from(&Cast::deployment(set));
        let side = deployment.ends();
        let sets = side.map_or(Vec::new(), |side| deployment.task_sets(side));
        let found = sets.iter().find(|set| set.id == id);
        let (asked, group) = (found.is_some(), seen.group);
        let all_there = match side {
            Some(Side::Blue) => Split::REPLACEMENT,
            _ => Split::ORIGINAL,
        };
        let moved = seen.shifts.last_in_effect();
        let left = moved.is_none_or(|split| split == all_there);
        let left = left && (moved.is_some() || side == Some(Side::Green));
        let tasks = found.map_or(0, |set| servers(&set.tasks));
        let now = self.now;
        let mut wrong = None;
        for gate in [group, TESTS + group] {
            let Some(route) = self.routes.get(gate) else {
                continue;
            };
            let mine = (1..route.servers.len()).filter(|server| tasks >> server & 1 == 1);
            let ours = mine.filter(|server| {
                let mine = parts_of(deployment).is_some_and(|parts| match side {
                    // Another has come in its place since.
                    Some(Side::Blue) => parts.next >> server & 1 == 0,
                    _ => true,
                });
                let exempt = route.has_changed(*server, now - LOOKED);
                mine && !exempt && !route.is_others_doing(*server)
            });
            let busy = |server: &usize| !route.is_empty_of(*server, now);
            wrong = wrong.or(ours.into_iter().find(busy).map(|server| (gate, server)));
        }
        self.check(asked, Invariant::TaskSets, || {
            format!("task set {set} is told to end by deployment {number}, which does not say so")
        });
        self.check(left, Invariant::TaskSets, || {
            format!("task set {set} is told to end with {moved:?} in effect in deployment {number}")
        });
        self.check(wrong.is_none(), Invariant::TaskSets, || {
            format!("task set {set} is told to end on h{host:03}, and gets requests at {wrong:?}")
        });
    }

    /// A host has an order for tasks of a task set.
    pub fn task_set_made(&mut self, host: usize, set: usize) {
        // What was ended there before begins again if its order comes once more.
        if !self.has_new_disk(host) {
            self.tasks.made.insert((set, host));
        }
    }

    /// Nothing of a task set that was ended is left on a host.
    pub fn task_set_gone(&mut self, host: usize, set: usize) {
        self.tasks.made.remove(&(set, host));
    }

    /// A host has nothing any more of what it had, and does not know of it.
    pub fn disk_is_new(&mut self, host: usize) {
        self.tasks.made.retain(|(_, on)| *on != host);
        self.tasks.renewed.insert(host);
    }

    /// Whether a host has ever lost what it had.
    pub fn has_new_disk(&self, host: usize) -> bool {
        self.tasks.renewed.contains(&host)
    }

    /// A task was well.
    pub fn task_was_well(&mut self, host: usize, set: usize, port: u16) {
        self.tasks.well.insert((set, host, port));
    }

    /// I-31: a task is started: there is no other copy of it, nobody else serves there, and nobody else is known to.
    pub fn task_starts(
        &mut self,
        host: usize,
        set: usize,
        port: u16,
        copies: usize,
        shared: usize,
    ) {
        let others = self.deployment(set).is_some_and(|deployment| {
            let mut others = tasks_of(deployment, Side::Blue).into_iter();
            others.any(|(_, on, at)| (on, at) == (host, port))
        });
        self.check(copies == 1 && shared == 1, Invariant::Tasks, || {
            format!("h{host:03} has a task of task set {set} {copies} times, and {shared} processes at {port}")
        });
        self.check(!others, Invariant::Tasks, || {
            format!("h{host:03} starts a task of task set {set} at {port}, where another is known")
        });
    }

    /// I-20, I-31: what the journal of a service's deployment says, after it is folded.
    pub(super) fn service_after(
        &mut self,
        number: usize,
        seen: &Seen,
        event: &Event,
        marks: &mut Marks,
    ) {
        if seen.deployment.spec.service.is_none() {
            return;
        }
        match event {
            Event::TaskSetCreated { tasks } => self.is_steady(number, seen, tasks),
            Event::EventEnded {
                event,
                status,
                diagnostics,
                ..
            } => {
                let code = diagnostics.as_ref().and_then(|why| why.ends_with);
                match (event, status, code) {
                    (_, _, Some(ErrorCode::CustomerApplicationUnhealthy)) => {
                        marks.hit(Mark::TasksUnwell);
                    }
                    (_, _, Some(ErrorCode::EcsUpdateError)) => marks.hit(Mark::NoTasksTaken),
                    (LifecycleEvent::AllowTestTraffic, EventStatus::Succeeded, _) => {
                        marks.hit(Mark::TestTraffic);
                        self.is_in_test(number, seen);
                    }
                    _ => {}
                }
            }
            Event::Terminated { trouble, .. } => {
                marks.hit(match (trouble, seen.deployment.ends()) {
                    (Some(_), _) => Mark::NotEnded,
                    (None, Some(Side::Green)) => Mark::ReplacementDeleted,
                    (None, _) => Mark::OriginalDeleted,
                });
                let sets = seen.deployment.spec.task_sets.as_ref();
                if sets.is_some_and(|sets| !sets.left.is_empty()) {
                    marks.hit(Mark::LeftDeleted);
                }
            }
            Event::Held { .. } => marks.hit(Mark::ServiceHeld),
            Event::Paused { .. } => marks.hit(Mark::ServicePaused),
            Event::Ended { status, .. } => self.service_ends(number, seen, *status, marks),
            _ => {}
        }
    }

    /// I-31: the tasks that are said to be there were well, and there are as many as there are to be.
    fn is_steady(&mut self, number: usize, seen: &Seen, tasks: &[Task]) {
        let spots = tasks.iter().map(Spot::of_task);
        let well = |spot: &Spot| self.tasks.well.contains(&(number, spot.host, spot.port));
        let unwell = spots.clone().find(|spot| !well(spot));
        let different: BTreeSet<usize> = spots.map(Spot::server).collect();
        let sets = seen.deployment.spec.task_sets.as_ref();
        let hosts = sets.map_or(&[][..], |sets| &sets.replacement.hosts);
        let asked: u32 = hosts.iter().map(|(_, count)| count).sum();
        let all = different.len() == asked as usize;
        self.check(unwell.is_none(), Invariant::Tasks, || {
            format!("deployment {number} takes {unwell:?} for steady, which was never well")
        });
        self.check(all, Invariant::Tasks, || {
            format!("deployment {number} has {different:?} for {asked} tasks")
        });
    }

    /// I-20: test traffic goes where that is said.
    fn is_in_test(&mut self, number: usize, seen: &Seen) {
        let deployment = &seen.deployment;
        let gate = TESTS + seen.group;
        let (Some(route), Some(parts)) = (self.routes.get(gate), parts(deployment)) else {
            return;
        };
        let side = if goes_back(deployment) {
            Side::Blue
        } else {
            Side::Green
        };
        let since = self.now - LOOKED;
        let mut servers = parts.of(side);
        let missing = servers.find(|server| {
            let exempt = route.has_changed(*server, since) || route.is_others_doing(*server);
            !exempt && route.service(*server) != Service::In
        });
        let nobody = side == Side::Green && parts.next == 0;
        self.check(missing.is_none() && !nobody, Invariant::Sides, || {
            format!("deployment {number} says that test traffic moved, and {missing:?} has none")
        });
    }

    /// I-18, I-20, I-32: at its end a service's deployment that succeeded has heard that all is well from every hook, has the traffic
    /// where it says, and nothing of a replacement that was given up is left.
    fn service_ends(
        &mut self,
        number: usize,
        seen: &Seen,
        status: DeploymentStatus,
        marks: &mut Marks,
    ) {
        let deployment = &seen.deployment;
        let back = goes_back(deployment);
        let code = deployment.error.as_ref().map(|error| error.code);
        if code == Some(ErrorCode::ElasticLoadBalancingInvalid) {
            marks.hit(Mark::ListenerFaulty);
        }
        if status == DeploymentStatus::Stopped {
            marks.hit(Mark::ServiceStopped);
        }
        if status != DeploymentStatus::Succeeded {
            if !back && self.is_made(number) {
                marks.hit(Mark::TaskSetLeft);
            }
            return;
        }
        let ends = |stage: &Stage| matches!(stage, Stage::DeleteTaskSet { .. });
        if !deployment.plan.stages.iter().any(ends) {
            marks.hit(Mark::OriginalKept);
        }
        let kind = deployment.spec.configuration.traffic_routing_config;
        let sets = deployment.spec.task_sets.as_ref();
        marks.hit(match kind.map(|routing| routing.kind) {
            _ if back => Mark::ServiceWentBack,
            _ if sets.is_some_and(|sets| sets.original.is_none()) => Mark::ServedFirst,
            Some(TrafficRoutingType::TimeBasedCanary) => Mark::ServedByCanary,
            Some(TrafficRoutingType::TimeBasedLinear) => Mark::ServedInSteps,
            Some(TrafficRoutingType::AllAtOnce) | None => Mark::ServedAtOnce,
        });
        let tested = self.shape.styles[seen.group].tests();
        let called = |event: &LifecycleEvent| {
            let tests = *event == LifecycleEvent::AfterAllowTestTraffic;
            !back && (tested || !tests)
        };
        let well = |event| self::status(deployment, event) == Some(EventStatus::Succeeded);
        let mut called = hooks(deployment)
            .into_iter()
            .flat_map(|hooks| hooks.keys().copied().filter(called));
        let unheard = called.find(|event| !well(*event));
        self.check(unheard.is_none(), Invariant::Verdict, || {
            format!("deployment {number} succeeded, and {unheard:?} has not")
        });
        self.has_traffic_there(number, seen, if back { Side::Blue } else { Side::Green });
        let trouble = deployment.terminated.as_ref();
        let trouble = trouble.is_some_and(|it| it.trouble.is_some());
        let failed = sets.map(|sets| Cast::set(&sets.replacement.id));
        let left = failed.filter(|set| back && !trouble && self.is_made(*set));
        self.check(left.is_none(), Invariant::TaskSets, || {
            format!("deployment {number} went back, and task set {left:?} is still there")
        });
    }

    fn group_of_set(&self, set: usize) -> usize {
        Cast::group_of_former(set).unwrap_or_else(|| self.group(set))
    }

    fn is_made(&self, set: usize) -> bool {
        self.tasks
            .made
            .range((set, 0)..(set + 1, 0))
            .next()
            .is_some()
    }

    /// I-20: all of the traffic is where a deployment says.
    fn has_traffic_there(&mut self, number: usize, seen: &Seen, side: Side) {
        let (Some(route), Some(parts)) = (self.routes.get(seen.group), parts(&seen.deployment))
        else {
            return;
        };
        let exempt = |server: usize| {
            route.has_changed(server, self.now - LOOKED) || route.is_others_doing(server)
        };
        let servers: BTreeSet<usize> = parts.of(side).collect();
        let mut all = (1..route.servers.len()).filter(|server| !exempt(*server));
        let known = |server: &usize| role(&seen.deployment, *server) != Some(Role::Foreign);
        let split = route.others_split || route.was_weighed(self.now - LOOKED);
        let wrong = all.find(|server| {
            known(server) && weighs(route.server(*server)) != servers.contains(server)
        });
        self.check(wrong.is_none() || split, Invariant::Sides, || {
            format!("deployment {number} succeeded with everything at {servers:?}, and server {wrong:?} says otherwise")
        });
    }

    /// I-32: what a group takes over from a deployment: the task set that has the traffic, and all others of which something is left.
    pub(super) fn takes_over(&mut self, group: usize, id: &DeploymentId, kept: Option<&Kept>) {
        let number = Cast::number(id);
        let Some(kept) = kept.filter(|_| self.shape.styles[group].is_service()) else {
            return;
        };
        let Some(seen) = self.seen(number) else {
            return;
        };
        let deployment = &seen.deployment;
        let Some(sets) = &deployment.spec.task_sets else {
            return;
        };
        let original = sets.original.as_ref().map(|set| &set.id);
        let begun = status(deployment, LifecycleEvent::AllowTraffic)
            .is_some_and(|status| !matches!(status, EventStatus::Pending | EventStatus::Skipped));
        let begun = begun || seen.shifts.asked.is_some();
        let succeeded = deployment.status == DeploymentStatus::Succeeded;
        let passed = succeeded || deployment.ends() == Some(Side::Blue);
        let forth = !goes_back(deployment) && (passed || original.is_none() && begun);
        let due = if forth {
            Some(&sets.replacement.id)
        } else {
            original
        };
        let due = due.cloned();
        let primary = kept.primary.as_ref().map(|set| set.id.clone());
        let agree = primary == due;
        let ids = || {
            kept.primary
                .iter()
                .chain(&kept.left)
                .map(|set| Cast::set(&set.id))
        };
        let ours = |set: usize| self.group_of_set(set) == group;
        let mut made = self.tasks.made.iter().map(|(set, _)| *set);
        let lost = made.find(|set| ours(*set) && !ids().any(|known| known == *set));
        self.check(agree, Invariant::TaskSets, || {
            format!("deployment {number} leaves its group {primary:?} for the task set with the traffic, and that is {due:?}")
        });
        self.check(lost.is_none(), Invariant::TaskSets, || {
            format!(
                "task set {lost:?} is there, and deployment {number} does not leave it to its group"
            )
        });
    }

    /// I-32: a deployment begins with the task sets that its group has.
    pub(super) fn begins_with(&mut self, number: usize, group: usize, deployment: &Deployment) {
        let Some(sets) = &deployment.spec.task_sets else {
            return;
        };
        let of = |set: &TaskSet| set.id.clone();
        let kept = self.ledgers[group].task_sets.first();
        let primary = kept.and_then(|kept| kept.primary.as_ref()).map(of);
        let left: Vec<_> = kept.map_or(Vec::new(), |kept| kept.left.iter().map(of).collect());
        let original = sets.original.as_ref().map(of);
        let new =
            goes_back(deployment) || (original == primary && sets.left.iter().map(of).eq(left));
        let turns = sets.original.as_ref();
        let turns = turns.is_none_or(|set| set.target_group != sets.replacement.target_group);
        self.check(new, Invariant::TaskSets, || {
            format!("deployment {number} takes {original:?} for the task set with the traffic, and that is {primary:?}")
        });
        self.check(turns, Invariant::TaskSets, || {
            format!("deployment {number} binds both task sets to one target group")
        });
    }

    /// The servers of the task set that a group's traffic belongs to.
    pub fn primary(&self, group: usize) -> Vec<usize> {
        let kept = self.ledgers[group].task_sets.first();
        let tasks = kept.and_then(|kept| kept.primary.as_ref());
        let tasks = tasks.map_or(&[][..], |set| &set.tasks);
        tasks
            .iter()
            .map(|task| Spot::of_task(task).server())
            .collect()
    }

    /// I-32: at the end every task set that is on a host is one of its group's.
    pub fn is_recorded(&mut self, host: usize, set: usize) {
        let group = self.group_of_set(set);
        let again = self.has_new_disk(host);
        let kept = self.ledgers[group].task_sets.iter();
        let mut known = kept.flat_map(|kept| kept.primary.iter().chain(&kept.left));
        let known = known.any(|found| Cast::set(&found.id) == set);
        self.check(known || again, Invariant::TaskSets, || {
            format!("task set {set} is on h{host:03} at the end, and nobody knows of it")
        });
    }

    /// A server was in service when the world began.
    pub fn serves_from_the_beginning(&mut self, gate: usize, server: usize) {
        if let Some(route) = self.routes.get_mut(gate)
            && let Some(place) = route.servers.get_mut(server)
        {
            let mut there = Server::new(true);
            there.service = Service::In;
            *place = Some(there);
        }
    }
}
