//! What must be so after everything was killed, from the files alone: the journal, the agents' logs, the scripts' own
//! traces. Each check answers what is wrong.

mod hosts;
mod journal;
mod ledger;

use std::collections::BTreeMap;

use cutover::engine::Record;
use cutover::engine::{Deployment, fold};
use cutover::model::deployment::DeploymentId;
use cutover::store::journal::Journal;

use crate::cluster::Cluster;
use crate::host_log::HostLog;

/// A deployment and its whole journal.
pub struct Story {
    pub records: Vec<Record>,
    pub deployment: Deployment,
}

/// Ends the cluster and examines what it left. Every deployment must be over.
pub async fn everything(cluster: &mut Cluster) {
    let wrong = wrong(cluster).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with what the cluster left.
async fn wrong(cluster: &mut Cluster) -> Vec<String> {
    // Agents end what their scripts left when they take an execution up again; that may have been a moment ago.
    let deadline = tokio::time::Instant::now() + crate::supervise::PATIENCE;
    while !cluster.scripts().is_empty() && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let left = cluster.scripts();
    cluster.end();
    let mut wrong = Vec::new();
    if !left.is_empty() {
        wrong.push(format!("scripts outlive their events: {left:?}"));
    }
    let stories = stories(cluster, &mut wrong);
    for story in stories.values() {
        journal::check(story, &stories, &mut wrong);
    }
    acknowledged(cluster, &stories, &mut wrong);
    ledger::check(cluster, &stories, &mut wrong);
    let mut logs = BTreeMap::new();
    for (host, _) in cluster.hosts.iter().zip(&cluster.agents) {
        let folder = cluster.host_folder(&host.name).join("agent/log");
        match HostLog::read(&folder).await {
            Ok(log) => drop(logs.insert(host.name.clone(), log)),
            Err(error) => wrong.push(format!("{}: {error}", host.name)),
        }
    }
    hosts::check(cluster, &stories, &logs, &mut wrong);
    wrong
}

/// Every deployment, as the journal tells it.
fn stories(cluster: &Cluster, wrong: &mut Vec<String>) -> BTreeMap<DeploymentId, Story> {
    let journal = Journal::open(&cluster.state().join("journal.sqlite")).unwrap();
    let summaries = journal.summaries().unwrap();
    let mut stories = BTreeMap::new();
    for summary in summaries {
        let records = journal.records(&summary.deployment_id).unwrap();
        let deployment = fold(&records).unwrap();
        let list = (summary.status, summary.deployment_overview);
        if list != (deployment.status, deployment.overview) {
            let id = deployment.id();
            wrong.push(format!(
                "{id}: the list says {list:?}, the journal does not"
            ));
        }
        let story = Story {
            records,
            deployment,
        };
        stories.insert(summary.deployment_id, story);
    }
    stories
}

/// What a client was told is written.
fn acknowledged(
    cluster: &Cluster,
    stories: &BTreeMap<DeploymentId, Story>,
    wrong: &mut Vec<String>,
) {
    let told = cluster.told.lock().unwrap();
    for id in &told.deployments {
        if !stories.contains_key(id) {
            wrong.push(format!("{id} was created, and is lost"));
        }
    }
    for id in &told.stops {
        let stopped = stories
            .get(id)
            .is_some_and(|story| story.deployment.stop.is_some());
        if !stopped {
            wrong.push(format!("the stop of {id} was acknowledged, and is lost"));
        }
    }
    let journal = Journal::open(&cluster.state().join("journal.sqlite")).unwrap();
    let revisions = journal.revisions().unwrap();
    for label in &told.revisions {
        if !revisions
            .iter()
            .any(|(_, known)| known.revision.label == *label)
        {
            wrong.push(format!("the revision {label} was registered, and is lost"));
        }
    }
}

/// Each of the checks finds what it is there for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checks_can_fail() {
    use crate::project::{ALL, Revision};
    use std::fs;

    let mut cluster = Cluster::up(2).await;
    let revision = Revision {
        label: "1",
        pause: "0",
        failing: &[],
        hanging: &[],
    };
    cluster.push(revision).await;
    let id = cluster.deploy("1", ALL).await;
    cluster.wait_for_end(&id).await;
    assert_eq!(wrong(&mut cluster).await, [""; 0]);
    let finds = async |cluster: &mut Cluster, expected: &str| {
        let wrong = wrong(cluster).await;
        assert!(
            wrong.iter().any(|what| what.contains(expected)),
            "{expected}: {wrong:#?}"
        );
    };

    let trace = fs::read_to_string(cluster.trace()).unwrap();
    let first = trace.lines().next().unwrap();
    fs::write(cluster.trace(), format!("{trace}{first}\n")).unwrap();
    finds(&mut cluster, "started 2 times").await;
    fs::write(
        cluster.trace(),
        trace.replace("end ", "start nobody~web-1~0~1/x/"),
    )
    .unwrap();
    finds(&mut cluster, "and its event never started").await;
    fs::write(cluster.trace(), &trace).unwrap();

    let log = cluster
        .host_folder("web-1")
        .join("agent/log/000000000001.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    let heard = |line: &&str| !(line.contains("eventEnded") && line.contains("AfterInstall"));
    let less: Vec<&str> = text.split_inclusive('\n').filter(heard).collect();
    fs::write(&log, less.concat()).unwrap();
    finds(&mut cluster, "web-1 never said so").await;
    fs::write(&log, &text).unwrap();

    let version = cluster.host_folder("web-2").join("root/srv/app/version");
    fs::write(&version, "0").unwrap();
    finds(&mut cluster, "1 is not whole").await;
    fs::write(&version, "1").unwrap();

    let unknown = "d-NOBODY000".parse().unwrap();
    cluster.told.lock().unwrap().deployments.push(unknown);
    finds(&mut cluster, "d-NOBODY000 was created, and is lost").await;
    cluster.told.lock().unwrap().deployments.pop();

    let path = cluster.state().join("journal.sqlite");
    let database = rusqlite::Connection::open(path).unwrap();
    let change = |statement: &str| assert!(database.execute(statement, []).unwrap() > 0);
    change("DELETE FROM records WHERE stream LIKE 'ledger/%' AND seq = 2");
    finds(&mut cluster, "is still there").await;
    change(
        "UPDATE records SET body = replace(body, '\"Succeeded\"', '\"Failed\"')
         WHERE body LIKE '%\"type\":\"ended\"%'",
    );
    finds(&mut cluster, "the rules say Succeeded").await;
    finds(&mut cluster, "the list says").await;
}
