//! What Auto Scaling must not do while a deployment runs: suspended before the first host is touched, and resumed in the end,
//! whatever that was.
//!
//! What is about to be suspended is written into the group's ledger first. So whatever happens to this process, whoever takes
//! over resumes it; and what somebody else had suspended before stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, mpsc};

use super::lifecycle::Launches;
use super::{Orchestrator, Request, lock};
use crate::engine::ledger::LedgerEvent;
use crate::engine::{Deployment, Ledger};
use crate::model::connections::AwsAccount;
use crate::model::deployment::{DeploymentId, ErrorCode, ErrorInformation};
use crate::model::group::{GroupKey, ScalingProcess, SuspendedProcesses};
use crate::providers::aws::{Accounts, AskError};
use crate::providers::scaling;

/// How often AWS is asked again that is busy or out of reach, before a deployment fails that needs it.
const ATTEMPTS: u32 = 6;

/// How long to wait before it is asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// How long to wait at most before what can't be resumed is tried again: each time it is twice as long.
const LONGEST: Duration = Duration::from_mins(1);

/// Who suspends and resumes.
#[derive(Debug)]
pub(super) struct Scaling {
    accounts: Accounts,
    /// Held from the look at what is suspended until that is changed: so nothing is resumed that is just being suspended.
    turn: Mutex<()>,
    /// Wakes whoever resumes.
    ended: Notify,
    /// What could not be resumed yet, and why.
    stuck: std::sync::Mutex<BTreeMap<DeploymentId, String>>,
    /// Which instances that wait could not be told, and why.
    unanswered: std::sync::Mutex<Vec<String>>,
    /// How launches have ended of late.
    launches: std::sync::Mutex<Launches>,
}

impl Scaling {
    /// Nothing is known yet.
    pub(super) fn new(accounts: Accounts) -> Self {
        Self {
            accounts,
            turn: Mutex::default(),
            ended: Notify::new(),
            stuck: std::sync::Mutex::default(),
            unanswered: std::sync::Mutex::default(),
            launches: std::sync::Mutex::default(),
        }
    }

    /// Where Auto Scaling is asked.
    pub(super) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// What could not be resumed yet, who could not be told that it may go on, and whose launches fail, one line each.
    pub(super) fn stuck(&self) -> Vec<String> {
        let mut all: Vec<String> = lock(&self.stuck).values().cloned().collect();
        all.extend(lock(&self.unanswered).iter().cloned());
        all.extend(lock(&self.launches).warnings());
        all
    }

    /// Notes who could not be told.
    pub(super) fn unanswered(&self, now: Vec<String>) {
        *lock(&self.unanswered) = now;
    }

    /// How launches have ended of late.
    pub(super) fn launches(&self) -> std::sync::MutexGuard<'_, Launches> {
        lock(&self.launches)
    }
}

impl Orchestrator {
    /// Suspends what a deployment wants suspended, and tells it when that is done, or why it can't begin. Nobody calls it off:
    /// what is asked for is known before it is resumed.
    pub(super) fn suspend_for(self, deployment: Deployment, told: mpsc::Sender<Request>) {
        tokio::spawn(async move {
            let suspended = self.suspend_all(&deployment).await;
            // One that is over has no ear any more.
            let _over = told.send(Request::Suspended(suspended)).await;
        });
    }

    async fn suspend_all(&self, deployment: &Deployment) -> Result<(), ErrorInformation> {
        for attempt in 1.. {
            let turn = self.0.scaling.turn.lock().await;
            if !lock(&self.0.active).contains_key(deployment.id()) {
                return Ok(());
            }
            let suspended = self.suspend_once(deployment).await;
            drop(turn);
            match suspended {
                Err(AskError::Busy(why) | AskError::Unreachable(why)) if attempt < ATTEMPTS => {
                    tracing::info!(%why, "Auto Scaling is asked again");
                    tokio::time::sleep(AGAIN).await;
                }
                suspended => return suspended.map_err(|why| error(&why)),
            }
        }
        Ok(())
    }

    async fn suspend_once(&self, deployment: &Deployment) -> Result<(), AskError> {
        let accounts = &self.0.scaling.accounts;
        let (wanted, ours) = {
            let ledgers = self.0.ledgers.lock().await;
            let ledger = ledgers.get(&deployment.group_key());
            let selection = ledger.map(|ledger| ledger.selection(&deployment.spec.group));
            let wanted = selection.map(|selection| deployment.to_suspend(&selection));
            (wanted.unwrap_or_default(), held(&ledgers, |_| true))
        };
        let mut begun = Vec::new();
        for one in wanted {
            let now = scaling::suspended(accounts, &one.account, &one.group).await?;
            let now = now.ok_or_else(|| AskError::Refused(missing(&one)))?;
            let theirs = |process: &ScalingProcess| {
                let held = ours.get(&place(&one));
                now.contains(process.name()) && !held.is_some_and(|held| held.contains(process))
            };
            let all = one.processes.iter().copied();
            let processes = all.filter(|process| !theirs(process)).collect();
            begun.push(SuspendedProcesses { processes, ..one });
        }
        begun.retain(|one| !one.processes.is_empty());
        if begun.is_empty() {
            return Ok(());
        }
        let event = LedgerEvent::Suspending {
            deployment: deployment.id().clone(),
            processes: begun.clone(),
        };
        self.note(&deployment.group_key(), event).await;
        crate::crash_point::here!("scaling.noted");
        for one in &begun {
            let names: Vec<&str> = one.processes.iter().map(|it| it.name()).collect();
            scaling::suspend(accounts, &one.account, &one.group, &names).await?;
            crate::crash_point::here!("scaling.suspended");
        }
        Ok(())
    }

    /// Keeps a copy as large as it was made while its deployment runs: it has no traffic yet that it could scale by. Whoever calls
    /// the asking off leaves this to its end: nothing is written by half, and nothing is resumed that is just being suspended.
    pub(super) async fn hold_copy(
        &self,
        deployment: &Deployment,
        account: &str,
        copy: &str,
    ) -> Result<(), AskError> {
        let processes = [
            ScalingProcess::AlarmNotification,
            ScalingProcess::ScheduledActions,
        ];
        let held = SuspendedProcesses {
            account: account.to_owned(),
            group: copy.to_owned(),
            processes: processes.into(),
        };
        let (key, id) = (deployment.group_key(), deployment.id().clone());
        let orchestrator = self.clone();
        let holds = tokio::spawn(async move { orchestrator.hold(&key, &id, held).await });
        let held = holds.await;
        held.unwrap_or_else(|error| Err(AskError::Unreachable(error.to_string())))
    }

    async fn hold(
        &self,
        key: &GroupKey,
        id: &DeploymentId,
        held: SuspendedProcesses,
    ) -> Result<(), AskError> {
        let _turn = self.0.scaling.turn.lock().await;
        // Nobody would resume it any more.
        if !lock(&self.0.active).contains_key(id) {
            return Ok(());
        }
        let noted = {
            let ledgers = self.0.ledgers.lock().await;
            let ledger = ledgers.get(key);
            ledger.is_some_and(|ledger| ledger.suspended.contains_key(id))
        };
        if !noted {
            let event = LedgerEvent::Suspending {
                deployment: id.clone(),
                processes: vec![held.clone()],
            };
            self.note(key, event).await;
        }
        let names: Vec<&str> = held.processes.iter().map(|it| it.name()).collect();
        let accounts = &self.0.scaling.accounts;
        scaling::suspend(accounts, &held.account, &held.group, &names).await
    }

    /// Resumes, for as long as it takes, what is suspended for deployments that are over; for ever.
    pub(super) fn follow_scaling(self) {
        tokio::spawn(async move {
            let mut patience = AGAIN;
            loop {
                let done = self.resume_once().await;
                let ended = self.0.scaling.ended.notified();
                if done {
                    ended.await;
                } else if tokio::time::timeout(patience, ended).await.is_err() {
                    patience = LONGEST.min(patience.saturating_mul(2));
                    continue;
                }
                patience = AGAIN;
            }
        });
    }

    /// Has what is suspended for deployments that are over resumed soon: another is over, or another account is known.
    pub(super) fn resume_processes(&self) {
        self.0.scaling.ended.notify_one();
    }

    /// The deployments that have something suspended at AWS.
    pub(super) async fn suspending(&self) -> Vec<DeploymentId> {
        let ledgers = self.0.ledgers.lock().await;
        let all = ledgers.values().flat_map(|ledger| ledger.suspended.keys());
        all.cloned().collect()
    }

    /// Tries once, and says whether nothing is left.
    async fn resume_once(&self) -> bool {
        let _turn = self.0.scaling.turn.lock().await;
        let suspended = {
            let ledgers = self.0.ledgers.lock().await;
            let active = lock(&self.0.active);
            let all = ledgers.iter().flat_map(|(key, ledger)| {
                let theirs = ledger.suspended.iter();
                theirs.map(|(id, processes)| (key.clone(), id.clone(), processes.clone()))
            });
            let all = all.map(|one| (active.contains_key(&one.1), one));
            all.collect::<Vec<_>>()
        };
        let mut done = true;
        for (runs, (key, id, processes)) in suspended {
            let project = self.project();
            let mut why = lost(&project.connections.aws, &processes);
            let mut left = None;
            if !runs {
                let (rest, failed) = self.resume_for(&processes).await;
                why = why.or(failed.map(|why| why.to_string()));
                left = Some(rest);
            }
            done &= why.is_none();
            let stuck = |why| {
                format!("what {id} suspended stays suspended, until it can be resumed: {why}")
            };
            // First, so that nothing is said to be stuck when nothing is left.
            self.tell_stuck(&id, why.map(stuck)).await;
            if let Some(left) = left {
                self.note_resumed(&key, &id, &processes, left).await;
            }
        }
        done
    }

    /// Writes down what is left of the processes that were suspended for a deployment: what was resumed is resumed once.
    async fn note_resumed(
        &self,
        key: &GroupKey,
        id: &DeploymentId,
        before: &[SuspendedProcesses],
        left: Vec<SuspendedProcesses>,
    ) {
        let deployment = id.clone();
        let event = if left.is_empty() {
            LedgerEvent::Resumed { deployment }
        } else if left.len() < before.len() {
            LedgerEvent::Suspending {
                deployment,
                processes: left,
            }
        } else {
            return;
        };
        crate::crash_point::here!("scaling.resumed");
        self.note(key, event).await;
    }

    /// Resumes what no deployment that runs wants suspended. Answers what is left, and why: a group that fails is in no other's
    /// way.
    async fn resume_for(
        &self,
        processes: &[SuspendedProcesses],
    ) -> (Vec<SuspendedProcesses>, Option<AskError>) {
        let accounts = &self.0.scaling.accounts;
        let held = {
            let ledgers = self.0.ledgers.lock().await;
            let active = lock(&self.0.active);
            held(&ledgers, |id| active.contains_key(id))
        };
        let (mut left, mut why) = (Vec::new(), None);
        for one in processes {
            let held = held.get(&place(one));
            let free = one.processes.iter();
            let free = free.filter(|process| !held.is_some_and(|held| held.contains(process)));
            let names: Vec<&str> = free.map(|process| process.name()).collect();
            if names.is_empty() {
                continue;
            }
            if let Err(error) = resume_in(accounts, one, &names).await {
                left.push(one.clone());
                why = why.or(Some(error));
            }
        }
        (left, why)
    }

    async fn tell_stuck(&self, id: &DeploymentId, why: Option<String>) {
        let before = match why.clone() {
            Some(why) => lock(&self.0.scaling.stuck).insert(id.clone(), why),
            None => lock(&self.0.scaling.stuck).remove(id),
        };
        if before != why {
            self.show_trouble().await;
        }
    }
}

/// Resumes processes of one Auto Scaling group.
async fn resume_in(
    accounts: &Accounts,
    one: &SuspendedProcesses,
    names: &[&str],
) -> Result<(), AskError> {
    let resumed = scaling::resume(accounts, &one.account, &one.group, names).await;
    match &resumed {
        Ok(()) | Err(AskError::Busy(_) | AskError::Unreachable(_)) => resumed,
        Err(why) => {
            let now = scaling::suspended(accounts, &one.account, &one.group).await;
            let runs = |now: BTreeSet<String>| !names.iter().any(|&it| now.contains(it));
            // What is gone needs nothing, nor does what was never suspended: that may have been denied, too.
            if !now.is_ok_and(|now| now.is_none_or(runs)) {
                return resumed;
            }
            tracing::info!(%why, group = %one.group, "nothing is left to resume");
            Ok(())
        }
    }
}

/// An Auto Scaling group, by its account and its name.
type Place = (String, String);

fn place(one: &SuspendedProcesses) -> Place {
    (one.account.clone(), one.group.clone())
}

/// What is suspended for these deployments.
fn held(
    ledgers: &BTreeMap<GroupKey, Ledger>,
    which: impl Fn(&DeploymentId) -> bool,
) -> BTreeMap<Place, BTreeSet<ScalingProcess>> {
    let mut held: BTreeMap<Place, BTreeSet<ScalingProcess>> = BTreeMap::new();
    let all = ledgers.values().flat_map(|ledger| &ledger.suspended);
    for (_, processes) in all.filter(|(id, _)| which(id)) {
        for one in processes {
            held.entry(place(one)).or_default().extend(&one.processes);
        }
    }
    held
}

/// What there is to do if nobody knows the account any more where something is suspended.
fn lost(accounts: &[AwsAccount], processes: &[SuspendedProcesses]) -> Option<String> {
    let known = |one: &SuspendedProcesses| accounts.iter().any(|it| it.name == one.account);
    let lost = processes.iter().find(|one| !known(one))?;
    let names: Vec<&str> = lost.processes.iter().map(|it| it.name()).collect();
    Some(format!(
        "no account of `connections.aws` is called {} any more: put it back until {} of {} is resumed",
        lost.account,
        names.join(", "),
        lost.group
    ))
}

fn missing(one: &SuspendedProcesses) -> String {
    super::instances::absent(&[&one.group], &one.account)
}

/// What a deployment fails with whose processes can't be suspended (operations.md §7).
fn error(error: &AskError) -> ErrorInformation {
    let code = match error {
        AskError::Denied(_) | AskError::Unknown(_) => ErrorCode::AutoScalingIamRolePermissions,
        AskError::Busy(_) => ErrorCode::Throttled,
        AskError::Refused(_) | AskError::Full(_) | AskError::Unreachable(_) => {
            ErrorCode::AutoScalingConfiguration
        }
    };
    let message =
        format!("processes of Auto Scaling can't be suspended, so nothing was begun: {error}");
    ErrorInformation { code, message }
}
