//! The processes of a running nginx, as `/proc` shows them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::agent::core::Process;
use crate::agent::process;
use crate::clock;

/// A file that is younger than nginx by less than this may or may not have been read at its start.
const DOUBT: Duration = Duration::from_secs(1);

/// The master process, which reads the configuration and keeps the workers.
#[derive(Clone, Debug)]
pub struct Master(Process);

/// The worker processes.
#[derive(Debug, Default)]
pub struct Workers {
    /// Those that take requests.
    pub serving: Vec<i32>,
    /// Those that only finish what they began before a reload.
    pub shutting_down: Vec<i32>,
}

impl Master {
    /// The master whose number is in this file, if it runs.
    pub fn find(pid_file: &Path, boot: &str) -> Option<Self> {
        let pid = fs::read_to_string(pid_file).ok()?.trim().parse().ok()?;
        let is_nginx = process::title(pid)?.starts_with("nginx: master process");
        is_nginx.then(|| Self(Process::of(pid, boot)))
    }

    /// What tells this run of nginx from every other one.
    pub fn epoch(&self) -> String {
        let Process { pid, start, boot } = &self.0;
        format!("{pid}-{}-{boot}", start.unwrap_or_default())
    }

    /// Whether it was started after a file was last written, so that it read what is in it now.
    pub fn is_younger_than(&self, file: &Path) -> bool {
        let written = fs::metadata(file).and_then(|metadata| metadata.modified());
        let since = written.ok().and_then(clock::age);
        let age = process::age(self.0.pid);
        since
            .zip(age)
            .is_some_and(|(since, age)| since > age + DOUBT)
    }

    /// Its workers.
    pub fn workers(&self) -> Workers {
        let mut workers = Workers::default();
        for pid in process::children(self.0.pid) {
            match process::title(pid).as_deref() {
                Some("nginx: worker process") => workers.serving.push(pid),
                Some("nginx: worker process is shutting down") => workers.shutting_down.push(pid),
                _ => {}
            }
        }
        workers
    }
}
