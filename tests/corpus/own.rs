//! The agent's own files, as the cases look at them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::case::Own;

/// The agent's root and the deployment group whose files are looked at.
#[derive(Clone, Debug)]
pub struct Folder {
    pub root: PathBuf,
    pub group: String,
}

/// The id of the deployment with this number.
pub fn deployment_id(number: u32) -> String {
    format!("d-{number:09}")
}

impl Folder {
    pub fn deployment(&self, number: u32) -> PathBuf {
        self.root.join(&self.group).join(deployment_id(number))
    }

    /// The deployments whose folders are there.
    pub fn kept(&self) -> Vec<u32> {
        let entries = fs::read_dir(self.root.join(&self.group));
        let mut kept: Vec<u32> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let name = entry.ok()?.file_name();
                name.to_str()?.strip_prefix("d-")?.parse().ok()
            })
            .collect();
        kept.sort_unstable();
        kept
    }

    /// The deployment that a pointer names, 0 if there is no pointer.
    pub fn pointer(&self, name: &str) -> u32 {
        let text = self
            .instruction_file(&format!("_{name}"))
            .unwrap_or_default();
        text.rsplit("d-")
            .next()
            .and_then(|number| number.parse().ok())
            .unwrap_or(0)
    }

    /// The paths in the clean-up file.
    pub fn cleanup(&self) -> Vec<String> {
        let text = self.instruction_file("-cleanup").unwrap_or_default();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    /// The instruction file, an instruction a line.
    pub fn instructions(&self, number: u32) -> Vec<String> {
        let text = self.instruction_file("-install.json").unwrap_or_default();
        let plan: Value = serde_json::from_str(&text).unwrap_or_default();
        let archive = self.deployment(number).join("deployment-archive");
        let shown = |instruction: &Value| {
            let word = |key: &str| match &instruction[key] {
                Value::String(text) => text.clone(),
                Value::Null => "-".to_owned(),
                Value::Array(items) => {
                    let items = items.iter().map(|item| item.as_str().unwrap_or_default());
                    items.collect::<Vec<_>>().join(",")
                }
                other => other.to_string(),
            };
            let inside = |path: String| {
                let inside = Path::new(&path).strip_prefix(&archive);
                inside.map_or(path.clone(), |inside| inside.display().to_string())
            };
            match word("type").as_str() {
                "copy" => format!("copy {} {}", inside(word("source")), word("destination")),
                "mkdir" => format!("mkdir {}", word("directory")),
                "chmod" => format!("chmod {} {}", word("mode"), word("file")),
                "chown" => format!("chown {}:{} {}", word("owner"), word("group"), word("file")),
                "setfacl" => format!("setfacl {} {}", word("acl"), word("file")),
                _ => instruction.to_string(),
            }
        };
        let list = plan["instructions"].as_array();
        list.into_iter().flatten().map(shown).collect()
    }

    /// The deployment's scripts.log without the times.
    pub fn log(&self, number: u32) -> Vec<String> {
        let text = fs::read(self.deployment(number).join("logs/scripts.log")).unwrap_or_default();
        let text = shown(&text);
        text.lines()
            .map(|line| behind(line, "0000-00-00 00:00:00 "))
            .collect()
    }

    /// The log of all deployments without the times.
    pub fn shared_log(&self) -> Vec<String> {
        let path = self
            .root
            .join("deployment-logs/codedeploy-agent-deployments.log");
        let text = shown(&fs::read(path).unwrap_or_default());
        text.lines()
            .map(|line| behind(line, "[0000-00-00 00:00:00.000] "))
            .collect()
    }

    /// What is wrong with one of the agent's files.
    pub fn check(&self, name: &str, own: &Own) -> Option<String> {
        let at = self.root.join(name);
        match (own, fs::symlink_metadata(&at)) {
            (Own::Mode(mode), Ok(found)) => {
                let mode = u32::from_str_radix(&mode.to_string(), 8).unwrap_or_default();
                let is = found.permissions().mode() & 0o7777;
                (is != mode)
                    .then(|| format!("the agent's {name} has the mode {is:o}, not {mode:o}"))
            }
            (Own::Word(word), found) if word == "present" || word == "absent" => {
                let wanted = word == "present";
                (found.is_ok() != wanted).then(|| format!("the agent's {name} is not {word}"))
            }
            (Own::Word(text), Ok(_)) => {
                let is = fs::read_to_string(&at).unwrap_or_default();
                (is != *text).then(|| format!("the agent's {name} says {is:?}"))
            }
            (_, Err(_)) => Some(format!("the agent has no {name}")),
        }
    }

    fn instruction_file(&self, suffix: &str) -> Option<String> {
        let folder = self.root.join("deployment-instructions");
        fs::read_to_string(folder.join(format!("{}{suffix}", self.group))).ok()
    }
}

/// What follows a time that is written like this one; the whole line, if it begins otherwise.
fn behind(line: &str, time: &str) -> String {
    let alike = |(found, like): (u8, u8)| match like {
        b'0' => found.is_ascii_digit(),
        _ => found == like,
    };
    let begins = line.len() >= time.len() && line.bytes().zip(time.bytes()).all(alike);
    let rest = begins.then(|| &line[time.len()..]);
    rest.unwrap_or(line).to_owned()
}

/// Bytes that are no text are shown as `\xff`.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}
