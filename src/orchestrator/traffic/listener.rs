//! A listener of a service, which is a load balancer with the tasks of its task sets behind it: who they are, and whether it
//! leads where the deployment takes it to lead. Pure.

use super::alias::gets_requests;
use super::round::{Member, Times};
use crate::engine::Deployment;
use crate::engine::traffic::{Place, place, tested};
use crate::model::deployment::{DeploymentId, ErrorCode};
use crate::model::diagnostics::Diagnostics;
use crate::model::endpoint::Endpoint;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::{Side, Split};
use crate::providers::traffic::Observed;

/// A listener, and the tasks behind it.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The load balancer.
    pub balancer: String,
    /// Whether test traffic comes in here.
    pub tests: bool,
    /// The deployment's target.
    target: Name,
    servers: Vec<Server>,
}

#[derive(Clone, Debug)]
struct Server {
    name: Name,
    endpoint: Endpoint,
    set: DeploymentId,
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
        let listener = |name: &String, tests| Self {
            balancer: name.clone(),
            tests,
            target: target.name.clone(),
            servers: servers.clone(),
        };
        let production = pair.prod_traffic_route.listener_arns.iter();
        let tests = pair.test_traffic_route.iter();
        let tests = tests.flat_map(|route| &route.listener_arns);
        let all = production.map(|name| listener(name, false));
        Ok(all.chain(tests.map(|name| listener(name, true))).collect())
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
                endpoint: server.endpoint.clone().into(),
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
        let back = deployment.spec.goes_back() && !self.tests;
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
        if self.tests || deployment.spec.goes_back() || !runs {
            return None;
        }
        let gets = |server: &&Server| {
            let seen = observed.servers.get(&server.name);
            seen.is_some_and(gets_requests)
        };
        let of = |role| self.servers.iter().filter(move |it| it.role == role);
        let (name, target) = (&self.balancer, &self.target);
        let message = if let Some(left) = of(Role::Left).find(gets) {
            format!(
                "the traffic of {target} at {name} is split: what {} left behind gets requests. Roll that deployment back (`cutover rollback {}`), or take {} out of service at {name}",
                left.set, left.set, left.name
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

/// The tasks of all task sets, as servers. Each is called after its place, so that a server never moves.
fn servers(deployment: &Deployment, service: &Name) -> Result<Vec<Server>, String> {
    let original = deployment.spec.task_sets.as_ref();
    let original = original.and_then(|sets| sets.original.as_ref());
    let original = original.map(|original| &original.id);
    let mut servers = Vec::new();
    for side in [Side::Blue, Side::Green] {
        for set in deployment.task_sets(side) {
            for task in set.tasks {
                let name = format!("{service}-{}-{}", task.host, task.endpoint.port);
                let name: Name = name
                    .parse()
                    .map_err(|error| format!("{name:?} is no server's name: {error}"))?;
                let role = match side {
                    Side::Green => Role::Replacement,
                    Side::Blue if Some(&set.id) == original => Role::Original,
                    Side::Blue => Role::Left,
                };
                servers.push(Server {
                    name,
                    endpoint: task.endpoint,
                    set: set.id.clone(),
                    role,
                });
            }
        }
    }
    Ok(servers)
}
