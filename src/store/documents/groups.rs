//! Deployment groups: each alone, and then against the rest of the project.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use uuid::Uuid;

use super::configurations::Configurations;
use super::document::Document;
use super::fleets;
use super::listing::stem;
use super::problem::{Problem, Problems, Severity};
use crate::model::application::ComputePlatform;
use crate::model::configuration::default_configuration;
use crate::model::connections::{Connections, account};
use crate::model::environment::Environment;
use crate::model::group::{DeploymentGroup, DeploymentStyle, DeploymentType};
use crate::model::host::Host;
use crate::model::name::Name;
use crate::model::yaml;

/// Fields that only answers have.
const OUTPUT_ONLY: [&str; 4] = [
    "computePlatform",
    "targetRevision",
    "lastSuccessfulDeployment",
    "lastAttemptedDeployment",
];

/// What says which hosts a group has, and how they get traffic.
const OF_SERVERS: [&str; 8] = [
    "ec2TagFilters",
    "ec2TagSet",
    "onPremisesInstanceTagFilters",
    "onPremisesTagSet",
    "autoScalingGroups",
    "loadBalancerInfo",
    "blueGreenDeploymentConfiguration",
    "ecsServices",
];

/// A group that is whole by itself.
#[derive(Debug)]
pub(super) struct Candidate {
    group: DeploymentGroup,
    document: Document,
    /// Of its application, if that could be read.
    platform: Option<ComputePlatform>,
}

/// What groups refer to. Absent parts could not be read, and nothing is said about references to them.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub project: Option<&'a Name>,
    pub hosts: Option<&'a [Host]>,
    pub connections: Option<&'a Connections>,
    pub environments: Option<&'a BTreeMap<Name, Environment>>,
    pub configurations: &'a Configurations,
}

/// Reads the document of one group of an application.
pub(super) fn read(
    folder: &Path,
    file: &Path,
    application: &Name,
    platform: Option<ComputePlatform>,
    problems: &mut Problems,
) -> Option<Candidate> {
    let mut document = Document::read(folder, file, problems)?;
    document.strip("deploymentGroupInfo", &OUTPUT_ONLY, problems);
    document.named("applicationName", application.as_str(), "folder", problems);
    document.named("deploymentGroupName", &stem(file), "file", problems);
    if let Some(platform) = platform {
        document.default("deploymentConfigName", default_configuration(platform));
    }
    let mut group: DeploymentGroup = document.typed(problems)?;
    if platform.is_some_and(|platform| platform != ComputePlatform::Server)
        && document.node.get("deploymentStyle").is_none()
    {
        group.deployment_style = DeploymentStyle::BLUE_GREEN;
    }
    for fault in group.check() {
        problems.add(document.problem(Severity::Error, &fault.path, fault.to_string()));
    }
    Some(Candidate {
        group,
        document,
        platform,
    })
}

/// Checks what groups refer to, and gives an id to those that have none.
pub(super) fn check(
    candidates: Vec<Candidate>,
    context: &Context,
    problems: &mut Problems,
) -> Vec<DeploymentGroup> {
    let mut ids: HashMap<Uuid, String> = HashMap::new();
    let mut groups: Vec<DeploymentGroup> = candidates
        .into_iter()
        .map(|mut candidate| {
            candidate.check_configuration(context.configurations, problems);
            candidate.check_members(context.hosts, problems);
            candidate.check_tags(context.hosts, problems);
            candidate.check_alarms(context.connections, problems);
            candidate.check_supported(problems);
            candidate.check_function(problems);
            candidate.check_fleet(context, problems);
            candidate.check_account(context.connections, problems);
            candidate.check_environment(context.environments, problems);
            candidate.check_balancers(context.connections, problems);
            candidate.check_triggers(context.connections, problems);
            candidate.identify(context.project, &mut ids, problems);
            candidate.group
        })
        .collect();
    groups.sort_by(|a, b| {
        let key = |group: &DeploymentGroup| {
            (
                group.application_name.clone(),
                group.deployment_group_name.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    groups
}

impl Candidate {
    fn add(&self, severity: Severity, field: &str, message: impl Into<String>, to: &mut Problems) {
        let path = yaml::Path::root().key(field);
        to.add(self.document.problem(severity, &path, message));
    }

    fn check_configuration(&self, configurations: &Configurations, problems: &mut Problems) {
        let Some(platform) = self.platform else {
            return;
        };
        let name = &self.group.deployment_config_name;
        let path = yaml::Path::root().key("deploymentConfigName");
        if let Some(configuration) = configurations.by_name.get(name) {
            let of = configuration.compute_platform;
            if of != platform {
                let message = format!(
                    "{name} is for {}, and the group for {} (InvalidDeploymentConfigNameException)",
                    of.name(),
                    platform.name()
                );
                problems.add(self.document.problem(Severity::Error, &path, message));
                return;
            }
            if platform != ComputePlatform::Server {
                return;
            }
            let blue_green =
                self.group.deployment_style.deployment_type == DeploymentType::BlueGreen;
            if blue_green && configuration.zonal_config.is_some() {
                let message = format!(
                    "{name} goes zone by zone, which blue/green does not (InvalidZonalDeploymentConfigurationException)"
                );
                problems.add(self.document.problem(Severity::Error, &path, message));
            }
            if !blue_green && configuration.traffic_routing_config.is_some() {
                let message = format!(
                    "{name} shifts traffic from original to replacement, and in place there is neither: its trafficRoutingConfig has no effect"
                );
                problems.add(self.document.problem(Severity::Warning, &path, message));
            }
            return;
        }
        if configurations.unusable.contains(name.as_str()) {
            let message = format!("the configuration {name} can't be used; see its own document");
            problems.add(self.document.problem(Severity::Error, &path, message));
            return;
        }
        let message =
            format!("there is no configuration {name} (DeploymentConfigDoesNotExistException)");
        problems.add(Problem {
            help: yaml::nearest(name.as_str(), configurations.names())
                .or_else(|| Some(format!("configurations/{name}.yaml would define it"))),
            ..self.document.problem(Severity::Error, &path, message)
        });
    }

    fn check_members(&self, hosts: Option<&[Host]>, problems: &mut Problems) {
        let server = self.platform == Some(ComputePlatform::Server);
        let nobody = |hosts: &[Host]| !hosts.iter().any(|host| self.group.selects(host));
        // After the first deployment its hosts are those that a fleet provisioned.
        // What AWS has is not known here.
        let elsewhere = self.group.copies_fleet() || self.group.account.is_some();
        if server && !elsewhere && hosts.is_some_and(nobody) {
            let message = "the group selects no host of cutover.yaml";
            let fields = [
                "ec2TagFilters",
                "ec2TagSet",
                "onPremisesInstanceTagFilters",
                "onPremisesTagSet",
            ];
            let written = fields
                .into_iter()
                .find(|field| self.document.node.get(field).is_some());
            let path = written.map_or_else(yaml::Path::root, |field| yaml::Path::root().key(field));
            problems.add(self.document.problem(Severity::Warning, &path, message));
        }
    }

    /// An account that is not there is a slip: nobody would be selected in it.
    fn check_account(&self, connections: Option<&Connections>, problems: &mut Problems) {
        let (Some(named), Some(connections)) = (&self.group.account, connections) else {
            return;
        };
        let path = yaml::Path::root().key("account");
        let Err(wrong) = account(&connections.aws, Some(named)) else {
            return;
        };
        let known = connections.aws.iter().map(|account| &account.name);
        problems.add(Problem {
            help: yaml::nearest(named, known),
            ..self
                .document
                .problem(Severity::Error, &path, wrong.to_string())
        });
    }

    /// An environment that is not there is a slip: nothing would keep anybody from changing the group.
    fn check_environment(
        &self,
        environments: Option<&BTreeMap<Name, Environment>>,
        problems: &mut Problems,
    ) {
        let (Some(named), Some(environments)) = (&self.group.environment, environments) else {
            return;
        };
        if environments.contains_key(named) {
            return;
        }
        let path = yaml::Path::root().key("environment");
        let message = format!("there is no environment {named}");
        let define = "define it in cutover.yaml, below environments";
        problems.add(Problem {
            help: yaml::nearest(named.as_str(), environments.keys().map(Name::as_str))
                .or_else(|| Some(define.to_owned())),
            ..self.document.problem(Severity::Error, &path, message)
        });
    }

    /// Warns of filters by a tag that no host has: a slip in the key selects too little without a word.
    fn check_tags(&self, hosts: Option<&[Host]>, problems: &mut Problems) {
        let hosts = hosts.unwrap_or_default();
        let keys: BTreeSet<&str> = hosts
            .iter()
            .flat_map(|host| host.tags.keys().map(String::as_str))
            .collect();
        if keys.is_empty() || self.group.account.is_some() {
            return;
        }
        for (path, filter) in self.group.filters() {
            let unknown = filter.key.as_deref().filter(|key| !keys.contains(key));
            if let Some(key) = unknown {
                let message = format!("no host of cutover.yaml has the tag {key}");
                let path = path.key("Key");
                problems.add(Problem {
                    help: yaml::nearest(key, keys.iter()),
                    ..self.document.problem(Severity::Warning, &path, message)
                });
            }
        }
    }

    /// Warns of load balancers that no connection is for. Without traffic control nobody asks for them.
    fn check_balancers(&self, connections: Option<&Connections>, problems: &mut Problems) {
        let Some(connections) = connections else {
            return;
        };
        let server = self.platform == Some(ComputePlatform::Server);
        if server && self.group.controls_traffic() && self.group.load_balancers().is_empty() {
            let message = "WITH_TRAFFIC_CONTROL, and no load balancer is named: deployments to the group are refused (MISSING_ELB_INFORMATION)";
            self.add(Severity::Warning, "deploymentStyle", message, problems);
        }
        for name in self.group.load_balancers() {
            if connections.load_balancer(name).is_none() {
                let message = format!(
                    "no load balancer of `connections` in cutover.yaml is called {name}: deployments to the group are refused"
                );
                let known = connections.load_balancers.iter().map(|one| &one.name);
                let path = yaml::Path::root().key("loadBalancerInfo");
                problems.add(Problem {
                    help: yaml::nearest(name, known),
                    ..self.document.problem(Severity::Warning, &path, message)
                });
            }
        }
    }

    /// Warns of alarms whose state nobody knows.
    fn check_alarms(&self, connections: Option<&Connections>, problems: &mut Problems) {
        let alarms = self.group.alarm_configuration.as_ref();
        let (Some(connections), Some(alarms)) = (connections, alarms) else {
            return;
        };
        if !alarms.enabled {
            return;
        }
        let list = yaml::Path::root().key("alarmConfiguration").key("alarms");
        for (index, alarm) in alarms.alarms.iter().enumerate() {
            let name = &alarm.name;
            if connections.alarm(name).is_some() {
                continue;
            }
            let message = format!(
                "no alarm of `connections` is called {name}: its state counts as unreadable"
            );
            let known = connections.alarms.iter().map(|known| &known.name);
            let define = "define it in cutover.yaml, below connections.alarms";
            problems.add(Problem {
                help: yaml::nearest(name, known).or_else(|| Some(define.to_owned())),
                ..self
                    .document
                    .problem(Severity::Warning, &list.index(index).key("name"), message)
            });
        }
    }

    /// Says what is kept without effect, so that nobody relies on it.
    fn check_supported(&self, problems: &mut Problems) {
        if self.platform == Some(ComputePlatform::Ecs) {
            let message =
                "a group for ECS is not supported yet: deployments to it are refused".to_owned();
            self.add(Severity::Warning, "applicationName", message, problems);
        }
    }

    /// A function has one alias, one way to shift its traffic, and no hosts (domain.md §5).
    fn check_function(&self, problems: &mut Problems) {
        if self.platform != Some(ComputePlatform::Lambda) {
            return;
        }
        if self.group.deployment_style != DeploymentStyle::BLUE_GREEN {
            let message = "a group for Lambda is BLUE_GREEN and WITH_TRAFFIC_CONTROL; without `deploymentStyle` it is just that (InvalidDeploymentStyleException)";
            self.add(Severity::Error, "deploymentStyle", message, problems);
        }
        for field in OF_SERVERS {
            if self.document.node.get(field).is_some() {
                let message = "kept, and without effect: the AppSpec of a function names what gets the traffic";
                self.add(Severity::Warning, field, message, problems);
            }
        }
    }

    /// Warns of a fleet that there is not, and of instances that none would terminate.
    fn check_fleet(&self, context: &Context, problems: &mut Problems) {
        if self.platform == Some(ComputePlatform::Server)
            && let (Some(hosts), Some(connections)) = (context.hosts, context.connections)
        {
            fleets::check_group(&self.group, &self.document, hosts, connections, problems);
        }
    }

    /// Warns of triggers whose notifications would go nowhere.
    fn check_triggers(&self, connections: Option<&Connections>, problems: &mut Problems) {
        let Some(connections) = connections else {
            return;
        };
        let triggers = self.group.trigger_configurations.as_deref();
        for (index, trigger) in triggers.unwrap_or_default().iter().enumerate() {
            let target = &trigger.trigger_target_arn;
            // An empty one is an error already.
            if target.is_empty() || connections.receiver(target).is_some() {
                continue;
            }
            let list = yaml::Path::root().key("triggerConfigurations");
            let path = list.index(index).key("triggerTargetArn");
            let message = format!(
                "no receiver of `connections` in cutover.yaml is called {target}: nobody is told"
            );
            let known = connections.receivers.iter().map(|receiver| &receiver.name);
            problems.add(Problem {
                help: yaml::nearest(target, known),
                ..self.document.problem(Severity::Warning, &path, message)
            });
        }
    }

    /// The id names the group's folder on hosts, so that it is a UUID and no two groups share one.
    fn identify(
        &mut self,
        project: Option<&Name>,
        ids: &mut HashMap<Uuid, String>,
        problems: &mut Problems,
    ) {
        let field = "deploymentGroupId";
        let application = &self.group.application_name;
        let address = format!("{application}/{}", self.group.deployment_group_name);
        let id = match (&self.group.deployment_group_id, project) {
            (Some(text), _) => match Uuid::try_parse(text) {
                // The folder's name must not depend on how the id is written.
                Ok(id) if id.to_string() == *text => id,
                _ => {
                    let message = "an id is a UUID such as 1f0c8f5e-7f0a-5b8e-9c39-3f5f2a6f8d11";
                    self.add(Severity::Error, field, message, problems);
                    return;
                }
            },
            (None, Some(project)) => stable_id(project, &address),
            (None, None) => return,
        };
        if let Some(other) = ids.insert(id, address) {
            let message = format!("{other} has this id already");
            self.add(Severity::Error, field, message, problems);
        }
        self.group.deployment_group_id = Some(id.to_string());
    }
}

/// The id of a group that has none: always the same for the same names, none of which contains a slash.
fn stable_id(project: &Name, address: &str) -> Uuid {
    let text = format!("cutover:group:{project}/{address}");
    Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes())
}
