//! What one event has to say: to the orchestrator, to the host's logs, and to the end of its own diagnostics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::config::Output;
use super::core::Entry;
use super::hooks::lines;
use super::layout::DeploymentDir;
use super::log::{Log, LogError};
use super::protocol::{Order, OutputSource, What};
use super::script_log::{ScriptLog, head, shared_head};
use crate::clock;
use crate::model::deployment::ExecutionId;
use crate::model::lifecycle::LifecycleEvent;

/// How much of an event's output its diagnostics hold.
const TAIL: usize = 2048;

/// What a line costs on its way to the orchestrator, besides its bytes.
const FRAME: u64 = 100;

/// The log of all deployments, which their events share; none if the host is to have none.
pub type SharedLog = Option<Arc<Mutex<ScriptLog>>>;

/// Reports on one event of one execution.
#[derive(Debug)]
pub struct Report {
    execution: ExecutionId,
    order: Arc<Order>,
    event: LifecycleEvent,
    log: Log,
    shared: SharedLog,
    /// How much of the scripts' output the orchestrator is sent.
    stream_bytes: u64,
    own: Mutex<Own>,
}

#[derive(Debug)]
struct Own {
    log: ScriptLog,
    tail: Vec<u8>,
    sent: u64,
    /// Whether it was said that no more is sent.
    cut: bool,
    /// Whether it was said that a file cannot be written.
    warned: bool,
}

impl Report {
    /// Begins a report.
    pub fn new(
        execution: ExecutionId,
        order: Arc<Order>,
        event: LifecycleEvent,
        log: Log,
        shared: SharedLog,
        dir: &DeploymentDir,
        settings: &Output,
    ) -> Self {
        let own = Own {
            log: ScriptLog::new(dir.scripts_log(), settings),
            tail: Vec::new(),
            sent: 0,
            cut: false,
            warned: false,
        };
        Self {
            execution,
            order,
            event,
            log,
            shared,
            stream_bytes: settings.stream_bytes,
            own: Mutex::new(own),
        }
    }

    /// Which execution it is about.
    pub fn execution(&self) -> &ExecutionId {
        &self.execution
    }

    /// What the execution was told to do.
    pub fn order(&self) -> &Arc<Order> {
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

    /// Reports what a script has written: to the host's logs in any case, and to the orchestrator up to the limit.
    pub async fn output(&self, source: OutputSource, block: &[u8]) -> Result<(), LogError> {
        let mark: &[u8] = match source {
            OutputSource::Stdout => b"[stdout]",
            OutputSource::Stderr => b"[stderr]",
            OutputSource::Agent => b"",
        };
        self.keep(mark, lines(block));
        let mut entries = Vec::new();
        {
            let mut own = self.own();
            for line in lines(block) {
                let cost = line.len() as u64 + FRAME;
                if own.sent + cost <= self.stream_bytes {
                    own.sent += cost;
                    entries.push(self.said(source, line));
                } else if !own.cut {
                    own.cut = true;
                    own.sent = self.stream_bytes;
                    let text = format!(
                        "no more of this event's output is sent (the host's output_stream_bytes is {}); all of it is \
                         in {} on the host",
                        self.stream_bytes,
                        own.log.path().display()
                    );
                    entries.push(self.said(OutputSource::Agent, text.as_bytes()));
                }
            }
        }
        if entries.is_empty() {
            return Ok(());
        }
        self.log.passing(entries).await
    }

    /// Reports a line of the agent's own: everywhere.
    pub async fn line(&self, text: &str) -> Result<(), LogError> {
        self.log.passing(vec![self.entry(text)]).await
    }

    /// A line of the agent's own, written to the host's logs already, that still has to be told.
    pub fn entry(&self, text: &str) -> Entry {
        self.write(text);
        self.said(OutputSource::Agent, text.as_bytes())
    }

    /// Reports a remark of the agent's to the orchestrator only.
    pub async fn remark(&self, text: &str) -> Result<(), LogError> {
        let entry = self.said(OutputSource::Agent, text.as_bytes());
        self.log.passing(vec![entry]).await
    }

    /// Writes an entry to the host's logs only.
    pub fn write(&self, entry: &str) {
        self.keep(b"", std::iter::once(entry.as_bytes()));
    }

    /// The end of what was reported, for the diagnostics.
    pub fn tail(&self) -> String {
        end_of(&String::from_utf8_lossy(&self.own().tail)).to_owned()
    }

    fn said(&self, source: OutputSource, line: &[u8]) -> Entry {
        let what = What::Output {
            event: self.event,
            source,
            text: String::from_utf8_lossy(line).into_owned(),
        };
        Entry::Message(self.execution.clone(), what)
    }

    /// The files are for people on the host. A full disk must not fail a deployment for their sake: the agent's own log,
    /// which matters, says so if it cannot be written.
    fn keep<'a>(&self, mark: &[u8], lines: impl Iterator<Item = &'a [u8]>) {
        let at = clock::now();
        let head = head(at);
        let shared_head = shared_head(at, self.order.deployment_id.as_str());
        let (mut bytes, mut shared_bytes) = (Vec::new(), Vec::new());
        let mut own = self.own();
        for line in lines {
            let entry = [mark, line, b"\n"].concat();
            bytes.extend([head.as_bytes(), &entry].concat());
            if self.shared.is_some() {
                shared_bytes.extend([shared_head.as_bytes(), &entry].concat());
            }
            own.tail.extend(entry);
            if own.tail.len() > 16 * TAIL {
                let surplus = own.tail.len() - 2 * TAIL;
                own.tail.drain(..surplus);
            }
        }
        let mut written = own.log.append(&bytes);
        if let Some(shared) = &self.shared {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            written = written.and(shared.append(&shared_bytes));
        }
        if let Err(error) = written
            && !std::mem::replace(&mut own.warned, true)
        {
            tracing::warn!(%error, deployment = %self.order.deployment_id, "the scripts' logs cannot be written");
        }
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
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
