//! Terminating provisioned hosts and copies of Auto Scaling groups by hand: what failed deployments and rollbacks left.

use std::sync::PoisonError;

use super::super::command::{Answer, ApiError};
use super::super::{Orchestrator, lock};
use super::terminate::by_fleet;
use super::{folded, provisioned};
use crate::clock;
use crate::engine::Ledger;
use crate::engine::ledger::LedgerEvent;
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::host::{Host, copied_group};
use crate::model::name::Name;
use crate::providers::scaling;
use crate::store::journal::Batch;

/// A copy of an Auto Scaling group that a deployment has left: its account and its name.
type Copy = (String, Name);

impl Orchestrator {
    /// Has fleets terminate hosts, and AWS what copies of Auto Scaling groups are left, all or none of which may go.
    pub(in super::super) async fn terminate_hosts(
        &self,
        names: &[Name],
    ) -> Result<Answer, ApiError> {
        let (mut found, mut copies) = (Vec::new(), Vec::new());
        for name in names {
            match self.copy_may_go(name).await? {
                Some(copy) => copies.push(copy),
                None => found.push(self.may_go(name).await?),
            }
        }
        let (mut gone, mut trouble) = (Vec::new(), Vec::new());
        let mut ended = Vec::new();
        for (account, copy) in copies {
            let accounts = self.0.scaling.accounts();
            match scaling::delete(accounts, &account, copy.as_str()).await {
                // With its instances, which takes AWS a while.
                Ok(_) => ended.push(copy),
                Err(error) => trouble.push(format!("{copy}: {error}")),
            }
        }
        for (fleet, hosts) in by_fleet(&found) {
            match self.terminate_of(fleet, &hosts).await {
                Ok(()) => gone.extend(hosts.into_iter().map(|host| host.name.clone())),
                Err(error) => trouble.push(format!("{fleet}: {error}")),
            }
        }
        self.forget(&gone).await;
        gone.extend(ended);
        Ok(Answer::Terminated {
            hosts: gone,
            trouble: (!trouble.is_empty()).then(|| trouble.join("; ")),
        })
    }

    /// A copy of an Auto Scaling group that is called so, if nobody needs it any more; `None` if no deployment made one.
    async fn copy_may_go(&self, name: &Name) -> Result<Option<Copy>, ApiError> {
        let made_for = {
            let summaries = lock(&self.0.summaries);
            let mut all = summaries.iter();
            let found = all.find(|(id, summary)| copied_group(&summary.group, id) == name.as_str());
            found.map(|(id, summary)| (id.clone(), summary.group.clone()))
        };
        let Some((id, key)) = made_for else {
            return Ok(None);
        };
        let (project, _) = self.0.documents.current();
        let group = project.group(&key);
        let Some(account) = group.and_then(|group| group.account.clone()) else {
            return Ok(None);
        };
        let needed = |message| Err(ApiError::new("InvalidOperationException", message));
        if let Some(running) = self.deployment_about(name, &id) {
            return needed(format!("{running} runs on {name}: wait for it, or stop it"));
        }
        let ledgers = self.0.ledgers.lock().await;
        let owner = project.groups.iter().find(|other| {
            let ledger = ledgers.get(&other.key());
            let selection = ledger.map_or_else(|| other.selection(), |it| it.selection(other));
            let named = selection.auto_scaling_groups.unwrap_or_default();
            named.iter().any(|one| one == name.as_str())
        });
        if let Some(owner) = owner {
            return needed(format!(
                "{name} has the traffic of {}: deploy to it first, or roll back",
                owner.key()
            ));
        }
        Ok(Some((account, name.clone())))
    }

    /// A host that a fleet provisioned and nobody needs any more.
    async fn may_go(&self, name: &Name) -> Result<Host, ApiError> {
        let (project, _) = self.0.documents.current();
        let host = project.host(name).ok_or_else(|| {
            let hosts = project.hosts.iter().map(|host| host.name.as_str());
            let unknown = super::super::checks::unknown("host", name.as_str(), hosts);
            ApiError::new("InstanceDoesNotExistException", unknown)
        })?;
        let needed = |message| Err(ApiError::new("InvalidOperationException", message));
        if host.provisioned.is_none() {
            return needed(format!(
                "{name} is a host of cutover.yaml, which no fleet provisioned: `cutover hosts remove {name}` takes it out of there"
            ));
        }
        if let Some(deployment) = self.deployment_of(name) {
            return needed(format!(
                "{deployment} runs on {name}: wait for it, or stop it"
            ));
        }
        let ledgers = self.0.ledgers.lock().await;
        let owner = ledgers
            .iter()
            .find(|(_, ledger)| ledger.provisioned.contains_key(name));
        if let Some((key, ledger)) = owner
            && let Some(group) = project.group(key)
            && ledger.selection(group).selects(host)
        {
            return needed(format!(
                "{name} belongs to {key} and has its traffic: deploy to it first, or roll back"
            ));
        }
        Ok(host.clone())
    }

    /// The running deployment that copied an Auto Scaling group, or is about the copy.
    fn deployment_about(&self, copy: &Name, made_for: &DeploymentId) -> Option<DeploymentId> {
        let active = lock(&self.0.active);
        let mut running = active.iter();
        running.find_map(|(id, handle)| {
            let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
            let sides = state.spec.sides.iter();
            let sides = sides.flat_map(|sides| [&sides.original, &sides.replacement]);
            let mut names = sides.flat_map(|side| side.auto_scaling_groups.iter().flatten());
            let is_about = id == made_for || names.any(|name| name == copy.as_str());
            is_about.then(|| id.clone())
        })
    }

    /// The running deployment that has this host among its targets.
    fn deployment_of(&self, name: &Name) -> Option<DeploymentId> {
        let active = lock(&self.0.active);
        let mut running = active.iter();
        running.find_map(|(id, handle)| {
            let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
            state.target(name).map(|_| id.clone())
        })
    }

    /// Notes that hosts are gone.
    async fn forget(&self, gone: &[Name]) {
        let mut ledgers = self.0.ledgers.lock().await;
        let mut batch = Batch::default();
        let now = clock::steady();
        for (key, ledger) in ledgers.iter_mut() {
            let hosts = theirs(ledger, gone);
            if !hosts.is_empty() {
                let entry = folded(LedgerEvent::Terminated { hosts }, ledger, now);
                batch.ledger.push((key.clone(), entry));
            }
        }
        let entries: Vec<(GroupKey, _)> = batch.ledger.clone();
        self.append(batch).await;
        for (key, entry) in entries {
            self.tell_ledger(&key, vec![entry]);
        }
        self.provisioned(provisioned(&ledgers));
    }
}

fn theirs(ledger: &Ledger, gone: &[Name]) -> Vec<Name> {
    let gone = gone.iter();
    gone.filter(|name| ledger.provisioned.contains_key(*name))
        .cloned()
        .collect()
}
