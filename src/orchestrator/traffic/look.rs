//! One look at all load balancers of a deployment: what differs from what ought to be is put right.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tokio::time::timeout;

use super::balancers::Connections;
use super::findings::{Findings, Looked};
use super::memory::Memory;
use super::round::{Member, Round, Times, differing, round};
use super::shares::is_split;
use crate::clock;
use crate::engine::Deployment;
use crate::model::connections::LoadBalancer;
use crate::model::endpoint::Endpoint;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::providers::traffic::{Abilities, Balancer, Observed, Server, TrafficError};

/// How long a load balancer may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at every load balancer of a deployment.
pub(super) async fn look(
    state: &RwLock<Deployment>,
    project: &Project,
    connections: &Connections,
    late: &mut BTreeMap<Name, String>,
    memories: &mut BTreeMap<String, Memory>,
) -> Findings {
    let mut findings = Findings::default();
    let (group, asked, begun) = read(state, |d| {
        (d.spec.group.clone(), d.split(), d.start_time.is_some())
    });
    for name in group.load_balancers() {
        let mut looked = Looked::new(name, asked);
        looked.begun = begun;
        let done = match connections.get(project, name) {
            Ok((document, balancer)) => {
                looked.kind = Some(document.provider.label());
                looked.members = read(state, |d| members(d, project, &document, &mut findings));
                let memory = memories.entry(name.to_owned()).or_default();
                let done =
                    put_right(state, &mut looked, &*balancer, memory, late, &mut findings).await;
                done.map_err(|error| error.to_string())
            }
            Err(trouble) => Err(trouble),
        };
        if let Err(trouble) = done {
            findings.trouble.push(format!("{name}: {trouble}"));
            looked.trouble = Some(trouble);
        }
        findings.balancers.push(looked);
    }
    findings.conclude(asked);
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
    let enter = deployment.spec.limits.enter();
    let times = Times { drain, enter };
    let targets = deployment.targets.iter();
    let members = targets.filter_map(|target| {
        let host = project.host(&target.name);
        let endpoint = host.map(|host| Endpoint::of(host, document));
        findings.member(target, endpoint, &document.name, times)
    });
    members.collect()
}

async fn put_right(
    state: &RwLock<Deployment>,
    looked: &mut Looked,
    balancer: &dyn Balancer,
    memory: &mut Memory,
    late: &mut BTreeMap<Name, String>,
    findings: &mut Findings,
) -> Result<(), TrafficError> {
    let servers: Vec<Server> = looked.members.iter().map(Member::server).collect();
    let observed = looked.observed.insert(observe(balancer, &servers).await?);
    memory.put_right(&mut looked.members, observed, clock::steady());
    if !looked.begun {
        // It waits for its turn or for approval: until then traffic goes as it went.
        return Ok(());
    }
    let Abilities {
        health: judges,
        largest_weight,
        ..
    } = balancer.abilities();
    looked.largest_weight = largest_weight;
    for member in &mut looked.members {
        member.give_up_if_late(observed, judges, late, clock::steady());
    }
    let members = &looked.members;
    let Round {
        wanted,
        kept,
        left,
        empty,
    } = round(members, observed, looked.asked, clock::steady());
    let differing = differing(&wanted, observed);
    let splits = |split| is_split(split, members, observed, largest_weight);
    if !differing.is_empty() || !wanted.split.is_none_or(splits) {
        // Also if no answer comes: it may have been done.
        findings.left.extend(left);
        memory.asks(&wanted, clock::steady());
        match within(balancer.apply(&wanted, observed)).await {
            Ok(()) => {}
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => {
                looked.trouble = Some(error.to_string());
                findings.refuse(differing, &error);
            }
        }
        *observed = observe(balancer, &servers).await?;
    }
    read(state, |deployment| {
        findings.settle(deployment, members, observed, judges, &kept, late);
    });
    if let Some(side) = empty {
        looked.withhold(side);
    }
    Ok(())
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
