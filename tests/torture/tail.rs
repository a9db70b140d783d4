//! What a rollout that was killed left, cut at every byte of its tail: what opens is a prefix that ends with the last
//! whole entry, and damage in the middle is an error that names the place.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use cutover::agent::log::Log;
use cutover::engine::{Ledger, Record};
use cutover::model::deployment::DeploymentId;
use cutover::model::group::GroupKey;
use cutover::store::journal::Journal;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::host_log::{HostLog, boot};
use crate::project::{ALL, HALF, Revision};

/// So many of the database's last pages are cut at every byte.
const FRAMES: usize = 3;
/// So many of the agent's last lines are cut at every byte.
const LINES: usize = 24;

/// What was left of a rollout in which everything was killed at once.
struct Left {
    cluster: Cluster,
    scratch: tempfile::TempDir,
}

impl Left {
    async fn behind() -> Self {
        let mut cluster = Cluster::up(4).await;
        cluster
            .push(Revision {
                label: "1",
                pause: "0.02",
                failing: &[],
                hanging: &[],
            })
            .await;
        let id = cluster.deploy("1", ALL).await;
        cluster.wait_for_end(&id).await;
        let id = cluster.deploy("1", HALF).await;
        cluster
            .wait_for(&id, |now| now.overview.succeeded >= 2)
            .await;
        cluster.end();
        // In memory where there is such a disk: these tests cut files, and no power.
        let memory = Path::new("/dev/shm");
        let scratch = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        Self {
            cluster,
            scratch: scratch.unwrap(),
        }
    }

    fn log(&self) -> PathBuf {
        self.cluster
            .host_folder("web-1")
            .join("agent/log/000000000001.jsonl")
    }

    /// A folder with only this file in it.
    fn folder(&self, name: &str, file: &str, bytes: &[u8]) -> PathBuf {
        let folder = self.scratch.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(file), bytes).unwrap();
        folder
    }
}

/// Everything that a journal holds.
#[derive(Debug, Default, PartialEq)]
struct Told {
    deployments: BTreeMap<DeploymentId, Vec<Record>>,
    ledgers: Vec<(GroupKey, Ledger)>,
}

impl Told {
    fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join("journal.sqlite");
        let journal = Journal::open(&path).map_err(|error| error.to_string())?;
        let summaries = journal.summaries().map_err(|error| error.to_string())?;
        let mut deployments = BTreeMap::new();
        for summary in summaries {
            let records = journal.records(&summary.deployment_id);
            let records = records.map_err(|error| error.to_string())?;
            deployments.insert(summary.deployment_id, records);
        }
        let ledgers = journal.ledgers().map_err(|error| error.to_string())?;
        Ok(Self {
            deployments,
            ledgers,
        })
    }

    fn is_prefix_of(&self, longer: &Self) -> bool {
        self.deployments.iter().all(|(id, records)| {
            longer
                .deployments
                .get(id)
                .is_some_and(|more| more.starts_with(records))
        })
    }
}

/// Where a write-ahead log's pages end that complete a commit: its frames have the header's salts, and those that end
/// a commit say how large the database is then.
fn commits(wal: &[u8]) -> Vec<usize> {
    let page = usize::try_from(u32::from_be_bytes(wal[8..12].try_into().unwrap())).unwrap();
    let frames = wal[32..].chunks_exact(24 + page).enumerate();
    frames
        .take_while(|(_, frame)| frame[8..16] == wal[16..24])
        .filter(|(_, frame)| frame[4..8] != [0; 4])
        .map(|(number, _)| 32 + (number + 1) * (24 + page))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_is_cut_anywhere_opens_as_a_prefix() {
    let left = Left::behind().await;
    let state = left.cluster.state();
    let database = fs::read(state.join("journal.sqlite")).unwrap();
    let wal = fs::read(state.join("journal.sqlite-wal")).unwrap();
    let ends = commits(&wal);
    let cut = |name: &str, length: usize| {
        let folder = left.folder(name, "journal.sqlite", &database);
        fs::write(folder.join("journal.sqlite-wal"), &wal[..length]).unwrap();
        let told = Told::read(&folder);
        // The one that writes closes a moment later, and needs nothing of it any more.
        let _ = fs::remove_dir_all(&folder);
        told
    };
    // What each commit made durable: more and more, and nothing that was there is gone or changed.
    let last = *ends.last().unwrap();
    let first = last - FRAMES * (24 + 4096);
    let near: Vec<usize> = ends
        .iter()
        .copied()
        .filter(|end| *end + 40_000 >= first)
        .collect();
    assert!(near.len() >= FRAMES, "{ends:?}");
    let durable: Vec<Told> = near
        .iter()
        .map(|end| cut(&format!("end-{end}"), *end).unwrap())
        .collect();
    for two in durable.windows(2) {
        assert!(two[0].is_prefix_of(&two[1]) && two[0] != two[1]);
    }
    // Told to clients, and so in every one that is not cut before it.
    let whole = durable.last().unwrap();
    for id in &left.cluster.told.lock().unwrap().deployments {
        assert!(whole.deployments.contains_key(id), "{id} is lost");
    }
    let check = |lengths: Range<usize>| {
        for length in lengths {
            let expected = near.iter().rposition(|end| *end <= length).unwrap();
            let told = cut(&format!("cut-{length}"), length)
                .unwrap_or_else(|error| panic!("cut at {length}: {error}"));
            assert!(told == durable[expected], "cut at {length}");
        }
    };
    let middle = usize::midpoint(first, last);
    std::thread::scope(|scope| {
        scope.spawn(|| check(first..middle));
        scope.spawn(|| check(middle..last + 1));
    });
}

/// An entry that is not there although later ones are is an error, and so is one that can't be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_is_damaged_in_the_middle_says_where() {
    let left = Left::behind().await;
    let state = left.cluster.state();
    let id = left.cluster.told.lock().unwrap().deployments[0].clone();
    let changes = [
        (
            "DELETE FROM records WHERE stream = ? AND seq = 7",
            format!("entry 7 of {id}"),
        ),
        (
            "UPDATE records SET body = '{' WHERE stream = ? AND seq = 9",
            format!("entry 9 of {id}"),
        ),
        (
            "UPDATE records SET body = (SELECT body FROM records AS other WHERE other.stream = records.stream AND other.seq = 4) WHERE stream = ? AND seq = 11",
            format!("entry 11 of {id}"),
        ),
    ];
    for (number, (change, expected)) in changes.into_iter().enumerate() {
        // A folder of its own: the one that writes closes a moment after the journal was given up, and removes its
        // write-ahead log by name.
        let folder = left.scratch.path().join(format!("damaged-{number}"));
        fs::create_dir_all(&folder).unwrap();
        for file in ["journal.sqlite", "journal.sqlite-wal"] {
            fs::copy(state.join(file), folder.join(file)).unwrap();
        }
        let database = rusqlite::Connection::open(folder.join("journal.sqlite")).unwrap();
        assert_eq!(database.execute(change, [id.as_str()]).unwrap(), 1);
        drop(database);
        let error = Told::read(&folder).unwrap_err();
        assert!(error.contains(&expected), "{error}");
    }
}

/// Whether a line is one that is on the disk before anybody acts on it.
fn is_fact(line: &str) -> bool {
    let line: Value = serde_json::from_str(line).unwrap();
    match line["record"].as_str().unwrap() {
        "message" => line["what"]["type"] != "output",
        "note" => {
            !["scriptStarted", "scriptEnded"].contains(&line["note"]["type"].as_str().unwrap())
        }
        _ => true,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_log_that_is_cut_anywhere_opens_as_a_prefix() {
    let left = Left::behind().await;
    let bytes = fs::read(left.log()).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let text = text.trim_end_matches('\0');
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert!(lines.len() > 2 * LINES);
    let mut start = lines[..lines.len() - LINES].concat().len();
    let mut checked = 0;
    for (number, line) in lines.iter().enumerate().skip(lines.len() - LINES) {
        // The messages of every line that is whole, and no others.
        let whole: Vec<Value> = lines[..number]
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["record"] == "message")
            .collect();
        for length in start..start + line.len() {
            let folder = left.folder("cut", "000000000001.jsonl", &text.as_bytes()[..length]);
            let log = HostLog::read(&folder)
                .await
                .unwrap_or_else(|error| panic!("cut at {length}: {error}"));
            assert_eq!(log.messages.len(), whole.len(), "cut at {length}");
            let last = log.messages.last().unwrap().seq;
            assert_eq!(
                Some(last),
                whole.last().unwrap()["seq"].as_u64(),
                "cut at {length}"
            );
            assert_eq!(log.known.seq, last);
            checked += 1;
        }
        start += line.len();
    }
    eprintln!("cut at {checked} places");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agents_log_that_is_damaged_in_the_middle_says_where() {
    let left = Left::behind().await;
    let text = fs::read_to_string(left.log()).unwrap();
    let text = text.trim_end_matches('\0');
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut start = 0;
    let mut errors = 0;
    for (number, line) in lines.iter().enumerate() {
        let mut bytes = text.as_bytes().to_vec();
        // No JSON has a zero in it.
        bytes[start + line.len() / 2] = 0;
        start += line.len();
        let folder = left.folder("damaged", "000000000001.jsonl", &bytes);
        let opened = Log::open(&folder, &boot());
        let later = lines[number + 1..].iter().any(|line| is_fact(line));
        match opened {
            Err(error) => {
                assert!(later || number == 0, "line {}: {error}", number + 1);
                let place = format!("000000000001.jsonl, line {} is damaged", number + 1);
                assert!(error.to_string().contains(&place), "{error}");
                errors += 1;
            }
            // Nothing that counts came after it: it was being written.
            Ok(_) => assert!(!later && number > 0, "line {} was skipped", number + 1),
        }
    }
    assert!(errors > LINES);
}
