//! Lifecycle hooks of Auto Scaling groups: what instances that wait for one are told, and the hooks of a copy.

use aws_config::SdkConfig;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::LifecycleHook;

use super::{Accounts, AskError, Trouble};
use crate::providers::scaling::{Copy, Say, Waits};

/// AWS's word for an instance that does not wait any more.
const OVER: &str = "No active Lifecycle Action found";

/// Tells an instance that waits.
///
/// # Errors
/// If AWS does not take it.
async fn tell(session: &SdkConfig, waits: &Waits<'_>, say: Say) -> Result<(), Trouble> {
    let client = Client::new(session);
    let told = match say {
        Say::Continue => complete(&client, waits, "CONTINUE").await,
        Say::Abandon => complete(&client, waits, "ABANDON").await,
        Say::Wait => beat(&client, waits).await,
    };
    match told {
        // Whoever said it before, or the time that it had, was faster.
        Err(trouble) if trouble.reason.contains(OVER) => Ok(()),
        told => told,
    }
}

async fn complete(client: &Client, waits: &Waits<'_>, result: &str) -> Result<(), Trouble> {
    let asked = client
        .complete_lifecycle_action()
        .auto_scaling_group_name(waits.group)
        .lifecycle_hook_name(waits.hook)
        .instance_id(waits.instance)
        .lifecycle_action_result(result)
        .send()
        .await;
    let permission = "autoscaling:CompleteLifecycleAction";
    let done = asked.map_err(|error| Trouble::of(&error, permission));
    done.map(drop)
}

async fn beat(client: &Client, waits: &Waits<'_>) -> Result<(), Trouble> {
    let asked = client
        .record_lifecycle_action_heartbeat()
        .auto_scaling_group_name(waits.group)
        .lifecycle_hook_name(waits.hook)
        .instance_id(waits.instance)
        .send()
        .await;
    let permission = "autoscaling:RecordLifecycleActionHeartbeat";
    let done = asked.map_err(|error| Trouble::of(&error, permission));
    done.map(drop)
}

/// Gives a copy the hooks of the original: what comes and goes later is asked about as before.
///
/// # Errors
/// If AWS does not do it.
async fn copy(session: &SdkConfig, asked: &Copy<'_>) -> Result<(), Trouble> {
    let client = Client::new(session);
    let told = client
        .describe_lifecycle_hooks()
        .auto_scaling_group_name(asked.original)
        .send()
        .await;
    let permission = "autoscaling:DescribeLifecycleHooks";
    let told = told.map_err(|error| Trouble::of(&error, permission))?;
    for hook in told.lifecycle_hooks.into_iter().flatten() {
        put(&client, asked.name, hook).await?;
    }
    Ok(())
}

async fn put(client: &Client, group: &str, hook: LifecycleHook) -> Result<(), Trouble> {
    let put = client
        .put_lifecycle_hook()
        .auto_scaling_group_name(group)
        .set_lifecycle_hook_name(hook.lifecycle_hook_name)
        .set_lifecycle_transition(hook.lifecycle_transition)
        .set_notification_target_arn(hook.notification_target_arn)
        .set_role_arn(hook.role_arn)
        .set_notification_metadata(hook.notification_metadata)
        .set_heartbeat_timeout(hook.heartbeat_timeout)
        .set_default_result(hook.default_result)
        .send()
        .await;
    let permission = "autoscaling:PutLifecycleHook";
    let done = put.map_err(|error| Trouble::of(&error, permission));
    done.map(drop)
}

impl Accounts {
    /// Tells an instance that waits for a hook.
    pub(crate) async fn tell_instance(
        &self,
        account: &str,
        waits: &Waits<'_>,
        say: Say,
    ) -> Result<(), AskError> {
        let ask = async {
            let session = self.session(Some(account), None).await?;
            tell(&session, waits, say).await
        };
        self.in_time(account, ask).await
    }

    /// Gives a copy the hooks of the original.
    pub(crate) async fn copy_hooks(&self, asked: &Copy<'_>) -> Result<(), AskError> {
        let ask = async {
            let session = self.session(Some(asked.account), None).await?;
            copy(&session, asked).await
        };
        self.in_time(asked.account, ask).await
    }
}
