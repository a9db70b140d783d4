//! One look at all load balancers of a deployment: what differs from what ought to be is put right.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tokio::time::timeout;

use super::balancers::Connections;
use super::round::{Member, Round, is_there, round};
use super::shares::{in_effect, is_nearly};
use crate::clock;
use crate::engine::Deployment;
use crate::engine::traffic::place;
use crate::model::connections::LoadBalancer;
use crate::model::endpoint::Endpoint;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::traffic::{Side, Split};
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
    /// The split that is asked for, once all load balancers have it in effect.
    pub in_effect: Option<Split>,
    /// Each load balancer as it is now.
    pub balancers: Vec<Looked>,
}

/// A load balancer as it was found.
#[derive(Debug)]
pub(super) struct Looked {
    pub name: String,
    /// As people call its kind.
    pub kind: Option<&'static str>,
    /// The targets as it ought to have them.
    pub members: Vec<Member>,
    /// How they are there; nothing if it could not be asked.
    pub observed: Option<Observed>,
    /// The split that it was asked for.
    pub asked: Option<Split>,
    /// What is wrong.
    pub trouble: Option<String>,
}

/// Looks at every load balancer of a deployment.
pub(super) async fn look(
    state: &RwLock<Deployment>,
    project: &Project,
    connections: &Connections,
) -> Findings {
    let mut findings = Findings::default();
    let (group, asked) = read(state, |d| (d.spec.group.clone(), d.split()));
    for name in group.load_balancers() {
        let mut looked = Looked {
            name: name.to_owned(),
            kind: None,
            members: Vec::new(),
            observed: None,
            asked,
            trouble: None,
        };
        let done = match connections.get(project, name) {
            Ok((document, balancer)) => {
                looked.kind = Some(document.provider.label());
                looked.members = read(state, |d| members(d, project, &document, &mut findings));
                let done = put_right(state, &mut looked, &*balancer, &mut findings).await;
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
    let all = findings.balancers.iter().all(Looked::has_what_it_was_asked);
    findings.in_effect = asked.filter(|_| all && findings.refused.is_empty());
    findings
}

impl Looked {
    fn has_what_it_was_asked(&self) -> bool {
        let found = self.observed.as_ref();
        let found = found.and_then(|observed| in_effect(&self.members, observed));
        let same = |asked| found.is_some_and(|found| is_nearly(found, asked));
        self.trouble.is_none() && self.asked.is_some_and(same)
    }
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
        // One that is no longer in the project has no address: its deadline will tell.
        let Some(host) = project.host(&name) else {
            continue;
        };
        let endpoint = match Endpoint::of(host, document) {
            Ok(endpoint) => endpoint,
            Err(error) => {
                findings.refused.insert(name, error.to_string());
                continue;
            }
        };
        let block = target.event(LifecycleEvent::BlockTraffic);
        members.push(Member {
            name,
            endpoint,
            side: target.side.unwrap_or(Side::Blue),
            place: place(target),
            leave_by: block.and_then(|entry| Some(entry.start_time? + drain)),
        });
    }
    members
}

async fn put_right(
    state: &RwLock<Deployment>,
    looked: &mut Looked,
    balancer: &dyn Balancer,
    findings: &mut Findings,
) -> Result<(), TrafficError> {
    let members = &looked.members;
    let servers: Vec<Server> = members.iter().map(Member::server).collect();
    let observed = looked.observed.insert(observe(balancer, &servers).await?);
    let Round {
        wanted,
        kept,
        forced,
        empty,
    } = round(members, observed, looked.asked, clock::steady());
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
    let found = in_effect(members, observed);
    let split = wanted
        .split
        .is_none_or(|asked| found.is_some_and(|found| is_nearly(found, asked)));
    if !differing.is_empty() || !split {
        match within(balancer.apply(&wanted, observed)).await {
            Ok(()) => findings.forced.extend(forced),
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => {
                looked.trouble = Some(error.to_string());
                let names = match &error {
                    TrafficError::NoServer { server, .. } => vec![server.clone()],
                    _ => differing,
                };
                let refused = names.into_iter().map(|name| (name, error.to_string()));
                findings.refused.extend(refused);
            }
        }
        *observed = observe(balancer, &servers).await?;
    }
    if let (Some(side), Some(asked)) = (empty, looked.asked) {
        looked.trouble = Some(format!(
            "the {} was to get {} %, and none of its servers is in service and well: the split stays as it is",
            side.label(),
            asked.share(side)
        ));
    }
    let judges = balancer.abilities().health;
    let waiting = members.iter().filter(|m| !is_there(m, observed, judges));
    findings.waiting.extend(waiting.map(|m| m.name.clone()));
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
