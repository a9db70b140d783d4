//! Whether a container service can be deployed to: what its `AppSpec` and its group say against what the project knows
//! (operations.md §1.2).

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::checks::unknown;
use super::command::{ApiError, Deploy};
use super::functions::{only_of_servers, only_target};
use super::task_sets::place;
use super::traffic::listener::server_name;
use super::{Orchestrator, content, lock};
use crate::appspec::ecs;
use crate::engine::deliberate::{Bug, deliberate};
use crate::engine::spec::TargetSpec;
use crate::engine::task_sets::TaskSets;
use crate::engine::{Ledger, Spec};
use crate::model::connections::{
    Arn, ServiceConnection, ServiceKind, ServiceProcesses, TrafficProvider, may_be_one,
};
use crate::model::deployment::DeploymentId;
use crate::model::group::{DeploymentGroup, EcsService, GroupKey, TargetGroupPairInfo};
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::revision::Revision;
use crate::model::task_set::{TaskSet, TaskSetId};
use crate::providers::aws::Accounts;
use crate::providers::services::{self, Listener, Standee, Standing};

/// What is known of services that AWS ECS keeps.
#[derive(Debug)]
pub(super) struct Services {
    accounts: Accounts,
    /// How each stood at the last look, if ECS has said so.
    seen: Mutex<BTreeMap<EcsService, Standing>>,
}

impl Services {
    /// Nothing is known yet.
    pub fn new(accounts: Accounts) -> Self {
        Self {
            accounts,
            seen: Mutex::default(),
        }
    }

    /// The accounts that they are in.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }
}

/// What a deployment to a service is about.
pub(super) struct Asked {
    pub appspec: ecs::AppSpec,
    pub target: TargetSpec,
    pub task_sets: TaskSets,
}

impl Orchestrator {
    /// What a revision asks of the service of a group, with the task set that has the traffic by now.
    ///
    /// # Errors
    /// If nothing says where the service, its listeners or its task definition are.
    pub(super) fn service(
        &self,
        project: &Project,
        group: &DeploymentGroup,
        (deploy, revision, id): (&Deploy, &Revision, &DeploymentId),
        ledger: &Ledger,
    ) -> Result<Asked, ApiError> {
        only_of_servers(deploy, "a service")?;
        let appspec = content::service(&self.0.bundles, revision)?;
        let service = named(group)?;
        let via = &connection(project, service)?.via;
        self.nobody_else_moves(&group.key(), service)?;
        let pair = pair(group)?;
        let replacement = TaskSet {
            id: TaskSetId::from(id),
            service: service.clone(),
            task_definition: appspec.service.definition_name().to_owned(),
            target_group: String::new(),
            hosts: Vec::new(),
            definition: None,
            tasks: Vec::new(),
        };
        let mut task_sets = beside(ledger, pair, replacement);
        let target = target(service)?;
        match via {
            ServiceKind::Processes(processes) => {
                listeners(project, pair)?;
                on_hosts(processes, &mut task_sets.replacement, &target)?;
            }
            ServiceKind::Ecs(_) => {
                self.can_reach_listeners(project, service, pair)?;
                self.at_ecs(service, &mut task_sets);
                let original = task_sets.original.as_ref();
                task_sets.replacement.target_group = other_group(pair, original);
            }
        }
        Ok(Asked {
            appspec,
            target,
            task_sets,
        })
    }

    /// Looks how the service of a group stands, if ECS keeps it: what has the traffic is known there. If ECS does not say,
    /// the deployment finds out why when it begins.
    pub(super) async fn look_at_service(&self, group: &GroupKey) {
        let (project, _) = self.0.documents.current();
        let group = project.group(group);
        let Some(service) = group.and_then(|group| named(group).ok()) else {
            return;
        };
        let Ok(ServiceKind::Ecs(keeper)) = connection(&project, service).map(|it| &it.via) else {
            return;
        };
        let looked = services::look(self.0.services.accounts(), &place(service, keeper)).await;
        let mut seen = lock(&self.0.services.seen);
        match looked {
            Ok(standing) => drop(seen.insert(service.clone(), standing)),
            Err(error) => {
                tracing::warn!(%error, "how a service stands is not known");
                seen.remove(service);
            }
        }
    }

    /// Whether this program knows how to speak to the listeners of a service that ECS keeps.
    fn can_reach_listeners(
        &self,
        project: &Project,
        service: &EcsService,
        pair: &TargetGroupPairInfo,
    ) -> Result<(), ApiError> {
        for (arn, production) in listeners_of(pair) {
            weighs(arn, service).map_err(balancers)?;
            let listener = Listener {
                service: service.clone(),
                arn: arn.clone(),
                groups: groups_of(pair),
                production,
            };
            let reached = self.0.traffic.reach_listener(project, listener);
            reached.map_err(balancers)?;
        }
        Ok(())
    }

    /// The task sets as ECS has them, if it has said so.
    fn at_ecs(&self, service: &EcsService, sets: &mut TaskSets) {
        if let Some(standing) = lock(&self.0.services.seen).get(service) {
            as_they_stand(standing, service, sets);
        }
    }

    /// Whether no other group moves the traffic of the same service.
    fn nobody_else_moves(&self, group: &GroupKey, service: &EcsService) -> Result<(), ApiError> {
        let same = |spec: &Spec| {
            let theirs = named(&spec.group).ok().filter(|_| spec.service.is_some());
            theirs.is_some_and(|theirs| {
                may_be_one(&theirs.service_name, &service.service_name)
                    && may_be_one(&theirs.cluster_name, &service.cluster_name)
            })
        };
        match self.runs_elsewhere(group, same) {
            None => Ok(()),
            Some(other) => Err(ApiError::new(
                "DeploymentLimitExceededException",
                format!(
                    "{other} deploys to the service {} just now: wait for it, or stop it",
                    service.service_name
                ),
            )),
        }
    }
}

/// The service of a group.
fn named(group: &DeploymentGroup) -> Result<&EcsService, ApiError> {
    let mut services = group.ecs_services.iter().flatten();
    services.next().ok_or_else(|| {
        ApiError::new(
            "InvalidECSServiceException",
            format!(
                "{} names no service: write its ecsServices, with serviceName and clusterName",
                group.key()
            ),
        )
    })
}

fn connection<'a>(
    project: &'a Project,
    service: &EcsService,
) -> Result<&'a ServiceConnection, ApiError> {
    let EcsService {
        service_name: name,
        cluster_name: cluster,
    } = service;
    let all = &project.connections;
    all.service(name, cluster).ok_or_else(|| {
        let known = all.services.iter().map(|one| one.name.as_str());
        ApiError::new(
            "InvalidECSServiceException",
            format!(
                "{} in the cluster {cluster}; `connections.services` of cutover.yaml says where services are",
                unknown("service", name, known)
            ),
        )
    })
}

fn pair(group: &DeploymentGroup) -> Result<&TargetGroupPairInfo, ApiError> {
    let pair = group.target_group_pair();
    pair.ok_or_else(|| {
        balancers(format!(
            "{} names no two target groups: write loadBalancerInfo.targetGroupPairInfoList (MISSING_ELB_INFORMATION)",
            group.key()
        ))
    })
}

/// What the tasks of the replacement are on hosts, and which of these have some.
fn on_hosts(
    processes: &ServiceProcesses,
    replacement: &mut TaskSet,
    target: &TargetSpec,
) -> Result<(), ApiError> {
    let definitions = &processes.task_definitions;
    let wanted = &replacement.task_definition;
    let definition = definitions.get(wanted).ok_or_else(|| {
        let known = definitions.keys().map(String::as_str);
        ApiError::new(
            "InvalidRevisionException",
            format!(
                "{}: the `taskDefinitions` of {} in `connections.services` of cutover.yaml say what its tasks are",
                unknown("task definition", wanted, known),
                replacement.service.service_name
            ),
        )
    })?;
    replacement.hosts = processes.spread(definition.count);
    replacement.definition = Some(definition.clone());
    for (host, _) in &replacement.hosts {
        server_name(&target.name, host, u16::MAX).map_err(balancers)?;
    }
    Ok(())
}

/// What has the traffic at ECS is the original, whoever made it.
fn as_they_stand(standing: &Standing, service: &EcsService, sets: &mut TaskSets) {
    let known = sets.original.take();
    let serving = standing.serving(known.as_ref().map(|known| &known.id));
    let serves = |id: &TaskSetId| serving.is_some_and(|serving| serving.id == *id);
    let (same, former) = match known {
        Some(known) if serves(&known.id) => (Some(known), None),
        former => (None, former),
    };
    sets.original = same.or_else(|| serving.map(|serving| found(service, serving)));
    sets.left.extend(former);
    sets.left
        .retain(|set| standing.find(&set.id).is_some() && !serves(&set.id));
}

/// A task set that ECS has.
fn found(service: &EcsService, set: &Standee) -> TaskSet {
    TaskSet {
        id: set.id.clone(),
        service: service.clone(),
        task_definition: set.task_definition.clone(),
        definition: None,
        target_group: set.target_group.clone().unwrap_or_default(),
        hosts: Vec::new(),
        tasks: Vec::new(),
    }
}

/// The names of both target groups.
pub(super) fn groups_of(pair: &TargetGroupPairInfo) -> Vec<String> {
    let groups = pair.target_groups.iter();
    groups.map(|group| group.name.clone()).collect()
}

/// The listeners, and whether production traffic comes in at each.
pub(super) fn listeners_of(pair: &TargetGroupPairInfo) -> impl Iterator<Item = (&String, bool)> {
    let production = pair.prod_traffic_route.listener_arns.iter();
    let test = pair.test_traffic_route.iter();
    let test = test.flat_map(|route| &route.listener_arns);
    let production = production.map(|name| (name, true));
    production.chain(test.map(|name| (name, false)))
}

/// Whether the listeners are load balancers of the project, and can do what is asked of them.
fn listeners(project: &Project, pair: &TargetGroupPairInfo) -> Result<(), ApiError> {
    for (name, weighs) in listeners_of(pair) {
        let all = &project.connections;
        let Some(balancer) = all.load_balancer(name) else {
            let known = all.load_balancers.iter().map(|one| one.name.as_str());
            return Err(balancers(format!(
                "{}; the listeners of target groups are `connections.loadBalancers` of cutover.yaml",
                unknown("load balancer", name, known)
            )));
        };
        if weighs && !balancer.provider.splits() {
            return Err(balancers(format!(
                "nothing says how the load balancer {name} takes weights, by which a service's traffic goes from one task set to the other: give its connection {}",
                match &balancer.provider {
                    TrafficProvider::Elbv2(_) => "two target groups (`control: {weights: …}`)",
                    _ => "a `weight` request",
                }
            )));
        }
        if balancer.provider.weighs_whole_sides() {
            return Err(balancers(format!(
                "{name} weighs whole sides by runtime keys, and each task set of a service is the original once: let it have `control: {{endpoints: …}}`"
            )));
        }
    }
    Ok(())
}

/// Refuses what is no listener that gives two target groups weights, nor a rule of one.
fn weighs(arn: &str, service: &EcsService) -> Result<(), String> {
    let is_one = |resource: &&str| Arn::of(arn, "elasticloadbalancing", resource).is_some();
    let name = &service.service_name;
    if ["listener/app/", "listener-rule/app/"].iter().any(is_one) {
        return Ok(());
    }
    if is_one(&"listener/net/") {
        return Err(format!(
            "{arn} is a listener of a network load balancer, and the traffic of {name} is shifted by the weights that a listener of an application load balancer gives two target groups: put one before the service, and write the ARN of its listener in `listenerArns`"
        ));
    }
    Err(format!(
        "{arn:?} is no ARN of a listener of an application load balancer, and {name} is at AWS ECS: write one in `listenerArns`"
    ))
}

fn balancers(message: String) -> ApiError {
    ApiError::new("InvalidLoadBalancerInfoException", message)
}

/// A replacement beside the task sets that its service has by now, bound to the target group that is free.
pub fn beside(ledger: &Ledger, pair: &TargetGroupPairInfo, replacement: TaskSet) -> TaskSets {
    let mut before = ledger.task_sets.iter();
    let before = before.find(|kept| kept.service == replacement.service);
    let (original, left) = before.map_or((None, Vec::new()), |kept| {
        (kept.primary.clone(), kept.left.clone())
    });
    TaskSets {
        replacement: TaskSet {
            target_group: other_group(pair, original.as_ref()),
            ..replacement
        },
        original,
        left,
    }
}

/// The target group that the task set with the traffic is not bound to.
fn other_group(pair: &TargetGroupPairInfo, primary: Option<&TaskSet>) -> String {
    let groups = || pair.target_groups.iter().map(|group| &group.name);
    let taken = |name: &&String| primary.is_some_and(|set| set.target_group == **name);
    let free = groups().find(|name| !taken(name) || deliberate(Bug::OneTargetGroup));
    free.or(groups().next()).cloned().unwrap_or_default()
}

/// The one target of a service's deployment (domain.md §9).
///
/// # Errors
/// If its name is none that a target can have.
pub fn target(service: &EcsService) -> Result<TargetSpec, ApiError> {
    let name = service.short_name();
    let name: Name = name.parse().map_err(|error| {
        ApiError::new(
            "InvalidECSServiceException",
            format!("{name:?} is no service's name: {error}"),
        )
    })?;
    Ok(only_target(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(sets: &[(&str, bool)]) -> Standing {
        let standee = |(id, primary): &(&str, bool)| Standee {
            id: TaskSetId::from(*id),
            arn: format!("arn:{id}"),
            task_definition: "shop:1".to_owned(),
            primary: *primary,
            leaves: false,
            target_group: Some("a".to_owned()),
            steady: true,
            running: (1, 1),
        };
        Standing {
            sets: sets.iter().map(standee).collect(),
            said: None,
        }
    }

    /// What is the original, and what is left, if the ledger takes these for that.
    fn sides(standing: &Standing, original: &str, left: &[&str]) -> (Option<String>, Vec<String>) {
        let service = EcsService {
            cluster_name: "main".to_owned(),
            service_name: "shop".to_owned(),
        };
        let set = |id: &str| found(&service, &self::standing(&[(id, false)]).sets[0]);
        let mut sets = TaskSets {
            original: Some(set(original)),
            replacement: set("d-NNNNNNNNN"),
            left: left.iter().map(|id| set(id)).collect(),
        };
        as_they_stand(standing, &service, &mut sets);
        let left = sets.left.iter().map(|set| set.id.to_string());
        (sets.original.map(|set| set.id.to_string()), left.collect())
    }

    #[test]
    fn a_network_load_balancer_is_refused_with_what_to_put_in_its_place() {
        let service = EcsService {
            cluster_name: "main".to_owned(),
            service_name: "shop".to_owned(),
        };
        let arn = |resource: &str| {
            let arn = format!("arn:aws:elasticloadbalancing:eu-west-1:123456789012:{resource}");
            weighs(&arn, &service)
        };
        assert_eq!(arn("listener/app/shop/0123/4567"), Ok(()));
        assert_eq!(arn("listener-rule/app/shop/0123/4567/89ab"), Ok(()));
        let why = arn("listener/net/shop/0123/4567").unwrap_err();
        assert!(
            why.contains("network load balancer") && why.contains("put one before the service"),
            "{why}"
        );
        let why = weighs("edge", &service).unwrap_err();
        assert!(why.contains("is no ARN"), "{why}");
    }

    #[test]
    fn the_original_is_what_ecs_says_or_else_what_the_ledger_knows() {
        let (a, b) = ("d-AAAAAAAAA", "d-BBBBBBBBB");
        let is = |id: &str| Some(id.to_owned());
        let promoted = standing(&[(a, false), (b, true)]);
        assert_eq!(sides(&promoted, a, &[]), (is(b), vec![a.to_owned()]));
        assert_eq!(sides(&promoted, a, &[b]), (is(b), vec![a.to_owned()]));
        // Nobody is the primary one: what is known to serve does so still, and is nothing that was left.
        let nobody = standing(&[(a, false), (b, false)]);
        assert_eq!(sides(&nobody, a, &[b]), (is(a), vec![b.to_owned()]));
        let mut leaves = nobody;
        leaves.sets[0].leaves = true;
        assert_eq!(sides(&leaves, a, &[b]).0, None);
        assert_eq!(sides(&standing(&[]), a, &[b]), (None, vec![]));
    }
}
