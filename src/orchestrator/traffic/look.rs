//! One look at all load balancers of a deployment: what differs from what ought to be is put right.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tokio::time::timeout;

use super::balancers::Connections;
use super::round::{Member, Round, is_there, overdue, round};
use crate::clock;
use crate::engine::Deployment;
use crate::engine::traffic::{Place, place};
use crate::model::connections::LoadBalancer;
use crate::model::endpoint::Endpoint;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::traffic::Side;
use crate::providers::traffic::{Balancer, Observed, Server, TrafficError};

/// How long a load balancer may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What has come of a look.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Targets that are not where they ought to be, somewhere.
    pub waiting: BTreeSet<Name>,
    /// Targets that can't get there, and why.
    pub refused: BTreeMap<Name, String>,
    /// Targets that left with requests in flight, and how many.
    pub forced: BTreeMap<Name, u64>,
    /// Load balancers that could not be looked after, and why.
    pub trouble: Vec<String>,
}

/// Looks at every load balancer of a deployment.
pub(super) async fn look(
    state: &RwLock<Deployment>,
    project: &Project,
    connections: &Connections,
    late: &mut BTreeMap<Name, String>,
) -> Findings {
    let mut findings = Findings::default();
    let group = read(state, |deployment| deployment.spec.group.clone());
    for name in group.load_balancers() {
        let (document, balancer) = match connections.get(project, name) {
            Ok(found) => found,
            Err(trouble) => {
                findings.trouble.push(trouble);
                continue;
            }
        };
        let mut members = read(state, |d| members(d, project, &document, &mut findings));
        let looked = put_right(state, &mut members, &*balancer, late, &mut findings).await;
        if let Err(error) = looked {
            findings.trouble.push(format!("{name}: {error}"));
        }
    }
    findings
}

fn read<T>(state: &RwLock<Deployment>, look: impl FnOnce(&Deployment) -> T) -> T {
    look(&state.read().unwrap_or_else(PoisonError::into_inner))
}

/// The targets as one load balancer ought to have them.
fn members(
    deployment: &Deployment,
    project: &Project,
    document: &LoadBalancer,
    findings: &mut Findings,
) -> Vec<Member> {
    let drain = Duration::from_secs(document.drain_seconds);
    let mut members = Vec::with_capacity(deployment.targets.len());
    for target in &deployment.targets {
        let name = target.name.clone();
        let Some(host) = project.host(&name) else {
            let message = format!(
                "{name} is no longer in the project, so nobody knows where it serves: it stays as it is at {}",
                document.name
            );
            findings.refused.insert(name, message);
            continue;
        };
        let endpoint = match Endpoint::of(host, document) {
            Ok(endpoint) => endpoint,
            Err(error) => {
                findings.refused.insert(name, error.to_string());
                continue;
            }
        };
        let since = |event| target.event(event)?.start_time;
        let enter = deployment.spec.limits.enter();
        members.push(Member {
            name,
            endpoint,
            side: target.side.unwrap_or(Side::Blue),
            place: place(target),
            leave_by: since(LifecycleEvent::BlockTraffic).map(|at| at + drain),
            enter_by: since(LifecycleEvent::AllowTraffic).map(|at| at + enter),
        });
    }
    members
}

async fn put_right(
    state: &RwLock<Deployment>,
    members: &mut [Member],
    balancer: &dyn Balancer,
    late: &mut BTreeMap<Name, String>,
    findings: &mut Findings,
) -> Result<(), TrafficError> {
    let servers: Vec<Server> = members.iter().map(Member::server).collect();
    let mut observed = observe(balancer, &servers).await?;
    let judges = balancer.abilities().health;
    for member in members.iter_mut() {
        let name = &member.name;
        if let Some(why) = overdue(member, &observed, judges, clock::steady()) {
            late.entry(name.clone()).or_insert(why);
        }
        if member.place == Some(Place::In) && late.contains_key(name) {
            // An original stays: it may be all that there is.
            member.place = (member.side == Side::Green).then_some(Place::Out);
        }
    }
    let members = &*members;
    let Round {
        wanted,
        kept,
        forced,
    } = round(members, &observed, clock::steady());
    let differs = |server: &&Server| {
        let seen = observed.servers.get(&server.name);
        seen.is_none_or(|seen| seen.service != server.service)
    };
    let differing: Vec<Name> = wanted
        .servers
        .iter()
        .filter(differs)
        .map(|server| server.name.clone())
        .collect();
    if !differing.is_empty() {
        match within(balancer.apply(&wanted, &observed)).await {
            Ok(()) => findings.forced.extend(forced),
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => {
                let names = match &error {
                    TrafficError::NoServer { server, .. } => vec![server.clone()],
                    _ => differing,
                };
                let refused = names.into_iter().map(|name| (name, error.to_string()));
                findings.refused.extend(refused);
            }
        }
        observed = observe(balancer, &servers).await?;
    }
    for member in members {
        let name = &member.name;
        if !is_there(member, &observed, judges) {
            findings.waiting.insert(name.clone());
        } else if let Some(why) = late.get(name) {
            findings.refused.insert(name.clone(), why.clone());
        }
    }
    refuse_the_last(state, &kept, findings);
    Ok(())
}

/// Servers that have to stay wait for others to come back. If none can, waiting is no use.
fn refuse_the_last(state: &RwLock<Deployment>, kept: &BTreeSet<Name>, findings: &mut Findings) {
    let hope = read(state, |deployment| {
        deployment
            .running()
            .any(|target| !kept.contains(&target.name))
    });
    if hope {
        return;
    }
    for name in kept {
        let message = format!(
            "without {name} the route would have no healthy server, and none is on its way back: put another into service first"
        );
        findings.refused.insert(name.clone(), message);
    }
}

async fn observe(balancer: &dyn Balancer, servers: &[Server]) -> Result<Observed, TrafficError> {
    within(balancer.observe(servers)).await
}

async fn within<T>(
    answer: impl Future<Output = Result<T, TrafficError>>,
) -> Result<T, TrafficError> {
    timeout(PATIENCE, answer).await.unwrap_or_else(|_| {
        Err(TrafficError::Unreachable {
            balancer: "it".to_owned(),
            reason: format!("no answer within {} s", PATIENCE.as_secs()),
        })
    })
}
