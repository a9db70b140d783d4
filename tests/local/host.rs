//! A host whose state, logs and files are in a scratch folder, and how its deployments are read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A host whose state, logs and files are in a scratch folder.
pub struct Host {
    pub scratch: TempDir,
}

impl Host {
    pub fn new() -> Self {
        let host = Self {
            scratch: tempfile::tempdir().unwrap(),
        };
        let config = format!(
            "---\n:root_dir: '{}'\n:log_dir: '{}'\n",
            host.path("state").display(),
            host.path("log").display()
        );
        fs::write(host.path("agent.yml"), config).unwrap();
        host
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Writes a bundle: an `AppSpec` below its two first lines, and executable scripts.
    pub fn bundle(&self, appspec: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.path("bundle");
        let _ = fs::remove_dir_all(&folder);
        let header = "version: 0.0\nos: linux\n";
        for (name, text) in [("appspec.yml", format!("{header}{appspec}"))]
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .chain(files.iter().copied())
        {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        folder
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command
            .arg("local")
            .arg("-c")
            .arg(self.path("agent.yml"))
            .arg("--root")
            .arg(self.path("root"))
            .args(args)
            .current_dir(self.scratch.path())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Deploys and reads the one object that is printed.
    pub fn json(&self, args: &[&str]) -> (i32, Value) {
        let output = self.run(&[args, &["--output", "json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{error}: {text:?} {}", text_of(&output.stderr)));
        (output.status.code().unwrap(), value)
    }

    pub fn installed(&self, path: &str) -> PathBuf {
        self.path("root").join(path.trim_start_matches('/'))
    }
}

pub fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The events that ran, with their statuses.
pub fn events(result: &Value) -> Vec<(String, String)> {
    let events = result["lifecycleEvents"].as_array().unwrap();
    events
        .iter()
        .map(|event| {
            let text = |field: &str| event[field].as_str().unwrap().to_owned();
            (text("lifecycleEventName"), text("status"))
        })
        .collect()
}

pub fn names(result: &Value) -> String {
    let names: Vec<_> = events(result).into_iter().map(|(name, _)| name).collect();
    names.join(",")
}
