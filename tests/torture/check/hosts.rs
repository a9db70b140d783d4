//! Hosts: what the orchestrator wrote about them is in their own logs, and scripts ran as both say.

use std::collections::BTreeMap;

use cutover::agent::protocol::What;
use cutover::engine::event::Event;
use cutover::model::deployment::{DeploymentId, TargetStatus};
use cutover::model::lifecycle::EventStatus;
use cutover::store::output::OutputLine;

use super::Story;
use crate::cluster::Cluster;
use crate::host_log::HostLog;
use crate::trace;

pub fn check(
    cluster: &Cluster,
    stories: &BTreeMap<DeploymentId, Story>,
    logs: &BTreeMap<String, HostLog>,
    wrong: &mut Vec<String>,
) {
    for (host, log) in logs {
        if !log.messages.windows(2).all(|two| two[0].seq < two[1].seq) {
            wrong.push(format!("{host}: messages are out of order"));
        }
        for execution in log.known.executions.values() {
            if execution.state.ended.is_none() {
                wrong.push(format!("{host}: {} never ends", execution.state.execution));
            }
        }
    }
    for story in stories.values() {
        heard(story, logs, wrong);
        output(cluster, story, wrong);
    }
    scripts(cluster, stories, logs, wrong);
    installed(cluster, stories, wrong);
}

/// What the orchestrator wrote of events on hosts was said by the hosts.
fn heard(story: &Story, logs: &BTreeMap<String, HostLog>, wrong: &mut Vec<String>) {
    let id = story.deployment.id();
    for record in &story.records {
        let (target, at) = match &record.event {
            Event::EventStarted {
                target, host_time, ..
            }
            | Event::EventEnded {
                target, host_time, ..
            } => (target, *host_time),
            _ => continue,
        };
        let execution = story
            .deployment
            .target(target)
            .and_then(|t| t.execution.clone());
        let execution = execution.map_or_else(String::new, |execution| execution.to_string());
        let said = logs.get(target.as_str()).is_some_and(|log| {
            log.tells(&execution, at, |what| match (what, &record.event) {
                (What::EventStarted { event }, Event::EventStarted { event: wanted, .. }) => {
                    event == wanted
                }
                (
                    What::EventEnded { event, status, .. },
                    Event::EventEnded {
                        event: wanted,
                        status: as_told,
                        ..
                    },
                ) => event == wanted && status == as_told,
                _ => false,
            })
        });
        if !said {
            wrong.push(format!(
                "{id}, entry {}: {target} never said so",
                record.seq
            ));
        }
    }
}

/// Every line of output is kept once, in order.
fn output(cluster: &Cluster, story: &Story, wrong: &mut Vec<String>) {
    let folder = cluster
        .state()
        .join("output")
        .join(story.deployment.id().as_str());
    for target in &story.deployment.targets {
        let path = folder.join(format!("{}.jsonl", target.name));
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // The last line may have been cut by a kill.
        let lines = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        let numbers: Vec<u64> = lines
            .filter_map(|line| Some(serde_json::from_str::<OutputLine>(line).ok()?.seq))
            .collect();
        if !numbers.windows(2).all(|two| two[0] < two[1]) {
            wrong.push(format!(
                "{}: lines are there twice, or out of order",
                path.display()
            ));
        }
    }
}

/// No script started twice; one whose event succeeded ran to its end.
fn scripts(
    cluster: &Cluster,
    stories: &BTreeMap<DeploymentId, Story>,
    logs: &BTreeMap<String, HostLog>,
    wrong: &mut Vec<String>,
) {
    let traces = trace::read(&cluster.trace());
    for (mark, runs) in &traces {
        if runs.started != 1 || runs.ended > 1 {
            wrong.push(format!(
                "{mark}: started {} times, ended {} times",
                runs.started, runs.ended
            ));
        }
        let mut parts = mark.split('/');
        let (execution, event) = (parts.next().unwrap(), parts.next().unwrap());
        let host = execution.split('~').nth(1).unwrap();
        let begun = logs.get(host).is_some_and(|log| {
            log.messages.iter().any(|message| {
                &*message.execution.0 == execution
                    && matches!(&message.what, What::EventStarted { event: known } if known.name() == event)
            })
        });
        if !begun {
            wrong.push(format!("{mark}: ran, and its event never started"));
        }
    }
    // Those of the first deployment of a host have no ApplicationStop to run.
    let scripted = [
        "BeforeInstall",
        "AfterInstall",
        "ApplicationStart",
        "ValidateService",
    ];
    for target in stories.values().flat_map(|story| &story.deployment.targets) {
        let Some(execution) = &target.execution else {
            continue;
        };
        for entry in &target.events {
            let mark = format!("{execution}/{}/0", entry.event);
            let runs = traces.get(&mark).copied().unwrap_or_default();
            let well =
                entry.status == EventStatus::Succeeded && scripted.contains(&entry.event.name());
            if well && (runs.started, runs.ended) != (1, 1) {
                wrong.push(format!("{mark}: succeeded, and its script {runs:?}"));
            }
            if entry.status == EventStatus::Skipped && runs.started > 0 {
                wrong.push(format!("{mark}: was skipped, and its script {runs:?}"));
            }
        }
    }
}

/// A host whose last deployment succeeded has that revision's files, and no others.
fn installed(cluster: &Cluster, stories: &BTreeMap<DeploymentId, Story>, wrong: &mut Vec<String>) {
    for host in &cluster.hosts {
        let touched = stories.values().filter_map(|story| {
            let target = story.deployment.target(&host.name.parse().ok()?)?;
            Some((
                target.start_time?,
                target.status,
                &story.deployment.spec.revision.label,
            ))
        });
        let last = touched.max_by_key(|(at, ..)| *at);
        let Some((_, TargetStatus::Succeeded, label)) = last else {
            continue;
        };
        let app = cluster.host_folder(&host.name).join("root/srv/app");
        let version = std::fs::read_to_string(app.join("version")).unwrap_or_default();
        let pages = std::fs::read_dir(app.join("pages"))
            .into_iter()
            .flatten()
            .flatten();
        let right = pages
            .filter_map(|page| std::fs::read_to_string(page.path()).ok())
            .filter(|text| text.starts_with(&format!("{label} ")) && text.lines().count() == 40);
        if version != *label || right.count() != 6 {
            wrong.push(format!(
                "{}: {label} is not whole: version {version:?}",
                host.name
            ));
        }
    }
}
