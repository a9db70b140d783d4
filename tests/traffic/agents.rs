//! The agent on a load balancer's host, `edge-1`.

use std::fs;
use std::path::Path;
use std::process::Command;

use cutover::identity::command::CommandKey;
use cutover::providers::hosts::{AgentClient, Signer, Way};

use crate::program::Program;

/// An agent as a program of its own, with the configuration `agent.yml` of its folder.
pub struct Agent {
    pub address: String,
    pub program: Program,
}

impl Agent {
    pub async fn start(folder: &Path) -> Self {
        let ready = folder.join("ready");
        let _none = fs::remove_file(&ready);
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command
            .args(["agent", "--name", "edge-1", "--listen", "127.0.0.1:0"])
            .arg("--root")
            .arg(folder.join("agent"))
            .arg("--config")
            .arg(folder.join("agent.yml"))
            .arg("--ready-file")
            .arg(&ready);
        let mut program = Program::start(command, folder);
        let is_ready = async || ready.exists();
        program.until("the agent is ready", is_ready).await;
        let address = fs::read_to_string(&ready).unwrap().trim().to_owned();
        Self { address, program }
    }

    /// As `hosts` of cutover.yaml lists its host.
    pub fn host(&self) -> String {
        format!("  - {{ name: edge-1, address: '{}' }}\n", self.address)
    }
}

pub fn client(address: &str) -> AgentClient {
    // A key of its own: the orchestrator of a rollout beside it is not fenced off by it.
    let key = CommandKey::new().unwrap();
    let signer = Signer::new(key, "tests".parse().unwrap(), 1);
    let host = "edge-1".parse().unwrap();
    AgentClient::new(Way::plain().unwrap(), signer, &host, address)
}
