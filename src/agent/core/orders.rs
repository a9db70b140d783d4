//! What an order and a stop append to the log.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Entry, Known, Note, is_group_id};
use crate::agent::protocol::{ExecutionEnd, Order, What};
use crate::engine::deliberate::{Bug, deliberate};
use crate::model::deployment::ExecutionId;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The same id was used for another order.
    #[error("the execution {0} is known here, with another order")]
    Conflict(ExecutionId),
    /// No such execution.
    #[error("the execution {0} is not known here")]
    Unknown(ExecutionId),
}

/// What an order appends: nothing if it was taken already. If its stop came first, it ends at once.
///
/// # Errors
///
/// When it makes no sense, or its id was used for another order.
pub fn order(known: &Known, id: &ExecutionId, order: &Arc<Order>) -> Result<Vec<Entry>, Refusal> {
    check(id, order)?;
    match known.executions.get(id) {
        Some(_) if deliberate(Bug::OrderTakenTwice) => {}
        Some(execution) if execution.order == *order => return Ok(Vec::new()),
        Some(_) => return Err(Refusal::Conflict(id.clone())),
        None => {}
    }
    let ordered = Note::Ordered {
        order: Arc::clone(order),
    };
    let mut entries = vec![
        Entry::Note(id.clone(), ordered),
        Entry::Message(id.clone(), What::Accepted),
    ];
    if known.is_stopped(id) && !deliberate(Bug::EarlyStopForgotten) {
        entries.push(ended(id, ExecutionEnd::Stopped));
    }
    Ok(entries)
}

/// What a stop appends. An execution that runs no event ends at once, any other after its current event. One that is not
/// known is not carried out when its order arrives later.
///
/// # Errors
///
/// When its id makes no sense.
pub fn stop(known: &Known, id: &ExecutionId) -> Result<Vec<Entry>, Refusal> {
    check_id(id)?;
    let request = || Entry::Note(id.clone(), Note::StopRequested);
    let mut entries = Vec::new();
    match known.executions.get(id) {
        None => entries.extend((!known.is_stopped(id)).then(request)),
        Some(execution) if execution.is_open() => {
            entries.extend((!execution.stop_requested).then(request));
            if execution.running().is_none() {
                let end = execution.bound_to_end().unwrap_or(ExecutionEnd::Stopped);
                entries.push(ended(id, end));
            }
        }
        Some(_) => {}
    }
    Ok(entries)
}

fn ended(id: &ExecutionId, end: ExecutionEnd) -> Entry {
    Entry::Message(id.clone(), What::Ended { end })
}

fn check(id: &ExecutionId, order: &Order) -> Result<(), Refusal> {
    let invalid = |message: String| Err(Refusal::Invalid(message));
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
    let mut seen = BTreeSet::new();
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

fn check_id(id: &ExecutionId) -> Result<(), Refusal> {
    if id.0.is_empty() || id.0.len() > 400 {
        let message = "an execution's id has between 1 and 400 bytes";
        return Err(Refusal::Invalid(message.to_owned()));
    }
    Ok(())
}
