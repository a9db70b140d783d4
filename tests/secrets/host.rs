//! An agent of the test's own, with a configuration file.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use crate::lab::{cutover, until};

/// The agent. It is ended when this is dropped.
pub struct Agent {
    pub folder: PathBuf,
    child: Child,
}

/// Writes what only its owner may read.
pub fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn command(folder: &Path, config: &str, more: &[&str]) -> Command {
    std::fs::create_dir_all(folder.join("root")).unwrap();
    std::fs::write(folder.join("agent.yml"), config).unwrap();
    let mut command = cutover(folder);
    command
        .args([
            "agent",
            "--listen",
            "127.0.0.1:0",
            "--name",
            "web-9",
            "--config",
        ])
        .arg(folder.join("agent.yml"))
        .arg("--root")
        .arg(folder.join("agent"))
        .arg("--install-root")
        .arg(folder.join("root"))
        .args(more);
    command
}

impl Agent {
    /// Starts it in a folder, with these variables, and waits until it serves.
    pub fn start(folder: &Path, config: &str, variables: &[(&str, &str)]) -> Self {
        let ready = folder.join("ready");
        let log = std::fs::File::create(folder.join("agent.log")).unwrap();
        let child = command(folder, config, &["--ready-file", ready.to_str().unwrap()])
            .envs(variables.iter().copied())
            .stderr(log)
            .spawn()
            .unwrap();
        until("the agent serves", || ready.exists());
        Self {
            folder: folder.to_owned(),
            child,
        }
    }

    /// What `cutover agent --check` says.
    pub fn check(folder: &Path, config: &str) -> Output {
        command(folder, config, &["--check"]).output().unwrap()
    }

    /// Where orchestrators reach it.
    pub fn address(&self) -> String {
        let address = std::fs::read_to_string(self.folder.join("ready")).unwrap();
        address.trim().to_owned()
    }

    /// What scripts left in its installation root.
    pub fn left(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.join("root").join(file)).unwrap_or_default()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.join("agent.log"));
            eprintln!("{}", log.unwrap_or_default());
        }
        // It may be gone.
        let _gone = self.child.kill();
        self.child.wait().unwrap();
    }
}
