//! Processes that were started by somebody else, perhaps long ago: known by number and start time.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// A process, told from any later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did (field 22 of `/proc/PID/stat`).
    pub start_ticks: u64,
}

impl Process {
    /// The process that has this number now.
    pub fn now(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything; what counts comes after it.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        if fields.next()? == "Z" {
            return None;
        }
        let start_ticks = fields.nth(18)?.parse().ok()?;
        Some(Self { pid, start_ticks })
    }

    /// The processes that were started with this variable, or by one that was. Those of other users are not seen.
    pub fn with_variable(variable: &str) -> Vec<Self> {
        Self::all("environ", |have| have.contains(&variable.as_bytes()))
    }

    /// The processes that were started with these arguments, one behind the other.
    pub fn with_arguments(arguments: &[&str]) -> Vec<Self> {
        let wanted: Vec<&[u8]> = arguments.iter().map(|one| one.as_bytes()).collect();
        Self::all("cmdline", |have| {
            have.windows(wanted.len()).any(|some| some == wanted)
        })
    }

    /// The processes whose file of `/proc`, a list of words that end with a zero byte, is as wanted.
    fn all(file: &str, wanted: impl Fn(&[&[u8]]) -> bool) -> Vec<Self> {
        let Ok(entries) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| {
                std::fs::read(format!("/proc/{pid}/{file}")).is_ok_and(|text| {
                    let words: Vec<&[u8]> = text.split(|byte| *byte == 0).collect();
                    wanted(&words)
                })
            })
            .filter_map(Self::now)
            .collect()
    }

    /// Whether it still runs.
    pub fn runs(self) -> bool {
        Self::now(self.pid) == Some(self)
    }

    /// Asks it to end, waits, and ends it if it does not.
    pub async fn end(self, patience: Duration) {
        self.signal(Signal::SIGTERM);
        if !self.gone(patience).await {
            self.signal(Signal::SIGKILL);
            self.gone(patience).await;
        }
    }

    fn signal(self, signal: Signal) {
        if self.runs()
            && let Ok(pid) = i32::try_from(self.pid)
        {
            // It may end by itself between the look and the signal.
            let _gone = kill(Pid::from_raw(pid), signal);
        }
    }

    async fn gone(self, patience: Duration) -> bool {
        let deadline = tokio::time::Instant::now() + patience;
        while self.runs() {
            if tokio::time::Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }
}
