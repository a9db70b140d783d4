//! What one event has to say: to the orchestrator, to the host's logs, and to the end of its own diagnostics.

use std::sync::{Arc, Mutex, PoisonError};

use super::layout::DeploymentDir;
use super::log::{Log, LogError};
use super::protocol::{Order, OutputSource, What};
use super::script_log::ScriptLog;
use crate::clock;
use crate::model::deployment::ExecutionId;
use crate::model::lifecycle::LifecycleEvent;

/// How much of an event's output its diagnostics hold.
const TAIL: usize = 2048;

/// The log of all deployments, which their events share.
pub type SharedLog = Arc<Mutex<ScriptLog>>;

/// Reports on one event of one execution.
#[derive(Debug)]
pub struct Report {
    execution: ExecutionId,
    order: Order,
    event: LifecycleEvent,
    log: Log,
    shared: SharedLog,
    own: Mutex<Own>,
}

#[derive(Debug)]
struct Own {
    dir: DeploymentDir,
    log: Option<ScriptLog>,
    tail: String,
}

impl Report {
    /// Begins a report.
    pub fn new(
        execution: ExecutionId,
        order: Order,
        event: LifecycleEvent,
        log: Log,
        shared: SharedLog,
        dir: DeploymentDir,
    ) -> Self {
        let own = Own {
            dir,
            log: None,
            tail: String::new(),
        };
        Self {
            execution,
            order,
            event,
            log,
            shared,
            own: Mutex::new(own),
        }
    }

    /// Which execution it is about.
    pub fn execution(&self) -> &ExecutionId {
        &self.execution
    }

    /// What the execution was told to do.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Which event it is about.
    pub fn event(&self) -> LifecycleEvent {
        self.event
    }

    /// The agent's log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Reports a line: everywhere.
    pub async fn line(&self, source: OutputSource, line: &[u8]) -> Result<(), LogError> {
        let entry = match source {
            OutputSource::Stdout => [b"[stdout]", line].concat(),
            OutputSource::Stderr => [b"[stderr]", line].concat(),
            OutputSource::Agent => line.to_vec(),
        };
        self.to_files(&entry);
        {
            let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            own.tail.push_str(&String::from_utf8_lossy(&entry));
            own.tail.push('\n');
            if own.tail.len() > 2 * TAIL {
                let kept = end_of(&own.tail).len();
                let cut = own.tail.len() - kept;
                own.tail.drain(..cut);
            }
        }
        self.output(source, line).await
    }

    /// Reports a remark of the agent's to the orchestrator only.
    pub async fn remark(&self, text: &str) -> Result<(), LogError> {
        self.output(OutputSource::Agent, text.as_bytes()).await
    }

    /// Writes an entry to the host's logs only.
    pub fn write(&self, entry: &str) {
        self.to_files(entry.as_bytes());
    }

    /// The end of what was reported, for the diagnostics.
    pub fn tail(&self) -> String {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        end_of(&own.tail).to_owned()
    }

    async fn output(&self, source: OutputSource, line: &[u8]) -> Result<(), LogError> {
        let what = What::Output {
            event: self.event,
            source,
            text: String::from_utf8_lossy(line).into_owned(),
        };
        self.log.passing(self.execution.clone(), what).await
    }

    /// The files are for people on the host. A full disk must not fail a deployment for their sake: the agent's own log,
    /// which matters, says so if it cannot be written.
    fn to_files(&self, entry: &[u8]) {
        let at = clock::now();
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.log.is_none() {
            match ScriptLog::open(&own.dir.scripts_log()) {
                Ok(log) => own.log = Some(log),
                Err(error) => tracing::warn!(%error, "scripts.log cannot be opened"),
            }
        }
        if let Some(log) = &mut own.log
            && let Err(error) = log.entry(at, entry)
        {
            tracing::warn!(%error, "scripts.log cannot be written");
        }
        drop(own);
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = shared.shared_entry(at, self.order.deployment_id.as_str(), entry) {
            tracing::warn!(%error, "the log of all deployments cannot be written");
        }
    }
}

/// At most so many of a text's last bytes, beginning with a whole character.
fn end_of(text: &str) -> &str {
    let mut start = text.len().saturating_sub(TAIL);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_bounded_and_whole() {
        assert_eq!(end_of("short"), "short");
        let long = "é".repeat(3_000);
        let tail = end_of(&long);
        assert!(tail.len() <= TAIL && tail.len() > TAIL - 2);
        let odd = format!("{}x", "é".repeat(3_000));
        assert!(end_of(&odd).len() <= TAIL);
    }
}
