//! Container services that AWS ECS keeps: which task sets one has, and how another is made, led and deleted.

use std::time::Duration;

use crate::appspec::ecs;
use crate::model::connections::LaunchType;
use crate::model::deployment::{DeploymentId, ErrorCode};
use crate::model::group::EcsService;
use crate::model::task_set::TaskSetId;
use crate::providers::aws::Accounts;
use crate::providers::traffic::TrafficError;

/// How long AWS may take to answer.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The account.
    pub account: Option<String>,
    /// Its cluster and its name.
    pub service: EcsService,
}

/// A listener by which a service gets its requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// The service.
    pub service: EcsService,
    /// The ARN of the listener, or of one of its rules.
    pub arn: String,
    /// The names of the two target groups between which it changes.
    pub groups: Vec<String>,
    /// Whether production traffic comes in there.
    pub production: bool,
}

/// What ECS says of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its task sets.
    pub sets: Vec<Standee>,
    /// What it has said last.
    pub said: Option<String>,
}

/// A task set as ECS has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standee {
    /// What it is known by.
    pub id: TaskSetId,
    /// Its ARN.
    pub arn: String,
    /// The task definition, with its revision.
    pub task_definition: String,
    /// Whether the service takes it for the one that has the traffic.
    pub primary: bool,
    /// Whether it is being deleted.
    pub leaves: bool,
    /// The target group that its tasks are in.
    pub target_group: Option<String>,
    /// Whether all of its tasks run, and none comes or goes.
    pub steady: bool,
    /// How many of its tasks run, and how many are to.
    pub running: (u32, u32),
}

impl Standing {
    /// The task set that has the traffic.
    pub fn primary(&self) -> Option<&Standee> {
        self.sets.iter().find(|set| set.primary)
    }

    /// The task set that is known by this.
    pub fn find(&self, id: &TaskSetId) -> Option<&Standee> {
        self.sets.iter().find(|set| set.id == *id)
    }
}

/// A task set that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The deployment that it is for: asking again under the same id makes no second one.
    pub id: &'a DeploymentId,
    /// What its tasks are.
    pub asked: &'a ecs::Service,
    /// The ARN of the target group that they are to be in.
    pub target_group: &'a str,
    /// On what they run where nothing else says so.
    pub launch_type: Option<LaunchType>,
}

/// Why a service does not do what it is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ServiceError {
    /// The error of a deployment that can't go on for this.
    pub code: ErrorCode,
    /// Whether it may do it when it is asked again.
    pub is_passing: bool,
    /// What went wrong, and what to do.
    pub message: String,
}

impl From<TrafficError> for ServiceError {
    fn from(error: TrafficError) -> Self {
        let code = match &error {
            TrafficError::Fatal { code, .. } => *code,
            _ => ErrorCode::ElasticLoadBalancingInvalid,
        };
        Self {
            code,
            is_passing: error.is_passing(),
            message: error.to_string(),
        }
    }
}

/// What ECS is asked about a service.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'a> {
    /// Which task sets it has.
    Look,
    /// To make another.
    Create(Order<'a>),
    /// To take the one with this ARN for the one that has the traffic.
    Lead(&'a str),
    /// To delete the one with this ARN, and end its tasks.
    Delete(&'a str),
}

/// What ECS says of a service.
///
/// # Errors
/// If it says nothing, or no deployment can do anything with the service.
pub async fn look(accounts: &Accounts, at: &Place) -> Result<Standing, ServiceError> {
    ask(accounts, at, Asked::Look).await
}

/// Has ECS make a task set.
///
/// # Errors
/// If it does not.
pub async fn create(accounts: &Accounts, at: &Place, order: Order<'_>) -> Result<(), ServiceError> {
    ask(accounts, at, Asked::Create(order)).await.map(drop)
}

/// Has ECS take a task set for the one that has the traffic.
///
/// # Errors
/// If it does not.
pub async fn lead(accounts: &Accounts, at: &Place, arn: &str) -> Result<(), ServiceError> {
    ask(accounts, at, Asked::Lead(arn)).await.map(drop)
}

/// Has ECS delete a task set. It is gone when ECS names it no more.
///
/// # Errors
/// If it does not.
pub async fn delete(accounts: &Accounts, at: &Place, arn: &str) -> Result<(), ServiceError> {
    ask(accounts, at, Asked::Delete(arn)).await.map(drop)
}

/// The ARN of the target group that a replacement is to be in, if nothing else is there and the listener can lead to it.
///
/// # Errors
/// If it can't.
pub async fn room(
    accounts: &Accounts,
    at: &Place,
    listener: &Listener,
    (original, replacement): (Option<&str>, &str),
) -> Result<String, ServiceError> {
    find_room(accounts, at, listener, (original, replacement)).await
}

#[cfg(feature = "aws")]
async fn ask(accounts: &Accounts, at: &Place, asked: Asked<'_>) -> Result<Standing, ServiceError> {
    accounts.ask_ecs(at, asked).await
}

#[cfg(feature = "aws")]
async fn find_room(
    accounts: &Accounts,
    at: &Place,
    listener: &Listener,
    (original, replacement): (Option<&str>, &str),
) -> Result<String, ServiceError> {
    use crate::providers::traffic::elbv2::Swap;
    let swap = Swap::new(listener, at.account.as_deref(), accounts);
    Ok(swap.room(original, replacement).await?)
}

#[cfg(not(feature = "aws"))]
async fn ask(accounts: &Accounts, at: &Place, asked: Asked<'_>) -> Result<Standing, ServiceError> {
    let what = match asked {
        Asked::Look => "to say how it stands".to_owned(),
        Asked::Create(order) => format!("to make a task set for {}", order.id),
        Asked::Lead(arn) => format!("to take {arn} for its primary task set"),
        Asked::Delete(arn) => format!("to delete {arn}"),
    };
    std::future::ready(Err(absent(accounts, at, &what))).await
}

#[cfg(not(feature = "aws"))]
async fn find_room(
    accounts: &Accounts,
    at: &Place,
    _: &Listener,
    _: (Option<&str>, &str),
) -> Result<String, ServiceError> {
    let what = "to have another task set in its target groups";
    std::future::ready(Err(absent(accounts, at, what))).await
}

#[cfg(not(feature = "aws"))]
fn absent(accounts: &Accounts, at: &Place, what: &str) -> ServiceError {
    let label = format!("ECS {}, {what}", at.service.short_name());
    ServiceError {
        code: ErrorCode::InvalidEcsService,
        is_passing: false,
        message: accounts.absent(&label, at.account.as_deref()).to_string(),
    }
}
