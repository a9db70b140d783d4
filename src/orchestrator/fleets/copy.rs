//! The replacement at AWS: a copy of the original's Auto Scaling group, and the end of the original with its group.
//!
//! The copy's name is the deployment's, which was written down before anything is asked for: whoever asks again, after a
//! crash, finds what was made. Its instances are observations like all instances of AWS, and no facts of a ledger.

use super::super::{Orchestrator, instances};
use super::ask::Patience;
use super::provision::unusable;
use crate::engine::Deployment;
use crate::engine::spec::Provision;
use crate::model::deployment::{ErrorCode, ErrorInformation};
use crate::model::group::GroupKey;
use crate::model::host::{Host, copied_group};
use crate::providers::aws::AskError;
use crate::providers::scaling::{self, Copy};

/// What one question has come to.
enum Now {
    /// These are its instances, all in service.
    Ready(Vec<Host>),
    /// Not all of them are in service.
    NotYet(String),
    /// There is nothing to copy.
    Missing,
}

impl Orchestrator {
    /// The instances of the copy that a deployment asks for, once all of them are in service.
    pub(super) async fn copied_for(
        &self,
        deployment: &Deployment,
        asked: &Provision,
        account: &str,
    ) -> Result<Vec<Host>, ErrorInformation> {
        let name = copied_group(&deployment.group_key(), deployment.id());
        let copy = Copy {
            account,
            original: &asked.fleet,
            name: &name,
            deployment: deployment.id(),
            count: asked.count,
        };
        let mut patience = Patience::new();
        let mut furnished = false;
        let hosts = loop {
            match self.copy_once(deployment, &copy, &mut furnished).await {
                Ok(Now::Ready(hosts)) => break hosts,
                Err(AskError::Busy(why) | AskError::Unreachable(why)) | Ok(Now::NotYet(why)) => {
                    patience.wait(&why).await;
                }
                Ok(Now::Missing) => {
                    let code = ErrorCode::AutoScalingConfiguration;
                    let message = instances::absent(&[&asked.fleet], account);
                    return Err(ErrorInformation { code, message });
                }
                Err(error) => return Err(refusal(&asked.fleet, &error)),
            }
        };
        let (project, _) = self.0.documents.current();
        let mut wrong = hosts
            .iter()
            .filter_map(|host| unusable(&project, deployment, host));
        match wrong.next() {
            None => Ok(hosts),
            Some(why) => Err(ErrorInformation {
                code: ErrorCode::AutoscalingValidationError,
                message: format!("an instance of {name} can't be used: {why}"),
            }),
        }
    }

    async fn copy_once(
        &self,
        deployment: &Deployment,
        copy: &Copy<'_>,
        furnished: &mut bool,
    ) -> Result<Now, AskError> {
        let accounts = self.0.scaling.accounts();
        let Some(now) = scaling::copy(accounts, copy).await? else {
            return Ok(Now::Missing);
        };
        crate::crash_point::here!("fleets.copied");
        if !*furnished {
            // It has no traffic yet that it could scale by.
            self.hold_copy(deployment, copy.account, copy.name).await?;
            scaling::furnish(accounts, copy).await?;
            *furnished = true;
        }
        let wanted = now.wanted as usize;
        let few = |there: usize| {
            let name = copy.name;
            Ok(Now::NotYet(format!(
                "{there} of {wanted} instances of {name} are in service"
            )))
        };
        if now.serving < wanted {
            return few(now.serving);
        }
        self.look_in(copy.account, None).await?;
        let (project, _) = self.0.documents.current();
        let sides = deployment.spec.sides.as_ref();
        let replacement = sides.map(|sides| sides.replacement.clone());
        let hosts = project.selected(replacement.unwrap_or_default());
        let hosts: Vec<Host> = hosts.cloned().collect();
        if hosts.len() < wanted {
            return few(hosts.len());
        }
        // Whoever comes or goes from now on is asked about; these are here already.
        scaling::hook(accounts, copy).await?;
        Ok(Now::Ready(hosts))
    }

    /// Deletes the Auto Scaling group of an original, with its instances, for as long as that takes.
    ///
    /// # Errors
    /// Why it is left.
    pub(super) async fn end_original(
        &self,
        key: &GroupKey,
        asked: &Provision,
        account: &str,
    ) -> Result<(), String> {
        if let Some(other) = self.another_of(key, asked, account).await {
            return Err(format!(
                "it is an Auto Scaling group of {other}, too, and stays: delete it at AWS when nobody needs it"
            ));
        }
        let accounts = self.0.scaling.accounts();
        let mut patience = Patience::new();
        loop {
            let why = match scaling::delete(accounts, account, &asked.fleet).await {
                Ok(true) => break,
                Ok(false) => format!("{} is not gone yet", asked.fleet),
                Err(AskError::Busy(why) | AskError::Unreachable(why)) => why,
                Err(error) => return Err(error.to_string()),
            };
            patience.wait(&why).await;
        }
        // What is not seen now is seen later.
        let _told = self.look_in(account, None).await;
        Ok(())
    }

    /// Another deployment group that the Auto Scaling group belongs to.
    async fn another_of(&self, key: &GroupKey, asked: &Provision, account: &str) -> Option<String> {
        let (project, _) = self.0.documents.current();
        let ledgers = self.0.ledgers.lock().await;
        let others = project.groups.iter().filter(|it| it.key() != *key);
        let mut there = others.filter(|it| it.account.as_deref() == Some(account));
        let found = there.find(|other| {
            let ledger = ledgers.get(&other.key());
            let selection = ledger.map_or_else(|| other.selection(), |it| it.selection(other));
            let named = selection.auto_scaling_groups.unwrap_or_default();
            named.contains(&asked.fleet)
        });
        found.map(|other| other.key().to_string())
    }
}

/// What a deployment fails with whose replacement AWS does not make (operations.md §10).
fn refusal(original: &str, error: &AskError) -> ErrorInformation {
    let code = match error {
        AskError::Denied(_) | AskError::Unknown(_) => ErrorCode::AutoScalingIamRolePermissions,
        AskError::Full(_) => ErrorCode::ResourceLimitExceeded,
        AskError::Busy(_) => ErrorCode::Throttled,
        AskError::Refused(_) | AskError::Unreachable(_) => ErrorCode::AutoscalingValidationError,
    };
    let message = format!("{original} can't be copied: {error}");
    ErrorInformation { code, message }
}
