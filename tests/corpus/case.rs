//! The cases as they are written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use serde_yaml::{Mapping, Value};

use crate::entry::Listing;

/// One case: deployments one after the other on a host of its own.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file it is in, without its ending.
    pub topic: String,
    /// What it shows.
    pub name: String,
    /// The rules it proves.
    pub rules: Vec<String>,
    /// Why it fails today. A pending case that passes is an error.
    pub pending: Option<String>,
    /// How the agent is set up, by the names of its settings.
    pub agent: Mapping,
    /// Programs that the case starts: the host's files with their process ids. They are ended with the case.
    pub processes: Vec<String>,
    /// Revisions that several deployments use, by name.
    pub revisions: Mapping,
    /// The deployments, not read yet: the scratch folder has to be filled in first.
    pub deployments: Vec<Mapping>,
}

/// What is packed into a bundle.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// The `AppSpec` below its `version` and `os`. One that is to be wrong there is an ordinary file.
    pub appspec: Option<String>,
    /// The files.
    #[serde(default)]
    pub files: Listing,
    /// A folder beside the cases whose files are packed as well.
    pub folder: Option<String>,
    /// `tar.gz` unless it says `tar` or `zip`.
    pub format: Option<String>,
    /// The bundle's bytes, if it is no archive.
    pub bytes: Option<String>,
}

/// One deployment and what comes of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The `AppSpec` below its `version` and `os`.
    pub appspec: Option<String>,
    /// The revision's files.
    #[serde(default)]
    pub files: Listing,
    /// A folder beside the cases whose files are packed as well.
    pub folder: Option<String>,
    /// `tar.gz` unless it says `tar` or `zip`.
    pub format: Option<String>,
    /// The bundle's bytes, if it is no archive.
    pub bytes: Option<String>,
    /// One of the case's revisions. Without any of these, the previous deployment's revision is deployed again.
    pub revision: Option<String>,
    /// What is done on the host before the deployment.
    #[serde(default)]
    pub before: Listing,
    /// What is done in the agent's own folder before the deployment.
    #[serde(default)]
    pub before_agent: Listing,
    /// Whether the agent is ended and started again before the deployment.
    #[serde(default)]
    pub restart: bool,
    /// The deployment's number, if it is not the next one.
    pub number: Option<u32>,
    /// The deployment group's id, if it is not the usual one.
    pub group: Option<String>,
    /// What the order says otherwise than an order of seven events, by the names of the protocol.
    #[serde(default)]
    pub order: Map<String, Json>,
    /// What comes of it.
    #[serde(default)]
    pub expect: Expect,
}

impl Deployment {
    /// The revision that is written with the deployment, if there is one.
    pub fn own_revision(&self) -> Option<Revision> {
        let written = self.appspec.is_some()
            || self.folder.is_some()
            || self.bytes.is_some()
            || !self.files.is_empty();
        written.then(|| Revision {
            appspec: self.appspec.clone(),
            files: self.files.clone(),
            folder: self.folder.clone(),
            format: self.format.clone(),
            bytes: self.bytes.clone(),
        })
    }
}

/// What comes of a deployment. What is not said is not looked at, but for the statuses of the events.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The event that fails; without it all succeed.
    pub failed: Option<String>,
    /// Events that fail and are ignored.
    #[serde(default)]
    pub ignored: Vec<String>,
    /// The agent does not take the bundle or the order, and says these words.
    pub refused: Option<String>,
    /// The error code, `UnknownError` unless it is said.
    pub error: Option<String>,
    /// Exactly these ids of the catalogue of errors are in the message.
    pub id: Option<Words>,
    /// Texts that are in the message.
    #[serde(default)]
    pub message: Words,
    /// The script that is to blame.
    pub script: Option<String>,
    /// Texts that are in the diagnostics' log tail.
    #[serde(default)]
    pub tail: Words,
    /// What the scripts wrote to `$TRACE`, line by line.
    pub trace: Option<Words>,
    /// What the scripts wrote to their standard output, line by line.
    pub output: Option<Words>,
    /// What they wrote to their standard error.
    pub errors: Option<Words>,
    /// Texts that the agent remarks on.
    #[serde(default)]
    pub remarks: Words,
    /// Texts that it does not remark on.
    #[serde(default)]
    pub silent: Words,
    /// Everything on the host, or `unchanged`.
    pub tree: Option<Tree>,
    /// Everything in the unpacked revision.
    pub archive: Option<Listing>,
    /// What is in the agent's own folder, among other things.
    #[serde(default)]
    pub agent: BTreeMap<String, Own>,
    /// The deployments of the group that are kept, by number.
    pub kept: Option<Vec<u32>>,
    /// The numbers of the deployments that the group's pointers name; 0 for a pointer that is not there.
    pub installed: Option<u32>,
    /// The same for the deployment that was unpacked last.
    pub unpacked: Option<u32>,
    /// The paths in the clean-up file.
    pub cleanup: Option<Vec<String>>,
    /// The instruction file: `mkdir /srv`, `copy files/a /srv/a`, …
    pub instructions: Option<Vec<String>>,
    /// The whole scripts.log of the deployment, without the times.
    pub log: Option<Words>,
    /// Lines of the log of all deployments, without the times.
    #[serde(default)]
    pub shared_log: Words,
}

/// One text or several. `*` stands for anything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// Nothing.
    #[default]
    None,
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Words {
    /// All of them.
    pub fn list(&self) -> &[String] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// What is on the host.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Tree {
    /// `unchanged`: what was there before the deployment.
    Word(String),
    /// Everything that is there.
    Listing(Listing),
}

/// A file of the agent's.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Own {
    /// Its mode, such as `700`.
    Mode(u32),
    /// `absent`, or `present`.
    Word(String),
}

impl Case {
    /// What the case is called among all.
    pub fn title(&self) -> String {
        format!("{}: {}", self.topic, self.name)
    }

    fn read(topic: &str, mut mapping: Mapping) -> Result<Self, String> {
        let mut take = |key: &str| mapping.remove(key).unwrap_or_default();
        let name = take("name").as_str().unwrap_or_default().to_owned();
        let place = |problem: &str| format!("{topic}.yaml: {name:?}: {problem}");
        let rules = words(take("rule"));
        if name.is_empty() || rules.is_empty() {
            return Err(place("a case has a name, and a rule that it proves"));
        }
        let mapping_of = |value: Value| match value {
            Value::Null => Ok(Mapping::new()),
            Value::Mapping(mapping) => Ok(mapping),
            other => Err(place(&format!("this is no mapping: {other:?}"))),
        };
        let pending = take("pending").as_str().map(str::to_owned);
        let agent = mapping_of(take("agent"))?;
        let revisions = mapping_of(take("revisions"))?;
        let processes = words(take("processes"));
        let (rows, deployments) = (take("rows"), take("deployments"));
        let deployments = match (deployments, rows) {
            (Value::Null, Value::Null) => vec![mapping],
            (Value::Null, Value::Mapping(rows)) => rows
                .into_iter()
                .map(|(value, outcome)| row(&mapping, &value, outcome))
                .collect(),
            (Value::Sequence(deployments), Value::Null) if mapping.is_empty() => deployments
                .into_iter()
                .map(mapping_of)
                .collect::<Result<_, _>>()?,
            _ => {
                return Err(place(
                    "a case is one deployment, or a list of deployments, or one deployment with rows",
                ));
            }
        };
        Ok(Self {
            topic: topic.to_owned(),
            rules,
            name,
            pending,
            agent,
            processes,
            revisions,
            deployments,
        })
    }
}

fn words(value: Value) -> Vec<String> {
    let words = serde_yaml::from_value(value).unwrap_or(Words::None);
    words.list().to_vec()
}

/// The deployment of one row: `{value}` stands for the row's key, and its value says what comes of it: `succeeds`, the ids
/// of errors, or what is expected otherwise.
fn row(template: &Mapping, value: &Value, outcome: Value) -> Mapping {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => "null".to_owned(),
        other => serde_yaml::to_string(other)
            .unwrap_or_default()
            .trim()
            .to_owned(),
    };
    let mut deployment = template.clone();
    let mut expect = match deployment.remove("expect") {
        Some(Value::Mapping(expect)) => expect,
        _ => Mapping::new(),
    };
    match outcome {
        Value::String(word) if word == "succeeds" => {
            for key in ["failed", "error", "id", "message"] {
                expect.remove(key);
            }
        }
        Value::Mapping(own) => expect.extend(own),
        ids => {
            if !expect.contains_key("failed") {
                expect.insert("failed".into(), "DownloadBundle".into());
            }
            expect.insert("id".into(), ids);
        }
    }
    deployment.insert("expect".into(), Value::Mapping(expect));
    let mut deployment = Value::Mapping(deployment);
    fill_in(&mut deployment, &[("{value}", &text)]);
    match deployment {
        Value::Mapping(deployment) => deployment,
        _ => Mapping::new(),
    }
}

/// Replaces names by what they stand for, in every text, and writes scripts out.
pub fn fill_in(value: &mut Value, names: &[(&str, &str)]) {
    write_out(value);
    match value {
        Value::String(text) => {
            for (name, meaning) in names {
                if text.contains(name) {
                    *text = text.replace(name, meaning);
                }
            }
        }
        Value::Sequence(items) => items.iter_mut().for_each(|item| fill_in(item, names)),
        Value::Mapping(mapping) => {
            let filled = std::mem::take(mapping)
                .into_iter()
                .map(|(mut key, mut value)| {
                    fill_in(&mut key, names);
                    fill_in(&mut value, names);
                    (key, value)
                });
            *mapping = filled.collect();
        }
        _ => {}
    }
}

/// `{say: …}` and `{sh: …}` are short for a script's text.
fn write_out(value: &mut Value) {
    let Value::Mapping(mapping) = value else {
        return;
    };
    if let Some(Value::String(say)) = mapping.remove("say") {
        let exit = mapping.remove("exit").and_then(|exit| exit.as_u64());
        let exit = exit.map_or(String::new(), |exit| format!("\nexit {exit}"));
        let commands = format!("echo \"$LIFECYCLE_EVENT {say}\" >> $TRACE{exit}");
        mapping.insert("sh".into(), commands.into());
    }
    if let Some(Value::String(commands)) = mapping.remove("sh") {
        mapping.insert("text".into(), format!("#!/bin/sh\n{commands}\n").into());
    }
}

/// The folder of the corpus.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// All cases, file by file.
///
/// # Errors
///
/// The first case that cannot be read.
pub fn all() -> Result<Vec<Case>, String> {
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| format!("reading {}: {error}", path.display()))
    };
    let folder = folder().join("cases");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("reading {}: {error}", folder.display()))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let topic = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mappings: Vec<Mapping> = serde_yaml::from_str(&read(&file)?)
            .map_err(|error| format!("{topic}.yaml: {error}"))?;
        for mapping in mappings {
            cases.push(Case::read(&topic, mapping)?);
        }
    }
    Ok(cases)
}
