//! Whether a container service can be deployed to: what its `AppSpec` and its group say against what the project knows
//! (operations.md §1.2).

use super::checks::unknown;
use super::command::{ApiError, Deploy};
use super::functions::{only_of_servers, only_target};
use super::traffic::listener::server_name;
use super::{Orchestrator, content};
use crate::appspec::ecs;
use crate::engine::deliberate::{Bug, deliberate};
use crate::engine::spec::TargetSpec;
use crate::engine::task_sets::TaskSets;
use crate::engine::{Ledger, Spec};
use crate::model::connections::{ServiceConnection, ServiceKind, TrafficProvider};
use crate::model::deployment::DeploymentId;
use crate::model::group::{DeploymentGroup, EcsService, GroupKey, TargetGroupPairInfo};
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::revision::Revision;
use crate::model::task_set::TaskSet;

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
        let ServiceKind::Processes(processes) = &connection(project, service)?.via;
        self.nobody_else_moves(&group.key(), service)?;
        let pair = pair(group)?;
        listeners(project, pair)?;
        let wanted = appspec.service.definition_name();
        let definitions = &processes.task_definitions;
        let definition = definitions.get(wanted).ok_or_else(|| {
            let known = definitions.keys().map(String::as_str);
            ApiError::new(
                "InvalidRevisionException",
                format!(
                    "{}: the `taskDefinitions` of {} in `connections.services` of cutover.yaml say what its tasks are",
                    unknown("task definition", wanted, known),
                    service.service_name
                ),
            )
        })?;
        let replacement = TaskSet {
            id: id.clone(),
            service: service.clone(),
            task_definition: wanted.to_owned(),
            target_group: String::new(),
            hosts: processes.spread(definition.count),
            definition: definition.clone(),
            tasks: Vec::new(),
        };
        let target = target(service)?;
        for (host, _) in &replacement.hosts {
            server_name(&target.name, host, u16::MAX).map_err(balancers)?;
        }
        Ok(Asked {
            appspec,
            target,
            task_sets: beside(ledger, pair, replacement),
        })
    }

    /// Whether no other group moves the traffic of the same service.
    fn nobody_else_moves(&self, group: &GroupKey, service: &EcsService) -> Result<(), ApiError> {
        let same = |spec: &Spec| spec.service.is_some() && named(&spec.group).ok() == Some(service);
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

/// Whether the listeners are load balancers of the project, and can do what is asked of them.
fn listeners(project: &Project, pair: &TargetGroupPairInfo) -> Result<(), ApiError> {
    let production = pair.prod_traffic_route.listener_arns.iter();
    let test = pair
        .test_traffic_route
        .iter()
        .flat_map(|route| &route.listener_arns);
    for (name, weighs) in production
        .map(|it| (it, true))
        .chain(test.map(|it| (it, false)))
    {
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
