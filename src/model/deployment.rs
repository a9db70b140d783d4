//! Deployments: identifiers, statuses, error codes and who creates them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::name::Name;

/// `d-` and nine characters out of `[A-Z0-9]`, as in `d-7F3KQ21XB`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeploymentId(Arc<str>);

/// The text is not a deployment id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a deployment id is d- and nine capital letters or digits, such as d-7F3KQ21XB")]
pub struct DeploymentIdError;

impl DeploymentId {
    /// Makes an id out of nine random numbers, so that the model itself draws none.
    pub fn from_random(numbers: [u8; 9]) -> Self {
        const LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let tail = numbers.map(|n| char::from(LETTERS[usize::from(n) % LETTERS.len()]));
        Self(format!("d-{}", tail.iter().collect::<String>()).into())
    }

    /// The id under which a host runs this deployment by itself.
    #[must_use]
    pub fn local(self) -> Self {
        Self(format!("{self}{LOCAL}").into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Ends the ids of local deployments.
const LOCAL: &str = "-local";

impl FromStr for DeploymentId {
    type Err = DeploymentIdError;

    fn from_str(text: &str) -> Result<Self, DeploymentIdError> {
        let tail = text.strip_prefix("d-").ok_or(DeploymentIdError)?;
        let tail = tail.strip_suffix(LOCAL).unwrap_or(tail);
        let good = tail.len() == 9
            && tail
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if good {
            Ok(Self(text.into()))
        } else {
            Err(DeploymentIdError)
        }
    }
}

impl TryFrom<String> for DeploymentId {
    type Error = DeploymentIdError;

    fn try_from(text: String) -> Result<Self, DeploymentIdError> {
        text.parse()
    }
}

impl From<DeploymentId> for String {
    fn from(id: DeploymentId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The id of one run of consecutive lifecycle events of one target: deployment, target, stage, attempt and, behind the first,
/// leg. The same id
/// always means the same run, so a host that knows it answers with its result and does not run it again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExecutionId(pub Arc<str>);

impl ExecutionId {
    /// The id of an attempt at a stage on a target. `~` cannot occur in the parts, and needs no escaping in a URL.
    pub fn new(deployment: &DeploymentId, target: &Name, stage: usize, attempt: u32) -> Self {
        Self(format!("{deployment}~{target}~{stage}~{attempt}").into())
    }

    /// The id of a later leg of the attempt that begins with this one, counted from 1.
    #[must_use]
    pub fn leg(&self, leg: usize) -> Self {
        Self(format!("{self}~{leg}").into())
    }

    /// Whether it is a run of this deployment.
    pub fn is_of(&self, deployment: &DeploymentId) -> bool {
        let behind = self.0.strip_prefix(deployment.as_str());
        behind.is_some_and(|rest| rest.starts_with('~'))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// `DeploymentStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum DeploymentStatus {
    Created,
    Queued,
    InProgress,
    Baking,
    Ready,
    Succeeded,
    Failed,
    Stopped,
}

impl DeploymentStatus {
    /// Whether the status never changes again.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }

    /// Whether it has begun and has not ended.
    pub fn is_running(self) -> bool {
        matches!(self, Self::InProgress | Self::Baking | Self::Ready)
    }
}

impl fmt::Display for DeploymentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}"))
    }
}

/// `TargetStatus`: the status of one instance in one deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum TargetStatus {
    #[default]
    Pending,
    InProgress,
    Succeeded,
    Failed,
    Skipped,
    Unknown,
    Ready,
}

impl TargetStatus {
    /// Whether the status never changes again.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress | Self::Ready)
    }
}

impl fmt::Display for TargetStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}"))
    }
}

/// `DeploymentCreator`: who or what made a deployment.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Creator {
    /// A person or a script asked for it.
    #[default]
    #[serde(rename = "user")]
    User,
    /// A host joined the group: it gets the group's revision (a launch deployment).
    #[serde(rename = "autoscaling")]
    Autoscaling,
    /// Auto Scaling terminates a host: its application ends first (a termination deployment).
    #[serde(rename = "autoscalingTermination")]
    AutoscalingTermination,
    /// The automatic rollback of another deployment.
    #[serde(rename = "codeDeployRollback")]
    CodeDeployRollback,
    /// Hosts that joined with the former revision while another deployment ran are brought up to date.
    CodeDeployAutoUpdate,
    /// A revision appeared where the group follows a place (an automatic deployment).
    CodeDeploy,
}

impl Creator {
    /// The creator as `CodeDeploy` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Autoscaling => "autoscaling",
            Self::AutoscalingTermination => "autoscalingTermination",
            Self::CodeDeployRollback => "codeDeployRollback",
            Self::CodeDeployAutoUpdate => "CodeDeployAutoUpdate",
            Self::CodeDeploy => "CodeDeploy",
        }
    }

    /// Whether it is about a host that comes or goes, beside whatever runs in its group.
    pub fn is_scaling(self) -> bool {
        matches!(self, Self::Autoscaling | Self::AutoscalingTermination)
    }

    /// Whether it brings a revision of somebody's choice, so that there is a way back from it: a person does, and whoever
    /// follows a place for people.
    pub fn is_choice(self) -> bool {
        matches!(self, Self::User | Self::CodeDeploy)
    }
}

/// `ErrorCode` of a deployment that did not succeed (operations.md §10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// No agent answered on any of the instances that failed.
    AgentIssue,
    /// An alarm of the deployment is active, or its state is unavailable although that matters.
    AlarmActive,
    /// The application was deleted before the deployment began.
    ApplicationMissing,
    /// There is no fleet to copy or no Auto Scaling group, or it is not in order.
    AutoScalingConfiguration,
    /// AWS does not let the orchestrator do what is to be done with an Auto Scaling group.
    AutoScalingIamRolePermissions,
    /// A fleet did not provision what it was asked for.
    AutoscalingValidationError,
    /// The replacement task set of a service never became steady.
    CustomerApplicationUnhealthy,
    /// The deployment group was deleted before the deployment began.
    DeploymentGroupMissing,
    /// A task set could not be created, or not be changed.
    EcsUpdateError,
    /// A listener or a target group can't be used, or is not there.
    ElasticLoadBalancingInvalid,
    /// Too many instances failed.
    HealthConstraints,
    /// A hook reported a failure, could not be called, or did not report in time.
    HookExecutionFailure,
    /// There are no credentials for what the deployment needs, or they do not permit it.
    IamRolePermissions,
    /// There is no such service, or nobody may give it task sets.
    InvalidEcsService,
    /// A function's alias is not as the deployment takes it to be: it leads to two versions, or to another one.
    InvalidLambdaConfiguration,
    /// There is no such function, alias or version.
    InvalidLambdaFunction,
    /// The minimum is not below the number of instances.
    HealthConstraintsInvalid,
    /// The revision is not what the application's compute platform takes.
    InvalidRevision,
    /// Somebody stopped the deployment.
    ManualStop,
    /// A blue/green group has no blue/green options.
    MissingBlueGreenDeploymentConfiguration,
    /// A group whose traffic is to move names no load balancer.
    MissingElbInformation,
    /// No instance was selected.
    NoInstances,
    /// More instances were selected than the project's limit allows.
    OverMaxInstances,
    /// There may be no more of what the deployment needs.
    ResourceLimitExceeded,
    /// The revision was deleted before the deployment began.
    RevisionMissing,
    /// What the deployment needs was asked for too often, and went on to refuse.
    Throttled,
    /// The deployment took longer than the limit of a whole deployment.
    Timeout,
}

impl ErrorCode {
    /// The code as `CodeDeploy` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AgentIssue => "AGENT_ISSUE",
            Self::AlarmActive => "ALARM_ACTIVE",
            Self::ApplicationMissing => "APPLICATION_MISSING",
            Self::AutoScalingConfiguration => "AUTO_SCALING_CONFIGURATION",
            Self::AutoScalingIamRolePermissions => "AUTO_SCALING_IAM_ROLE_PERMISSIONS",
            Self::AutoscalingValidationError => "AUTOSCALING_VALIDATION_ERROR",
            Self::CustomerApplicationUnhealthy => "CUSTOMER_APPLICATION_UNHEALTHY",
            Self::DeploymentGroupMissing => "DEPLOYMENT_GROUP_MISSING",
            Self::EcsUpdateError => "ECS_UPDATE_ERROR",
            Self::ElasticLoadBalancingInvalid => "ELASTIC_LOAD_BALANCING_INVALID",
            Self::HealthConstraints => "HEALTH_CONSTRAINTS",
            Self::HookExecutionFailure => "HOOK_EXECUTION_FAILURE",
            Self::IamRolePermissions => "IAM_ROLE_PERMISSIONS",
            Self::InvalidEcsService => "INVALID_ECS_SERVICE",
            Self::InvalidLambdaConfiguration => "INVALID_LAMBDA_CONFIGURATION",
            Self::InvalidLambdaFunction => "INVALID_LAMBDA_FUNCTION",
            Self::HealthConstraintsInvalid => "HEALTH_CONSTRAINTS_INVALID",
            Self::InvalidRevision => "INVALID_REVISION",
            Self::ManualStop => "MANUAL_STOP",
            Self::MissingBlueGreenDeploymentConfiguration => {
                "MISSING_BLUE_GREEN_DEPLOYMENT_CONFIGURATION"
            }
            Self::MissingElbInformation => "MISSING_ELB_INFORMATION",
            Self::NoInstances => "NO_INSTANCES",
            Self::OverMaxInstances => "OVER_MAX_INSTANCES",
            Self::ResourceLimitExceeded => "RESOURCE_LIMIT_EXCEEDED",
            Self::RevisionMissing => "REVISION_MISSING",
            Self::Throttled => "THROTTLED",
            Self::Timeout => "TIMEOUT",
        }
    }
}

/// `ErrorInformation` of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorInformation {
    /// The kind of failure.
    pub code: ErrorCode,
    /// One sentence for the operator.
    pub message: String,
}

/// `FileExistsBehavior`: what Install does with a file that exists and is not the previous deployment's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FileExistsBehavior {
    /// Install fails.
    #[default]
    Disallow,
    /// The file is replaced.
    Overwrite,
    /// The file is kept.
    Retain,
}

/// `InstanceHealth` of a host in a group: the outcome of the group's last deployment to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum InstanceHealth {
    /// It failed, or there was none.
    #[default]
    Unhealthy,
    /// It succeeded.
    Healthy,
}

/// Revision health of a host in a group, in the order in which instances are deployed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RevisionHealth {
    /// Not installed successfully.
    #[default]
    Unknown,
    /// An earlier revision than the group's.
    Old,
    /// The revision of the group's last successful deployment.
    Current,
}

/// `DeploymentOverview`: targets by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub struct Overview {
    pub pending: u32,
    pub in_progress: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub skipped: u32,
    pub ready: u32,
}

impl Overview {
    /// All targets.
    pub fn total(&self) -> u32 {
        self.pending + self.in_progress + self.succeeded + self.failed + self.skipped + self.ready
    }
}
