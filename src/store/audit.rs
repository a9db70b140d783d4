//! The audit trail: what was asked for at the door, by whom, and what came of it; a [`chain`] in a file.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::chain;
use crate::model::revision::Digest;
use crate::model::timestamp::Timestamp;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Grows by one with each entry, from 1.
    pub seq: u64,
    /// When it was written, by the orchestrator's clock.
    pub at: Timestamp,
    #[serde(flatten)]
    #[allow(missing_docs, reason = "the type has the documentation")]
    pub fact: Fact,
}

/// Something that happened at the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fact {
    /// The user id that the kernel vouched for; none of a hook, which its ticket vouches for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Its name; `hook` and the name of a hook.
    pub user: String,
    /// What was asked for, with its parameters.
    pub what: serde_json::Value,
    /// Where: a group, an application, a deployment or the project.
    #[serde(rename = "where")]
    pub place: String,
    /// How far it has come.
    pub outcome: Outcome,
    /// For an outcome: the entry that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// What the person was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It is let in, and about to be carried out. Without an outcome, the process ended in the middle.
    Asked,
    /// It was carried out.
    Done,
    /// It was let in, and could not be carried out.
    Refused,
    /// It was not let in.
    Denied,
}

impl Outcome {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Denied => "denied",
        }
    }
}

/// The trail of a project. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Audit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    end: Mutex<End>,
}

/// Where the next entry goes.
#[derive(Debug)]
struct End {
    file: File,
    entries: u64,
    newest: Digest,
    /// The length of the file up to the last whole line.
    length: u64,
}

impl Audit {
    /// Opens the trail, or makes it. A line that was being written when a process ended is cut off: nothing was done for it.
    ///
    /// # Errors
    /// If the file can't be read or written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path)?;
        let mut log = Vec::new();
        file.read_to_end(&mut log)?;
        let (lines, rest) = chain::lines(&log);
        let mut end = (0, chain::origin());
        for line in lines {
            // What is damaged is for those to find who verify it; the trail goes on.
            let hash = chain::split(line).map(|(hash, _)| hash);
            end = (end.0 + 1, hash.unwrap_or_else(|| chain::hash(&end.1, line)));
        }
        let length = (log.len() - rest.len()) as u64;
        file.set_len(length)?;
        file.seek(io::SeekFrom::End(0))?;
        let (entries, newest) = end;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            end: Mutex::new(End {
                file,
                entries,
                newest,
                length,
            }),
        })))
    }

    /// Appends an entry, and answers its number once it is durable. Blocks.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn append(&self, at: Timestamp, fact: Fact) -> io::Result<u64> {
        let mut end = self.0.end.lock().unwrap_or_else(PoisonError::into_inner);
        let seq = end.entries + 1;
        let entry = serde_json::to_string(&Entry { seq, at, fact })?;
        let newest = chain::hash(&end.newest, entry.as_bytes());
        let line = chain::line(&newest, &entry);
        let written = (|| {
            end.file.write_all(line.as_bytes())?;
            end.file.sync_data()
        })();
        if let Err(error) = written {
            // Half a line must not be in the way of the next.
            let length = end.length;
            end.file.set_len(length)?;
            end.file.seek(io::SeekFrom::Start(length))?;
            return Err(error);
        }
        end.length += line.len() as u64;
        end.entries = seq;
        end.newest = newest;
        Ok(seq)
    }

    /// The whole trail, as it is on the disk. Blocks.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        // Nobody is in the middle of a line.
        let _end = self.0.end.lock().unwrap_or_else(PoisonError::into_inner);
        std::fs::read(&self.0.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(told: &str) -> Fact {
        Fact {
            uid: Some(1),
            user: "ana".to_owned(),
            what: serde_json::json!({ "type": "shutdown" }),
            place: "in the whole project".to_owned(),
            outcome: Outcome::Asked,
            of: None,
            told: Some(told.to_owned()),
        }
    }

    #[test]
    fn a_trail_goes_on_where_it_ended_also_behind_half_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let audit = Audit::open(&path).unwrap();
        assert_eq!(audit.append(Timestamp(1), fact("a\nb")).unwrap(), 1);
        assert_eq!(audit.append(Timestamp(2), fact("c")).unwrap(), 2);
        drop(audit);
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"0123456789abcdef half a li").unwrap();
        let audit = Audit::open(&path).unwrap();
        assert_eq!(audit.append(Timestamp(3), fact("d")).unwrap(), 3);
        let log = audit.read().unwrap();
        assert_eq!(chain::verify(&log).unwrap().entries, 3);
        let (lines, _) = chain::lines(&log);
        let entries: Vec<Entry> = lines
            .map(|line| serde_json::from_slice(chain::split(line).unwrap().1).unwrap())
            .collect();
        assert_eq!(entries[0].fact, fact("a\nb"));
        assert_eq!(entries[2].seq, 3);
    }

    #[test]
    fn a_damaged_trail_is_continued_and_its_damage_stays_visible() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        std::fs::write(&path, "no such line\n").unwrap();
        let audit = Audit::open(&path).unwrap();
        assert_eq!(audit.append(Timestamp(1), fact("a")).unwrap(), 2);
        let broken = chain::verify(&audit.read().unwrap()).unwrap_err();
        assert_eq!(broken.entry, 1);
    }
}
