//! One look at all load balancers of a deployment: what differs from what ought to be is put right.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tokio::time::timeout;

use super::balancers::Connections;
use super::findings::Findings;
use super::round::{Member, Round, differing, round};
use crate::clock;
use crate::engine::Deployment;
use crate::model::connections::LoadBalancer;
use crate::model::endpoint::Endpoint;
use crate::model::project::Project;
use crate::providers::traffic::{Balancer, Observed, Server, TrafficError};

/// How long a load balancer may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at every load balancer of a deployment.
pub(super) async fn look(
    state: &RwLock<Deployment>,
    project: &Project,
    connections: &Connections,
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
        let members = read(state, |d| members(d, project, &document, &mut findings));
        if let Err(error) = put_right(state, &members, &*balancer, &mut findings).await {
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
    let targets = deployment.targets.iter();
    let members = targets.filter_map(|target| {
        let host = project.host(&target.name);
        let endpoint = host.map(|host| Endpoint::of(host, document));
        findings.member(target, endpoint, drain)
    });
    members.collect()
}

async fn put_right(
    state: &RwLock<Deployment>,
    members: &[Member],
    balancer: &dyn Balancer,
    findings: &mut Findings,
) -> Result<(), TrafficError> {
    let servers: Vec<Server> = members.iter().map(Member::server).collect();
    let mut observed = observe(balancer, &servers).await?;
    let Round { wanted, kept, left } = round(members, &observed, clock::steady());
    let differing = differing(&wanted, &observed);
    if !differing.is_empty() {
        // Also if no answer comes: it may have been done.
        findings.left.extend(left);
        match within(balancer.apply(&wanted, &observed)).await {
            Ok(()) => {}
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => findings.refuse(differing, &error),
        }
        observed = observe(balancer, &servers).await?;
    }
    let judges = balancer.abilities().health;
    read(state, |deployment| {
        findings.settle(deployment, members, &observed, judges, &kept);
    });
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
