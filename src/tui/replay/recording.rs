//! A recording: a file of lines, the first with the project's documents, each other with one entry of a deployment's
//! journal or of a group's ledger, in order of time.
//!
//! ```json
//! {"cutover":"replay","version":1,"project":{…}}
//! {"deployment":"d-7F3KQ21XB","record":{"seq":1,"at":1900000000000,"event":{…}}}
//! {"group":{"application":"shop","group":"production"},"ledger":{"seq":1,"at":1900000000000,"event":{…}}}
//! ```

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::api::feed::FeedItem;
use crate::engine::ledger::LedgerRecord;
use crate::engine::{Event, Record};
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::project::Project;
use crate::model::timestamp::Timestamp;

/// What the first line says that the file is.
const KIND: &str = "replay";
/// The form of the file.
const VERSION: u32 = 1;

/// The documents, and what happened, in order of time.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The documents.
    pub project: Project,
    /// What happened. Never empty when it was read from a file.
    pub entries: Vec<Entry>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Entry {
    /// To a deployment.
    Deployment {
        /// Which.
        deployment: DeploymentId,
        /// What.
        record: Record,
    },
    /// To a deployment group.
    Group {
        /// Which.
        group: GroupKey,
        /// What.
        ledger: LedgerRecord,
    },
}

/// A recording that can't be read, or is not one.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file can't be read.
    #[error("{file} can't be read: {source}", file = .file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is wrong.
    #[error("{file}:{line}: {problem}", file = .file.display())]
    Wrong {
        /// Which file.
        file: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

/// The first line, as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Heading {
    #[serde(rename = "cutover")]
    kind: String,
    version: u32,
    // Another version may write it otherwise: it is read last.
    project: serde_json::Value,
}

/// The first line, as it is written.
#[derive(Serialize)]
struct Header<'a> {
    cutover: &'a str,
    version: u32,
    project: &'a Project,
}

/// Any other line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    deployment: Option<DeploymentId>,
    record: Option<Record>,
    group: Option<GroupKey>,
    ledger: Option<LedgerRecord>,
}

impl Entry {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Deployment { record, .. } => record.at,
            Self::Group { ledger, .. } => ledger.at,
        }
    }

    /// As an orchestrator would have told it.
    pub(super) fn item(&self) -> FeedItem {
        match self.clone() {
            Self::Deployment { deployment, record } => FeedItem::Record { deployment, record },
            Self::Group { group, ledger } => FeedItem::Ledger {
                group,
                record: ledger,
            },
        }
    }
}

impl Recording {
    /// A recording of a deployment from its journal, and from what its group remembers up to its end.
    pub fn of(
        project: Project,
        (deployment, records): (&DeploymentId, Vec<Record>),
        (group, ledger): (&GroupKey, Vec<LedgerRecord>),
    ) -> Self {
        let last = records.last().map(|record| record.at);
        let ledger = ledger.into_iter().filter(|entry| Some(entry.at) <= last);
        let of_group = ledger.map(|ledger| Entry::Group {
            group: group.clone(),
            ledger,
        });
        let of_deployment = records.into_iter().map(|record| Entry::Deployment {
            deployment: deployment.clone(),
            record,
        });
        let mut entries: Vec<Entry> = of_group.chain(of_deployment).collect();
        // What happened at the same time stays in its order.
        entries.sort_by_key(Entry::at);
        Self { project, entries }
    }

    /// Reads a recording, and checks that its entries follow each other.
    ///
    /// # Errors
    /// If the file can't be read, or a line is wrong: the error names it.
    pub fn read(file: &Path) -> Result<Self, RecordingError> {
        let unreadable = |source| RecordingError::Unreadable {
            file: file.to_owned(),
            source,
        };
        let lines = BufReader::new(std::fs::File::open(file).map_err(unreadable)?).lines();
        let mut order = Order::default();
        let mut found: Option<Self> = None;
        let mut last = 1;
        for (place, text) in lines.enumerate() {
            last = place + 1;
            let wrong = |problem| RecordingError::Wrong {
                file: file.to_owned(),
                line: last,
                problem,
            };
            let text = text.map_err(unreadable)?;
            match &mut found {
                None => {
                    found = Some(Self {
                        project: heading(&text).map_err(wrong)?,
                        entries: Vec::new(),
                    });
                }
                Some(_) if text.trim().is_empty() => {}
                Some(recording) => {
                    let entry = entry(&text).map_err(wrong)?;
                    order.follow(&entry).map_err(wrong)?;
                    recording.entries.push(entry);
                }
            }
        }
        let wrong = |problem: &str| RecordingError::Wrong {
            file: file.to_owned(),
            line: last,
            problem: problem.to_owned(),
        };
        let recording = found.ok_or_else(|| wrong("the file is empty"))?;
        if recording.entries.is_empty() {
            return Err(wrong("nothing has happened: no line follows the first"));
        }
        Ok(recording)
    }

    /// Writes it as [`read`](Self::read) reads it.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        let header = Header {
            cutover: KIND,
            version: VERSION,
            project: &self.project,
        };
        serde_json::to_writer(&mut out, &header)?;
        writeln!(out)?;
        for entry in &self.entries {
            serde_json::to_writer(&mut out, entry)?;
            writeln!(out)?;
        }
        out.flush()
    }
}

fn heading(text: &str) -> Result<Project, String> {
    let heading: Heading = serde_json::from_str(text).map_err(|error| {
        let told = told(&error);
        format!(
            "not a recording: the first line is {{\"cutover\":\"{KIND}\",\"version\":{VERSION},\"project\":{{…}}}} ({told})"
        )
    })?;
    if heading.kind != KIND {
        return Err(format!("not a recording, but a \"{}\"", heading.kind));
    }
    if heading.version != VERSION {
        return Err(format!(
            "it has version {}, and this cutover reads version {VERSION}",
            heading.version
        ));
    }
    serde_json::from_value(heading.project).map_err(|error| format!("project: {error}"))
}

fn entry(text: &str) -> Result<Entry, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| told(&error))?;
    match line {
        Line {
            deployment: Some(deployment),
            record: Some(record),
            group: None,
            ledger: None,
        } => Ok(Entry::Deployment { deployment, record }),
        Line {
            deployment: None,
            record: None,
            group: Some(group),
            ledger: Some(ledger),
        } => Ok(Entry::Group { group, ledger }),
        _ => Err("an entry has either deployment and record, or group and ledger".to_owned()),
    }
}

/// An error within a line: the reader's own count of lines would mislead.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let problem = text.split(" at line ").next().unwrap_or_default();
    format!("column {}: {problem}", error.column())
}

/// The newest entries, which the next ones have to follow.
#[derive(Default)]
struct Order {
    deployments: BTreeMap<DeploymentId, u64>,
    groups: BTreeMap<GroupKey, u64>,
}

impl Order {
    fn follow(&mut self, entry: &Entry) -> Result<(), String> {
        match entry {
            Entry::Deployment { deployment, record } => {
                let before = self.deployments.insert(deployment.clone(), record.seq);
                let begins = matches!(record.event, Event::Created { .. });
                match before {
                    None if begins => Ok(()),
                    None => Err(format!("{deployment} does not begin with its creation")),
                    Some(_) if begins => Err(format!("{deployment} is created twice")),
                    Some(before) => next(deployment, before, record.seq),
                }
            }
            Entry::Group { group, ledger } => match self.groups.insert(group.clone(), ledger.seq) {
                None => Ok(()),
                Some(before) => next(group, before, ledger.seq),
            },
        }
    }
}

fn next(of: impl std::fmt::Display, before: u64, seq: u64) -> Result<(), String> {
    if seq == before + 1 {
        return Ok(());
    }
    Err(format!(
        "entry {seq} of {of} comes after its entry {before}"
    ))
}
