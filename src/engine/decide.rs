//! Which events an input causes. Pure: the clock comes in as a value.

use super::availability::refusal;
use super::deployment::{Deployment, Progress, Target};
use super::event::Event;
use super::input::{Command, Input, Report};
use super::limits;
use super::plan::Stage;
use super::window::Window;
use crate::model::deployment::{
    DeploymentStatus, ErrorCode, ErrorInformation, ExecutionId, InstanceHealth, TargetStatus,
};
use crate::model::diagnostics::{Diagnostics, LifecycleErrorCode};
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::{Short, Timestamp};

/// The events that an input causes, in order; none if it changes nothing (a repeated or late report, a refused command).
pub fn decide(deployment: &Deployment, input: &Input, now: Timestamp) -> Vec<Event> {
    if deployment.status.is_terminal() {
        return Vec::new();
    }
    let mut steps = Steps::new(deployment);
    match input {
        Input::Admitted if deployment.status == DeploymentStatus::Created => {
            steps.events.push(Event::Started);
            match &deployment.plan.impossible {
                Some(error) => steps.end(DeploymentStatus::Failed, Some(error.clone())),
                None => steps.schedule(),
            }
        }
        Input::Admitted => {}
        Input::Command(command) => {
            if refusal(deployment, command).is_none() {
                steps.command(command);
            }
        }
        Input::Report {
            execution,
            target,
            report,
        } => {
            let current = deployment.target(target).filter(|t| {
                t.execution.as_ref() == Some(execution) && t.status == TargetStatus::InProgress
            });
            if let Some(target) = current {
                steps.report(target, report, now);
            }
        }
        Input::DeadlinePassed { target } => {
            let late = deployment
                .target(target)
                .filter(|t| t.deadline.is_some_and(|deadline| deadline <= now));
            if let Some(target) = late {
                steps.give_up(target, now);
            }
        }
    }
    steps.events
}

/// Events under construction, with the totals as they will be after them.
struct Steps<'a> {
    deployment: &'a Deployment,
    window: Option<Window>,
    progress: Progress,
    halted: Option<ErrorInformation>,
    stopping: bool,
    events: Vec<Event>,
}

impl<'a> Steps<'a> {
    fn new(deployment: &'a Deployment) -> Self {
        let window = deployment
            .plan
            .stages
            .first()
            .map(|Stage::Install { window, .. }| *window);
        Self {
            deployment,
            window,
            progress: deployment.progress,
            halted: deployment.halted.clone(),
            stopping: deployment.stop.is_some(),
            events: Vec::new(),
        }
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Stop { by, auto_rollback } => {
                // Asking again changes something only if it says something new about the rollback.
                let news = self.deployment.stop.as_ref().is_none_or(|stop| {
                    auto_rollback.is_some() && stop.auto_rollback != *auto_rollback
                });
                if news {
                    self.events.push(Event::StopRequested {
                        by: by.clone(),
                        auto_rollback: *auto_rollback,
                    });
                    self.stopping = true;
                    self.schedule();
                }
            }
        }
    }

    fn report(&mut self, target: &Target, report: &Report, now: Timestamp) {
        match report {
            Report::EventStarted { event, at } => self.event_started(target, *event, *at),
            Report::EventEnded {
                event,
                status,
                at,
                diagnostics,
            } => {
                let open = target.event(*event).filter(|e| !e.status.is_terminal());
                if let Some(entry) = open {
                    if entry.status == EventStatus::Pending {
                        self.event_started(target, *event, *at);
                    }
                    self.events.push(Event::EventEnded {
                        target: target.name.clone(),
                        event: *event,
                        status: *status,
                        host_time: *at,
                        diagnostics: diagnostics.clone(),
                    });
                }
            }
            Report::Ended => {
                let status = self.verdict(target);
                self.end_target(&target.name, status, None);
            }
            Report::Refused { message } => {
                if let Some(first) = target.events.iter().find(|e| !e.status.is_terminal()) {
                    self.events.push(Event::EventEnded {
                        target: target.name.clone(),
                        event: first.event,
                        status: EventStatus::Failed,
                        host_time: now,
                        diagnostics: Some(Diagnostics::unknown(message.clone())),
                    });
                }
                self.end_target(&target.name, TargetStatus::Failed, Some(message.clone()));
            }
        }
    }

    fn event_started(&mut self, target: &Target, event: LifecycleEvent, at: Timestamp) {
        let news = target
            .event(event)
            .is_some_and(|entry| entry.status == EventStatus::Pending);
        if news {
            self.events.push(Event::EventStarted {
                target: target.name.clone(),
                event,
                host_time: at,
            });
        }
    }

    /// How a target ends whose host has nothing more to do for it.
    fn verdict(&self, target: &Target) -> TargetStatus {
        let ignore = self
            .deployment
            .spec
            .options
            .ignore_application_stop_failures;
        let failed = target.events.iter().any(|entry| {
            entry.status == EventStatus::Failed && !(ignore && entry.event.failure_may_be_ignored())
        });
        if failed {
            TargetStatus::Failed
        } else if target.events.iter().all(|entry| entry.status.is_terminal()) {
            TargetStatus::Succeeded
        } else if self.stopping {
            TargetStatus::Skipped
        } else {
            TargetStatus::Failed
        }
    }

    /// A target whose deadline has passed: the host did not pick up the next event, or lost the one it ran.
    fn give_up(&mut self, target: &Target, now: Timestamp) {
        let message = if let Some(running) = target.running() {
            let message = format!(
                "no result from {} within {}",
                target.name,
                Short(limits::EVENT)
            );
            self.events.push(Event::EventEnded {
                target: target.name.clone(),
                event: running.event,
                status: EventStatus::Failed,
                host_time: now,
                diagnostics: Some(Diagnostics {
                    error_code: LifecycleErrorCode::ScriptTimedOut,
                    ..Diagnostics::unknown(message.clone())
                }),
            });
            message
        } else {
            format!(
                "the agent on {} did not start the next event within {}: is it running?",
                target.name,
                Short(limits::PICK_UP)
            )
        };
        self.end_target(&target.name, TargetStatus::Failed, Some(message));
    }

    fn end_target(&mut self, name: &Name, status: TargetStatus, message: Option<String>) {
        self.progress.in_flight -= 1;
        match status {
            TargetStatus::Succeeded => {
                self.progress.succeeded += 1;
                self.progress.available_healthy += 1;
            }
            TargetStatus::Skipped => {}
            _ => self.progress.failed += 1,
        }
        self.events.push(Event::TargetEnded {
            target: name.clone(),
            status,
            message,
        });
        self.schedule();
    }

    /// The scheduler of configurations.md §4.7: stop early, start what may start, end when nothing is left.
    fn schedule(&mut self) {
        let Some(window) = self.window else { return };
        let total = u32::try_from(self.deployment.targets.len()).unwrap_or(u32::MAX);
        let can_stay_healthy = total - self.progress.failed;

        if self.halted.is_none()
            && !self.stopping
            && self.progress.next < self.deployment.targets.len()
            && can_stay_healthy <= window.floor
        {
            let error = health_constraints(self.progress, window, total);
            self.events.push(Event::Halted {
                error: error.clone(),
            });
            self.halted = Some(error);
        }
        while self.halted.is_none()
            && !self.stopping
            && self.progress.in_flight < window.concurrency
            && let Some(target) = self.deployment.targets.get(self.progress.next)
        {
            let healthy = target.health_before == InstanceHealth::Healthy;
            if healthy && self.progress.available_healthy <= window.floor {
                break;
            }
            self.start(target, healthy);
        }
        if self.progress.in_flight == 0 {
            self.finish(window, total);
        }
    }

    fn start(&mut self, target: &Target, healthy: bool) {
        self.events.push(Event::TargetStarted {
            target: target.name.clone(),
            execution: ExecutionId::new(self.deployment.id(), &target.name, 0, 1),
        });
        self.progress.next += 1;
        self.progress.in_flight += 1;
        self.progress.available_healthy -= u32::from(healthy);
    }

    /// Nothing is in flight, and nothing more starts.
    fn finish(&mut self, window: Window, total: u32) {
        let nothing_pending = self.progress.next == self.deployment.targets.len();
        let enough =
            total - self.progress.failed >= window.minimum_healthy && self.progress.succeeded >= 1;
        // A stop that came after the last target had finished its work changes nothing.
        let all_done = nothing_pending && self.progress.succeeded + self.progress.failed == total;
        if self.stopping && !all_done {
            let by = self.stopped_by();
            self.end(
                DeploymentStatus::Stopped,
                Some(ErrorInformation {
                    code: ErrorCode::ManualStop,
                    message: format!("stopped by {by}"),
                }),
            );
        } else if let Some(error) = self.halted.clone() {
            self.end(DeploymentStatus::Failed, Some(error));
        } else if nothing_pending && enough {
            self.end(DeploymentStatus::Succeeded, None);
        } else {
            let error = health_constraints(self.progress, window, total);
            self.end(DeploymentStatus::Failed, Some(error));
        }
    }

    fn stopped_by(&self) -> String {
        let asked_now = self.events.iter().find_map(|event| match event {
            Event::StopRequested { by, .. } => Some(by.clone()),
            _ => None,
        });
        self.deployment
            .stop
            .as_ref()
            .map(|stop| stop.by.clone())
            .or(asked_now)
            .unwrap_or_default()
    }

    fn end(&mut self, status: DeploymentStatus, error: Option<ErrorInformation>) {
        self.events.push(Event::Ended { status, error });
    }
}

fn health_constraints(progress: Progress, window: Window, total: u32) -> ErrorInformation {
    let message = if progress.succeeded == 0 && progress.failed == total {
        format!("no instance succeeded: all {total} failed")
    } else {
        format!(
            "{} of {total} instances failed; at least {} must stay healthy",
            progress.failed, window.minimum_healthy
        )
    };
    ErrorInformation {
        code: ErrorCode::HealthConstraints,
        message,
    }
}
