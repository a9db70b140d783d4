//! Whether a deployment can be created: the checks of operations.md §1.2, in its order, with `CodeDeploy`'s names.

use super::command::{ApiError, Deploy};
use super::fleets::checks as fleets;
use super::{Orchestrator, alarms, functions, services};
use crate::agent::inspect;
use crate::appspec::{ecs, lambda, sentence};
use crate::clock;
use crate::engine::plan::Stage;
use crate::engine::spec::{Provision, TargetSpec};
use crate::engine::task_sets::TaskSets;
use crate::engine::{Ledger, Spec, members, plan};
use crate::model::application::ComputePlatform;
use crate::model::approval::{Demanded, Step};
use crate::model::configuration::DeploymentConfiguration;
use crate::model::connections::TrafficProvider;
use crate::model::deployment::DeploymentId;
use crate::model::endpoint::Endpoint;
use crate::model::group::{DeploymentGroup, DeploymentType, GroupKey, Selection, Sides};
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::revision::{RegisteredRevision, Revision};
use crate::model::traffic::Side;
use crate::store::bundles::Bundles;

/// The longest description, in characters.
const DESCRIPTION: usize = 256;

/// The longest token, in characters.
const TOKEN: usize = 128;

impl Orchestrator {
    /// The snapshot that a deployment is created from. The first check that fails wins.
    pub(super) fn spec(
        &self,
        project: &Project,
        deploy: &Deploy,
        ledger: &Ledger,
    ) -> Result<(Spec, RegisteredRevision), ApiError> {
        let application = project.applications.get(&deploy.group.application);
        let application =
            application.ok_or_else(|| no_application(project, &deploy.group.application))?;
        let group = project
            .group(&deploy.group)
            .ok_or_else(|| no_group(project, &deploy.group))?;
        if deploy.description.chars().count() > DESCRIPTION {
            return Err(ApiError::new(
                "DescriptionTooLongException",
                format!("a description has at most {DESCRIPTION} characters"),
            ));
        }
        let registered = self.revision(&deploy.group.application, &deploy.revision)?;
        let wanted = deploy
            .configuration
            .as_ref()
            .unwrap_or(&group.deployment_config_name);
        let configuration = project.configurations.get(wanted).ok_or_else(|| {
            ApiError::new(
                "DeploymentConfigDoesNotExistException",
                unknown(
                    "deployment configuration",
                    wanted.as_str(),
                    project.configurations.keys().map(AsRef::as_ref),
                ),
            )
        })?;
        if configuration.compute_platform != application.compute_platform {
            return Err(ApiError::new(
                "InvalidDeploymentConfigNameException",
                format!("{wanted} is for {}", configuration.compute_platform.name()),
            ));
        }
        acceptable(deploy)?;
        let alarms = deploy.options.override_alarm_configuration.as_deref();
        if let Some(alarms) = alarms.or(group.alarm_configuration.as_ref()) {
            alarms::check::check(project, &deploy.group, alarms)?;
        }
        let deployment_id = clock::deployment_id();
        let what = match application.compute_platform {
            ComputePlatform::Server => hosts(
                project,
                group,
                (deploy, &registered.revision, &deployment_id),
                ledger,
            )?,
            ComputePlatform::Lambda => {
                let function = self.function(project, deploy, ledger, &registered.revision)?;
                What {
                    targets: vec![functions::target(&function)?],
                    function: Some(function),
                    ..What::default()
                }
            }
            ComputePlatform::Ecs => {
                let asked = self.service(
                    project,
                    group,
                    (deploy, &registered.revision, &deployment_id),
                    ledger,
                )?;
                asked.into()
            }
        };
        if what.sides.is_some() {
            divisible(project, group, configuration)?;
        }
        let reroutes = what.sides.is_some() || what.function.is_some() || what.service.is_some();
        let approvals = approvals(project, &deploy.group, reroutes);
        let spec = Spec {
            deployment_id,
            group: group.clone(),
            configuration: configuration.clone(),
            revision: registered.revision.clone(),
            previous_revision: ledger.target_revision.clone(),
            targets: what.targets,
            up_to_date: what.up_to_date,
            creator: deploy.creator,
            by: deploy.by.clone(),
            uid: deploy.uid,
            description: deploy.description.clone(),
            sides: what.sides,
            function: what.function,
            service: what.service,
            task_sets: what.task_sets,
            provision: what.provision,
            rolls_back: None,
            way_back: false,
            approvals,
            from_split: None,
            updates: None,
            token: deploy.token.clone(),
            limits: project.settings.limits,
            options: deploy.options.clone(),
        };
        whole_sides(project, &spec)?;
        Ok((spec, registered))
    }

    /// Looks into a revision's bundle: whether it is there and whole, and what hosts would refuse of it.
    pub(super) async fn verify(&self, spec: &Spec) -> Result<(), ApiError> {
        if !spec.is_on_hosts() {
            // It has been read already.
            return Ok(());
        }
        let revision = &spec.revision;
        let bundles = self.0.bundles.clone();
        let wanted = revision.clone();
        let looked = tokio::task::spawn_blocking(move || inspect_bundle(&bundles, &wanted)).await;
        let found = looked.unwrap_or_else(|error| Err(error.to_string()));
        found.map_err(|reason| {
            ApiError::new(
                "InvalidRevisionException",
                format!("revision {} can't be deployed: {reason}", revision.label),
            )
        })
    }
}

fn inspect_bundle(bundles: &Bundles, revision: &Revision) -> Result<(), String> {
    let path = bundles.path(&revision.digest);
    let file = std::fs::File::open(&path)
        .map_err(|error| format!("its bundle is not here ({error}): push it again"))?;
    let digest =
        Bundles::digest(file).map_err(|error| format!("its bundle can't be read: {error}"))?;
    if digest != revision.digest {
        return Err(format!(
            "its bundle is damaged: its digest is {} now. Delete {} and push the revision again",
            digest.short(),
            path.display()
        ));
    }
    let found = inspect::bundle(&path, None).map_err(|error| error.to_string())?;
    if found.errors.is_empty() {
        Ok(())
    } else {
        Err(sentence(&found.errors))
    }
}

/// What a deployment is about.
#[derive(Default)]
struct What {
    targets: Vec<TargetSpec>,
    up_to_date: u32,
    sides: Option<Sides>,
    function: Option<lambda::AppSpec>,
    service: Option<ecs::AppSpec>,
    task_sets: Option<Box<TaskSets>>,
    provision: Option<Provision>,
}

impl From<services::Asked> for What {
    fn from(asked: services::Asked) -> Self {
        Self {
            targets: vec![asked.target],
            service: Some(asked.appspec),
            task_sets: Some(Box::new(asked.task_sets)),
            ..Self::default()
        }
    }
}

/// The hosts that something is deployed to.
fn hosts(
    project: &Project,
    group: &DeploymentGroup,
    (deploy, revision, id): (&Deploy, &Revision, &DeploymentId),
    ledger: &Ledger,
) -> Result<What, ApiError> {
    let provision = fleets::provision(project, group, deploy, ledger)?;
    let sides = match &provision {
        Some(_) => Some(fleets::sides(group, ledger, id)),
        None => sides(project, group, deploy, ledger)?,
    };
    let mut targets = match &sides {
        None => members::targets(project.selected(ledger.selection(group)), ledger),
        Some(sides) => members::both_sides(&project.hosts, sides, ledger),
    };
    fleets::end_with_it(project, provision.as_ref(), &mut targets);
    let all = targets.len();
    if deploy.options.update_outdated_instances_only {
        // An original instance has nothing installed by the deployment.
        targets.retain(|t| {
            t.side == Some(Side::Blue) || members::is_outdated(ledger, &t.name, revision)
        });
    }
    reachable(project, group, targets.iter().map(|target| &target.name))?;
    Ok(What {
        up_to_date: u32::try_from(all - targets.len()).unwrap_or(u32::MAX),
        targets,
        sides,
        provision,
        ..What::default()
    })
}

/// What waits for approvals: of a deployment in place nothing is rerouted.
pub(super) fn approvals(project: &Project, group: &GroupKey, reroutes: bool) -> Demanded {
    let mut demanded = project.approvals(group);
    demanded.retain(|step, _| reroutes || *step != Step::Reroute);
    demanded
}

/// Who is who in a blue/green deployment (domain.md §8).
fn sides(
    project: &Project,
    group: &DeploymentGroup,
    deploy: &Deploy,
    ledger: &Ledger,
) -> Result<Option<Sides>, ApiError> {
    let wrong = |message| Err(ApiError::new("InvalidTargetInstancesException", message));
    if group.deployment_style.deployment_type != DeploymentType::BlueGreen {
        return match deploy.target_instances {
            None => Ok(None),
            Some(_) => wrong(format!(
                "{} is in place: its instances are those that its filters select",
                group.key()
            )),
        };
    }
    let original = ledger.selection(group);
    let standby = || ledger.serving(group).map(|serving| serving.before.clone());
    let named = deploy.target_instances.as_deref().map(|named| Selection {
        account: group.account.clone(),
        ..named.clone()
    });
    let Some(replacement) = named.or_else(standby) else {
        return wrong(format!(
            "which instances are the replacement of {}? Name a tag that they have: `--replacement KEY=VALUE`",
            group.key()
        ));
    };
    let both: Vec<&str> = project
        .hosts
        .iter()
        .filter(|host| original.selects(host) && replacement.selects(host))
        .map(|host| host.name.as_str())
        .collect();
    if !both.is_empty() {
        return wrong(format!(
            "original and replacement must be different instances, and {} would be both",
            both.join(", ")
        ));
    }
    if !project.hosts.iter().any(|host| replacement.selects(host)) {
        return wrong("no host has the tags of the replacement".to_owned());
    }
    Ok(Some(Sides {
        original,
        replacement,
    }))
}

/// Whether every load balancer of the group is known, and where its instances serve.
fn reachable<'a>(
    project: &Project,
    group: &DeploymentGroup,
    targets: impl Iterator<Item = &'a Name>,
) -> Result<(), ApiError> {
    if !group.controls_traffic() {
        return Ok(());
    }
    let names = group.load_balancers();
    let wrong = |message| Err(ApiError::new("InvalidLoadBalancerInfoException", message));
    if names.is_empty() {
        return wrong(format!(
            "{} is WITH_TRAFFIC_CONTROL and names no load balancer: give it a `loadBalancerInfo` (MISSING_ELB_INFORMATION)",
            group.key()
        ));
    }
    let mut balancers = Vec::new();
    for name in names {
        let Some(balancer) = project.connections.load_balancer(name) else {
            let known = project.connections.load_balancers.iter();
            return wrong(format!(
                "{}; `connections.loadBalancers` of cutover.yaml says what the names stand for",
                unknown("load balancer", name, known.map(|one| one.name.as_str()))
            ));
        };
        balancers.push(balancer);
    }
    for host in targets.filter_map(|name| project.host(name)) {
        for balancer in &balancers {
            if let Err(error) = Endpoint::of(host, balancer) {
                return wrong(error.to_string());
            }
        }
    }
    Ok(())
}

/// Traffic shifts by weight only where every load balancer has weights.
fn divisible(
    project: &Project,
    group: &DeploymentGroup,
    configuration: &DeploymentConfiguration,
) -> Result<(), ApiError> {
    if configuration.traffic_routing_config.is_none() {
        return Ok(());
    }
    let named = group.load_balancers().into_iter();
    let mut named = named.filter_map(|name| project.connections.load_balancer(name));
    let Some(plain) = named.find(|balancer| !balancer.provider.splits()) else {
        return Ok(());
    };
    Err(ApiError::new(
        "InvalidTrafficRoutingConfigurationException",
        format!(
            "{} shifts traffic by weight, and nothing says how the load balancer {} takes weights: give its connection {}, or choose a configuration without trafficRoutingConfig",
            configuration.deployment_config_name,
            plain.name,
            match &plain.provider {
                TrafficProvider::Elbv2(_) => "two target groups (`control: {weights: …}`)",
                _ => "a `weight` request",
            },
        ),
    ))
}

/// Whether load balancers that give traffic to whole sides only can do what the deployment asks of them.
fn whole_sides(project: &Project, spec: &Spec) -> Result<(), ApiError> {
    if !spec.is_on_hosts() {
        return Ok(());
    }
    let names = spec.group.load_balancers().into_iter();
    let mut balancers = names.filter_map(|name| project.connections.load_balancer(name));
    let Some(balancer) = balancers.find(|one| one.provider.weighs_whole_sides()) else {
        return Ok(());
    };
    let name = &balancer.name;
    let wrong = |message| Err(ApiError::new("InvalidLoadBalancerInfoException", message));
    if spec.sides.is_none() {
        return wrong(format!(
            "{name} weighs whole sides by runtime keys, so single instances can't leave it in place: let it have `control: {{endpoints: …}}`"
        ));
    }
    let plan = plan(spec);
    // Where traffic shifts by weight, instances enter without a share.
    if plan.stages.iter().any(|stage| stage.shift().is_some()) {
        return Ok(());
    }
    let few = plan.stages.iter().find_map(|stage| match stage {
        Stage::Enter {
            targets, window, ..
        } if (window.concurrency as usize) < targets.len() => Some((window, targets.len())),
        _ => None,
    });
    match few {
        Some((window, all)) => wrong(format!(
            "{name} weighs whole sides by runtime keys, and under {} only {} of {all} instances enter at a time: use CodeDeployDefault.AllAtOnce, or let it have `control: {{endpoints: …}}`",
            spec.configuration.deployment_config_name, window.concurrency
        )),
        None => Ok(()),
    }
}

/// Whether a group deploys to hosts, which may join it.
pub(super) fn has_hosts(project: &Project, group: &DeploymentGroup) -> bool {
    let application = project.applications.get(&group.application_name);
    application.is_some_and(|it| it.compute_platform == ComputePlatform::Server)
}

/// What types can't say about a deployment's own settings.
fn acceptable(deploy: &Deploy) -> Result<(), ApiError> {
    let rollback = deploy.options.auto_rollback_configuration.as_ref();
    if rollback.is_some_and(|rollback| rollback.enabled && rollback.events.is_empty()) {
        return Err(ApiError::new(
            "InvalidAutoRollbackConfigException",
            "an automatic rollback that is enabled needs at least one event: failure, stop or alarm",
        ));
    }
    let fits = |token: &String| {
        let length = token.chars().count();
        (1..=TOKEN).contains(&length) && !token.chars().any(char::is_control)
    };
    if !deploy.token.as_ref().is_none_or(fits) {
        return Err(ApiError::new(
            "InvalidInputException",
            format!("a token has 1 to {TOKEN} characters, and no control characters"),
        ));
    }
    Ok(())
}

/// "There is no … called …", with the nearest name there is.
/// The error for an application that the project does not have.
pub(crate) fn no_application(project: &Project, name: &Name) -> ApiError {
    let names = project.applications.keys().map(AsRef::as_ref);
    ApiError::new(
        "ApplicationDoesNotExistException",
        unknown("application", name.as_str(), names),
    )
}

/// The error for a deployment group that the project does not have.
pub(crate) fn no_group(project: &Project, key: &GroupKey) -> ApiError {
    if !project.applications.contains_key(&key.application) {
        return no_application(project, &key.application);
    }
    let groups = project.groups.iter();
    let names = groups
        .filter(|group| group.application_name == key.application)
        .map(|group| group.deployment_group_name.as_str());
    ApiError::new(
        "DeploymentGroupDoesNotExistException",
        unknown("deployment group", key.group.as_str(), names),
    )
}

/// The error for an environment that the project does not have.
pub(crate) fn no_environment(project: &Project, name: &Name) -> ApiError {
    ApiError::new(
        "EnvironmentDoesNotExistException",
        unknown(
            "environment",
            name.as_str(),
            project.environments.keys().map(Name::as_str),
        ),
    )
}

pub(super) fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, candidate)) => {
            format!("there is no {kind} called {name}: did you mean {candidate}?")
        }
        None => format!("there is no {kind} called {name}"),
    }
}
