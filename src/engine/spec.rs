//! What is asked for: a snapshot of everything that a deployment depends on.

use serde::{Deserialize, Serialize};

use super::task_sets::TaskSets;
use crate::appspec::{ecs, lambda};
use crate::model::approval::Demanded;
use crate::model::configuration::DeploymentConfiguration;
use crate::model::deployment::{
    Creator, DeploymentId, ErrorCode, FileExistsBehavior, InstanceHealth, RevisionHealth,
};
use crate::model::group::GroupKey;
use crate::model::group::{AlarmConfiguration, AutoRollbackConfiguration, DeploymentGroup, Sides};
use crate::model::limits::Limits;
use crate::model::name::Name;
use crate::model::revision::Revision;
use crate::model::traffic::{Side, Split};

/// The documents and facts a deployment was created from. Later edits do not change it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// The deployment's id.
    pub deployment_id: DeploymentId,
    /// The group, whole.
    pub group: DeploymentGroup,
    /// How many instances may be down.
    pub configuration: DeploymentConfiguration,
    /// What is deployed.
    pub revision: Revision,
    /// The revision of the group's last successful deployment.
    pub previous_revision: Option<Revision>,
    /// The instances, in the order of the project document.
    pub targets: Vec<TargetSpec>,
    /// How many instances were left out because they have the revision already (`updateOutdatedInstancesOnly`).
    #[serde(default)]
    pub up_to_date: u32,
    /// Who or what created the deployment.
    pub creator: Creator,
    /// The person, or the deployment that caused it.
    pub by: String,
    /// Of which Unix user the person is, where the door told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Free text of at most 256 characters.
    pub description: String,
    /// Who is who, in a blue/green deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sides: Option<Sides>,
    /// What is deployed, where it is a version of a function and not a bundle on hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<lambda::AppSpec>,
    /// What is deployed, where it is a task set of a container service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ecs::AppSpec>,
    /// The task sets that it is about, where whoever keeps them does not know them by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_sets: Option<Box<TaskSets>>,
    /// The replacement instances that it begins by asking a fleet for (`COPY_AUTO_SCALING_GROUP`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provision: Option<Provision>,
    /// The deployment that this one rolls back: it failed or was stopped, or it is blue/green and its traffic goes back.
    pub rolls_back: Option<DeploymentId>,
    /// Whether a person asked to go back by it: neither a freeze nor a missing approval is in its way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub way_back: bool,
    /// How many people have to approve before which steps.
    #[serde(default, skip_serializing_if = "Demanded::is_empty")]
    pub approvals: Demanded,
    /// For a way back: how the route is split when it begins, if the deployment that it undoes had shifted traffic by weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_split: Option<Split>,
    /// The deployment whose outdated instances this one brings up to date.
    #[serde(default)]
    pub updates: Option<Update>,
    /// What the caller knows it by: creating it twice with the same token creates it once.
    #[serde(default)]
    pub token: Option<String>,
    /// How long things may take, and how many there may be.
    #[serde(default)]
    pub limits: Limits,
    /// Overrides of the group's settings for this deployment.
    pub options: Options,
}

/// Settings of one deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Options {
    /// What Install does with files that exist, where the `AppSpec` says nothing.
    pub file_exists_behavior: FileExistsBehavior,
    /// Go on after a failed `ApplicationStop`, `BeforeBlockTraffic` or `AfterBlockTraffic`.
    pub ignore_application_stop_failures: bool,
    /// Replaces the group's whole automatic rollback configuration.
    pub auto_rollback_configuration: Option<AutoRollbackConfiguration>,
    /// Replaces the group's whole alarm configuration (`overrideAlarmConfiguration`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_alarm_configuration: Option<Box<AlarmConfiguration>>,
    /// Only instances whose installed revision is another than the one deployed.
    pub update_outdated_instances_only: bool,
    /// What happens when failures would end the deployment. Not `CodeDeploy`'s.
    pub on_failure: OnFailure,
    /// Which instances an automatic rollback goes to. Not `CodeDeploy`'s.
    pub rollback_targets: RollbackTargets,
}

/// What happens when failures would end the deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// It fails, as `CodeDeploy`'s do.
    #[default]
    End,
    /// It holds: nothing more starts until an operator retries what failed, gives up, or stops.
    Hold,
}

/// Which instances an automatic rollback goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RollbackTargets {
    /// All members of the group, as an ordinary deployment.
    #[default]
    All,
    /// Those that the deployment had started on.
    Attempted,
}

/// The replacement instances that a fleet is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provision {
    /// Who provisions them, as `connections.fleets` of the project names it; in an account of AWS, the Auto Scaling group that is
    /// copied.
    pub fleet: String,
    /// The AWS account where the Auto Scaling group is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// How many: as many as the original has.
    pub count: u32,
}

/// The place of an automatic update in its chain (`relatedDeployments`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The deployment that a person asked for.
    pub root: DeploymentId,
    /// Which update of it this is, from 1.
    pub round: u32,
}

/// One instance as it is before the deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetSpec {
    /// The host's name.
    pub name: Name,
    /// Its availability zone.
    pub zone: Option<String>,
    /// Its side, in a blue/green deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// The fleet that provisioned it, and can terminate it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<String>,
    /// The outcome of the group's last deployment to it.
    pub instance_health: InstanceHealth,
    /// What it runs, against the group's revision.
    pub revision_health: RevisionHealth,
}

impl Spec {
    /// Whether a replacement takes over from an original that is still there: then the way back is to move traffic.
    pub fn is_blue_green(&self) -> bool {
        self.sides.is_some() || !self.is_on_hosts()
    }

    /// Whether its targets are hosts of the project, which may leave it.
    pub fn is_on_hosts(&self) -> bool {
        self.function.is_none() && self.service.is_none()
    }

    /// The error that ends it when its traffic is not moved in time; none where numbers of instances decide.
    pub fn without_traffic(&self) -> Option<ErrorCode> {
        let service = self.service.as_ref();
        service.map(|_| ErrorCode::ElasticLoadBalancingInvalid)
    }

    /// The error that ends it when what is to get traffic was not found well in time; none where numbers of instances decide.
    pub fn without_version(&self) -> Option<ErrorCode> {
        let function = self.function.as_ref();
        function.map(|_| ErrorCode::InvalidLambdaFunction)
    }

    /// Whether it gives the original of a blue/green deployment its traffic back, and installs nothing.
    pub fn goes_back(&self) -> bool {
        self.is_blue_green() && self.rolls_back.is_some()
    }

    /// Whether it undoes something, by itself or because a person said so.
    pub fn is_way_back(&self) -> bool {
        self.way_back || self.rolls_back.is_some()
    }

    /// The group's address.
    pub fn group_key(&self) -> GroupKey {
        self.group.key()
    }

    /// Whether it takes the group's one slot. A launch deployment runs beside others, on its own new host, and so does a
    /// termination deployment, on one that leaves.
    pub fn takes_slot(&self) -> bool {
        !self.creator.is_scaling()
    }

    /// The automatic rollback configuration that applies.
    pub fn auto_rollback(&self) -> Option<&AutoRollbackConfiguration> {
        self.options
            .auto_rollback_configuration
            .as_ref()
            .or(self.group.auto_rollback_configuration.as_ref())
    }

    /// The alarms that are watched while it runs; `None` if none are (operations.md §6). Those of a rollback are not: they
    /// are probably still active because of what it rolls back (§4.3). Nor are those of a launch deployment: it brings what
    /// is good already, perhaps to a host that comes because of the load that an alarm tells of.
    pub fn alarms(&self) -> Option<&AlarmConfiguration> {
        let own = self.options.override_alarm_configuration.as_deref();
        let configuration = own.or(self.group.alarm_configuration.as_ref())?;
        let watched = configuration.enabled
            && !configuration.alarms.is_empty()
            && self.rolls_back.is_none()
            && !self.creator.is_scaling();
        watched.then_some(configuration)
    }
}
