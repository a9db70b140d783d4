//! Agents that kill themselves at named places while they carry out an execution.

use cutover::model::deployment::TargetStatus;

use crate::check;
use crate::cluster::Cluster;
use crate::project::{ALL, Revision};
use crate::supervise::Place;

/// What becomes of a host whose agent is killed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nobody notices.
    Succeeds,
    /// Nobody can tell whether the script did its work.
    Fails,
    /// That depends on how much was on the disk.
    Either,
}
use Outcome::{Either, Fails, Succeeds};

/// Places of one execution. Where a script's event is concerned, another one than the first.
const IN_AN_EXECUTION: [(Place, Outcome); 26] = [
    (("agent.before-step", 1), Succeeds),
    (("agent.after-step", 1), Either),
    // The sixth ends BeforeInstall, or something near it.
    (("agent.before-step", 6), Either),
    (("agent.after-step", 6), Either),
    (("agent.before-order", 1), Succeeds),
    (("agent.after-order", 1), Succeeds),
    (("agent.before-telling", 2), Either),
    (("agent.bundle-arriving", 1), Succeeds),
    (("bundles.before-keep", 1), Succeeds),
    (("bundles.kept", 1), Succeeds),
    (("unpack.before-name", 1), Succeeds),
    (("unpack.after-name", 1), Succeeds),
    (("install.before-cleanup", 1), Succeeds),
    (("install.cleaning", 4), Succeeds),
    (("install.after-cleanup", 1), Succeeds),
    (("install.copying", 1), Succeeds),
    (("install.copying", 6), Succeeds),
    (("install.before-permissions", 1), Succeeds),
    (("install.before-pointer", 1), Succeeds),
    (("script.before-start", 1), Fails),
    (("script.before-start", 3), Fails),
    (("script.after-start", 2), Fails),
    (("script.running", 4), Fails),
    // This one hangs: nothing of it may outlive the next start of the agent.
    (("script.running", 5), Fails),
    (("script.before-end-noted", 2), Fails),
    (("script.after-end-noted", 3), Either),
];

/// Around every fact that is written, so many of them.
const FACTS: u32 = 12;
const AROUND_FACTS: [&str; 4] = [
    "agent-log.before-write",
    "agent-log.before-sync",
    "agent-log.after-sync",
    "agent-log.before-answer",
];

/// While what a killed agent left is ended: after it, so that the next start has to do that again.
const ORPHANS: [[Place; 2]; 2] = [
    [("script.running", 5), ("agent.before-orphan-end", 1)],
    [("script.running", 5), ("agent.after-orphan-end", 1)],
];

const STOPPING: [Place; 2] = [("agent.before-stop", 1), ("agent.after-stop", 1)];
const ROTATION: [Place; 3] = [
    ("agent-log.before-rotation", 1),
    ("agent-log.before-name", 1),
    ("agent-log.after-rotation", 1),
];

/// All of them.
pub fn places() -> impl Iterator<Item = Place> {
    let facts = AROUND_FACTS.iter().map(|name| (*name, FACTS));
    let orphans = ORPHANS.into_iter().flatten();
    let others = STOPPING.into_iter().chain(ROTATION).chain(orphans);
    IN_AN_EXECUTION
        .iter()
        .map(|(place, _)| *place)
        .chain(facts)
        .chain(others)
}

/// One rollout to all hosts at once for each eight places, each agent at another one.
async fn tried(places: &[(Place, Outcome)]) {
    let mut cluster = Cluster::up(8).await;
    let first = Revision {
        label: "0",
        pause: "0",
        failing: &[],
        hanging: &[],
    };
    cluster.push(first).await;
    let id = cluster.deploy("0", ALL).await;
    cluster.wait_for_end(&id).await;
    for (round, places) in places.chunks(8).enumerate() {
        let hangs = |(place, _): &(Place, Outcome)| *place == ("script.running", 5);
        let hanging: Vec<&str> = std::iter::zip(&cluster.hosts, places)
            .filter_map(|(host, place)| hangs(place).then_some(host.name.as_str()))
            .collect();
        let label = (round + 1).to_string();
        let revision = Revision {
            label: &label,
            pause: "0.02",
            failing: &[],
            hanging: &hanging,
        };
        cluster.push(revision).await;
        for (agent, (place, _)) in std::iter::zip(&cluster.agents, places) {
            agent.restart(&[*place]);
        }
        let id = cluster.deploy(&label, ALL).await;
        let ended = cluster.wait_for_end(&id).await;
        for (number, (place, outcome)) in places.iter().enumerate() {
            cluster.agents[number].wait_fired(*place);
            let target = ended
                .target(&cluster.hosts[number].name.parse().unwrap())
                .unwrap();
            let expected = match outcome {
                Succeeds => target.status == TargetStatus::Succeeded,
                Fails => target.status == TargetStatus::Failed,
                Either => true,
            };
            assert!(expected, "{place:?} {outcome:?}: {target:#?}");
            let reason = target
                .failure()
                .and_then(|event| event.diagnostics.as_ref());
            if let Some(reason) = reason {
                assert_eq!(
                    reason.message, "the agent was restarted during the event",
                    "{place:?}"
                );
            }
        }
    }
    eprintln!("{} kills", cluster.kills());
    check::everything(&mut cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_killed_at_places_of_an_execution() {
    tried(&IN_AN_EXECUTION).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_killed_around_every_fact() {
    let counts = (1..=FACTS).flat_map(|count| AROUND_FACTS.map(|name| ((name, count), Either)));
    tried(&counts.collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_killed_while_they_are_stopped() {
    let mut cluster = Cluster::up(3).await;
    let revision = Revision {
        label: "1",
        pause: "0.5",
        failing: &[],
        hanging: &[],
    };
    cluster.push(revision).await;
    for (agent, place) in std::iter::zip(&cluster.agents, STOPPING) {
        agent.restart(&[place]);
    }
    let id = cluster.deploy("1", ALL).await;
    cluster
        .wait_for(&id, |now| {
            now.targets.iter().all(|target| target.running().is_some())
        })
        .await;
    cluster.stop(&id).await;
    cluster.wait_for_end(&id).await;
    for (agent, place) in std::iter::zip(&cluster.agents, STOPPING) {
        agent.wait_fired(place);
    }
    check::everything(&mut cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_killed_while_they_end_what_the_former_left() {
    let mut cluster = Cluster::up(3).await;
    for (label, hanging) in [("1", &[][..]), ("2", &["web-1", "web-2"])] {
        let revision = Revision {
            label,
            pause: "0",
            failing: &[],
            hanging,
        };
        cluster.push(revision).await;
    }
    let id = cluster.deploy("1", ALL).await;
    cluster.wait_for_end(&id).await;
    for (agent, places) in std::iter::zip(&cluster.agents, ORPHANS) {
        agent.restart(&places);
    }
    let id = cluster.deploy("2", ALL).await;
    let ended = cluster.wait_for_end(&id).await;
    for (agent, places) in std::iter::zip(&cluster.agents, ORPHANS) {
        agent.wait_fired(places[1]);
    }
    assert_eq!((ended.overview.succeeded, ended.overview.failed), (1, 2));
    check::everything(&mut cluster).await;
}

/// Agents whose logs are full, so that the next fact begins a new segment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_killed_while_their_logs_go_on_in_a_new_segment() {
    const SEGMENT: usize = 64 * 1024 * 1024;
    let mut cluster = Cluster::up(3).await;
    for label in ["1", "2"] {
        cluster
            .push(Revision {
                label,
                pause: "0",
                failing: &[],
                hanging: &[],
            })
            .await;
    }
    let id = cluster.deploy("1", ALL).await;
    cluster.wait_for_end(&id).await;
    for agent in &mut cluster.agents {
        agent.end();
    }
    cluster.agents.clear();
    for host in &cluster.hosts {
        let log = cluster
            .host_folder(&host.name)
            .join("agent/log/000000000001.jsonl");
        let text = std::fs::read_to_string(&log).unwrap();
        let text = text.trim_end_matches('\0');
        // One more line of output, as long as the segment.
        let seq = text.lines().filter_map(number).max().unwrap() + 1;
        let execution = format!("{id}~{}~0~1", host.name);
        let line = serde_json::json!({
            "record": "message", "seq": seq, "at": 0, "execution": execution,
            "what": { "type": "output", "event": "ValidateService", "source": "stdout", "text": "x".repeat(SEGMENT) },
        });
        std::fs::write(&log, format!("{text}{line}\n")).unwrap();
    }
    cluster.start_agents(&ROTATION.map(Some));
    let id = cluster.deploy("2", ALL).await;
    cluster.wait_for_end(&id).await;
    for (agent, place) in std::iter::zip(&cluster.agents, ROTATION) {
        agent.wait_fired(place);
    }
    for host in &cluster.hosts {
        let log = cluster
            .host_folder(&host.name)
            .join("agent/log/000000000002.jsonl");
        assert!(log.exists(), "{} has begun a new segment", host.name);
    }
    check::everything(&mut cluster).await;
}

/// The number of a line that is a message.
fn number(line: &str) -> Option<u64> {
    serde_json::from_str::<serde_json::Value>(line).ok()?["seq"].as_u64()
}
