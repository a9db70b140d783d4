//! What is kept of a task set on the disk.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::agent::core::{Orphan, Process};
use crate::agent::protocol::TaskSetOrder;
use crate::model::timestamp::Timestamp;
use crate::store::files::{sync_dir, write_atomically};

/// The folder of a task set.
#[derive(Clone, Debug)]
pub struct SetFolder(PathBuf);

/// The folder of a task.
#[derive(Clone, Debug)]
pub struct TaskFolder(PathBuf);

/// What the agent remembers of a task. It is durable before a start by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Where it serves; 0 as long as it has no port.
    pub port: u16,
    /// Whether it was well there: others may know it by that port.
    pub settled: bool,
    /// How often it ended by itself and was started again.
    pub restarts: u32,
    /// Where in its log begins what it has said since it was started last.
    pub said_from: u64,
}

/// A start of a task that came through. It is written by whoever holds the lock.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The process, which leads its session.
    pub process: Process,
    /// Where it was told to serve.
    pub port: u16,
    /// How many restarts there had been by then.
    pub restarts: u32,
    /// When, by the host's clock.
    pub since: Timestamp,
}

/// What is there of a task.
#[derive(Debug)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// Its process.
    Lives(Run),
    /// Its process is not there, or not yet, and something has its lock.
    Held,
}

impl SetFolder {
    /// A folder that need not be there.
    pub fn of(path: PathBuf) -> Self {
        Self(path)
    }

    /// What was ordered, if an order has come.
    pub fn order(&self) -> io::Result<Option<TaskSetOrder>> {
        read(&self.order_path())
    }

    /// Writes down what was ordered. It is durable when this returns.
    pub fn keep_order(&self, order: &TaskSetOrder) -> io::Result<()> {
        self.make()?;
        write(&self.order_path(), order)
    }

    /// Whether it was ended, or there is nothing of it any more.
    pub fn is_over(&self) -> bool {
        // In this order: the order goes first when all goes.
        self.ended_path().exists() || !self.order_path().exists()
    }

    /// When it was ended, if it was.
    pub fn ended(&self) -> Option<SystemTime> {
        fs::metadata(self.ended_path()).ok()?.modified().ok()
    }

    /// Writes down that it was ended. It is durable when this returns.
    pub fn end(&self) -> io::Result<()> {
        if self.ended_path().exists() {
            return Ok(());
        }
        self.make()?;
        write_atomically(&self.ended_path(), b"")
    }

    /// Removes all but that it was ended. Nothing of it may run any more.
    pub fn strip(&self) -> io::Result<()> {
        if !self.order_path().exists() {
            return Ok(());
        }
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            }
        }
        fs::remove_file(self.order_path())
    }

    /// Forgets it.
    pub fn remove(&self) -> io::Result<()> {
        self.strip()?;
        fs::remove_dir_all(&self.0)
    }

    /// The folder of one of its tasks.
    pub fn task(&self, number: u32) -> TaskFolder {
        TaskFolder(self.0.join(number.to_string()))
    }

    fn make(&self) -> io::Result<()> {
        make_dir(&self.0)?;
        sync_dir(self.0.parent().unwrap_or(Path::new("/")))
    }

    fn order_path(&self) -> PathBuf {
        self.0.join("order.json")
    }

    fn ended_path(&self) -> PathBuf {
        self.0.join("ended")
    }
}

impl TaskFolder {
    /// A folder that need not be there.
    pub fn of(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes it.
    pub fn make(&self) -> io::Result<()> {
        make_dir(&self.0)
    }

    /// The folder of its task set.
    pub fn set(&self) -> SetFolder {
        SetFolder(self.0.parent().unwrap_or(Path::new("/")).to_owned())
    }

    /// Where what it says goes.
    pub fn log(&self) -> PathBuf {
        self.0.join("task.log")
    }

    /// What of that came before.
    pub fn older_log(&self) -> PathBuf {
        self.0.join("task.log.1")
    }

    /// The file that its processes keep locked.
    pub fn lock(&self) -> io::Result<File> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        options.open(self.0.join("lock"))
    }

    /// What the agent remembers of it.
    pub fn memory(&self) -> io::Result<Memory> {
        Ok(read(&self.memory_path())?.unwrap_or_default())
    }

    /// Remembers that. It is durable when this returns.
    pub fn remember(&self, memory: &Memory) -> io::Result<()> {
        write(&self.memory_path(), memory)
    }

    /// The newest start that came through, if that can be read.
    pub fn run(&self) -> Option<Run> {
        read(&self.run_path()).ok().flatten()
    }

    /// Writes down a start. Whoever does has the lock.
    pub fn keep_run(&self, run: &Run) -> io::Result<()> {
        write(&self.run_path(), run)
    }

    /// Looks for it. Never says that nothing is there when something is.
    pub fn look(&self, boot: &str) -> io::Result<Found> {
        if let Some(run) = self.run().filter(|run| run.process.lives(boot)) {
            return Ok(Found::Lives(run));
        }
        if !self.0.exists() {
            return Ok(Found::Nothing);
        }
        match self.lock()?.try_lock() {
            Ok(()) => Ok(Found::Nothing),
            Err(TryLockError::WouldBlock) => Ok(Found::Held),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// By which what it leaves is found, whatever group that is in.
    pub fn orphan(&self) -> Orphan {
        Orphan {
            mark: self.0.to_string_lossy().into_owned(),
            process: None,
        }
    }

    fn memory_path(&self) -> PathBuf {
        self.0.join("task.json")
    }

    fn run_path(&self) -> PathBuf {
        self.0.join("run.json")
    }
}

fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(path: &Path, what: &impl Serialize) -> io::Result<()> {
    write_atomically(path, &serde_json::to_vec(what)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::process::boot_id;

    #[test]
    fn what_is_there_is_found_and_nothing_else() {
        let scratch = tempfile::tempdir().unwrap();
        let task = SetFolder::of(scratch.path().join("d-7F3KQ21XB")).task(1);
        let boot = boot_id().unwrap();
        let look = |boot: &str| task.look(boot).unwrap();
        assert!(matches!(look(&boot), Found::Nothing));
        task.make().unwrap();
        assert!(matches!(look(&boot), Found::Nothing));
        let held = task.lock().unwrap();
        held.try_lock().unwrap();
        assert!(matches!(look(&boot), Found::Held));
        let pid = i32::try_from(std::process::id()).unwrap();
        let mut run = Run {
            process: Process::of(pid, &boot),
            port: 8100,
            restarts: 0,
            since: Timestamp(0),
        };
        task.keep_run(&run).unwrap();
        assert!(matches!(look(&boot), Found::Lives(_)));
        // The host has started anew since.
        assert!(matches!(look("another"), Found::Held));
        drop(held);
        assert!(matches!(look("another"), Found::Nothing));
        // Another process has its number.
        run.process.start = run.process.start.map(|start| start + 1);
        task.keep_run(&run).unwrap();
        assert!(matches!(look(&boot), Found::Nothing));
    }

    #[test]
    fn an_end_stays_when_all_else_goes() {
        let scratch = tempfile::tempdir().unwrap();
        let set = SetFolder::of(scratch.path().join("d-7F3KQ21XB"));
        let order: TaskSetOrder = serde_json::from_value(serde_json::json!({
            "service": "checkout",
            "taskDefinition": "checkout:2",
            "definition": {"run": ["/bin/true"], "port": 8100},
            "count": 1,
        }))
        .unwrap();
        assert!(set.is_over());
        set.keep_order(&order).unwrap();
        assert!(!set.is_over());
        assert_eq!(set.order().unwrap(), Some(order));
        set.task(1).make().unwrap();
        set.end().unwrap();
        let ended = set.ended();
        set.end().unwrap();
        assert!(set.is_over() && ended.is_some() && set.ended() == ended);
        set.strip().unwrap();
        assert!(set.is_over() && set.ended() == ended);
        assert_eq!(set.order().unwrap(), None);
        assert!(!set.task(1).path().exists());
        set.remove().unwrap();
        assert!(set.is_over() && set.ended().is_none());
    }
}
