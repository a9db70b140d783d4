//! The lab's agents: started, found again, ended.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::process::Process;
use super::project;

/// How long an agent may take to start.
const START: Duration = Duration::from_secs(10);

/// How long a process may take to end before it is killed.
const END: Duration = Duration::from_secs(5);

/// How long what a script left running may take to end before it is killed.
const SCRIPT_END: Duration = Duration::from_secs(1);

/// Marks a folder as a lab's, and tells what runs for it.
const RECORD: &str = "lab.json";

/// A fleet of agents on loopback.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// The lab's folder: project, state, hosts.
    pub folder: PathBuf,
    record: Record,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Record {
    agents: Vec<Agent>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Agent {
    name: String,
    address: String,
    process: Process,
}

/// Why a lab can't be started.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A file or process failed.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The folder has something else in it.
    #[error("{path} is not empty and not a lab's folder: choose another", path = .0.display())]
    NotALab(PathBuf),
    /// An agent did not start.
    #[error("the agent {name} did not start; its log is {log}", log = .log.display())]
    Agent {
        /// Which.
        name: String,
        /// What it said.
        log: PathBuf,
    },
    /// The lab runs already.
    #[error("a lab runs in {path} already: `cutover lab` opens it, `cutover lab --down` ends it", path = .0.display())]
    Runs(PathBuf),
}

fn context(what: impl Into<String>) -> impl FnOnce(io::Error) -> LabError {
    let context = what.into();
    move |source| LabError::Io { context, source }
}

impl Fleet {
    /// The lab in this folder, if it was one; its agents may have ended since.
    pub fn find(folder: &Path) -> Option<Self> {
        let text = std::fs::read(folder.join(RECORD)).ok()?;
        Some(Self {
            folder: folder.to_owned(),
            record: serde_json::from_slice(&text).ok()?,
        })
    }

    /// Whether any of its agents runs.
    pub fn runs(&self) -> bool {
        self.record.agents.iter().any(|agent| agent.process.runs())
    }

    /// How many hosts it has.
    pub fn hosts(&self) -> usize {
        self.record.agents.len()
    }

    /// Starts this many agents and writes the project. A lab that was in the folder before is replaced.
    ///
    /// # Errors
    /// If the folder holds something else, a lab runs in it, or an agent does not start; then none is left running.
    pub async fn up(folder: &Path, hosts: usize) -> Result<Self, LabError> {
        prepare(folder)?;
        let folder = folder
            .canonicalize()
            .map_err(context(folder.display().to_string()))?;
        let mut fleet = Self {
            folder,
            record: Record::default(),
        };
        fleet.save()?;
        match fleet.start(hosts).await {
            Ok(()) => Ok(fleet),
            Err(error) => {
                fleet.down().await;
                Err(error)
            }
        }
    }

    async fn start(&mut self, hosts: usize) -> Result<(), LabError> {
        for number in 1..=hosts {
            let name = format!("web-{number}");
            let process = self.spawn(&name)?;
            self.record.agents.push(Agent {
                name,
                address: String::new(),
                process,
            });
            // Written after each: whoever ends this process now can still end what it started.
            self.save()?;
        }
        let deadline = tokio::time::Instant::now() + START;
        for agent in &mut self.record.agents {
            let host = self.folder.join("hosts").join(&agent.name);
            agent.address = loop {
                match std::fs::read_to_string(host.join("ready")) {
                    Ok(address) => break address.trim().to_owned(),
                    Err(_) if agent.process.runs() && tokio::time::Instant::now() < deadline => {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    Err(_) => {
                        return Err(LabError::Agent {
                            name: agent.name.clone(),
                            log: host.join("agent.log"),
                        });
                    }
                }
            };
        }
        let addresses: Vec<(String, String)> = self
            .record
            .agents
            .iter()
            .map(|agent| (agent.name.clone(), agent.address.clone()))
            .collect();
        project::write(&self.folder, &addresses)
            .map_err(context("the lab's project can't be written"))?;
        self.save()
    }

    fn spawn(&self, name: &str) -> Result<Process, LabError> {
        let host = self.folder.join("hosts").join(name);
        let failed = || context(format!("the agent {name} can't be started"));
        std::fs::create_dir_all(host.join("root")).map_err(failed())?;
        let log = File::create(host.join("agent.log")).map_err(failed())?;
        let program = std::env::current_exe().map_err(failed())?;
        let child = tokio::process::Command::new(program)
            .args(["agent", "--name", name, "--listen", "127.0.0.1:0", "--root"])
            .arg(host.join("agent"))
            .arg("--install-root")
            .arg(host.join("root"))
            .arg("--ready-file")
            .arg(host.join("ready"))
            // What this machine's own agent is told is not for the lab.
            .args(["--config", "/dev/null"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed())?)
            .stderr(log)
            // A group of its own: Ctrl-C in this terminal is not meant for it.
            .process_group(0)
            .spawn()
            .map_err(failed())?;
        child
            .id()
            .and_then(Process::now)
            .ok_or_else(|| LabError::Agent {
                name: name.to_owned(),
                log: host.join("agent.log"),
            })
    }

    /// Ends every agent, and then what their scripts left running.
    pub async fn down(&mut self) {
        let agents = self.record.agents.iter();
        futures_util::future::join_all(agents.map(|agent| agent.process.end(END))).await;
        let scripts = self.record.agents.iter().flat_map(|agent| {
            let root = self.folder.join("hosts").join(&agent.name).join("root");
            Process::with_variable(&format!("INSTALL_ROOT={}", root.display()))
        });
        futures_util::future::join_all(scripts.map(|script| script.end(SCRIPT_END))).await;
    }

    /// Written to a second file first, so that a crash leaves the old one or the new one.
    fn save(&self) -> Result<(), LabError> {
        let write = || {
            let text = serde_json::to_vec_pretty(&self.record)?;
            let new = self.folder.join("lab.json.new");
            std::fs::write(&new, text)?;
            std::fs::rename(new, self.folder.join(RECORD))
        };
        write().map_err(context("the lab's record can't be written"))
    }
}

/// Makes the folder, or empties a former lab's.
fn prepare(folder: &Path) -> Result<(), LabError> {
    let failed = || context(folder.display().to_string());
    if let Some(former) = Fleet::find(folder) {
        if former.runs() {
            return Err(LabError::Runs(folder.to_owned()));
        }
        std::fs::remove_dir_all(folder).map_err(failed())?;
    }
    std::fs::create_dir_all(folder).map_err(failed())?;
    let mut entries = std::fs::read_dir(folder).map_err(failed())?;
    if entries.next().is_some() {
        return Err(LabError::NotALab(folder.to_owned()));
    }
    Ok(())
}
