//! Names and documents of the simulated world, made once and used by every run.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::shape::{Minimum, Shape, Style};
use crate::appspec::{ecs, lambda};
use crate::engine::Ledger;
use crate::engine::task_sets::TaskSets;
use crate::model::configuration::{
    ALL_AT_ONCE, DeploymentConfiguration, HALF_AT_A_TIME, MinimumHealthyHosts,
    MinimumHealthyHostsType, ONE_AT_A_TIME, ZonalConfig,
};
use crate::model::connections::{HookKind, ServiceProcesses};
use crate::model::deployment::{DeploymentId, ExecutionId};
use crate::model::endpoint::Endpoint;
use crate::model::group::{
    Alarm, AlarmConfiguration, AutoRollbackConfiguration, AutoRollbackEvent, DeploymentGroup,
    DeploymentOption, DeploymentType, EcsService, LoadBalancerInfo, Selection, Sides,
    TargetGroupInfo, TargetGroupPairInfo, TrafficRoute,
};
use crate::model::host::Host;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::revision::{Digest, Revision};
use crate::model::tags::{TagFilter, Tags};
use crate::model::task_set::{Ports, Task, TaskDefinition, TaskSet, TaskSetId};
use crate::model::traffic::Side;
use crate::orchestrator::services::beside;
use crate::orchestrator::traffic::listener::server_name;

/// More hosts than this no world has.
pub const MOST_HOSTS: usize = 1_000;

/// How many versions a function has: its servers of these numbers. The server 0 of its load balancer is none of them.
pub const VERSIONS: usize = 4;

/// The alias of every function.
const ALIAS: &str = "live";

/// How load balancers are called.
pub const BALANCER: &str = "balancer";

/// What is called before traffic shifts, and after.
const HOOKS: [(LifecycleEvent, &str); 2] = [
    (LifecycleEvent::BeforeAllowTraffic, "CodeDeployHook_before"),
    (LifecycleEvent::AfterAllowTraffic, "CodeDeployHook_after"),
];

/// The hooks of a service's deployment, in their order.
const STEPS: [LifecycleEvent; 5] = [
    LifecycleEvent::BeforeInstall,
    LifecycleEvent::AfterInstall,
    LifecycleEvent::AfterAllowTestTraffic,
    LifecycleEvent::BeforeAllowTraffic,
    LifecycleEvent::AfterAllowTraffic,
];

/// The listener of test traffic of a group is the load balancer of this number and its own. That of production traffic has the
/// group's.
pub const TESTS: usize = 2;

/// The numbers of task sets that are older than the world begin here.
const FORMER: usize = 60_000;

/// How the listeners of services are called.
const LISTENERS: [&str; 2] = ["edge", "edge-test"];

/// No service has tasks on more hosts.
const MOST_SERVICE_HOSTS: usize = 3;

/// How many ports the tasks of a service have on each host.
const PORTS: usize = 20;

/// The first of them, by group.
const FIRST_PORT: [u16; 2] = [8_100, 8_200];

/// How many servers a service's load balancer has: a port on a host each, but for the server 0, which is no task.
pub const TASK_SERVERS: usize = 1 + MOST_SERVICE_HOSTS * PORTS;

/// How many revisions there are; deployments take one after the other.
pub const REVISIONS: usize = 8;

/// Names and documents.
#[derive(Debug)]
pub struct Cast {
    hosts: Vec<Name>,
    groups: Vec<DeploymentGroup>,
    /// Revisions, the one before everything first.
    pub revisions: Vec<Revision>,
    predefined: [DeploymentConfiguration; 3],
    custom: DeploymentConfiguration,
    /// The file name of every script that fails.
    pub failure: Arc<str>,
    /// Where servers serve: load balancers of this world look at names alone.
    pub endpoint: Endpoint,
    /// By group, what its function is.
    functions: Vec<Function>,
    /// What functions are of.
    thumbs: Name,
    /// By group, what its service is.
    services: Vec<Service>,
    /// What services are of.
    checkout: Name,
    /// How hooks are called: over the network, or as programs.
    hooks: [HookKind; 2],
    /// Says where functions are.
    pub directory: Project,
}

/// A function of the simulated world.
#[derive(Debug)]
struct Function {
    name: String,
    /// The servers that its versions are, the first version first.
    servers: Vec<Name>,
}

/// A container service of the simulated world.
#[derive(Debug)]
struct Service {
    key: EcsService,
    target: Name,
    /// The servers that its tasks can be, but for that which is none.
    servers: Vec<Name>,
}

/// A place at which a task of a service can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The host.
    pub host: usize,
    /// The port.
    pub port: u16,
}

impl Spot {
    /// The number of the server that it is; 0 where no task of a service can be.
    pub fn server(self) -> usize {
        let place = |first: u16| usize::from(self.port.wrapping_sub(first));
        let mut places = FIRST_PORT.into_iter().map(place);
        let place = places.find(|place| *place < PORTS);
        let place = place.filter(|_| self.host < MOST_SERVICE_HOSTS);
        place.map_or(0, |place| 1 + self.host * PORTS + place)
    }

    /// Where the server of this number serves, if it is one of a task.
    pub fn of(group: usize, server: usize) -> Option<Self> {
        let place = server.checked_sub(1)?;
        let port = u16::try_from(place % PORTS).ok()?;
        Some(Self {
            host: place / PORTS,
            port: FIRST_PORT[group] + port,
        })
    }

    /// Where a task serves.
    pub fn of_task(task: &Task) -> Self {
        Self {
            host: Cast::host(&task.host),
            port: task.endpoint.port,
        }
    }
}

/// The group of a load balancer.
pub fn group_of(gate: usize) -> usize {
    gate % TESTS
}

fn name(text: &str) -> Name {
    #[expect(clippy::expect_used, reason = "only called with valid names")]
    text.parse().expect("a valid name")
}

fn configuration(
    name_: &str,
    kind: MinimumHealthyHostsType,
    value: u32,
) -> DeploymentConfiguration {
    #[expect(clippy::expect_used, reason = "a constant document")]
    let mut document: DeploymentConfiguration = serde_json::from_value(serde_json::json!({
        "deploymentConfigName": name_,
        "computePlatform": "Server", "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 0},
    }))
    .expect("a valid configuration");
    document.minimum_healthy_hosts = Some(MinimumHealthyHosts { kind, value });
    document
}

impl Default for Cast {
    fn default() -> Self {
        use MinimumHealthyHostsType::{FleetPercent, HostCount, MostConcurrency};
        #[expect(clippy::expect_used, reason = "a constant document")]
        let group = |name: &str| -> DeploymentGroup {
            serde_json::from_value(serde_json::json!({
                "applicationName": "shop",
                "deploymentGroupName": name,
                "deploymentGroupId": name,
                "ec2TagFilters": [{"Key": name}],
            }))
            .expect("a valid group")
        };
        let functions = ["fa", "fb"].map(|function| Function {
            name: function.to_owned(),
            servers: (1..=VERSIONS)
                .map(|version| name(&format!("{function}-{version}")))
                .collect(),
        });
        let hosts: Vec<Name> = (0..MOST_HOSTS).map(|i| name(&format!("h{i:03}"))).collect();
        let services = (0..2).map(|group| Service::new(group, &hosts));
        Self {
            services: services.collect(),
            checkout: name("checkout"),
            directory: directory(&functions),
            functions: functions.into(),
            thumbs: name("thumbs"),
            hooks: hooks(),
            hosts,
            groups: vec![group("g0"), group("g1")],
            revisions: (0..REVISIONS)
                .map(|i| Revision {
                    digest: Digest::from_bytes(&[u8::try_from(i).unwrap_or(0); 32]),
                    label: format!("r{i}"),
                    size: 1,
                })
                .collect(),
            predefined: [
                configuration(ALL_AT_ONCE, FleetPercent, 0),
                configuration(ONE_AT_A_TIME, MostConcurrency, 1),
                configuration(HALF_AT_A_TIME, FleetPercent, 50),
            ],
            custom: configuration("custom", HostCount, 0),
            failure: "boom".into(),
            endpoint: Endpoint {
                host: "127.0.0.1".to_owned(),
                port: 80,
            },
        }
    }
}

impl Cast {
    /// What somebody is called.
    pub fn person(number: usize) -> String {
        format!("p{number}")
    }

    /// The number of a host, or of the server that a function's version or a task is.
    pub fn host(name: &Name) -> usize {
        if name.as_str().starts_with('s') {
            return task(name).map_or(0, Spot::server);
        }
        let letters = |c: char| !c.is_ascii_digit();
        let digits = name.as_str().trim_start_matches(letters);
        digits.parse().unwrap_or(0)
    }

    /// The name of a server at the load balancer of a group; `None` if it has nothing to do with the group.
    pub fn server(&self, group: usize, server: usize, shape: &Shape) -> Option<&Name> {
        if shape.styles[group].is_function() {
            return self.functions[group].servers.get(server.checked_sub(1)?);
        }
        if shape.styles[group].is_service() {
            return self.services[group].servers.get(server.checked_sub(1)?);
        }
        self.hosts.get(server)
    }

    /// The version of a function that a revision deploys.
    pub fn version(revision: usize) -> usize {
        1 + revision % VERSIONS
    }

    /// The version of a function that a group deployed last.
    pub fn version_in_place(&self, ledger: &Ledger) -> Option<usize> {
        let last = &ledger.target_revision.as_ref()?.digest;
        let mut revisions = self.revisions.iter();
        revisions
            .position(|it| it.digest == *last)
            .map(Self::version)
    }

    /// How hooks are called.
    pub fn hook(&self, programs: bool) -> HookKind {
        self.hooks[usize::from(programs)].clone()
    }

    /// What a revision asks of the function of a group.
    pub fn appspec(
        &self,
        group: usize,
        shape: &Shape,
        current: usize,
        next: usize,
    ) -> Option<lambda::AppSpec> {
        let Style::Function(release) = shape.styles[group] else {
            return None;
        };
        let number = |version: usize| u64::try_from(version).unwrap_or(0);
        let called = HOOKS.iter().zip([release.before, release.after]);
        let hooks = called.filter(|(_, called)| *called);
        Some(lambda::AppSpec {
            function: lambda::Function {
                name: self.functions[group].name.clone(),
                alias: ALIAS.to_owned(),
                current_version: Some(number(current)),
                target_version: number(next),
            },
            hooks: hooks
                .map(|((event, name), _)| (*event, (*name).to_owned()))
                .collect(),
        })
    }

    /// What a revision asks of the service of a group.
    pub fn service(&self, group: usize, shape: &Shape, revision: usize) -> Option<ecs::AppSpec> {
        let Style::Service(rollout) = shape.styles[group] else {
            return None;
        };
        let called = STEPS.into_iter().zip(rollout.hooks);
        let called = called.filter(|(_, called)| *called);
        Some(ecs::AppSpec {
            service: ecs::Service {
                task_definition: definition_name(revision),
                load_balancer_info: ecs::LoadBalancerInfo {
                    container_name: "web".to_owned(),
                    container_port: 80,
                },
                platform_version: "LATEST".to_owned(),
                network_configuration: None,
                capacity_provider_strategy: Vec::new(),
            },
            hooks: called
                .map(|(event, _)| (event, format!("CodeDeployHook_{event}")))
                .collect(),
        })
    }

    /// The name of a service's one target.
    pub fn service_target(&self, group: usize) -> &Name {
        &self.services[group].target
    }

    /// The task set that a deployment of a service makes.
    pub fn task_set(
        &self,
        group: usize,
        shape: &Shape,
        revision: usize,
        number: usize,
    ) -> Option<TaskSet> {
        let Style::Service(rollout) = shape.styles[group] else {
            return None;
        };
        let hosts = rollout.hosts.min(shape.hosts).min(MOST_SERVICE_HOSTS);
        // As many tasks on each as can be, for others to come beside them.
        let count = rollout.count.min(2 * u32::try_from(hosts).unwrap_or(1));
        let processes = ServiceProcesses {
            hosts: self.hosts[..hosts].to_vec(),
            task_definitions: BTreeMap::new(),
        };
        let first = FIRST_PORT[group];
        Some(TaskSet {
            id: TaskSetId::from(&Self::deployment(number)),
            service: self.services[group].key.clone(),
            task_definition: definition_name(revision),
            definition: Some(TaskDefinition {
                run: vec!["serve".to_owned()],
                count,
                port: Ports {
                    first,
                    last: first + u16::try_from(PORTS).unwrap_or(1) - 1,
                },
                health: None,
                environment: BTreeMap::new(),
                user: None,
                folder: None,
                start_seconds: shape.services.start_seconds,
                stop_seconds: shape.services.stop_seconds,
            }),
            target_group: String::new(),
            hosts: processes.spread(count),
            tasks: Vec::new(),
        })
    }

    /// The task sets that a deployment of a service is about.
    pub fn task_sets(
        &self,
        group: usize,
        shape: &Shape,
        ledger: &Ledger,
        (revision, number): (usize, usize),
    ) -> Option<TaskSets> {
        let replacement = self.task_set(group, shape, revision, number)?;
        let pair = pair(shape.styles[group].tests());
        Some(beside(ledger, &pair, replacement))
    }

    /// The number of the task set that a group's service has before the world begins.
    pub fn former(group: usize) -> usize {
        FORMER + group
    }

    /// The group whose service had a task set of this number before the world began.
    pub fn group_of_former(set: usize) -> Option<usize> {
        set.checked_sub(FORMER).filter(|group| *group < TESTS)
    }

    /// A host's name.
    pub fn name(&self, host: usize) -> &Name {
        &self.hosts[host]
    }

    /// The id of a deployment.
    pub fn deployment(number: usize) -> DeploymentId {
        // Its nine characters are taken out of the capital letters and then the digits.
        let mut digits = [26; 9];
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        DeploymentId::from_random(digits)
    }

    /// The number of a deployment.
    pub fn number(id: &DeploymentId) -> usize {
        digits(id.as_str())
    }

    /// The number of the deployment that a task set was made for.
    pub fn set(id: &TaskSetId) -> usize {
        digits(id.as_str())
    }

    /// The number of the deployment that an execution belongs to.
    pub fn deployment_of(execution: &ExecutionId) -> usize {
        digits(execution.as_str())
    }

    /// The group of this number, in a world of this shape.
    pub fn group(&self, number: usize, shape: &Shape) -> DeploymentGroup {
        let mut group = self.groups[number].clone();
        let configuration = self.configuration(number, shape);
        group.deployment_config_name = configuration.deployment_config_name;
        let style = shape.styles[number];
        if style.controls_traffic() {
            group.deployment_style.deployment_option = DeploymentOption::WithTrafficControl;
        }
        if style.is_function() {
            group.application_name = self.thumbs.clone();
            group.deployment_style.deployment_type = DeploymentType::BlueGreen;
            group.ec2_tag_filters = None;
        }
        if style.is_service() {
            group.application_name = self.checkout.clone();
            group.deployment_style.deployment_type = DeploymentType::BlueGreen;
            group.ec2_tag_filters = None;
            group.ecs_services = Some(vec![self.services[number].key.clone()]);
            group.load_balancer_info = Some(LoadBalancerInfo {
                target_group_pair_info_list: vec![pair(style.tests())],
                ..LoadBalancerInfo::default()
            });
            group.blue_green_deployment_configuration = style.options();
        }
        if let Style::BlueGreen(_) = style {
            group.deployment_style.deployment_type = DeploymentType::BlueGreen;
            group.blue_green_deployment_configuration = style.options();
            group.ec2_tag_filters = selection(number, Side::Blue).ec2_tag_filters;
        }
        let (failed, stopped) = shape.roll_back;
        let alarmed = shape.alarms.changes > 0;
        if alarmed {
            group.alarm_configuration = Some(AlarmConfiguration {
                enabled: true,
                ignore_poll_alarm_failure: false,
                alarms: vec![Alarm {
                    name: "alarm".to_owned(),
                }],
            });
        }
        let alarmed = alarmed && shape.alarms.roll_back;
        if failed || stopped || alarmed {
            let mut events = Vec::new();
            if failed {
                events.push(AutoRollbackEvent::DeploymentFailure);
            }
            if stopped {
                events.push(AutoRollbackEvent::DeploymentStopOnRequest);
            }
            if alarmed {
                events.push(AutoRollbackEvent::DeploymentStopOnAlarm);
            }
            group.auto_rollback_configuration = Some(AutoRollbackConfiguration {
                enabled: true,
                events,
            });
        }
        group
    }

    /// The configuration of the group of this number.
    pub fn configuration(&self, number: usize, shape: &Shape) -> DeploymentConfiguration {
        use MinimumHealthyHostsType::{FleetPercent, HostCount};
        let custom = |kind, value| DeploymentConfiguration {
            minimum_healthy_hosts: Some(MinimumHealthyHosts { kind, value }),
            ..self.custom.clone()
        };
        let zonal = |mut document: DeploymentConfiguration| {
            document.zonal_config = shape.zonal.then(|| ZonalConfig {
                monitor_duration_in_seconds: Some(shape.monitor.0),
                first_zone_monitor_duration_in_seconds: Some(shape.monitor.1),
                minimum_healthy_hosts_per_zone: shape.per_zone.map(|(counts, value)| {
                    MinimumHealthyHosts {
                        kind: if counts { HostCount } else { FleetPercent },
                        value,
                    }
                }),
            });
            document
        };
        let mut configuration = zonal(match shape.minimum[number] {
            Minimum::AllAtOnce => self.predefined[0].clone(),
            Minimum::OneAtATime => self.predefined[1].clone(),
            Minimum::HalfAtATime => self.predefined[2].clone(),
            Minimum::Count(value) => custom(HostCount, value),
            Minimum::Percent(value) => custom(FleetPercent, value),
        });
        if !shape.styles[number].is_on_hosts() {
            configuration = self.custom.clone();
            configuration.minimum_healthy_hosts = None;
        }
        configuration.traffic_routing_config = shape.styles[number].routing();
        configuration
    }

    /// Whether a host belongs to a group: all do to the first, every second one to the second.
    pub fn is_member(host: usize, group: usize) -> bool {
        group == 0 || host.is_multiple_of(2)
    }

    /// The side that a member of a blue/green group is on before its first deployment: every second one is a replacement.
    pub fn side(host: usize, group: usize) -> Side {
        let place = if group == 0 { host } else { host / 2 };
        if place.is_multiple_of(2) {
            Side::Blue
        } else {
            Side::Green
        }
    }

    /// The hosts that a group has in the project, on both sides of one that is blue/green.
    pub fn hosts(&self, group: usize, shape: &Shape) -> Vec<Host> {
        let tags = |host| match shape.styles[group] {
            Style::BlueGreen(_) => tags(group, Some(Self::side(host, group))),
            _ => BTreeMap::default(),
        };
        (0..shape.hosts)
            .filter(|&host| Self::is_member(host, group))
            .map(|host| Host {
                name: self.hosts[host].clone(),
                address: String::new(),
                tags: tags(host),
                zone: zone(host, shape),
                endpoints: BTreeMap::default(),
                provisioned: None,
                instance: None,
            })
            .collect()
    }

    /// The hosts that belong to a group: of one that is blue/green, those that have the traffic.
    pub fn members(&self, group: usize, shape: &Shape, ledger: &Ledger) -> Vec<Host> {
        let mut hosts = self.hosts(group, shape);
        if let Style::BlueGreen(_) = shape.styles[group] {
            let selection = ledger.selection(&self.group(group, shape));
            hosts.retain(|host| selection.selects(host));
        }
        hosts
    }

    /// Who is who in the next deployment of a blue/green group.
    pub fn sides(&self, group: usize, shape: &Shape, ledger: &Ledger) -> Option<Sides> {
        let Style::BlueGreen(_) = shape.styles[group] else {
            return None;
        };
        let document = self.group(group, shape);
        let standby = ledger.serving(&document);
        let standby = standby.map(|serving| serving.before.clone());
        Some(Sides {
            original: ledger.selection(&document),
            replacement: standby.unwrap_or_else(|| selection(group, Side::Green)),
        })
    }

    /// The project as an operator would have it.
    ///
    /// # Errors
    /// If the documents do not go together: a mistake in this file.
    pub fn project(&self, shape: &Shape) -> serde_json::Result<Project> {
        let hosts: Vec<_> = (0..shape.hosts)
            .map(|host| {
                let groups = (0..shape.groups).filter(|&group| Self::is_member(host, group));
                let tags: BTreeMap<_, _> = groups
                    .flat_map(|group| match shape.styles[group] {
                        Style::BlueGreen(_) => tags(group, Some(Self::side(host, group))),
                        _ => tags(group, None),
                    })
                    .collect();
                serde_json::json!({
                    "name": self.hosts[host],
                    "address": format!("http://127.0.0.1:{}", 7_300 + host),
                    "tags": tags,
                    "zone": zone(host, shape),
                })
            })
            .collect();
        let groups: Vec<_> = (0..shape.groups).map(|n| self.group(n, shape)).collect();
        let configurations: BTreeMap<_, _> = (0..shape.groups)
            .map(|n| self.configuration(n, shape))
            .map(|document| (document.deployment_config_name.to_string(), document))
            .collect();
        serde_json::from_value(serde_json::json!({
            "name": "simulation",
            "settings": {},
            "hosts": hosts,
            "connections": self.directory.connections,
            "applications": {
                "shop": {"applicationName": "shop", "computePlatform": "Server"},
                "thumbs": {"applicationName": "thumbs", "computePlatform": "Lambda"},
                "checkout": {"applicationName": "checkout", "computePlatform": "ECS"},
            },
            "groups": groups,
            "configurations": configurations,
        }))
    }
}

impl Service {
    fn new(group: usize, hosts: &[Name]) -> Self {
        let target = name(["sa", "sb"][group]);
        let server = |server: usize| {
            let Spot { host, port } = Spot::of(group, server)?;
            server_name(&target, &hosts[host], port).ok()
        };
        Self {
            key: EcsService {
                cluster_name: "main".to_owned(),
                service_name: target.to_string(),
            },
            servers: (1..TASK_SERVERS).filter_map(server).collect(),
            target,
        }
    }
}

/// Where the task is that a server is called after.
fn task(server: &Name) -> Option<Spot> {
    let mut parts = server.as_str().split('-').skip(1);
    let host = parts.next()?.strip_prefix('h')?.parse().ok()?;
    let port = parts.next()?.parse().ok()?;
    Some(Spot { host, port })
}

fn definition_name(revision: usize) -> String {
    format!("checkout:{revision}")
}

/// The target groups of every service, and where its traffic comes in.
fn pair(tests: bool) -> TargetGroupPairInfo {
    let route = |listener: &str| TrafficRoute {
        listener_arns: vec![listener.to_owned()],
    };
    let group = |name: &str| TargetGroupInfo {
        name: name.to_owned(),
    };
    TargetGroupPairInfo {
        target_groups: ["a", "b"].map(group).into(),
        prod_traffic_route: route(LISTENERS[0]),
        test_traffic_route: tests.then(|| route(LISTENERS[1])),
    }
}

/// How hooks are called: over the network, or as programs.
fn hooks() -> [HookKind; 2] {
    let kinds = [
        serde_json::json!({"webhook": {"url": "http://127.0.0.1:80"}}),
        serde_json::json!({"command": {"run": ["hook"]}}),
    ];
    #[expect(clippy::expect_used, reason = "constant documents")]
    kinds.map(|kind| serde_json::from_value(kind).expect("a valid hook"))
}

/// Where functions are, as a project says it.
fn directory(functions: &[Function]) -> Project {
    let functions = functions.iter().map(|function| {
        let versions = 1..=VERSIONS;
        let versions = versions.map(|version| (version.to_string(), "127.0.0.1:80"));
        serde_json::json!({
            "name": function.name,
            "alias": ALIAS,
            "via": {"endpoints": {
                "loadBalancer": BALANCER,
                "versions": versions.collect::<BTreeMap<_, _>>(),
            }},
        })
    });
    #[expect(clippy::expect_used, reason = "a constant document")]
    serde_json::from_value(serde_json::json!({
        "name": "simulation",
        "settings": {},
        "hosts": [],
        "applications": {},
        "groups": [],
        "configurations": {},
        "connections": {"functions": functions.collect::<Vec<_>>()},
    }))
    .expect("a valid project")
}

/// What a group selects a host by: its side of a blue/green one.
fn tags(group: usize, side: Option<Side>) -> Tags {
    let side = side.map_or("", Side::label);
    [(format!("g{group}"), side.to_owned())].into()
}

/// What selects a side of a blue/green group.
fn selection(group: usize, side: Side) -> Selection {
    let filter = TagFilter {
        key: Some(format!("g{group}")),
        value: Some(side.label().to_owned()),
        kind: None,
    };
    Selection {
        ec2_tag_filters: Some(vec![filter]),
        ..Selection::default()
    }
}

/// The zone of a host.
pub fn zone(host: usize, shape: &Shape) -> Option<String> {
    let zones = shape.zones as usize;
    (zones > 0).then(|| format!("z{}", host % zones))
}

fn digits(text: &str) -> usize {
    text.get(2..11)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}
