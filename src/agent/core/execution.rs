//! One execution and how far it has come.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Note, Script};
use crate::agent::protocol::{EventState, ExecutionEnd, ExecutionState, Order, What};
use crate::engine::deliberate::{Bug, deliberate};
use crate::model::deployment::ExecutionId;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::timestamp::Timestamp;

/// An execution and how far it has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// What it is to do.
    pub order: Arc<Order>,
    /// How far it is, as the orchestrator is told.
    pub state: ExecutionState,
    /// Whether it must not start a further event.
    pub stop_requested: bool,
    /// The newest script of the event that is running.
    pub script: Script,
}

impl Execution {
    pub(super) fn new(order: Arc<Order>, id: ExecutionId, seq: u64) -> Self {
        let events = order.events.iter().map(|event| EventState {
            event: *event,
            status: EventStatus::Pending,
            start_time: None,
            end_time: None,
            diagnostics: None,
        });
        let state = ExecutionState {
            execution: id,
            accepted_seq: seq,
            seq,
            events: events.collect(),
            ended: None,
        };
        Self {
            order,
            state,
            stop_requested: false,
            script: Script::None,
        }
    }

    /// The deployment group's id.
    pub fn group(&self) -> &str {
        &self.order.deployment_group_id
    }

    /// Whether it has not ended.
    pub fn is_open(&self) -> bool {
        self.state.ended.is_none()
    }

    /// The event that is running.
    pub fn running(&self) -> Option<LifecycleEvent> {
        let running = |state: &&EventState| state.status == EventStatus::InProgress;
        self.state
            .events
            .iter()
            .find(running)
            .map(|state| state.event)
    }

    /// The first event that has not ended.
    pub fn next(&self) -> Option<LifecycleEvent> {
        let open = |state: &&EventState| !state.status.is_terminal();
        self.state.events.iter().find(open).map(|state| state.event)
    }

    /// How it is bound to end: the last line may be missing if the host crashed while it was written.
    pub(super) fn bound_to_end(&self) -> Option<ExecutionEnd> {
        let fails = |state: &EventState| {
            state.status == EventStatus::Failed && !self.may_ignore(state.event)
        };
        if self.running().is_some() {
            None
        } else if self.state.events.iter().any(fails) {
            Some(ExecutionEnd::Failed)
        } else {
            self.next().is_none().then_some(ExecutionEnd::Finished)
        }
    }

    /// Whether it goes on behind this event even if that failed.
    pub(super) fn may_ignore(&self, event: LifecycleEvent) -> bool {
        (self.order.ignore_application_stop_failures && event.failure_may_be_ignored())
            || deliberate(Bug::FailureIgnored)
    }

    fn event(&mut self, event: LifecycleEvent) -> Option<&mut EventState> {
        self.state
            .events
            .iter_mut()
            .find(|state| state.event == event)
    }

    pub(super) fn message(&mut self, what: &What, at: Timestamp) {
        match what {
            What::Accepted | What::Output { .. } => {}
            What::EventStarted { event } => {
                self.script = Script::None;
                if let Some(state) = self.event(*event) {
                    state.status = EventStatus::InProgress;
                    state.start_time = Some(at);
                }
            }
            What::EventEnded {
                event,
                status,
                diagnostics,
            } => {
                self.script = Script::None;
                if let Some(state) = self.event(*event) {
                    state.status = *status;
                    state.end_time = Some(at);
                    state.diagnostics.clone_from(diagnostics);
                }
            }
            What::Ended { end } => {
                self.state.ended = Some(*end);
                let open = |state: &&mut EventState| state.status == EventStatus::Pending;
                for state in self.state.events.iter_mut().filter(open) {
                    state.status = EventStatus::Skipped;
                }
            }
        }
    }

    pub(super) fn note(&mut self, note: &Note) {
        match note {
            Note::Ordered { .. } => {}
            Note::StopRequested => self.stop_requested = true,
            Note::ScriptStarting { mark } => {
                let mark = mark.clone();
                self.script = Script::Starting { mark };
            }
            Note::ScriptStarted { process } => {
                let mark = match std::mem::take(&mut self.script) {
                    Script::Starting { mark } | Script::Running { mark, .. } => mark,
                    Script::None | Script::Ended { .. } => String::new(),
                };
                let process = process.clone();
                self.script = Script::Running { mark, process };
            }
            Note::ScriptEnded { .. } if deliberate(Bug::ResultLost) => self.script = Script::None,
            Note::ScriptEnded { result } => {
                let result = result.clone();
                self.script = Script::Ended { result };
            }
        }
    }
}
