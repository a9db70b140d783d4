//! From the start of an orchestrator, on the files that a killed one left, to the moment in which a host has its order:
//! with a hundred thousand entries in the journal.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use cutover::agent::protocol::What;
use cutover::api::command::{Answer, Command};
use cutover::engine::ledger::{LedgerEvent, LedgerRecord};
use cutover::engine::summary::Summary;
use cutover::model::deployment::{DeploymentId, ExecutionId};
use cutover::model::name::Name;
use cutover::model::revision::Revision;
use cutover::model::timestamp::Timestamp;
use cutover::providers::hosts::AgentClient;
use cutover::store::journal::{Batch, Journal};
use futures_util::StreamExt as _;

use crate::engine::{Rollout, names, spec};
use crate::figures::{Aim, Figure, Samples};
use crate::fleet::{Fleet, client, serve};

const ROUNDS: usize = 5;
const ENTRIES: usize = 100_000;

/// Entries of one target that is done.
const EACH: usize = 16;

pub async fn measure() -> Vec<Figure> {
    let mut fleet = Fleet::up(1, &[]).await;
    let folder = fleet.revision("true", "#!/bin/true\n");
    let push = Command::Push {
        application: "bench".parse().unwrap(),
        path: folder,
        label: None,
        to: None,
    };
    let Answer::Registered { revision } = fleet.send(push).await else {
        panic!("the revision is not registered");
    };
    fleet.kill();
    let mut figures = Vec::new();
    for (number, (what, open)) in [
        ("all of the running deployment", ENTRIES),
        ("a sixth of the running one", ENTRIES / 6),
    ]
    .into_iter()
    .enumerate()
    {
        let (mut driving, mut door, mut floor) =
            (Samples::default(), Samples::default(), Samples::default());
        for round in 0..ROUNDS {
            let id = format!("d-RUN{number}{round:05}");
            let execution = write_journal(&fleet, &id, &revision.revision, open).await;
            floor.add(read_journal(&fleet, &id));
            let (answers, drives) = restart(&mut fleet, &execution).await;
            door.add(answers);
            driving.add(drives);
        }
        figures.push(
            Figure::median(
                format!("restart, {ENTRIES} entries, {what}: driving"),
                &driving,
            )
            .over(floor.median())
            .aim(Aim::Seconds(1.0)),
        );
        figures.push(Figure::median("  of it, until the door answers", &door));
    }
    figures
}

/// Starts an orchestrator, waits until its door answers and the host has the order, and kills it.
async fn restart(fleet: &mut Fleet, execution: &ExecutionId) -> (Duration, Duration) {
    let agent = fleet.agents().remove(0);
    let mut stream = agent.stream(position(&agent).await).await.unwrap();
    let began = Instant::now();
    fleet.serve = serve(&fleet.lab);
    let door = async {
        client(&fleet.lab).await;
        began.elapsed()
    };
    let driven = async {
        loop {
            let message = stream.next().await.unwrap().unwrap();
            if message.execution == *execution && message.what == What::Accepted {
                return began.elapsed();
            }
        }
    };
    let both = async { tokio::join!(door, driven) };
    let took = tokio::time::timeout(Duration::from_mins(1), both).await;
    fleet.kill();
    took.unwrap()
}

/// How far the agent's log has come.
async fn position(agent: &AgentClient) -> u64 {
    let host = "web-1".parse().unwrap();
    agent.greet(&host).await.unwrap().info.seq
}

/// A journal as a killed orchestrator leaves it: a deployment in the middle of its fleet, and others that are over.
async fn write_journal(fleet: &Fleet, id: &str, revision: &Revision, open: usize) -> ExecutionId {
    let path = fleet.lab.folder().join(".state/journal.sqlite");
    for suffix in ["", "-wal", "-shm"] {
        let file = path.with_file_name(format!("journal.sqlite{suffix}"));
        if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
    let journal = Journal::open(&path).unwrap();
    let host: Name = "web-1".parse().unwrap();
    // Those before it are done, it runs, and some still wait.
    let before = names(open / EACH);
    let after = (1..=10).map(|number| format!("later-{number}").parse().unwrap());
    let targets = before.chain([host.clone()]).chain(after);
    let mut spec_of_it = spec(id, targets, 1);
    spec_of_it.revision = revision.clone();
    spec_of_it.group.deployment_group_id = Some("bench-all".to_owned());
    let now = cutover::clock::now();
    let mut running = Rollout::new(spec_of_it, now);
    running.run(Some(&host));
    let execution = running.deployment.target(&host).unwrap().execution.clone();
    let mut left = ENTRIES.saturating_sub(running.records.len());
    append(&journal, running, true).await;
    for number in 0.. {
        if left < 2 * EACH {
            break;
        }
        let targets = (left / EACH - 1).min(100);
        let earlier = Timestamp(now.0 - 1_000_000 - number);
        let spec = spec(&format!("d-OLD{number:06}"), names(targets), 10);
        let mut over = Rollout::new(spec, earlier);
        over.run(None);
        left = left.saturating_sub(over.records.len());
        append(&journal, over, false).await;
    }
    execution.unwrap()
}

async fn append(journal: &Journal, rollout: Rollout, open: bool) {
    let id = rollout.id().clone();
    let key = rollout.deployment.group_key();
    let records = rollout
        .records
        .into_iter()
        .map(|record| (id.clone(), record));
    let opened = open.then(|| LedgerRecord {
        seq: 1,
        at: rollout.deployment.create_time,
        event: LedgerEvent::Opened {
            deployment: id.clone(),
        },
    });
    let batch = Batch {
        records: records.collect(),
        ledger: opened
            .into_iter()
            .map(|record| (key.clone(), record))
            .collect(),
        summaries: vec![Summary::from(&rollout.deployment)],
        ..Batch::default()
    };
    journal.append(batch).await.unwrap();
}

/// What a restart can't do without: a program starts, and reads the running deployment's entries from the disk's cache.
fn read_journal(fleet: &Fleet, id: &str) -> Duration {
    let id: DeploymentId = id.parse().unwrap();
    let path = fleet.lab.folder().join(".state/journal.sqlite");
    let began = Instant::now();
    let mut program: Child = fleet
        .lab
        .command(&["--version"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(program.wait().unwrap().success());
    let database = rusqlite::Connection::open(path).unwrap();
    let mut query = database
        .prepare("SELECT body FROM records WHERE stream = ? ORDER BY seq")
        .unwrap();
    let rows = query.query_map([id.as_str()], |row| row.get::<_, String>(0));
    let bytes: usize = rows.unwrap().map(|row| row.unwrap().len()).sum();
    assert!(bytes > 0);
    began.elapsed()
}
