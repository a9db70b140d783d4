//! Auto Scaling groups: which of their instances are in service, and which of their processes are suspended.

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::{Instance, LifecycleState};

use super::{Accounts, AskError, Trouble};
use crate::model::host::{Transition, Waiting};
use crate::providers::scaling::Asked;

/// What the request needs.
const PERMISSION: &str = "autoscaling:DescribeAutoScalingGroups";

/// So many groups may be asked for at a time.
const TOGETHER: usize = 50;

/// The instances of groups, as they are now.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// The group that an instance is in service in.
    pub serving: BTreeMap<String, String>,
    /// What an instance waits for.
    pub waiting: BTreeMap<String, Waiting>,
    /// Groups that there are.
    pub known: BTreeSet<String>,
}

impl Members {
    /// Takes in an instance of a group.
    fn take(&mut self, group: &str, instance: &Instance) {
        let Some(id) = instance.instance_id().map(str::to_owned) else {
            return;
        };
        let transition = match instance.lifecycle_state() {
            Some(LifecycleState::InService) => {
                self.serving.insert(id, group.to_owned());
                return;
            }
            Some(LifecycleState::PendingWait) => Transition::Launching,
            Some(LifecycleState::TerminatingWait) => Transition::Terminating,
            _ => return,
        };
        let group = group.to_owned();
        self.waiting.insert(id, Waiting { group, transition });
    }
}

/// Asks for these groups.
///
/// # Errors
/// If AWS does not say.
pub(super) async fn members(
    session: &SdkConfig,
    groups: &BTreeSet<String>,
) -> Result<Members, Trouble> {
    let client = Client::new(session);
    let groups: Vec<String> = groups.iter().cloned().collect();
    let mut members = Members::default();
    for some in groups.chunks(TOGETHER) {
        let mut next = None;
        loop {
            let asked = client
                .describe_auto_scaling_groups()
                .set_auto_scaling_group_names(Some(some.to_vec()))
                .set_next_token(next)
                .send()
                .await;
            let answer = asked.map_err(|error| Trouble::of(&error, PERMISSION))?;
            for group in answer.auto_scaling_groups() {
                let Some(name) = group.auto_scaling_group_name() else {
                    continue;
                };
                members.known.insert(name.to_owned());
                for instance in group.instances() {
                    members.take(name, instance);
                }
            }
            next = answer.next_token().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
    }
    Ok(members)
}

/// The processes of a group that are suspended; `None` if there is no such group.
///
/// # Errors
/// If AWS does not say.
async fn suspended(session: &SdkConfig, group: &str) -> Result<Option<BTreeSet<String>>, Trouble> {
    let asked = Client::new(session)
        .describe_auto_scaling_groups()
        .auto_scaling_group_names(group)
        .send()
        .await;
    let answer = asked.map_err(|error| Trouble::of(&error, PERMISSION))?;
    let mut all = answer.auto_scaling_groups().iter();
    let found = all.find(|one| one.auto_scaling_group_name() == Some(group));
    Ok(found.map(|found| {
        let processes = found.suspended_processes().iter();
        let names = processes.filter_map(|process| process.process_name());
        names.map(str::to_owned).collect()
    }))
}

/// Suspends processes of a group. Those that are suspended stay so.
///
/// # Errors
/// If AWS does not do it.
async fn suspend(session: &SdkConfig, group: &str, processes: &[&str]) -> Result<(), Trouble> {
    let asked = Client::new(session)
        .suspend_processes()
        .auto_scaling_group_name(group)
        .set_scaling_processes(Some(owned(processes)))
        .send()
        .await;
    let done = asked.map_err(|error| Trouble::of(&error, "autoscaling:SuspendProcesses"));
    done.map(drop)
}

/// Resumes processes of a group. Those that run go on.
///
/// # Errors
/// If AWS does not do it.
async fn resume(session: &SdkConfig, group: &str, processes: &[&str]) -> Result<(), Trouble> {
    let asked = Client::new(session)
        .resume_processes()
        .auto_scaling_group_name(group)
        .set_scaling_processes(Some(owned(processes)))
        .send()
        .await;
    let done = asked.map_err(|error| Trouble::of(&error, "autoscaling:ResumeProcesses"));
    done.map(drop)
}

fn owned(processes: &[&str]) -> Vec<String> {
    processes.iter().map(|&one| one.to_owned()).collect()
}

impl Accounts {
    /// Asks Auto Scaling once, within the time that it has.
    pub(crate) async fn ask_scaling(
        &self,
        account: &str,
        group: &str,
        asked: Asked<'_>,
    ) -> Result<Option<BTreeSet<String>>, AskError> {
        let ask = async {
            let session = self.session(Some(account), None).await?;
            match asked {
                Asked::Suspended => suspended(&session, group).await,
                Asked::Suspend(processes) => {
                    suspend(&session, group, processes).await.map(|()| None)
                }
                Asked::Resume(processes) => resume(&session, group, processes).await.map(|()| None),
            }
        };
        self.in_time(account, ask).await
    }
}
