//! What an agent's log says, read with the agent's own code.

use std::path::Path;

use cutover::agent::core::Known;
use cutover::agent::log::Log;
use cutover::agent::protocol::Message;
use cutover::model::timestamp::Timestamp;

/// An agent's knowledge, and every message that its log still holds.
pub struct HostLog {
    pub known: Known,
    pub messages: Vec<Message>,
}

/// This run of the kernel.
pub fn boot() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    text.trim().to_owned()
}

impl HostLog {
    /// Opens the log in this folder as the next start of the agent would.
    pub async fn read(folder: &Path) -> Result<Self, String> {
        let (log, _failure) = Log::open(folder, &boot()).map_err(|error| error.to_string())?;
        let known = log.known().clone();
        let mut follower = log.follow(0).map_err(|error| error.to_string())?;
        let mut messages: Vec<Message> = Vec::new();
        while messages.last().map_or(0, |last| last.seq) < known.seq {
            let lines = follower.next().await.map_err(|error| error.to_string())?;
            let lines = lines
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty());
            messages.extend(lines.map(|line| serde_json::from_slice::<Message>(line).unwrap()));
        }
        Ok(Self { known, messages })
    }

    /// Whether the log tells this about an execution at this time of the host's.
    pub fn tells(
        &self,
        execution: &str,
        at: Timestamp,
        wanted: impl Fn(&cutover::agent::protocol::What) -> bool,
    ) -> bool {
        self.messages.iter().any(|message| {
            &*message.execution.0 == execution && message.at == at && wanted(&message.what)
        })
    }
}
