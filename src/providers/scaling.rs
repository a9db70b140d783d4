//! Auto Scaling groups: which of their processes are suspended and how that is changed, their copies, and their end.

use std::collections::BTreeSet;

use crate::model::deployment::DeploymentId;
use crate::providers::aws::{Accounts, AskError};

/// A copy of an Auto Scaling group.
#[derive(Clone, Copy, Debug)]
pub struct Copy<'a> {
    /// The account that both are in, as `connections.aws` names it.
    pub account: &'a str,
    /// What is copied.
    pub original: &'a str,
    /// What the copy is called.
    pub name: &'a str,
    /// The deployment that it is for.
    pub deployment: &'a DeploymentId,
    /// How many instances it is to have, if the original may have so many.
    pub count: u32,
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// So many instances it is to have.
    pub wanted: u32,
    /// So many are in service.
    pub serving: usize,
}

/// An instance that waits for a lifecycle hook.
#[derive(Clone, Copy, Debug)]
pub struct Waits<'a> {
    /// The Auto Scaling group.
    pub group: &'a str,
    /// The hook.
    pub hook: &'a str,
    /// The instance's id.
    pub instance: &'a str,
}

/// What an instance that waits is told; the greatest counts where several have a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Say {
    /// It may go on.
    Continue,
    /// It is still worked on.
    Wait,
    /// It is of no use: Auto Scaling terminates it, and launches another.
    Abandon,
}

/// Tells an instance that waits. One that does not any more is no error.
///
/// # Errors
/// If AWS does not take it.
#[cfg(feature = "aws")]
pub async fn tell(
    accounts: &Accounts,
    account: &str,
    waits: &Waits<'_>,
    say: Say,
) -> Result<(), AskError> {
    accounts.tell_instance(account, waits, say).await
}

/// Tells nobody.
///
/// # Errors
/// This build has no AWS.
#[cfg(not(feature = "aws"))]
pub async fn tell(
    accounts: &Accounts,
    account: &str,
    waits: &Waits<'_>,
    say: Say,
) -> Result<(), AskError> {
    let label = format!("Auto Scaling, to tell {} {say:?}", waits.instance);
    std::future::ready(Err(accounts.absent(&label, Some(account)))).await
}

/// Gives a copy the lifecycle hooks of the original.
///
/// # Errors
/// If AWS does not do it.
#[cfg(feature = "aws")]
pub async fn hook(accounts: &Accounts, asked: &Copy<'_>) -> Result<(), AskError> {
    accounts.copy_hooks(asked).await
}

/// Gives no hooks.
///
/// # Errors
/// This build has no AWS.
#[cfg(not(feature = "aws"))]
pub async fn hook(accounts: &Accounts, asked: &Copy<'_>) -> Result<(), AskError> {
    let label = format!("Auto Scaling, for the hooks of {}", asked.name);
    std::future::ready(Err(accounts.absent(&label, Some(asked.account)))).await
}

/// Has an Auto Scaling group copied, or finds the copy that was made before. `None` if there is nothing to copy.
///
/// # Errors
/// If AWS does not do it.
#[cfg(feature = "aws")]
pub async fn copy(accounts: &Accounts, asked: &Copy<'_>) -> Result<Option<Copied>, AskError> {
    accounts.copy_group(asked).await
}

/// Gives a copy how the original scales: by alarms, and by the clock.
///
/// # Errors
/// If AWS does not do it.
#[cfg(feature = "aws")]
pub async fn furnish(accounts: &Accounts, asked: &Copy<'_>) -> Result<(), AskError> {
    accounts.furnish_copy(asked).await
}

/// Deletes an Auto Scaling group with its instances, and says whether it is gone.
///
/// # Errors
/// If AWS does not do it.
#[cfg(feature = "aws")]
pub async fn delete(accounts: &Accounts, account: &str, group: &str) -> Result<bool, AskError> {
    accounts.delete_group(account, group).await
}

/// Copies nothing.
///
/// # Errors
/// This build has no AWS.
#[cfg(not(feature = "aws"))]
pub async fn copy(accounts: &Accounts, asked: &Copy<'_>) -> Result<Option<Copied>, AskError> {
    let label = format!("Auto Scaling, to copy {}", asked.original);
    std::future::ready(Err(accounts.absent(&label, Some(asked.account)))).await
}

/// Furnishes nothing.
///
/// # Errors
/// This build has no AWS.
#[cfg(not(feature = "aws"))]
pub async fn furnish(accounts: &Accounts, asked: &Copy<'_>) -> Result<(), AskError> {
    let label = format!("Auto Scaling, to furnish {}", asked.name);
    std::future::ready(Err(accounts.absent(&label, Some(asked.account)))).await
}

/// Deletes nothing.
///
/// # Errors
/// This build has no AWS.
#[cfg(not(feature = "aws"))]
pub async fn delete(accounts: &Accounts, account: &str, group: &str) -> Result<bool, AskError> {
    let label = format!("Auto Scaling, to delete {group}");
    std::future::ready(Err(accounts.absent(&label, Some(account)))).await
}

/// What Auto Scaling is asked about a group.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'a> {
    /// Which of its processes are suspended.
    Suspended,
    /// To suspend these.
    Suspend(&'a [&'a str]),
    /// To resume these.
    Resume(&'a [&'a str]),
}

/// The processes of a group that are suspended, by their names; `None` if there is no such group.
///
/// # Errors
/// If AWS does not say.
pub async fn suspended(
    accounts: &Accounts,
    account: &str,
    group: &str,
) -> Result<Option<BTreeSet<String>>, AskError> {
    ask(accounts, account, group, Asked::Suspended).await
}

/// Suspends processes of a group. Those that are suspended stay so.
///
/// # Errors
/// If AWS does not do it.
pub async fn suspend(
    accounts: &Accounts,
    account: &str,
    group: &str,
    processes: &[&str],
) -> Result<(), AskError> {
    let asked = Asked::Suspend(processes);
    ask(accounts, account, group, asked).await.map(drop)
}

/// Resumes processes of a group. Those that run go on.
///
/// # Errors
/// If AWS does not do it.
pub async fn resume(
    accounts: &Accounts,
    account: &str,
    group: &str,
    processes: &[&str],
) -> Result<(), AskError> {
    let asked = Asked::Resume(processes);
    ask(accounts, account, group, asked).await.map(drop)
}

#[cfg(feature = "aws")]
async fn ask(
    accounts: &Accounts,
    account: &str,
    group: &str,
    asked: Asked<'_>,
) -> Result<Option<BTreeSet<String>>, AskError> {
    accounts.ask_scaling(account, group, asked).await
}

#[cfg(not(feature = "aws"))]
async fn ask(
    accounts: &Accounts,
    account: &str,
    group: &str,
    asked: Asked<'_>,
) -> Result<Option<BTreeSet<String>>, AskError> {
    let what = match asked {
        Asked::Suspended => "say what is suspended".to_owned(),
        Asked::Suspend(processes) => format!("suspend {}", processes.join(", ")),
        Asked::Resume(processes) => format!("resume {}", processes.join(", ")),
    };
    let label = format!("Auto Scaling, to {what} of {group}");
    std::future::ready(Err(accounts.absent(&label, Some(account)))).await
}
