//! A listener of a service, which is a load balancer with the tasks of its task sets behind it: who they are, and whether it
//! leads where the deployment takes it to lead. Pure.

use super::super::services::{groups_of, listeners_of};
use super::alias::gets_requests;
use super::balancers::Gate;
use super::round::{Member, Times};
use crate::engine::Deployment;
use crate::engine::deliberate::{Bug, deliberate};
use crate::engine::traffic::{Place, place, tested};
use crate::model::deployment::ErrorCode;
use crate::model::diagnostics::Diagnostics;
use crate::model::group::EcsService;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::task_set::{TaskSet, TaskSetId};
use crate::model::timestamp::Timestamp;
use crate::model::traffic::{Side, Split};
use crate::providers::services::Listener as ServiceListener;
use crate::providers::traffic::{At, Observed, TargetGroup};

/// A listener, and the tasks behind it.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The load balancer.
    pub(super) gate: Gate,
    /// Whether test traffic comes in here.
    pub tests: bool,
    /// The deployment's target.
    target: Name,
    servers: Vec<Server>,
}

#[derive(Clone, Debug)]
struct Server {
    name: Name,
    endpoint: At,
    set: TaskSetId,
    role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Original,
    Replacement,
    /// Something that a failed deployment left behind.
    Left,
}

impl Role {
    fn side(self) -> Side {
        match self {
            Self::Replacement => Side::Green,
            Self::Original | Self::Left => Side::Blue,
        }
    }
}

/// How far the event has come by which a listener changes.
struct Event {
    status: EventStatus,
    /// When it began.
    since: Option<Timestamp>,
}

impl Event {
    fn runs(&self) -> bool {
        self.status == EventStatus::InProgress
    }

    fn has_begun(&self) -> bool {
        self.runs() || self.status == EventStatus::Succeeded
    }
}

impl Listener {
    /// The listeners of a deployment: that of production traffic, and that of test traffic if there is one.
    ///
    /// # Errors
    /// If a task has no name that a server can have, in a sentence.
    pub fn of(deployment: &Deployment) -> Result<Vec<Self>, String> {
        let (Some(pair), Some(target)) = (
            deployment.spec.group.target_group_pair(),
            deployment.targets.first(),
        ) else {
            return Ok(Vec::new());
        };
        let servers = servers(deployment, &target.name)?;
        let at_ecs = deployment.task_sets(Side::Green).first().and_then(ecs);
        let gate = |name: &String, production| match &at_ecs {
            None => Gate::LoadBalancer(name.clone()),
            Some(service) => Gate::Listener(ServiceListener {
                service: service.clone(),
                arn: name.clone(),
                groups: groups_of(pair),
                production,
            }),
        };
        let listener = |(name, production): (&String, bool)| Self {
            gate: gate(name, production),
            tests: !production,
            target: target.name.clone(),
            servers: servers.clone(),
        };
        Ok(listeners_of(pair).map(listener).collect())
    }

    /// Its tasks as the load balancer ought to have them.
    pub fn members(&self, deployment: &Deployment, times: Times) -> Vec<Member> {
        let event = self.event(deployment);
        let runs = event.as_ref().filter(|event| event.runs());
        let began = runs.and_then(|event| event.since);
        let ends = deployment.ends();
        let leaves = deployment.stage_time.filter(|_| ends.is_some());
        let since = leaves.or(event.and_then(|event| event.since));
        let servers = self.servers.iter();
        let members = servers.map(|server| {
            let side = server.role.side();
            Member {
                name: server.name.clone(),
                target: self.target.clone(),
                endpoint: server.endpoint.clone(),
                side,
                // Nobody ends a task that still gets requests.
                place: if ends == Some(side) {
                    Some(Place::Out)
                } else {
                    self.place(server.role, deployment)
                },
                leave_by: since.map(|at| at + times.drain),
                enter_by: began.map(|at| at + times.enter),
                moved: began.is_some(),
                asked: false,
                bystander: server.role == Role::Left && ends != Some(side),
            }
        });
        members.collect()
    }

    /// The names of the servers of a side, with those of task sets that were left behind.
    pub fn servers_of(&self, side: Side) -> impl Iterator<Item = &Name> {
        let servers = self.servers.iter();
        servers
            .filter(move |server| server.role.side() == side)
            .map(|server| &server.name)
    }

    fn place(&self, role: Role, deployment: &Deployment) -> Option<Place> {
        if self.tests {
            let side = tested(deployment)?;
            let place = if role != Role::Left && role.side() == side {
                Place::In
            } else {
                Place::Out
            };
            return Some(place);
        }
        let target = deployment.target(&self.target)?;
        let allow = target.event(LifecycleEvent::AllowTraffic)?;
        let entered = allow.status == EventStatus::Succeeded;
        match (role, deployment.spec.goes_back()) {
            // As for the alias of a function: how well the original does is no matter of its successor.
            (Role::Original, false) => entered.then_some(Place::In),
            (Role::Original, true) => Some(Place::In),
            (Role::Replacement, false) => place(target),
            (Role::Replacement, true) => None,
            (Role::Left, _) if deliberate(Bug::LeftMayServe) => None,
            (Role::Left, _) => Some(Place::Out),
        }
    }

    /// How production traffic ought to be split. Where there is no original, nobody can have a share of it before the replacement has
    /// everything.
    pub fn split(&self, deployment: &Deployment) -> Option<Split> {
        let original = self.servers.iter().any(|it| it.role == Role::Original);
        let split = deployment.split().filter(|_| !self.tests)?;
        (original || split == Split::REPLACEMENT).then_some(split)
    }

    /// Whether anything may be changed: not before it is its turn, and not once it was found to be wrong.
    pub fn is_entrusted(&self, deployment: &Deployment) -> bool {
        let begun = || self.event(deployment).is_some_and(|it| it.has_begun());
        let early = deliberate(Bug::ListenerTouchedEarly);
        let back = (deployment.spec.goes_back() || early) && !self.tests;
        back || deployment.ends().is_some() || begun()
    }

    /// Why nothing can be shifted, while that is asked for the first time: something else gets requests than the deployment
    /// takes to get them (operations.md §10).
    pub fn fault(
        &self,
        deployment: &Deployment,
        observed: &Observed,
    ) -> Option<(Name, Diagnostics)> {
        let runs = self.event(deployment).is_some_and(|event| event.runs());
        let unseen = deliberate(Bug::ListenerUnseen);
        if self.tests || deployment.spec.goes_back() || !runs || unseen {
            return None;
        }
        let gets = |server: &&Server| {
            let seen = observed.servers.get(&server.name);
            seen.is_some_and(gets_requests)
        };
        let of = |role| self.servers.iter().filter(move |it| it.role == role);
        let (name, target) = (&self.gate, &self.target);
        let message = if let Some(left) = of(Role::Left).find(gets) {
            format!(
                "the traffic of {target} at {name} is split: what {} left behind gets requests. Roll this deployment back, not that one (`cutover rollback {}`): the original gets everything then",
                left.set,
                deployment.id()
            )
        } else if observed.others > 0 {
            format!(
                "servers that are no tasks of {target} get requests at {name} ({} of them): take them out of service there, for all of its traffic is to go to the replacement",
                observed.others
            )
        } else if of(Role::Original).next().is_some() && !of(Role::Original).any(|it| gets(&it)) {
            format!(
                "no task of the original task set of {target} gets requests at {name}: put them into service there, or look whether they are well"
            )
        } else {
            return None;
        };
        let why = Diagnostics::ending(ErrorCode::ElasticLoadBalancingInvalid, message);
        Some((target.clone(), why))
    }

    /// The event by which it changes.
    fn event(&self, deployment: &Deployment) -> Option<Event> {
        let event = if self.tests {
            LifecycleEvent::AllowTestTraffic
        } else {
            LifecycleEvent::AllowTraffic
        };
        let entry = deployment.target(&self.target)?.event(event)?;
        Some(Event {
            status: entry.status,
            since: entry.start_time,
        })
    }
}

/// The service of a task set that AWS ECS keeps.
fn ecs(set: &TaskSet) -> Option<EcsService> {
    set.definition.is_none().then(|| set.service.clone())
}

/// The tasks of all task sets, as servers. Each is called after its place, so that a server never moves. Where one is gone and
/// another has come there, it is the newer one's.
fn servers(deployment: &Deployment, service: &Name) -> Result<Vec<Server>, String> {
    let original = deployment.spec.task_sets.as_ref();
    let original = original.and_then(|sets| sets.original.as_ref());
    let original = original.map(|original| &original.id);
    let mut servers: Vec<Server> = Vec::new();
    for side in [Side::Green, Side::Blue] {
        for set in deployment.task_sets(side) {
            for (name, endpoint) in places(&set, service)? {
                if servers.iter().any(|server| server.name == name) {
                    continue;
                }
                let role = match side {
                    Side::Green => Role::Replacement,
                    Side::Blue if Some(&set.id) == original => Role::Original,
                    Side::Blue => Role::Left,
                };
                servers.push(Server {
                    name,
                    endpoint,
                    set: set.id.clone(),
                    role,
                });
            }
        }
    }
    Ok(servers)
}

/// Where a task set is served: at the port of each task, or at a target group as a whole.
fn places(set: &TaskSet, service: &Name) -> Result<Vec<(Name, At)>, String> {
    if ecs(set).is_some() {
        let group = &set.target_group;
        let name = group.parse();
        let name: Name =
            name.map_err(|error| format!("{group:?} is no target group's name: {error}"))?;
        let at = TargetGroup {
            name: group.clone(),
            set: set.id.clone(),
        };
        return Ok(vec![(name, at.into())]);
    }
    let tasks = set.tasks.iter().map(|task| {
        let name = server_name(service, &task.host, task.endpoint.port)?;
        Ok((name, task.endpoint.clone().into()))
    });
    tasks.collect()
}

/// What the server of a task is called.
///
/// # Errors
/// If no server can be called so, in a sentence.
pub fn server_name(service: &Name, host: &Name, port: u16) -> Result<Name, String> {
    let name = format!("{service}-{host}-{port}");
    let parsed = name.parse();
    parsed.map_err(|error| format!("{name:?} is no server's name: {error}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::super::late::Late;
    use super::super::route::Route;
    use super::*;
    use crate::engine::event::{Event as Entry, Record};
    use crate::engine::{Spec, plan};
    use crate::orchestrator::task_sets::end::let_go;
    use crate::providers::traffic::{Seen, Service};

    const MINUTE: Times = Times {
        drain: Duration::from_mins(1),
        enter: Duration::from_hours(1),
    };

    fn set(id: &str, port: Option<u16>) -> Value {
        let task = |port| json!({ "host": "web-1", "endpoint": format!("10.0.0.1:{port}") });
        json!({
            "id": id,
            "service": { "serviceName": "shop", "clusterName": "main" },
            "taskDefinition": "shop:1",
            "definition": { "run": ["serve"], "port": "8100-8199" },
            "targetGroup": "a",
            "hosts": [["web-1", 1]],
            "tasks": port.map(task).into_iter().collect::<Vec<_>>(),
        })
    }

    /// Port 1 is the original's, 2 the replacement's, and 3 what a failed deployment left behind.
    fn created(original: Option<u16>) -> Deployment {
        let groups = json!({
            "targetGroups": [{ "name": "a" }, { "name": "b" }],
            "prodTrafficRoute": { "listenerArns": ["edge"] },
            "testTrafficRoute": { "listenerArns": ["edge-test"] },
        });
        let spec: Spec = serde_json::from_value(json!({
            "deploymentId": "d-AAAAAAAAA",
            "group": {
                "applicationName": "shop",
                "deploymentGroupName": "live",
                "loadBalancerInfo": { "targetGroupPairInfoList": [groups] },
                "blueGreenDeploymentConfiguration": {
                    "terminateBlueInstancesOnDeploymentSuccess": { "action": "TERMINATE" },
                },
            },
            "configuration": {
                "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
                "computePlatform": "ECS",
                "trafficRoutingConfig": { "type": "AllAtOnce" },
            },
            "revision": { "digest": crate::model::revision::Digest::from_bytes(&[7; 32]), "label": "2", "size": 1 },
            "previousRevision": null,
            "targets": [{ "name": "shop", "side": "Green", "instanceHealth": "Unhealthy", "revisionHealth": "Unknown" }],
            "service": { "service": {
                "taskDefinition": "shop:2",
                "loadBalancerInfo": { "containerName": "web", "containerPort": 80 },
                "platformVersion": "LATEST",
            } },
            "taskSets": {
                "original": original.map(|port| set("d-OOOOOOOOO", Some(port))),
                "replacement": set("d-AAAAAAAAA", Some(2)),
                "left": [set("d-LLLLLLLLL", Some(3))],
            },
            "creator": "user",
            "by": "ana",
            "description": "",
            "rollsBack": null,
            "options": {},
        }))
        .unwrap();
        let plan = Arc::new(plan(&spec));
        let spec = Arc::new(spec);
        let mut deployment =
            Deployment::created(&record(1, Entry::Created { spec, plan })).unwrap();
        deployment.evolve(&record(2, Entry::Started));
        deployment
    }

    fn record(seq: u64, event: Entry) -> Record {
        let at = Timestamp(0);
        Record { seq, at, event }
    }

    /// The event has come so far.
    fn with(mut deployment: Deployment, event: LifecycleEvent, status: EventStatus) -> Deployment {
        let (target, host_time): (Name, _) = ("shop".parse().unwrap(), Timestamp(1_000));
        let started = Entry::EventStarted {
            target: target.clone(),
            event,
            host_time,
        };
        deployment.evolve(&record(3, started));
        if status != InProgress {
            let diagnostics = None;
            let ended = Entry::EventEnded {
                target,
                event,
                status,
                host_time,
                diagnostics,
            };
            deployment.evolve(&record(4, ended));
        }
        deployment
    }

    /// Where the tasks at the ports ought to be.
    fn places(deployment: &Deployment, tests: bool) -> Vec<(u16, Option<Place>)> {
        let listeners = Listener::of(deployment).unwrap();
        let listener = listeners.iter().find(|it| it.tests == tests).unwrap();
        let members = listener.members(deployment, MINUTE).into_iter();
        let port = |name: &Name| name.as_str().rsplit('-').next().unwrap().parse().unwrap();
        let mut places: Vec<_> = members.map(|it| (port(&it.name), it.place)).collect();
        places.sort_by_key(|(port, _)| *port);
        places
    }

    fn observed(servers: &[(u16, u32)], others: usize) -> Observed {
        let seen = |(port, weight): &(u16, u32)| {
            let seen = Seen {
                service: Service::In,
                healthy: Some(true),
                trouble: None,
                weight: Some(*weight),
                in_flight: Some(0),
                requests: None,
                errors: None,
            };
            (format!("shop-web-1-{port}").parse().unwrap(), seen)
        };
        Observed {
            servers: servers.iter().map(seen).collect::<BTreeMap<_, _>>(),
            others,
            ..Observed::default()
        }
    }

    fn fault(deployment: &Deployment, observed: &Observed) -> Option<String> {
        let listeners = Listener::of(deployment).unwrap();
        let found = listeners[0].fault(deployment, observed);
        found.map(|(_, why)| why.message)
    }

    use EventStatus::{InProgress, Succeeded};
    use LifecycleEvent::{AllowTestTraffic, AllowTraffic};
    use Place::{In, Out};

    #[test]
    fn the_test_listener_leads_to_the_replacement_alone_once_it_is_its_turn() {
        let before = created(Some(1));
        assert_eq!(places(&before, true), [(1, None), (2, None), (3, None)]);
        let listeners = Listener::of(&before).unwrap();
        assert!(!listeners[1].is_entrusted(&before));
        let during = with(before, AllowTestTraffic, InProgress);
        let both = [(1, Some(Out)), (2, Some(In)), (3, Some(Out))];
        assert_eq!(places(&during, true), both);
        assert!(listeners[1].is_entrusted(&during));
        assert!(
            !listeners[0].is_entrusted(&during),
            "nobody else sees it yet"
        );
    }

    #[test]
    fn who_is_late_at_one_listener_leaves_that_one_alone() {
        let both = with(created(Some(1)), AllowTestTraffic, Succeeded);
        let both = with(both, AllowTraffic, InProgress);
        let routes = Listener::of(&both)
            .unwrap()
            .into_iter()
            .map(Route::Listener);
        let routes: Vec<Route> = routes.collect();
        let long_ago = Times {
            enter: Duration::ZERO,
            ..MINUTE
        };
        let mut ill = observed(&[(1, 10), (2, 0)], 0);
        ill.servers.values_mut().last().unwrap().healthy = Some(false);
        let mut late = Late::default();
        let mut places = |route: &Route| {
            let mut members = route.members(&both, long_ago);
            let late = late.at(Some(route));
            let replacement = members.iter_mut().find(|it| it.side == Side::Green);
            let replacement = replacement.unwrap();
            replacement.give_up_if_late(&ill, true, late, Timestamp(2_000));
            replacement.place
        };
        assert_eq!(places(&routes[0]), Some(Out));
        assert_eq!(places(&routes[1]), Some(In), "it goes on being tested");
        late.forgive(&"shop".parse().unwrap());
        assert!(late.at(Some(&routes[0])).is_empty());
    }

    #[test]
    fn a_side_is_let_go_by_a_look_that_knew_all_of_it() {
        let deployment = created(Some(1));
        let look = |servers: &[(u16, &str)]| {
            let server = |(port, service): &(u16, &str)| json!({ "name": format!("shop-web-1-{port}"), "side": "Blue", "service": service });
            let side = json!({ "servers": 0, "inService": 0, "draining": 0, "well": 0 });
            let balancer = json!({
                "name": "edge",
                "original": side,
                "replacement": side,
                "servers": servers.iter().map(server).collect::<Vec<_>>(),
            });
            let balancer = serde_json::from_value(balancer).unwrap();
            let_go(&deployment, &[balancer], Side::Blue)
        };
        assert!(look(&[(1, "out"), (3, "absent")]));
        assert!(!look(&[(1, "out"), (3, "in")]));
        assert!(!look(&[(1, "out")]), "what was left may get requests");
    }

    #[test]
    fn the_original_is_looked_after_once_traffic_shifts() {
        let during = with(created(Some(1)), AllowTraffic, InProgress);
        let as_found = [(1, None), (2, Some(In)), (3, Some(Out))];
        assert_eq!(places(&during, false), as_found);
        let after = with(created(Some(1)), AllowTraffic, Succeeded);
        assert_eq!(places(&after, false)[0], (1, Some(In)));
    }

    #[test]
    fn nobody_has_a_share_before_the_first_has_everything() {
        let split =
            |deployment: &Deployment| Listener::of(deployment).unwrap()[0].split(deployment);
        assert_eq!(split(&created(Some(1))), Some(Split::ORIGINAL));
        let mut first = created(None);
        assert_eq!(split(&first), None);
        let shifted = Entry::Shifted {
            split: Split::REPLACEMENT,
            by: None,
            why: None,
        };
        first.evolve(&record(5, shifted));
        assert_eq!(split(&first), Some(Split::REPLACEMENT));
    }

    #[test]
    fn who_gets_requests_and_should_not_is_told_with_the_way_out() {
        let during = with(created(Some(1)), AllowTraffic, InProgress);
        assert_eq!(
            fault(&during, &observed(&[(1, 10), (2, 0), (3, 0)], 0)),
            None
        );
        let why = fault(&during, &observed(&[(1, 10), (3, 1)], 0)).unwrap();
        assert!(
            why.contains("d-LLLLLLLLL") && why.contains("cutover rollback d-AAAAAAAAA"),
            "{why}"
        );
        let why = fault(&during, &observed(&[(1, 10)], 2)).unwrap();
        assert!(
            why.contains("no tasks of shop") && why.contains("2 of them"),
            "{why}"
        );
        let why = fault(&during, &observed(&[(1, 0)], 0)).unwrap();
        assert!(why.contains("no task of the original"), "{why}");
        let first = with(created(None), AllowTraffic, InProgress);
        assert_eq!(fault(&first, &observed(&[(2, 1)], 0)), None);
        let before = created(Some(1));
        assert_eq!(fault(&before, &observed(&[], 2)), None, "nobody has asked");
    }
}
