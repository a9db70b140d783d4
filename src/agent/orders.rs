//! Taking orders, stopping them, and keeping them going.

use std::sync::Arc;

use super::core::{self, Refusal};
use super::executor::Executor;
use super::log::LogError;
use super::protocol::{ExecutionState, Leases, Order};
use crate::model::deployment::ExecutionId;

/// Why an order is not taken.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// It must not be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Executor {
    /// Takes an order, unless it was taken already. Nothing of it starts before its lease is renewed: an order that was on
    /// its way for so long that its host was given up meanwhile has nobody left who does that.
    pub async fn order(
        self: &Arc<Self>,
        id: ExecutionId,
        order: Order,
    ) -> Result<ExecutionState, OrderError> {
        let order = Arc::new(order);
        let deciding = self.deciding.lock().await;
        let entries = core::order(&self.log.known(), &id, &order)?;
        if !entries.is_empty() {
            self.log.facts(entries).await?;
        }
        drop(deciding);
        self.serve(&order.deployment_group_id);
        self.state(&id)
    }

    /// Lets an execution end after its current event. An execution that is not known is not carried out when its order
    /// arrives later.
    pub async fn stop(&self, id: &ExecutionId) -> Result<ExecutionState, OrderError> {
        let deciding = self.deciding.lock().await;
        let entries = core::stop(&self.log.known(), id)?;
        if entries.is_empty() {
            return self.state(id);
        }
        self.log.facts(entries).await?;
        drop(deciding);
        self.changed.send_replace(());
        let state = self.state(id)?;
        if state.ended.is_some() {
            self.forget(id).await;
        }
        Ok(state)
    }

    /// Lets these executions go on for another while.
    pub fn renew(&self, leases: &Leases) {
        let until = self.started.elapsed() + self.config.lease;
        let known = self.log.known();
        self.renewals().renew(&known, &leases.executions, until);
        self.changed.send_replace(());
    }

    fn state(&self, id: &ExecutionId) -> Result<ExecutionState, OrderError> {
        let state = self.log.known().state(id).cloned();
        Ok(state.ok_or_else(|| Refusal::Unknown(id.clone()))?)
    }
}
