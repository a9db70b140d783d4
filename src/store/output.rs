//! What scripts write: bounded files of lines, one a target. Not facts: losing the last lines in a crash loses no decision.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::model::deployment::{DeploymentId, ExecutionId};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::output::OutputSource;
use crate::model::timestamp::Timestamp;

/// One line of `GET /v1/deployments/{id}/targets/{target}/output?after=SEQ&follow=BOOL`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputLine {
    /// Which run wrote it.
    pub execution: ExecutionId,
    /// Grows with each line of the host.
    pub seq: u64,
    /// When, by the host's clock.
    pub at: Timestamp,
    /// During which event.
    pub event: LifecycleEvent,
    /// Where it came from.
    pub source: OutputSource,
    /// The line as the script wrote it: make it safe before showing it.
    pub text: String,
}

/// A target's output takes at most this many bytes here; the host keeps the whole.
const LIMIT: u64 = 16 * 1024 * 1024;

/// Whose output.
type Key = (DeploymentId, Name);

/// The folder that holds every target's output.
#[derive(Clone, Debug)]
pub struct Outputs {
    root: PathBuf,
    open: Arc<Mutex<BTreeMap<Key, Open>>>,
}

/// A file that is being written or followed.
#[derive(Debug)]
struct Open {
    file: Option<File>,
    length: u64,
    last_seq: u64,
    grown: watch::Sender<u64>,
}

impl Outputs {
    /// The outputs below this folder.
    pub fn new(root: PathBuf) -> Self {
        Self {
            root,
            open: Arc::default(),
        }
    }

    fn path(&self, (deployment, target): &Key) -> PathBuf {
        self.root
            .join(deployment.as_str())
            .join(format!("{target}.jsonl"))
    }

    fn with<T>(&self, key: &Key, act: impl FnOnce(&mut Open) -> io::Result<T>) -> io::Result<T> {
        let mut files = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !files.contains_key(key) {
            let (length, last_seq) = tail(&self.path(key))?;
            files.insert(
                key.clone(),
                Open {
                    file: None,
                    length,
                    last_seq,
                    grown: watch::Sender::new(length),
                },
            );
        }
        let open = files
            .get_mut(key)
            .ok_or_else(|| io::Error::other("the entry was just made"))?;
        act(open)
    }

    /// Adds a line, unless it is there already or the file is full.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn append(
        &self,
        deployment: &DeploymentId,
        target: &Name,
        line: &OutputLine,
    ) -> io::Result<()> {
        let key = (deployment.clone(), target.clone());
        let path = self.path(&key);
        self.with(&key, |open| {
            if line.seq <= open.last_seq || open.length >= LIMIT {
                return Ok(());
            }
            let mut text = serde_json::to_vec(line)?;
            text.push(b'\n');
            if open.length + text.len() as u64 >= LIMIT {
                let last = OutputLine {
                    source: OutputSource::Agent,
                    text: "output continues on the host only: the limit kept here is reached"
                        .to_owned(),
                    ..line.clone()
                };
                text = serde_json::to_vec(&last)?;
                text.push(b'\n');
                open.length = LIMIT;
            }
            if open.file.is_none() {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                let file = File::options()
                    .create(true)
                    .truncate(false)
                    .write(true)
                    .open(&path)?;
                // A torn last line of a crash is cut off: the host sends it again.
                let start = open.length.min(file.metadata()?.len());
                file.set_len(start)?;
                open.file = Some(file);
            }
            if let Some(file) = &mut open.file {
                file.seek(SeekFrom::End(0))?;
                file.write_all(&text)?;
            }
            open.length = open.length.saturating_add(text.len() as u64);
            open.last_seq = line.seq;
            open.grown.send_replace(open.length);
            Ok(())
        })
    }

    /// Closes a target's file: nothing more is written to it.
    pub fn close(&self, deployment: &DeploymentId, target: &Name) {
        let key = (deployment.clone(), target.clone());
        let mut files = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if files
            .get(&key)
            .is_some_and(|open| open.grown.receiver_count() == 0)
        {
            files.remove(&key);
        } else if let Some(open) = files.get_mut(&key) {
            open.file = None;
            // Whoever follows it looks once more, and learns that nothing else will come.
            open.grown.send_replace(open.length);
        }
    }

    /// Removes everything of a deployment; one without output is fine.
    ///
    /// # Errors
    /// If a file can't be removed.
    pub fn remove(&self, deployment: &DeploymentId) -> io::Result<()> {
        let mut files = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|(of, _), _| of != deployment);
        match std::fs::remove_dir_all(self.root.join(deployment.as_str())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The deployments that have output here.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub fn deployments(&self) -> io::Result<Vec<DeploymentId>> {
        let entries = match std::fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names = entries.map(|entry| Ok(entry?.file_name()));
        let names = names.collect::<io::Result<Vec<_>>>()?;
        let ids = names.iter().filter_map(|name| name.to_str()?.parse().ok());
        Ok(ids.collect())
    }

    /// Reads a target's output from its beginning.
    ///
    /// # Errors
    /// If the file is there and can't be read.
    pub fn reader(&self, deployment: &DeploymentId, target: &Name) -> io::Result<Reader> {
        let key = (deployment.clone(), target.clone());
        let grown = self.with(&key, |open| Ok(open.grown.subscribe()))?;
        Ok(Reader {
            path: self.path(&key),
            offset: 0,
            grown,
        })
    }
}

/// Reads whole lines, and waits for more.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    offset: u64,
    grown: watch::Receiver<u64>,
}

impl Reader {
    /// The whole lines that were added since the last call, at most about a mebibyte of them; none at the end.
    ///
    /// # Errors
    /// If the file can't be read, or a line is not what was written.
    pub fn lines(&mut self) -> io::Result<Vec<OutputLine>> {
        self.grown.borrow_and_update();
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(1024 * 1024).read_to_end(&mut bytes)?;
        let Some(end) = bytes.iter().rposition(|b| *b == b'\n') else {
            return Ok(Vec::new());
        };
        self.offset += end as u64 + 1;
        bytes[..end]
            .split(|b| *b == b'\n')
            .map(|line| serde_json::from_slice(line).map_err(io::Error::other))
            .collect()
    }

    /// Waits until there is more; `false` if nothing ever will be.
    pub async fn grown(&mut self) -> bool {
        self.grown.changed().await.is_ok()
    }
}

/// The length of the whole lines in a file, and the number of the last one.
fn tail(path: &Path) -> io::Result<(u64, u64)> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
        Err(error) => return Err(error),
    };
    let Some(end) = bytes.iter().rposition(|b| *b == b'\n') else {
        return Ok((0, 0));
    };
    let start = bytes[..end]
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |i| i + 1);
    let last: OutputLine = serde_json::from_slice(&bytes[start..end])?;
    Ok((end as u64 + 1, last.seq))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64) -> OutputLine {
        let id: DeploymentId = "d-AAAAAAAAA".parse().unwrap();
        let host: Name = "web-1".parse().unwrap();
        OutputLine {
            execution: ExecutionId::new(&id, &host, 0, 1),
            seq,
            at: Timestamp(1),
            event: LifecycleEvent::AfterInstall,
            source: OutputSource::Stdout,
            text: format!("line {seq}"),
        }
    }

    #[test]
    fn lines_are_kept_once_and_a_torn_one_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let id: DeploymentId = "d-AAAAAAAAA".parse().unwrap();
        let host: Name = "web-1".parse().unwrap();
        let outputs = Outputs::new(folder.path().to_owned());
        for seq in [3, 5, 5, 4, 6] {
            outputs.append(&id, &host, &line(seq)).unwrap();
        }
        let path = folder.path().join("d-AAAAAAAAA/web-1.jsonl");
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"{\"exec").unwrap();

        let again = Outputs::new(folder.path().to_owned());
        again.append(&id, &host, &line(6)).unwrap();
        again.append(&id, &host, &line(7)).unwrap();
        let seqs: Vec<u64> = again
            .reader(&id, &host)
            .unwrap()
            .lines()
            .unwrap()
            .iter()
            .map(|l| l.seq)
            .collect();
        assert_eq!(seqs, [3, 5, 6, 7]);
    }

    #[tokio::test]
    async fn a_reader_is_woken_by_the_next_line() {
        let folder = tempfile::tempdir().unwrap();
        let id: DeploymentId = "d-AAAAAAAAA".parse().unwrap();
        let host: Name = "web-1".parse().unwrap();
        let outputs = Outputs::new(folder.path().to_owned());
        let mut reader = outputs.reader(&id, &host).unwrap();
        assert!(reader.lines().unwrap().is_empty());
        outputs.append(&id, &host, &line(1)).unwrap();
        assert!(reader.grown().await);
        assert_eq!(reader.lines().unwrap().len(), 1);
    }
}
