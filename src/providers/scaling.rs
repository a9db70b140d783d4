//! Processes of Auto Scaling groups: which are suspended, and how that is changed.

use std::collections::BTreeSet;

use crate::providers::aws::{Accounts, AskError};

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
