//! Facts that must survive: journals, ledgers and revision records, in SQLite.
//!
//! One thread writes. It gathers what waits and makes it durable with one `fsync` (group commit): a batch is answered
//! only when it will survive a power cut, and a batch is written whole or not at all.

mod outbox;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, params};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, oneshot};

use crate::engine::event::{Record, VERSION};
use crate::engine::freeze::FreezeRecord;
use crate::engine::ledger::{Ledger, LedgerRecord};
use crate::engine::{Deployment, Summary};
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::notification::{Notification, Progress};
use crate::model::revision::{Digest, RegisteredRevision};

/// The form of the tables: 2 added the outbox. A database of form 1 gets it; one of a later form is refused.
const SCHEMA: i64 = 2;

/// The stream of the journal of freezes.
const FREEZES: &str = "freezes";

/// As many batches share one commit at most.
const GROUP: usize = 256;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database refused.
    #[error("the journal can't be used: {0}")]
    Database(#[from] rusqlite::Error),
    /// An entry can't be read.
    #[error("entry {seq} of {stream} can't be read: {reason}")]
    Entry {
        /// Which journal.
        stream: String,
        /// Which entry.
        seq: i64,
        /// Why not.
        reason: String,
    },
    /// The database was written by another version.
    #[error(
        "the journal has form {found}, this version of cutover reads forms 1 to {SCHEMA}: use the version that wrote it"
    )]
    Form {
        /// The form found.
        found: i64,
    },
    /// The writing thread has ended.
    #[error("the journal is closed")]
    Closed,
}

/// Entries that belong together: all become durable, or none.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Entries of deployments' journals.
    pub records: Vec<(DeploymentId, Record)>,
    /// Entries of the journal of freezes.
    pub freezes: Vec<FreezeRecord>,
    /// Entries of groups' ledgers.
    pub ledger: Vec<(GroupKey, LedgerRecord)>,
    /// How these deployments look in a list now.
    pub summaries: Vec<Summary>,
    /// Revision records, new or changed.
    pub revisions: Vec<(Name, RegisteredRevision)>,
    /// What is to be told about these entries.
    pub notifications: Vec<Notification>,
    /// How far the delivery of notifications has come, by their ids. Alone in a batch it waits for no `fsync`: it survives
    /// the process, and what a power cut takes is sent once more.
    pub progress: Vec<(String, Progress)>,
    /// Deployments whose journals, summaries and notifications are no longer kept.
    pub pruned: Vec<DeploymentId>,
    /// Revision records that are deleted.
    pub forgotten: Vec<(Name, Digest)>,
}

type Waiting = (Batch, oneshot::Sender<Result<(), JournalError>>);

/// The database of a project.
#[derive(Clone, Debug)]
pub struct Journal {
    writer: mpsc::Sender<Waiting>,
    reader: Arc<Mutex<Connection>>,
}

impl Journal {
    /// Opens the database, or makes it, and starts the writing thread.
    ///
    /// # Errors
    /// If the file can't be opened or has another form.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let write = connect(path)?;
        let reader = connect(path)?;
        let (writer, waiting) = mpsc::channel(4 * GROUP);
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write_for_ever(write, waiting))
            .map_err(|_| JournalError::Closed)?;
        Ok(Self {
            writer,
            reader: Arc::new(Mutex::new(reader)),
        })
    }

    /// Makes a batch durable. When this returns without an error, it will survive anything.
    ///
    /// # Errors
    /// If it could not be written; then nothing of it was.
    pub async fn append(&self, batch: Batch) -> Result<(), JournalError> {
        let (answer, done) = oneshot::channel();
        self.writer
            .send((batch, answer))
            .await
            .map_err(|_| JournalError::Closed)?;
        done.await.map_err(|_| JournalError::Closed)?
    }

    /// A deployment's journal, in order; empty if there is none.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn records(&self, id: &DeploymentId) -> Result<Vec<Record>, JournalError> {
        self.stream(id.as_str())
    }

    /// A group's ledger, entry by entry; empty if it never deployed.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn ledger(&self, group: &GroupKey) -> Result<Vec<LedgerRecord>, JournalError> {
        self.stream(&ledger_stream(group))
    }

    /// The journal of freezes.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn freezes(&self) -> Result<Vec<FreezeRecord>, JournalError> {
        self.stream(FREEZES)
    }

    /// A deployment as its journal tells it.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn deployment(&self, id: &DeploymentId) -> Result<Option<Deployment>, JournalError> {
        Ok(crate::engine::fold(&self.records(id)?))
    }

    /// Every group's ledger.
    ///
    /// # Errors
    /// If one can't be read.
    pub fn ledgers(&self) -> Result<Vec<(GroupKey, Ledger)>, JournalError> {
        let keys: Vec<(String, String)> = {
            let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            let mut query = reader.prepare("SELECT application, name FROM groups")?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        keys.into_iter()
            .filter_map(|(application, group)| {
                Some(GroupKey {
                    application: application.parse().ok()?,
                    group: group.parse().ok()?,
                })
            })
            .map(|key| {
                let records = self.ledger(&key)?;
                Ok((key, Ledger::fold(&records)))
            })
            .collect()
    }

    /// How every deployment looked when it was created or ended, newest first, and whether it is over.
    ///
    /// # Errors
    /// If they can't be read.
    pub fn summaries(&self) -> Result<Vec<Summary>, JournalError> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut query =
            reader.prepare("SELECT id, summary FROM deployments ORDER BY create_time DESC, id")?;
        let rows = query.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        rows.map(|row| {
            let (id, text) = row?;
            parse(&id, 0, &text)
        })
        .collect()
    }

    /// The revisions of every application.
    ///
    /// # Errors
    /// If they can't be read.
    pub fn revisions(&self) -> Result<Vec<(Name, RegisteredRevision)>, JournalError> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut query = reader.prepare("SELECT application, body FROM revisions")?;
        let rows = query.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        rows.map(|row| {
            let (application, text) = row?;
            let revision = parse("revisions", 0, &text)?;
            let name = application.parse().map_err(|error| JournalError::Entry {
                stream: "revisions".to_owned(),
                seq: 0,
                reason: format!("{error}"),
            })?;
            Ok((name, revision))
        })
        .collect()
    }

    /// Every entry of a stream. One that is missing before others is damage, and is never passed over.
    fn stream<T: DeserializeOwned + Numbered>(&self, stream: &str) -> Result<Vec<T>, JournalError> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut query =
            reader.prepare_cached("SELECT seq, body FROM records WHERE stream = ? ORDER BY seq")?;
        let rows = query.query_map([stream], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
        rows.zip(1..)
            .map(|(row, expected)| {
                let (seq, text) = row?;
                let damaged = |reason: String| JournalError::Entry {
                    stream: stream.to_owned(),
                    seq: expected,
                    reason,
                };
                if seq != expected {
                    return Err(damaged(format!("it is missing, entry {seq} follows")));
                }
                let entry: T = parse(stream, seq, &text)?;
                if self::seq(entry.seq()) != seq {
                    return Err(damaged(format!("it says that it is entry {}", entry.seq())));
                }
                Ok(entry)
            })
            .collect()
    }
}

/// An entry that knows its place in its stream.
trait Numbered {
    fn seq(&self) -> u64;
}

impl Numbered for Record {
    fn seq(&self) -> u64 {
        self.seq
    }
}

impl Numbered for FreezeRecord {
    fn seq(&self) -> u64 {
        self.seq
    }
}

impl Numbered for LedgerRecord {
    fn seq(&self) -> u64 {
        self.seq
    }
}

fn parse<T: DeserializeOwned>(stream: &str, seq: i64, text: &str) -> Result<T, JournalError> {
    serde_json::from_str(text).map_err(|error| JournalError::Entry {
        stream: stream.to_owned(),
        seq,
        reason: error.to_string(),
    })
}

fn ledger_stream(key: &GroupKey) -> String {
    format!("ledger/{key}")
}

fn connect(path: &Path) -> Result<Connection, JournalError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // FULL: a commit is durable when it returns, also in write-ahead mode.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if (0..SCHEMA).contains(&found) {
        let outbox = outbox::TABLE;
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             CREATE TABLE IF NOT EXISTS records (
               stream TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, version INTEGER NOT NULL,
               body TEXT NOT NULL, PRIMARY KEY (stream, seq)) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS groups (
               application TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (application, name)) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS deployments (
               id TEXT PRIMARY KEY, create_time INTEGER NOT NULL, summary TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS revisions (
               application TEXT NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL,
               PRIMARY KEY (application, digest)) WITHOUT ROWID;
             {outbox}
             PRAGMA user_version = {SCHEMA};
             COMMIT;"
        ))?;
    } else if found != SCHEMA {
        return Err(JournalError::Form { found });
    }
    Ok(connection)
}

fn write_for_ever(mut connection: Connection, mut waiting: mpsc::Receiver<Waiting>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        commit(&mut connection, group);
    }
}

/// How durable a group must be when it is committed: what nobody would miss costs no `fsync`.
fn synchronous(group: &[Waiting]) -> &'static str {
    let progress_alone = |batch: &Batch| {
        // All of them are named, so that a new one is thought of.
        let Batch {
            records,
            freezes,
            ledger,
            summaries,
            revisions,
            notifications,
            progress: _,
            pruned,
            forgotten,
        } = batch;
        records.is_empty()
            && freezes.is_empty()
            && ledger.is_empty()
            && summaries.is_empty()
            && revisions.is_empty()
            && notifications.is_empty()
            && pruned.is_empty()
            && forgotten.is_empty()
    };
    if group.iter().all(|(batch, _)| progress_alone(batch)) {
        "NORMAL"
    } else {
        "FULL"
    }
}

/// Writes a group with one commit. A batch that can't be written is left out without harming the others.
fn commit(connection: &mut Connection, group: Vec<Waiting>) {
    let mut results = Vec::new();
    let outcome = (|| {
        connection.pragma_update(None, "synchronous", synchronous(&group))?;
        let mut transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for (batch, answer) in group {
            let mut savepoint = transaction.savepoint()?;
            let written = match write(&savepoint, &batch) {
                Ok(()) => savepoint.commit(),
                Err(error) => savepoint.rollback().and(Err(error)),
            };
            results.push((written, answer));
        }
        crate::crash_point::here!("journal.before-commit");
        transaction.commit()
    })();
    crate::crash_point::here!("journal.after-commit");
    for (written, answer) in results {
        let result = match (&outcome, written) {
            (Ok(()), written) => written.map_err(JournalError::from),
            // What failed for all of them is told to each in its own words.
            (Err(_), Err(own)) => Err(own.into()),
            (Err(shared), Ok(())) => Err(JournalError::Entry {
                stream: "commit".to_owned(),
                seq: 0,
                reason: shared.to_string(),
            }),
        };
        // Whoever asked may have gone; the facts are written all the same.
        let _gone = answer.send(result);
    }
}

fn write(connection: &Connection, batch: &Batch) -> Result<(), rusqlite::Error> {
    let mut record = connection.prepare_cached(
        "INSERT INTO records (stream, seq, at, version, body) VALUES (?, ?, ?, ?, ?)",
    )?;
    for (id, entry) in &batch.records {
        record.execute(params![
            id.as_str(),
            seq(entry.seq),
            entry.at.0,
            VERSION,
            json(entry)?
        ])?;
    }
    for entry in &batch.freezes {
        record.execute(params![
            FREEZES,
            seq(entry.seq),
            entry.at.0,
            VERSION,
            json(entry)?
        ])?;
    }
    for (key, entry) in &batch.ledger {
        let stream = ledger_stream(key);
        record.execute(params![
            stream,
            seq(entry.seq),
            entry.at.0,
            VERSION,
            json(entry)?
        ])?;
        connection
            .prepare_cached("INSERT OR IGNORE INTO groups (application, name) VALUES (?, ?)")?
            .execute([key.application.as_str(), key.group.as_str()])?;
    }
    for summary in &batch.summaries {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO deployments (id, create_time, summary) VALUES (?, ?, ?)",
            )?
            .execute(params![
                summary.deployment_id.as_str(),
                summary.create_time.0,
                json(summary)?
            ])?;
    }
    for (application, revision) in &batch.revisions {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO revisions (application, digest, body) VALUES (?, ?, ?)",
            )?
            .execute(params![
                application.as_str(),
                revision.revision.digest.as_str(),
                json(revision)?
            ])?;
    }
    for notification in &batch.notifications {
        outbox::enqueue(connection, notification)?;
    }
    for (id, progress) in &batch.progress {
        outbox::note(connection, id, progress)?;
    }
    for id in &batch.pruned {
        outbox::prune(connection, id)?;
        connection
            .prepare_cached("DELETE FROM records WHERE stream = ?")?
            .execute([id.as_str()])?;
        connection
            .prepare_cached("DELETE FROM deployments WHERE id = ?")?
            .execute([id.as_str()])?;
    }
    for (application, digest) in &batch.forgotten {
        connection
            .prepare_cached("DELETE FROM revisions WHERE application = ? AND digest = ?")?
            .execute([application.as_str(), digest.as_str()])?;
    }
    Ok(())
}

/// SQLite's integers are signed.
fn seq(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn json(value: &impl serde::Serialize) -> Result<String, rusqlite::Error> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::Event;
    use crate::engine::ledger::LedgerEvent;
    use crate::model::group::TriggerEvent;
    use crate::model::notification::{DeliveryStatus, Message};
    use crate::model::timestamp::Timestamp;

    fn id(number: u32) -> DeploymentId {
        format!("d-{number:09}").parse().unwrap()
    }

    fn records(id: &DeploymentId, seqs: impl IntoIterator<Item = u64>) -> Batch {
        let record = |seq| Record {
            seq,
            at: Timestamp(1),
            event: Event::Started,
        };
        Batch {
            records: seqs
                .into_iter()
                .map(|seq| (id.clone(), record(seq)))
                .collect(),
            ..Batch::default()
        }
    }

    fn key() -> GroupKey {
        GroupKey {
            application: "shop".parse().unwrap(),
            group: "production".parse().unwrap(),
        }
    }

    #[tokio::test]
    async fn what_was_appended_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let journal = Journal::open(&path).unwrap();
        let mut batch = records(&id(1), 1..=3);
        batch.ledger.push((
            key(),
            LedgerRecord {
                seq: 1,
                at: Timestamp(1),
                event: LedgerEvent::Opened { deployment: id(1) },
            },
        ));
        journal.append(batch).await.unwrap();
        drop(journal);

        let again = Journal::open(&path).unwrap();
        assert_eq!(again.records(&id(1)).unwrap().len(), 3);
        let ledgers = again.ledgers().unwrap();
        assert_eq!(ledgers[0].0, key());
        assert_eq!(ledgers[0].1.active, Some(id(1)));
    }

    #[tokio::test]
    async fn a_batch_is_written_whole_or_not_at_all_and_harms_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        journal.append(records(&id(1), [1])).await.unwrap();
        let appends = (1..=50).map(|number| {
            // Every tenth repeats an entry that is there, after one that is new.
            let journal = journal.clone();
            async move {
                let mut batch = records(&id(100 + number), [1]);
                if number % 10 == 0 {
                    batch.records.extend(records(&id(1), [1]).records);
                }
                (number, journal.append(batch).await.is_ok())
            }
        });
        for (number, written) in futures_util::future::join_all(appends).await {
            let there = journal.records(&id(100 + number)).unwrap().len();
            assert_eq!(written, number % 10 != 0);
            assert_eq!(there, usize::from(written));
        }
    }

    #[tokio::test]
    async fn what_is_pruned_is_gone_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let journal = Journal::open(&path).unwrap();
        for number in 1..=3 {
            journal.append(records(&id(number), 1..=4)).await.unwrap();
        }
        let pruned = vec![id(1), id(3)];
        let batch = Batch {
            pruned,
            ..records(&id(2), [5])
        };
        journal.append(batch).await.unwrap();
        let lengths =
            |journal: &Journal| [1, 2, 3].map(|number| journal.records(&id(number)).unwrap().len());
        assert_eq!(lengths(&journal), [0, 5, 0]);
        drop(journal);
        assert_eq!(lengths(&Journal::open(&path).unwrap()), [0, 5, 0]);
    }

    fn notification(number: u32, receiver: &str) -> Notification {
        Notification {
            message: Message {
                id: format!("n-{number}"),
                event: "DeploymentStart".to_owned(),
                body: "{}".to_owned(),
                sentence: "it started".to_owned(),
            },
            deployment_id: id(number),
            entry: 2,
            event: TriggerEvent::DeploymentStart,
            target: None,
            trigger: "all".to_owned(),
            receiver: receiver.to_owned(),
            at: Timestamp(i64::from(number)),
        }
    }

    #[tokio::test]
    async fn notifications_wait_in_order_and_go_with_their_deployment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let journal = Journal::open(&path).unwrap();
        for (number, receiver) in [(1, "ops"), (2, "chat"), (3, "ops")] {
            // The same once more changes nothing.
            let twice = vec![notification(number, receiver); 2];
            let batch = Batch {
                notifications: twice,
                ..records(&id(number), [1])
            };
            journal.append(batch).await.unwrap();
        }
        drop(journal);

        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.awaited_receivers().unwrap(), ["chat", "ops"]);
        assert_eq!(journal.newest_pending().unwrap(), Some(Timestamp(3)));
        let first = journal.next_delivery("ops").unwrap().unwrap();
        assert_eq!(first.notification, notification(1, "ops"));
        let progress = Progress {
            status: DeliveryStatus::Delivered,
            attempts: 1,
            ..first.progress
        };
        let done = Batch {
            progress: vec![("n-1".to_owned(), progress.clone())],
            ..Batch::default()
        };
        journal.append(done).await.unwrap();
        let next = journal.next_delivery("ops").unwrap().unwrap();
        assert_eq!(next.notification, notification(3, "ops"));

        let pruned = Batch {
            pruned: vec![id(2), id(3)],
            ..Batch::default()
        };
        journal.append(pruned).await.unwrap();
        assert_eq!(journal.awaited_receivers().unwrap(), [""; 0]);
        assert_eq!(journal.deliveries(Some(&id(3)), 9).unwrap(), []);
        let left = journal.deliveries(None, 9).unwrap();
        assert_eq!((left.len(), &left[0].progress), (1, &progress));
    }

    #[tokio::test]
    async fn a_database_of_the_first_form_gets_an_outbox_and_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let journal = Journal::open(&path).unwrap();
        journal.append(records(&id(1), 1..=3)).await.unwrap();
        drop(journal);
        let connection = Connection::open(&path).unwrap();
        let first = "DROP TABLE outbox; PRAGMA user_version = 1";
        connection.execute_batch(first).unwrap();
        drop(connection);

        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.records(&id(1)).unwrap().len(), 3);
        let batch = Batch {
            notifications: vec![notification(1, "ops")],
            ..records(&id(1), [4])
        };
        journal.append(batch).await.unwrap();
        assert_eq!(journal.deliveries(None, 9).unwrap().len(), 1);
    }

    #[test]
    fn another_form_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA user_version = 9").unwrap();
        let refused = Journal::open(&path).unwrap_err().to_string();
        assert!(refused.contains("form 9"), "{refused}");
    }
}
