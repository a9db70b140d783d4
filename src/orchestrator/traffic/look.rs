//! One look at all load balancers of a deployment: what differs from what ought to be is put right.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tokio::time::timeout;

use super::balancers::{Connections, Document, Gate};
use super::findings::{Findings, Looked};
use super::late::Late;
use super::memory::Memory;
use super::round::{Member, Round, Times, differing};
use super::route::Route;
use super::shares::is_split;
use crate::clock;
use crate::engine::Deployment;
use crate::model::endpoint::Endpoint;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::providers::traffic::{Abilities, At, Balancer, Observed, Server, TrafficError};

/// How long a load balancer may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at every load balancer of a deployment.
pub(super) async fn look(
    state: &RwLock<Deployment>,
    project: &Project,
    connections: &Connections,
    late: &mut Late,
    memories: &mut BTreeMap<String, Memory>,
) -> Findings {
    let mut findings = Findings::default();
    let (group, asked) = read(state, |d| (d.spec.group.clone(), d.split()));
    let routes = match read(state, |d| Route::of(d, project)) {
        Ok(routes) => routes,
        Err(trouble) => {
            let mut looked = read(state, |d| Looked::new("connections", d));
            looked.trouble = Some(trouble.clone());
            findings.balancers.push(looked);
            findings.trouble.push(trouble);
            return findings;
        }
    };
    let hosts = group.load_balancers().into_iter();
    let hosts = hosts.filter(|_| routes.is_empty());
    let hosts = hosts.map(|name| (Gate::LoadBalancer(name.to_owned()), None));
    let named = routes.iter().map(|route| (route.gate(), Some(route)));
    for (gate, route) in named.chain(hosts) {
        let name = gate.to_string();
        let mut looked = read(state, |d| Looked::new(&name, d));
        if let Some(route) = route {
            looked.asked = read(state, |d| route.split(d));
            looked.production = route.is_production();
        }
        let done = match connections.get(project, &gate) {
            Ok((document, balancer)) => {
                looked.kind = Some(document.label());
                looked.members = read(state, |d| {
                    members(d, project, &document, route, &mut findings)
                });
                let memory = memories.entry(name.clone()).or_default();
                let looks = visit(
                    state,
                    &mut looked,
                    &*balancer,
                    route,
                    memory,
                    late.at(route),
                    &mut findings,
                );
                looks.await.map_err(|error| error.to_string())
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
    document: &Document,
    route: Option<&Route>,
    findings: &mut Findings,
) -> Vec<Member> {
    let drain = document.drain();
    let enter = deployment.spec.limits.enter();
    let times = Times { drain, enter };
    if let Some(route) = route {
        return findings.servers(route, deployment, times);
    }
    let Document::LoadBalancer(document) = document else {
        // No host is behind an alias.
        return Vec::new();
    };
    let members = deployment.targets.iter().filter_map(|target| {
        let host = project.host(&target.name);
        let endpoint = host.map(|host| Endpoint::of(host, document));
        findings.member(target, endpoint, &document.name, times)
    });
    members.collect()
}

/// Looks at one, and keeps what was seen there last whatever came of it.
async fn visit(
    state: &RwLock<Deployment>,
    looked: &mut Looked,
    balancer: &dyn Balancer<At>,
    route: Option<&Route>,
    memory: &mut Memory,
    late: &mut BTreeMap<Name, String>,
    findings: &mut Findings,
) -> Result<(), TrafficError> {
    let servers: Vec<Server<At>> = looked.members.iter().map(Member::server).collect();
    let mut observed = match observe(balancer, &servers).await {
        Ok(observed) => observed,
        Err(error) => {
            findings.give_up(&looked.members, &error);
            return Err(error);
        }
    };
    if let Some(route) = route {
        let fault = read(state, |deployment| {
            looked.judge(route, deployment, &observed)
        });
        findings.refused.extend(fault);
    }
    memory.put_right(&mut looked.members, &observed, clock::steady());
    let done = put_right(
        state,
        looked,
        &mut observed,
        balancer,
        memory,
        late,
        findings,
    )
    .await;
    looked.observed = Some(observed);
    done
}

async fn put_right(
    state: &RwLock<Deployment>,
    looked: &mut Looked,
    observed: &mut Observed,
    balancer: &dyn Balancer<At>,
    memory: &mut Memory,
    late: &mut BTreeMap<Name, String>,
    findings: &mut Findings,
) -> Result<(), TrafficError> {
    let Abilities {
        health: judges,
        largest_weight,
        ..
    } = balancer.abilities();
    looked.largest_weight = largest_weight;
    for member in &mut looked.members {
        member.give_up_if_late(observed, judges, late, clock::steady());
    }
    let Some(Round {
        wanted,
        kept,
        left,
        empty,
    }) = looked.round(observed, clock::steady())
    else {
        return Ok(());
    };
    let members = &looked.members;
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
                memory.was_refused(&differing);
                findings.refuse(members, &differing, &error);
            }
        }
        let servers: Vec<Server<At>> = members.iter().map(Member::server).collect();
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

async fn observe(
    balancer: &dyn Balancer<At>,
    servers: &[Server<At>],
) -> Result<Observed, TrafficError> {
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::future::BoxFuture;
    use serde_json::{Value, json};

    use super::*;
    use crate::engine::event::{Event, Record};
    use crate::engine::{Spec, plan};
    use crate::model::timestamp::Timestamp;
    use crate::providers::traffic::{Seen, Service, Wanted};

    /// One that has all servers in service and does nothing but note what it is asked for.
    #[derive(Default)]
    struct Notes(Mutex<Vec<Wanted<At>>>);

    impl Balancer<At> for Notes {
        fn abilities(&self) -> Abilities {
            Abilities {
                split: false,
                in_flight: true,
                requests: false,
                health: false,
                largest_weight: 0,
            }
        }

        fn observe<'a>(
            &'a self,
            servers: &'a [Server<At>],
        ) -> BoxFuture<'a, Result<Observed, TrafficError>> {
            let seen = |server: &Server<At>| {
                let seen = Seen {
                    service: Service::In,
                    healthy: None,
                    trouble: None,
                    weight: None,
                    in_flight: Some(0),
                    requests: None,
                    errors: None,
                };
                (server.name.clone(), seen)
            };
            let observed = Observed {
                servers: servers.iter().map(seen).collect(),
                ..Observed::default()
            };
            Box::pin(std::future::ready(Ok(observed)))
        }

        fn apply<'a>(
            &'a self,
            wanted: &'a Wanted<At>,
            _: &'a Observed,
        ) -> BoxFuture<'a, Result<(), TrafficError>> {
            self.0.lock().unwrap().push(wanted.clone());
            Box::pin(std::future::ready(Ok(())))
        }
    }

    /// A blue/green deployment whose replacement gets requests, and ought to get none before it is installed.
    fn created() -> Deployment {
        let target = |name: &str, side: &str| json!({ "name": name, "side": side, "instanceHealth": "Healthy", "revisionHealth": "Current" });
        let tagged = |side: &str| json!({ "ec2TagFilters": [{ "Key": "side", "Value": side }] });
        let group: Value = json!({
            "applicationName": "shop",
            "deploymentGroupName": "production",
            "ec2TagFilters": [{ "Key": "side" }],
            "loadBalancerInfo": { "targetGroupInfoList": [{ "name": "shop" }] },
            "blueGreenDeploymentConfiguration": { "deploymentReadyOption": { "actionOnTimeout": "CONTINUE_DEPLOYMENT" } },
            "deploymentStyle": { "deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL" },
        });
        let spec: Spec = serde_json::from_value(json!({
            "deploymentId": "d-AAAAAAAAA",
            "group": group,
            "configuration": {
                "deploymentConfigName": "CodeDeployDefault.OneAtATime",
                "computePlatform": "Server",
                "minimumHealthyHosts": { "type": "MOST_CONCURRENCY", "value": 1 },
            },
            "revision": { "digest": crate::model::revision::Digest::from_bytes(&[7; 32]), "label": "1.0", "size": 1 },
            "previousRevision": null,
            "targets": [target("web-1", "Blue"), target("web-2", "Green")],
            "sides": { "original": tagged("blue"), "replacement": tagged("green") },
            "approvals": { "start": 1 },
            "creator": "user",
            "by": "ana",
            "description": "",
            "rollsBack": null,
            "options": {},
        }))
        .unwrap();
        let plan = Arc::new(plan(&spec));
        let spec = Arc::new(spec);
        let event = Event::Created { spec, plan };
        Deployment::created(&record(1, event)).unwrap()
    }

    fn record(seq: u64, event: Event) -> Record {
        let at = Timestamp(1_000);
        Record { seq, at, event }
    }

    /// What a look at a load balancer asks of it, and how it was found.
    async fn asked(deployment: &Deployment) -> (Vec<Wanted<At>>, Option<Observed>) {
        let balancer = Notes::default();
        let mut looked = Looked::new("shop", deployment);
        let second = Duration::from_secs(1);
        let times = Times {
            drain: second,
            enter: second,
        };
        let endpoint = Endpoint::parse("127.0.0.1:80").unwrap();
        looked.members = deployment
            .targets
            .iter()
            .map(|target| Member::of(target, endpoint.clone(), times))
            .collect();
        let state = RwLock::new(deployment.clone());
        let (mut memory, mut late, mut findings) = Default::default();
        visit(
            &state,
            &mut looked,
            &balancer,
            None,
            &mut memory,
            &mut late,
            &mut findings,
        )
        .await
        .unwrap();
        (balancer.0.into_inner().unwrap(), looked.observed)
    }

    #[tokio::test]
    async fn nothing_is_asked_for_before_the_deployment_has_begun() {
        let mut deployment = created();
        let (nothing, observed) = asked(&deployment).await;
        assert_eq!(nothing, []);
        assert_eq!(observed.unwrap().servers.len(), 2, "it is looked at");
        deployment.evolve(&record(2, Event::Started));
        let (wanted, _) = asked(&deployment).await;
        let servers = wanted.iter().flat_map(|wanted| &wanted.servers);
        let leaving: Vec<&str> = servers
            .filter(|server| server.service != Service::In)
            .map(|server| server.name.as_str())
            .collect();
        assert_eq!(leaving, ["web-2"]);
    }
}
