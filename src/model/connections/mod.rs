//! Connections: what the names of load balancers, alarms, trigger targets and fleets in group documents stand for. They are
//! our own, in `cutover.yaml`: `CodeDeploy` has no words for them.

mod alarm;
mod aws;
mod fleet;
mod function;
mod hook;
mod http;
mod receiver;
mod service;
mod source;
mod traffic;

use serde::{Deserialize, Serialize};

use crate::model::source::Source;

pub use alarm::{
    AlarmConnection, AlarmSource, CloudWatchAlarm, CommandAlarm, Decimal, HttpAlarm,
    PrometheusAlarm, Question, QuestionError, Threshold,
};
pub use aws::{Arn, AwsAccount, NoAccount, account, may_be_one};
pub use fleet::{Fleet, FleetProvider};
pub use function::{FunctionConnection, FunctionEndpoints, FunctionKind, LambdaAlias, Version};
pub use hook::{Hook, HookKind, LambdaHook};
pub use http::{HealthField, HttpBalancer, HttpObserve, HttpRequest, ServiceField};
pub use receiver::{CommandReceiver, Receiver, ReceiverKind, Slack, SnsTopic, Webhook};
pub use service::{EcsKeeper, LaunchType, ServiceConnection, ServiceKind, ServiceProcesses};
pub use source::{Addresses, Objects, Repositories, SourceConnection, SourceKind};
pub use traffic::{
    Elbv2, Elbv2Control, Elbv2Weights, Envoy, EnvoyControl, EnvoyEndpoints, EnvoyRuntime, HaProxy,
    LoadBalancer, Nginx, NoRuntimeApi, Router, RuntimeApi, TrafficProvider,
};

/// The connections of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Connections {
    /// AWS accounts, by the names that `account` uses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aws: Vec<AwsAccount>,
    /// Load balancers and target groups, by the names that `loadBalancerInfo` uses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<LoadBalancer>,
    /// Alarms, by the names that `alarmConfiguration` uses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<AlarmConnection>,
    /// Receivers of notifications, by the names that `triggerTargetArn` uses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub receivers: Vec<Receiver>,
    /// What provisions and terminates instances, by the names that `autoScalingGroups` uses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fleets: Vec<Fleet>,
    /// What is called for lifecycle events, by the names that the `Hooks` of an `AppSpec` use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    /// Functions whose traffic is shifted, by the names and aliases that an `AppSpec` uses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<FunctionConnection>,
    /// Container services, by the names and clusters that `ecsServices` uses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceConnection>,
    /// Where revisions come from that are not on this machine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceConnection>,
}

impl Connections {
    /// Nothing is connected.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The load balancer or target group of this name.
    pub fn load_balancer(&self, name: &str) -> Option<&LoadBalancer> {
        self.load_balancers.iter().find(|one| one.name == name)
    }

    /// The alarm of this name.
    pub fn alarm(&self, name: &str) -> Option<&AlarmConnection> {
        self.alarms.iter().find(|one| one.name == name)
    }

    /// The receiver of this name.
    pub fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers.iter().find(|one| one.name == name)
    }

    /// The fleet of this name.
    pub fn fleet(&self, name: &str) -> Option<&Fleet> {
        self.fleets.iter().find(|one| one.name == name)
    }

    /// The hook of this name.
    pub fn hook(&self, name: &str) -> Option<&Hook> {
        self.hooks.iter().find(|one| one.name == name)
    }

    /// The function of this name with this alias.
    pub fn function(&self, name: &str, alias: &str) -> Option<&FunctionConnection> {
        let mut functions = self.functions.iter();
        functions.find(|one| one.name == name && one.alias == alias)
    }

    /// The container service of this name in this cluster.
    pub fn service(&self, name: &str, cluster: &str) -> Option<&ServiceConnection> {
        let mut services = self.services.iter();
        services.find(|one| one.name == name && one.cluster == cluster)
    }

    /// What is known of where a revision comes from: by the most particular entry, and the first of those.
    pub fn source(&self, source: &Source) -> Option<&SourceConnection> {
        let fitting = self.sources.iter().rev();
        let fitting = fitting.filter_map(|one| Some((one.fits(source)?, one)));
        let best = fitting.max_by_key(|(how, _)| *how);
        best.map(|(_, one)| one)
    }
}
