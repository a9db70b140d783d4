//! Hooks: what is called for lifecycle events that no host carries out (lifecycle.md §9).
//!
//! A webhook, or a function of AWS Lambda, is called until it has taken the call, and reports later, with the
//! [ticket](ticket::Tickets) that it was given. A program on this machine is run once, and its exit code is the report.

pub mod due;
pub mod report;
#[cfg(test)]
mod tests;
pub mod ticket;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use self::due::{Due, due, failure};
use self::ticket::Tickets;
use super::duty::Duty;
use super::hosts::Mode;
use super::lock;
use crate::model::connections::{Hook, HookKind};
use crate::model::deployment::{DeploymentId, ExecutionId};
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::notification::Message;
use crate::providers::aws::Accounts;
use crate::providers::notify::{Answer, DEADLINE, Notifier};
use crate::providers::secrets::Secrets;

/// How long a program may take: so much less than the hour of lifecycle.md §9 that it is ended before it is given up.
const LONGEST: Duration = Duration::from_secs(3590);

/// How soon a webhook is called again that has not taken the call.
const AGAIN: Duration = Duration::from_secs(2);

/// A hook that is to be called.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The event that it is called for.
    pub duty: Duty,
    /// Of which deployment.
    pub deployment: DeploymentId,
    /// The function's name, as the `AppSpec` has it.
    pub name: String,
    /// What it stands for; nothing if nobody says so.
    pub hook: Option<Hook>,
    /// Where it may report over HTTP, if it may.
    pub report_to: Option<String>,
    /// Call it, or only wait for it if it has been called.
    pub mode: Mode,
}

/// What a hook is told.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Payload<'a> {
    deployment_id: &'a DeploymentId,
    lifecycle_event_hook_execution_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifecycle_event: Option<LifecycleEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
}

/// The hooks that are being called.
#[derive(Debug)]
pub(super) struct Hooks {
    tickets: Tickets,
    webhooks: Notifier,
    programs: Notifier,
    calls: Mutex<BTreeMap<ExecutionId, Open>>,
}

/// A call that is not over.
#[derive(Debug)]
struct Open {
    task: AbortHandle,
    /// Nobody wants it called any more, if it has not been.
    halt: CancellationToken,
}

impl Hooks {
    /// Nobody is called yet. The key of tickets is in this file.
    ///
    /// # Errors
    /// If the key can't be read or made.
    pub fn new(key: &Path, secrets: &Secrets, accounts: &Accounts) -> std::io::Result<Self> {
        Ok(Self {
            tickets: Tickets::open(key)?,
            webhooks: Notifier::new(secrets.clone(), accounts.clone(), DEADLINE),
            programs: Notifier::new(secrets.clone(), accounts.clone(), LONGEST),
            calls: Mutex::default(),
        })
    }

    /// Those who made the tickets know them again.
    fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    /// Calls a hook, unless it has been called already.
    pub fn assign(self: &Arc<Self>, call: Call) {
        let mut calls = lock(&self.calls);
        if let Some(open) = calls.get(&call.duty.execution) {
            if call.mode == Mode::Halt {
                open.halt.cancel();
            }
            return;
        }
        let execution = call.duty.execution.clone();
        let (hooks, halt) = (Arc::clone(self), CancellationToken::new());
        let halted = halt.clone();
        let task = tokio::spawn(async move { hooks.carry_out(&call, &halted).await });
        let task = task.abort_handle();
        calls.insert(execution, Open { task, halt });
    }

    /// It is over: whoever has not taken the call is not called again. A program that runs is left alone.
    pub fn forget(&self, execution: &ExecutionId) {
        if let Some(call) = lock(&self.calls).remove(execution) {
            call.task.abort();
        }
    }

    async fn carry_out(&self, call: &Call, halt: &CancellationToken) {
        let hook = call.hook.as_ref();
        let halts = call.mode == Mode::Halt;
        match (
            due(
                call.duty.status(),
                halts,
                &call.name,
                hook.map(|it| &it.via),
            ),
            hook,
        ) {
            (Due::Over, _) => call.duty.over().await,
            (Due::Fail(why), _) => call.fails(why).await,
            (Due::Post, Some(hook)) => {
                let message = match &hook.via {
                    HookKind::Lambda(_) => self.bare(call),
                    HookKind::Webhook(_) | HookKind::Command(_) => {
                        self.message(call, call.report_to.as_deref())
                    }
                };
                self.post(call, hook, &message, halt).await;
            }
            (Due::Run, Some(hook)) => self.run(call, hook).await,
            (Due::Wait | Due::Post | Due::Run, _) => {}
        }
    }

    /// Until it has taken the call, or the time to begin is over.
    async fn post(&self, call: &Call, hook: &Hook, message: &Message, halt: &CancellationToken) {
        loop {
            match self.webhooks.call(hook, message).await {
                Answer::Taken(_) => return call.duty.starts().await,
                Answer::Refused(why) => return call.fails(why).await,
                Answer::NotNow { why, wait } => {
                    tracing::warn!(hook = hook.name, why, "a hook did not take its call");
                    let wait = wait.unwrap_or(AGAIN).max(AGAIN);
                    let halted = tokio::time::timeout(wait, halt.cancelled()).await;
                    // It may have taken the call all the same, and have reported.
                    if halted.is_ok() || call.duty.is_over() {
                        return call.duty.over().await;
                    }
                }
            }
        }
    }

    /// Once: that it begins is written before it does.
    async fn run(&self, call: &Call, hook: &Hook) {
        call.duty.starts().await;
        if !call.duty.is_written().await {
            return;
        }
        // Its exit code is its report.
        let message = self.message(call, None);
        match self.programs.call(hook, &message).await {
            Answer::Taken(_) => call.succeeds().await,
            Answer::NotNow { why, .. } | Answer::Refused(why) => call.fails(why).await,
        }
    }

    /// What `CodeDeploy` tells a hook, and which event it is, and where to report.
    fn message(&self, call: &Call, callback_url: Option<&str>) -> Message {
        let ticket = self.tickets.of(&call.duty.execution);
        let payload = Payload {
            deployment_id: &call.deployment,
            lifecycle_event_hook_execution_id: &ticket,
            lifecycle_event: Some(call.duty.event),
            callback_url,
        };
        told(&payload, call)
    }

    /// What `CodeDeploy` tells a hook, and nothing more.
    fn bare(&self, call: &Call) -> Message {
        let ticket = self.tickets.of(&call.duty.execution);
        let payload = Payload {
            deployment_id: &call.deployment,
            lifecycle_event_hook_execution_id: &ticket,
            lifecycle_event: None,
            callback_url: None,
        };
        told(&payload, call)
    }
}

fn told(payload: &Payload, call: &Call) -> Message {
    Message {
        id: payload.lifecycle_event_hook_execution_id.to_owned(),
        event: call.duty.event.to_string(),
        body: serde_json::to_string(payload).unwrap_or_default(),
        sentence: String::new(),
    }
}

impl Call {
    async fn succeeds(&self) {
        self.duty.ends(EventStatus::Succeeded, None).await;
    }

    async fn fails(&self, why: String) {
        let why = failure(&self.name, why);
        self.duty.ends(EventStatus::Failed, Some(why)).await;
    }
}
