//! AWS ECS: the task sets of a service under external deployment control.

use aws_config::SdkConfig;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::operation::create_task_set::builders::CreateTaskSetFluentBuilder;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, DeploymentController,
    DeploymentControllerType, LaunchType, LoadBalancer, NetworkConfiguration, Scale, ScaleUnit,
    Service, StabilityStatus, TaskSet,
};

use super::{Accounts, Kind, Trouble};
use crate::appspec::ecs::{AssignPublicIp as Public, Capacity, Network};
use crate::model::connections::{Arn, LaunchType as Chosen};
use crate::model::deployment::{DeploymentId, ErrorCode};
use crate::model::group::EcsService;
use crate::model::task_set::TaskSetId;
use crate::providers::services::{Asked, DEADLINE, Order, Place, ServiceError, Standee, Standing};

/// What AWS takes for the latest version of a platform.
const LATEST: &str = "LATEST";

/// Why something is not done, and the error of a deployment that can't go on for this.
struct Failure(ErrorCode, Trouble);

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self(code(&trouble), trouble)
    }
}

impl Failure {
    /// The service is none that task sets can be made of.
    fn unfit(reason: String) -> Self {
        Self(ErrorCode::InvalidEcsService, Trouble::refused(reason))
    }
}

/// The error of a deployment that can't go on for this (operations.md §10).
fn code(trouble: &Trouble) -> ErrorCode {
    match (trouble.kind, trouble.code.as_str()) {
        (Kind::Busy, _) if trouble.is_throttled() => ErrorCode::Throttled,
        // What was never sent is refused for what its account says.
        (Kind::Credentials, _) | (Kind::Refused, "") => ErrorCode::IamRolePermissions,
        (Kind::Refused, _) if trouble.is_denied() => ErrorCode::IamRolePermissions,
        (Kind::Refused, _) if trouble.is_limit() => ErrorCode::ResourceLimitExceeded,
        (
            Kind::Refused,
            "ClusterNotFoundException" | "ServiceNotFoundException" | "ServiceNotActiveException",
        ) => ErrorCode::InvalidEcsService,
        _ => ErrorCode::EcsUpdateError,
    }
}

impl Accounts {
    /// Asks ECS once, within the time that it has.
    pub(crate) async fn ask_ecs(
        &self,
        at: &Place,
        asked: Asked<'_>,
    ) -> Result<Standing, ServiceError> {
        let account = at.account.as_deref();
        let ask = async {
            let session = self.session(account, region(&at.service)).await?;
            carry_out(&session, &at.service, asked).await
        };
        let done = tokio::time::timeout(DEADLINE, ask).await;
        let Failure(code, trouble) =
            match done.unwrap_or_else(|_| Err(Trouble::late(DEADLINE).into())) {
                Ok(standing) => return Ok(standing),
                Err(failure) => failure,
            };
        self.renew(&trouble).await;
        let label = self.label(&format!("ECS {}", at.service.short_name()), account);
        Err(ServiceError {
            code,
            is_passing: trouble.kind != Kind::Refused
                || trouble.code == "UpdateInProgressException",
            message: format!("{label}: {}", trouble.reason),
        })
    }
}

/// The region of what an ARN names.
fn region(service: &EcsService) -> Option<&str> {
    let arns = [&service.service_name, &service.cluster_name].into_iter();
    let mut arns = arns.filter_map(|text| Arn::of(text, "ecs", ""));
    arns.next().map(|arn| arn.region)
}

async fn carry_out(
    session: &SdkConfig,
    at: &EcsService,
    asked: Asked<'_>,
) -> Result<Standing, Failure> {
    let client = Client::new(session);
    let (cluster, service) = (&at.cluster_name, &at.service_name);
    match asked {
        Asked::Look => return Ok(standing(&described(&client, at).await?)),
        Asked::Create(order) => {
            let known = described(&client, at).await?;
            let made = client.create_task_set().cluster(cluster).service(service);
            let made = ordered(made, &known, order)?.send().await;
            made.map_err(|error| {
                Trouble::of(
                    &error,
                    "ecs:CreateTaskSet, and iam:PassRole for the roles of its task definition",
                )
            })?;
        }
        Asked::Lead(arn) => {
            let leads = client.update_service_primary_task_set();
            let leads = leads.cluster(cluster).service(service);
            let led = leads.primary_task_set(arn).send().await;
            led.map_err(|error| Trouble::of(&error, "ecs:UpdateServicePrimaryTaskSet"))?;
        }
        Asked::Delete(arn) => {
            let ends = client.delete_task_set().cluster(cluster).service(service);
            // With the tasks that it has.
            let gone = ends.task_set(arn).force(true).send().await;
            match gone.map_err(|error| Trouble::of(&error, "ecs:DeleteTaskSet")) {
                // Somebody else was faster.
                Err(trouble) if trouble.code == "TaskSetNotFoundException" => {}
                done => drop(done?),
            }
        }
    }
    Ok(Standing::default())
}

/// The service, if task sets can be made of it.
async fn described(client: &Client, at: &EcsService) -> Result<Service, Failure> {
    let (cluster, name) = (&at.cluster_name, at.short_name());
    let asked = client.describe_services().cluster(cluster);
    let answer = asked.services(&at.service_name).send().await;
    let answer = answer.map_err(|error| Trouble::of(&error, "ecs:DescribeServices"))?;
    let found = answer.services.unwrap_or_default().pop();
    let service = found.ok_or_else(|| {
        Failure::unfit(format!(
            "there is no service {name} in the cluster {cluster}: create it, or correct `ecsServices` of the group, and `connections.services` with it"
        ))
    })?;
    let status = service.status().unwrap_or_default();
    if status != "ACTIVE" {
        return Err(Failure::unfit(format!(
            "the service {name} is {status}: create it anew, or name another"
        )));
    }
    let controller = service
        .deployment_controller()
        .map(DeploymentController::r#type);
    match controller {
        Some(DeploymentControllerType::External | DeploymentControllerType::CodeDeploy) => {
            Ok(service)
        }
        other => Err(Failure::unfit(format!(
            "the service {name} is not under external deployment control, but under that of {}, and a service keeps what it was created with: create one with `--deployment-controller type=EXTERNAL`",
            other.map_or("ECS", DeploymentControllerType::as_str)
        ))),
    }
}

fn standing(service: &Service) -> Standing {
    let mut events = service.events().iter();
    Standing {
        sets: service.task_sets().iter().filter_map(standee).collect(),
        said: events
            .next()
            .and_then(|event| event.message().map(str::to_owned)),
    }
}

fn standee(set: &TaskSet) -> Option<Standee> {
    let count = |number: i32| u32::try_from(number).unwrap_or(0);
    let (running, desired) = (set.running_count(), set.computed_desired_count());
    let stable = set.stability_status() == Some(&StabilityStatus::SteadyState);
    Some(Standee {
        id: id(set)?,
        arn: set.task_set_arn()?.to_owned(),
        task_definition: last(set.task_definition().unwrap_or_default()).to_owned(),
        primary: set.status() == Some("PRIMARY"),
        leaves: set.status() == Some("DRAINING"),
        target_group: set.load_balancers().iter().find_map(|it| {
            let arn = Arn::parse(it.target_group_arn()?)?;
            let mut parts = arn.resource.split('/');
            parts.nth(1).map(str::to_owned)
        }),
        steady: stable && running == desired && set.pending_count() == 0,
        running: (count(running), count(desired)),
    })
}

/// What was made for a deployment says so.
fn id(set: &TaskSet) -> Option<TaskSetId> {
    let deployment = set.external_id().and_then(|id| id.parse().ok());
    match deployment {
        Some(deployment) => Some(TaskSetId::from(&deployment as &DeploymentId)),
        None => set.id().map(TaskSetId::from),
    }
}

fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// Asks for what the `AppSpec` says, and for everything that it leaves open as the task set has it that has the traffic, or
/// else the service.
fn ordered(
    made: CreateTaskSetFluentBuilder,
    known: &Service,
    order: Order<'_>,
) -> Result<CreateTaskSetFluentBuilder, Failure> {
    let asked = order.asked;
    let mut sets = known.task_sets().iter();
    let before = sets.find(|set| set.status() == Some("PRIMARY"));
    let balancer = LoadBalancer::builder()
        .target_group_arn(order.target_group)
        .container_name(&asked.load_balancer_info.container_name)
        .container_port(i32::from(asked.load_balancer_info.container_port))
        .build();
    let network = match &asked.network_configuration {
        Some(network) => Some(of_network(network)?),
        None => before
            .and_then(|set| set.network_configuration())
            .or(known.network_configuration())
            .cloned(),
    };
    let capacity = capacity(&asked.capacity_provider_strategy, before, known)?;
    // One or the other says where tasks run.
    let launch = capacity.is_empty().then(|| {
        let same = before.and_then(|set| set.launch_type());
        let chosen = order.launch_type.map(of_launch);
        same.cloned().or(chosen).or(known.launch_type().cloned())
    });
    let launch = launch.flatten();
    let registries = before.map_or(known.service_registries(), |set| set.service_registries());
    let version = asked.platform_version.as_str();
    let all = Scale::builder().value(100.0).unit(ScaleUnit::Percent);
    Ok(made
        .external_id(order.id.as_str())
        .client_token(order.id.as_str())
        .task_definition(&asked.task_definition)
        .load_balancers(balancer)
        .set_network_configuration(network)
        .set_capacity_provider_strategy(Some(capacity).filter(|it| !it.is_empty()))
        .set_launch_type(launch)
        // What it is where nothing is said; instances have no platform of AWS's, and refuse the word.
        .set_platform_version((version != LATEST).then(|| version.to_owned()))
        .set_service_registries(Some(registries.to_vec()).filter(|it| !it.is_empty()))
        .scale(all.build()))
}

fn of_network(network: &Network) -> Result<NetworkConfiguration, Failure> {
    let public = match network.assign_public_ip {
        Public::Enabled => AssignPublicIp::Enabled,
        Public::Disabled => AssignPublicIp::Disabled,
    };
    let vpc = AwsVpcConfiguration::builder()
        .set_subnets(Some(network.subnets.clone()))
        .set_security_groups(Some(network.security_groups.clone()))
        .assign_public_ip(public)
        .build()
        .map_err(unwritten)?;
    let network = NetworkConfiguration::builder().awsvpc_configuration(vpc);
    Ok(network.build())
}

fn capacity(
    asked: &[Capacity],
    before: Option<&TaskSet>,
    known: &Service,
) -> Result<Vec<CapacityProviderStrategyItem>, Failure> {
    if asked.is_empty() {
        let same = before.map_or(known.capacity_provider_strategy(), |set| {
            set.capacity_provider_strategy()
        });
        return Ok(same.to_vec());
    }
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let item = |one: &Capacity| {
        CapacityProviderStrategyItem::builder()
            .capacity_provider(&one.capacity_provider)
            .base(number(one.base))
            .weight(number(one.weight))
            .build()
            .map_err(unwritten)
    };
    asked.iter().map(item).collect()
}

fn unwritten(error: impl std::fmt::Display) -> Failure {
    let reason = format!("the request can't be written: {error}");
    Failure(ErrorCode::InvalidRevision, Trouble::refused(reason))
}

fn of_launch(chosen: Chosen) -> LaunchType {
    match chosen {
        Chosen::Fargate => LaunchType::Fargate,
        Chosen::Ec2 => LaunchType::Ec2,
        Chosen::External => LaunchType::External,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::config::BehaviorVersion;
    use aws_sdk_ecs::operation::create_task_set::CreateTaskSetInput;

    use super::*;
    use crate::appspec::ecs;

    /// What is asked for by this `AppSpec`, after a task set like this, if there is one.
    fn asked(properties: &str, before: Option<TaskSet>) -> CreateTaskSetInput {
        let text = format!(
            "version: 0.0\nResources: [{{TargetService: {{Type: AWS::ECS::Service, Properties: {{TaskDefinition: 'shop:2', LoadBalancerInfo: {{ContainerName: web, ContainerPort: 80}}, {properties}}}}}}}]"
        );
        let asked = ecs::parse(&text).unwrap().service;
        let known = Service::builder().set_task_sets(before.map(|set| vec![set]));
        let id: DeploymentId = "d-AAAAAAAAA".parse().unwrap();
        let order = Order {
            id: &id,
            asked: &asked,
            target_group: "arn",
            launch_type: Some(Chosen::Ec2),
        };
        let config = aws_sdk_ecs::Config::builder().behavior_version(BehaviorVersion::latest());
        let made = Client::from_conf(config.build()).create_task_set();
        let made = ordered(made, &known.build(), order).ok().unwrap();
        made.as_input().clone().build().unwrap()
    }

    fn primary() -> TaskSet {
        let vpc = AwsVpcConfiguration::builder().subnets("subnet-a").build();
        let network = NetworkConfiguration::builder().awsvpc_configuration(vpc.unwrap());
        TaskSet::builder()
            .status("PRIMARY")
            .launch_type(LaunchType::Fargate)
            .network_configuration(network.build())
            .build()
    }

    #[test]
    fn what_an_appspec_leaves_open_is_as_before() {
        let same = asked("", Some(primary()));
        assert_eq!(same.launch_type(), Some(&LaunchType::Fargate));
        assert_eq!(same.platform_version(), None);
        assert_eq!(
            same.network_configuration(),
            primary().network_configuration()
        );
        assert_eq!(same.external_id(), Some("d-AAAAAAAAA"));
        assert_eq!(same.client_token(), same.external_id());
        assert_eq!(same.task_definition(), Some("shop:2"));
        assert_eq!(same.scale().map(Scale::value), Some(100.0));
        let balancer = &same.load_balancers()[0];
        assert_eq!(balancer.target_group_arn(), Some("arn"));
        assert_eq!(balancer.container_port(), Some(80));
    }

    #[test]
    fn what_an_appspec_says_is_asked_for() {
        let network = "NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [subnet-b], SecurityGroups: [sg-c], AssignPublicIp: ENABLED}}";
        let spot = "CapacityProviderStrategy: [{CapacityProvider: FARGATE_SPOT, Base: 1, Weight: 2}], PlatformVersion: 1.4.0";
        let made = asked(&format!("{network}, {spot}"), Some(primary()));
        // With both, ECS would refuse it.
        assert_eq!(made.launch_type(), None);
        let capacity = &made.capacity_provider_strategy()[0];
        assert_eq!(capacity.capacity_provider(), "FARGATE_SPOT");
        assert_eq!((capacity.base(), capacity.weight()), (1, 2));
        assert_eq!(made.platform_version(), Some("1.4.0"));
        let vpc = made.network_configuration().unwrap();
        let vpc = vpc.awsvpc_configuration().unwrap();
        assert_eq!(vpc.subnets(), ["subnet-b"]);
        assert_eq!(vpc.assign_public_ip(), Some(&AssignPublicIp::Enabled));
        // Instances have no platform, and the first task set has none before it.
        let first = asked("", None);
        assert_eq!(first.launch_type(), Some(&LaunchType::Ec2));
        assert_eq!(first.platform_version(), None);
        assert_eq!(first.network_configuration(), None);
    }

    #[test]
    fn a_task_set_is_known_by_its_deployment() {
        let group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop-a/0123";
        let set = TaskSet::builder()
            .id("ecs-svc/7")
            .task_set_arn("arn:7")
            .task_definition("arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:2")
            .status("PRIMARY")
            .stability_status(StabilityStatus::SteadyState)
            .load_balancers(LoadBalancer::builder().target_group_arn(group).build());
        let known = |set: TaskSet| standee(&set).unwrap();
        let stranger = known(set.clone().external_id("by hand").build());
        assert_eq!(stranger.id, TaskSetId::from("ecs-svc/7"));
        assert_eq!(stranger.task_definition, "shop:2");
        assert_eq!(stranger.target_group.as_deref(), Some("shop-a"));
        assert!(stranger.primary && stranger.steady);
        let ours = known(set.clone().external_id("d-AAAAAAAAA").build());
        assert_eq!(ours.id, TaskSetId::from("d-AAAAAAAAA"));
        // Steady is said before all of them run.
        let some = set.computed_desired_count(2).running_count(1);
        assert!(!known(some.clone().build()).steady);
        assert!(known(some.running_count(2).build()).steady);
        let moves = TaskSet::builder().id("a").task_set_arn("b");
        assert!(!known(moves.stability_status(StabilityStatus::Stabilizing).build()).steady);
    }

    #[test]
    fn refusals_have_the_codes_of_deployments() {
        let said = |status, name| {
            let trouble = Trouble::said(status, name, "", "ecs:CreateTaskSet");
            code(&trouble)
        };
        for (status, name, expected) in [
            (400, "AccessDeniedException", ErrorCode::IamRolePermissions),
            (400, "ExpiredTokenException", ErrorCode::IamRolePermissions),
            (400, "ThrottlingException", ErrorCode::Throttled),
            (
                400,
                "ClusterNotFoundException",
                ErrorCode::InvalidEcsService,
            ),
            (
                400,
                "ServiceNotActiveException",
                ErrorCode::InvalidEcsService,
            ),
            (400, "InvalidParameterException", ErrorCode::EcsUpdateError),
            (
                400,
                "LimitExceededException",
                ErrorCode::ResourceLimitExceeded,
            ),
            (500, "ServerException", ErrorCode::EcsUpdateError),
        ] {
            assert_eq!(said(status, name), expected, "{name}");
        }
    }
}
