//! What clients can see: the feed with its first picture, a deployment whole, output.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tokio::sync::broadcast;

use super::command::ApiError;
use super::feed::FeedItem;
use super::snapshot::{Snapshot, Summary};
use super::{Orchestrator, internal, lock, no_deployment};
use crate::engine::Deployment;
use crate::engine::event::Record;
use crate::engine::ledger::LedgerRecord;
use crate::model::alarm::AlarmStatus;
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::notification::Delivery;
use crate::model::project::Project;
use crate::model::traffic::status::BalancerDetails;
use crate::store::output::Reader;

impl Orchestrator {
    /// Everything that happens, beginning with where things stand.
    pub async fn subscribe(&self) -> (Subscription, Snapshot) {
        // First the ear, then the picture: an item may be in both, and is told by its number; none is in neither.
        let subscription = Subscription::new(self);
        (subscription, self.snapshot().await)
    }

    /// The documents as last read without an error.
    pub fn project(&self) -> Arc<Project> {
        self.0.documents.current().0
    }

    /// The group of a deployment; `None` if there is no such deployment.
    pub fn group_of(&self, id: &DeploymentId) -> Option<GroupKey> {
        let summaries = lock(&self.0.summaries);
        summaries.get(id).map(|summary| summary.group.clone())
    }

    /// Where things stand.
    pub async fn snapshot(&self) -> Snapshot {
        let inner = &self.0;
        let ledgers = inner.ledgers.lock().await;
        let active: Vec<Deployment> = lock(&inner.active)
            .values()
            .map(|handle| {
                handle
                    .state
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone()
            })
            .collect();
        let mut deployments: Vec<Summary> = lock(&inner.summaries).values().cloned().collect();
        for deployment in &active {
            let known = deployments
                .iter_mut()
                .find(|summary| &summary.deployment_id == deployment.id());
            if let Some(summary) = known {
                *summary = Summary::from(deployment);
            }
        }
        deployments.sort_by_key(|summary| {
            (
                std::cmp::Reverse(summary.create_time),
                summary.deployment_id.clone(),
            )
        });
        let (project, problems) = inner.documents.current();
        Snapshot {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            project: (*project).clone(),
            problems,
            person: None,
            deployments,
            active,
            ledgers: ledgers
                .iter()
                .map(|(key, ledger)| (key.clone(), ledger.clone()))
                .collect(),
            revisions: lock(&inner.revisions)
                .iter()
                .map(|(name, known)| (name.clone(), known.clone()))
                .collect(),
            hosts: inner.hosts.statuses(),
            alarms: inner.alarms.statuses(),
            freezes: self.freezes(),
            traffic: inner.traffic.statuses(),
            looks: lock(&inner.looks).values().cloned().collect(),
            tasks: lock(&inner.active)
                .values()
                .filter_map(|handle| lock(&handle.tasks).clone())
                .collect(),
        }
    }

    /// A deployment, whole.
    ///
    /// # Errors
    /// If there is none of this id, or its journal can't be read.
    pub async fn deployment(&self, id: &DeploymentId) -> Result<Deployment, ApiError> {
        let handle = lock(&self.0.active).get(id).cloned();
        if let Some(handle) = handle {
            let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
            return Ok(state.clone());
        }
        let records = self.records(id).await?;
        crate::engine::fold(&records).ok_or_else(|| no_deployment(id))
    }

    /// A deployment's journal.
    ///
    /// # Errors
    /// If there is none of this id, or it can't be read.
    pub async fn records(&self, id: &DeploymentId) -> Result<Vec<Record>, ApiError> {
        let (journal, wanted) = (self.0.journal.clone(), id.clone());
        let records = tokio::task::spawn_blocking(move || journal.records(&wanted))
            .await
            .map_err(|error| internal(&error))?
            .map_err(|error| internal(&error))?;
        if records.is_empty() {
            return Err(no_deployment(id));
        }
        Ok(records)
    }

    /// A group's ledger, entry by entry; empty if it never deployed.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn ledger(&self, group: &GroupKey) -> Result<Vec<LedgerRecord>, ApiError> {
        let (journal, wanted) = (self.0.journal.clone(), group.clone());
        tokio::task::spawn_blocking(move || journal.ledger(&wanted))
            .await
            .map_err(|error| internal(&error))?
            .map_err(|error| internal(&error))
    }

    /// Where the traffic of a deployment goes that is not over, server by server; nothing if it has no load balancer, or they
    /// have not been looked at yet.
    ///
    /// # Errors
    /// If there is no such deployment.
    pub fn traffic(&self, id: &DeploymentId) -> Result<Vec<BalancerDetails>, ApiError> {
        if !lock(&self.0.summaries).contains_key(id) {
            return Err(no_deployment(id));
        }
        Ok(self.0.traffic.details(id).unwrap_or_default())
    }

    /// What is known of each alarm that is watched.
    pub fn alarms(&self) -> Vec<AlarmStatus> {
        self.0.alarms.statuses()
    }

    /// The newest notifications, of one deployment or of all, newest first.
    ///
    /// # Errors
    /// If there is no such deployment, or they can't be read.
    pub async fn deliveries(
        &self,
        deployment: Option<DeploymentId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, ApiError> {
        if let Some(id) = &deployment
            && !lock(&self.0.summaries).contains_key(id)
        {
            return Err(no_deployment(id));
        }
        let journal = self.0.journal.clone();
        tokio::task::spawn_blocking(move || journal.deliveries(deployment.as_ref(), limit))
            .await
            .map_err(|error| internal(&error))?
            .map_err(|error| internal(&error))
    }

    /// A reader of a target's output.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn output(&self, id: &DeploymentId, target: &Name) -> Result<Reader, ApiError> {
        if !lock(&self.0.summaries).contains_key(id) {
            return Err(no_deployment(id));
        }
        let reader = self.0.outputs.reader(id, target);
        reader.map_err(|error| internal(&error))
    }

    /// Whether nothing more will be written about a target.
    pub fn is_over(&self, id: &DeploymentId, target: &Name) -> bool {
        let handle = lock(&self.0.active).get(id).cloned();
        handle.is_none_or(|handle| {
            let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
            state
                .target(target)
                .is_none_or(|target| target.status.is_terminal())
        })
    }
}

/// A client's ear at the feed; counted, so that an orchestrator in the background knows when it may end.
#[derive(Debug)]
pub struct Subscription {
    _present: Present,
    items: broadcast::Receiver<FeedItem>,
}

/// Somebody for whom an orchestrator in the background stays.
#[derive(Debug)]
pub(super) struct Present(Orchestrator);

impl Present {
    pub fn new(orchestrator: &Orchestrator) -> Self {
        orchestrator.0.clients.fetch_add(1, Ordering::Relaxed);
        Self(orchestrator.clone())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.0.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Subscription {
    fn new(orchestrator: &Orchestrator) -> Self {
        Self {
            _present: Present::new(orchestrator),
            items: orchestrator.0.feed.subscribe(),
        }
    }

    /// The next item; `None` if the client fell too far behind and must start again.
    pub async fn next(&mut self) -> Option<FeedItem> {
        self.items.recv().await.ok()
    }
}
