//! The lab's agents: how the one of a host is started, waited for and ended, with what its scripts left running.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;

use super::fleet::{LabError, context, not_started};
use super::launch::launch;
use super::process::Process;
use super::record::Agent;

/// How long agents may take to start.
const START: Duration = Duration::from_secs(10);

/// Where agents listen that never listened before.
pub(super) const ANY_PORT: &str = "127.0.0.1:0";

/// The variable with which an agent is started: the folder of its host.
const MARK: &str = "CUTOVER_LAB_HOST";

/// How long a process may take to end before it is killed.
pub(super) const END: Duration = Duration::from_secs(5);

/// How long what a script left running may take to end before it is killed.
const SCRIPT_END: Duration = Duration::from_secs(1);

/// Starts the agent of a host, which listens there.
pub(super) fn spawn(lab: &Path, name: &str, listen: &str) -> Result<Agent, LabError> {
    let host = host(lab, name);
    let failed = || context(format!("the agent {name} can't be started"));
    std::fs::create_dir_all(host.join("root")).map_err(failed())?;
    let process = launch(&host.join("agent.log"), |command| {
        command
            .args(["agent", "--name", name, "--listen", listen, "--root"])
            .arg(host.join("agent"))
            .arg("--install-root")
            .arg(host.join("root"))
            .arg("--ready-file")
            .arg(host.join("ready"))
            // What this machine's own agent is told is not for the lab.
            .args(["--config", "/dev/null"])
            .env(MARK, &host);
    });
    Ok(Agent {
        process: process.map_err(failed())?,
        address: String::new(),
        name: name.to_owned(),
    })
}

/// The folder of a host.
pub(super) fn host(lab: &Path, name: &str) -> PathBuf {
    lab.join("hosts").join(name)
}

/// Waits until an agent that was started says where it listens.
pub(super) async fn reached(lab: &Path, agent: &Agent) -> Result<String, LabError> {
    let host = host(lab, &agent.name);
    let deadline = tokio::time::Instant::now() + START;
    loop {
        match std::fs::read_to_string(host.join("ready")) {
            Ok(address) => return Ok(address.trim().to_owned()),
            Err(_) if agent.process.runs() && tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(_) => {
                let name = format!("the agent {}", agent.name);
                return Err(not_started(&name, host.join("agent.log")));
            }
        }
    }
}

/// Ends an agent that was started by somebody who did not come to write that down.
pub(super) async fn end_unknown(lab: &Path, name: &str) {
    let mark = format!("{MARK}={}", host(lab, name).display());
    let agents = Process::with_variable(&mark).into_iter();
    join_all(agents.map(|agent| agent.end(END))).await;
}

/// Ends what scripts on a host left running.
pub(super) async fn end_scripts(lab: &Path, name: &str) {
    let root = host(lab, name).join("root");
    let scripts = Process::with_variable(&format!("INSTALL_ROOT={}", root.display())).into_iter();
    join_all(scripts.map(|script| script.end(SCRIPT_END))).await;
}
