//! Container services that AWS ECS keeps: which task sets one has, and how another is made, led and deleted.

use std::time::Duration;

use crate::appspec::ecs;
use crate::model::connections::LaunchType;
use crate::model::deployment::{DeploymentId, ErrorCode};
use crate::model::group::EcsService;
use crate::model::task_set::TaskSetId;
use crate::providers::aws::Accounts;
use crate::providers::traffic::TrafficError;
#[cfg(feature = "aws")]
use crate::providers::traffic::elbv2::Swap;

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
    /// The task set that ECS takes for the one that has the traffic.
    pub fn primary(&self) -> Option<&Standee> {
        self.sets.iter().find(|set| set.primary)
    }

    /// The task set that has the traffic: where ECS takes none for it, the one that is `known` to have it.
    pub fn serving(&self, known: Option<&TaskSetId>) -> Option<&Standee> {
        let known = || self.find(known?).filter(|set| !set.leaves);
        self.primary().or_else(known)
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

/// A listener that is asked whether there is room for a task set. Asked again, it knows for how long AWS has not said.
#[derive(Debug)]
pub struct Door(
    #[cfg(feature = "aws")] Swap,
    /// What everybody is told.
    #[cfg(not(feature = "aws"))]
    ServiceError,
);

impl Door {
    /// The listener of the service there. Nothing is sent yet.
    #[cfg(feature = "aws")]
    pub fn of(accounts: &Accounts, at: &Place, listener: &Listener) -> Self {
        Self(Swap::new(listener, at.account.as_deref(), accounts))
    }

    /// Nobody is there: this build has no AWS.
    #[cfg(not(feature = "aws"))]
    pub fn of(accounts: &Accounts, at: &Place, _: &Listener) -> Self {
        let what = "to have another task set in its target groups";
        Self(absent(accounts, at, what))
    }

    /// The ARN of the target group that a replacement is to be in, if nothing else is there and the listener can lead to it.
    ///
    /// # Errors
    /// If it can't.
    #[cfg(feature = "aws")]
    pub async fn room(
        &self,
        original: Option<&str>,
        replacement: &str,
    ) -> Result<String, ServiceError> {
        Ok(self.0.room(original, replacement).await?)
    }

    /// There is none.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "aws"))]
    pub async fn room(&self, _: Option<&str>, _: &str) -> Result<String, ServiceError> {
        std::future::ready(Err(self.0.clone())).await
    }
}

#[cfg(feature = "aws")]
async fn ask(accounts: &Accounts, at: &Place, asked: Asked<'_>) -> Result<Standing, ServiceError> {
    accounts.ask_ecs(at, asked).await
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
fn absent(accounts: &Accounts, at: &Place, what: &str) -> ServiceError {
    let label = format!("ECS {}, {what}", at.service.short_name());
    ServiceError {
        code: ErrorCode::InvalidEcsService,
        is_passing: false,
        message: accounts.absent(&label, at.account.as_deref()).to_string(),
    }
}
