//! Taking orders, stopping them, and keeping them going.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::time::Instant;

use super::executor::{Control, Executor};
use super::layout::is_group_id;
use super::log::{Entry, Execution, LogError, Note};
use super::protocol::{ExecutionEnd, ExecutionState, Leases, Order, What};
use crate::model::deployment::ExecutionId;

/// Why an order is not taken.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// It makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The same id was used for another order.
    #[error("the execution {0} is known here, with another order")]
    Conflict(ExecutionId),
    /// No such execution.
    #[error("the execution {0} is not known here")]
    Unknown(ExecutionId),
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Executor {
    /// Takes an order, unless it was taken already.
    pub async fn order(
        self: &Arc<Self>,
        id: ExecutionId,
        order: Order,
    ) -> Result<ExecutionState, OrderError> {
        check(&id, &order)?;
        let _accepting = self.accepting.lock().await;
        let known = self
            .log
            .known()
            .executions
            .get(&id)
            .map(|known| known.order == order);
        match known {
            Some(true) => self.renew(&Leases {
                executions: vec![id.clone()],
            }),
            Some(false) => return Err(OrderError::Conflict(id)),
            None => {
                let ordered = Note::Ordered {
                    order: Box::new(order.clone()),
                };
                let mut entries = vec![
                    Entry::Note(id.clone(), ordered),
                    Entry::Message(id.clone(), What::Accepted),
                ];
                // The stop has overtaken the order.
                if self.log.known().is_stopped(&id) {
                    let end = ExecutionEnd::Stopped;
                    entries.push(Entry::Message(id.clone(), What::Ended { end }));
                    self.log.facts(entries).await?;
                    return self.state(&id);
                }
                self.log.facts(entries).await?;
                let control = Control {
                    stop: false,
                    lease: Some(Instant::now() + self.config.lease),
                };
                self.enqueue(&id, &order, control);
            }
        }
        self.state(&id)
    }

    /// Lets an execution end after its current event. An execution that is not known is not carried out when its order
    /// arrives later.
    pub async fn stop(&self, id: &ExecutionId) -> Result<ExecutionState, OrderError> {
        check_id(id)?;
        let accepting = self.accepting.lock().await;
        let known = self.log.known().executions.get(id).cloned();
        let Some(execution) = known else {
            if !self.log.known().is_stopped(id) {
                self.note(id, Note::StopRequested).await?;
            }
            return Err(OrderError::Unknown(id.clone()));
        };
        drop(accepting);
        if execution.state.ended.is_none() {
            if !execution.stop_requested {
                self.note(id, Note::StopRequested).await?;
            }
            if self
                .queues
                .withdraw(&execution.order.deployment_group_id, id)
            {
                self.end(id, Vec::new(), ExecutionEnd::Stopped).await?;
            }
            if let Some(control) = self.controls().get(id) {
                control.send_modify(|control| control.stop = true);
            }
        }
        self.state(id)
    }

    /// Lets these executions go on for another while.
    pub fn renew(&self, leases: &Leases) {
        let until = Instant::now() + self.config.lease;
        let controls = self.controls();
        for id in &leases.executions {
            if let Some(control) = controls.get(id) {
                control.send_modify(|control| control.lease = Some(until));
            }
        }
    }

    async fn note(&self, id: &ExecutionId, note: Note) -> Result<(), LogError> {
        self.log.facts(vec![Entry::Note(id.clone(), note)]).await
    }

    fn execution(&self, id: &ExecutionId) -> Result<Execution, OrderError> {
        let known = self.log.known().executions.get(id).cloned();
        known.ok_or_else(|| OrderError::Unknown(id.clone()))
    }

    fn state(&self, id: &ExecutionId) -> Result<ExecutionState, OrderError> {
        self.execution(id).map(|execution| execution.state)
    }
}

fn check(id: &ExecutionId, order: &Order) -> Result<(), OrderError> {
    let invalid = |message: String| Err(OrderError::Invalid(message));
    check_id(id)?;
    if !is_group_id(&order.deployment_group_id) {
        return invalid(format!(
            "{:?} is no deployment group id",
            order.deployment_group_id
        ));
    }
    if order.events.is_empty() {
        return invalid("an order needs at least one event".to_owned());
    }
    let mut seen = HashSet::new();
    for event in &order.events {
        if !event.is_on_host() {
            return invalid(format!(
                "{event} happens at the load balancer, not on a host"
            ));
        }
        if !seen.insert(event) {
            return invalid(format!("{event} is in the order twice"));
        }
    }
    Ok(())
}

fn check_id(id: &ExecutionId) -> Result<(), OrderError> {
    if id.0.is_empty() || id.0.len() > 400 {
        let message = "an execution's id has between 1 and 400 bytes";
        return Err(OrderError::Invalid(message.to_owned()));
    }
    Ok(())
}
