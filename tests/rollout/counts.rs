//! What a rollout costs in syncs and messages, counted at the real processes: numbers that need no quiet machine.

use crate::lab::Lab;
use crate::trace::{Trace, count_syncs};

const HOSTS: usize = 2;

/// Lifecycle events of a deployment to one host.
const EVENTS: usize = 7;

#[test]
fn syncs_and_messages_of_a_rollout_are_bounded() {
    let lab = Lab::up(HOSTS);
    let path = lab.revision("1.0", "0", None);
    lab.ok(&["push", "shop", path.to_str().unwrap(), "--label", "1.0"]);
    // From the second deployment on each of the five scripts runs, and the bundle is there.
    lab.ok(&["deploy", "shop", "production", "1.0", "--wait"]);

    let agents = agents(&lab);
    let told = messages(&lab);
    let agents = Trace::of(&lab, "agents", &agents);
    let orchestrator = Trace::of(&lab, "orchestrator", &[lab.orchestrator()]);
    let id = lab.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    let told = messages(&lab) - told;
    let agents = agents.end();
    let orchestrator = orchestrator.end();
    assert_eq!(lab.status(&id), "Succeeded");

    let all = HOSTS * EVENTS;
    let (syncs, commits) = (count_syncs(&agents), count_syncs(&orchestrator));
    let requests = agents.matches(" /v1/").count();
    eprintln!(
        "{all} host-events: agents synced {syncs} times and told {told} messages, the orchestrator synced {commits} times \
         and sent {requests} requests"
    );
    // An agent's log: the order, the start of the first event, the end of each with the start of the next (7), and each
    // script before it starts (5). DownloadBundle and Install make files, folders and records durable (16). The signed order
    // itself is kept (1).
    assert!(
        syncs <= HOSTS * (1 + 1 + EVENTS + 5 + 16 + 1),
        "{syncs} syncs of the agents"
    );
    // Accepted and ended, start and end of each event; for each of the five scripts its name, the line that it writes
    // and how it ended; and what was stopped, unpacked, cleaned up and installed.
    assert!(
        told <= HOSTS * (2 + 2 * EVENTS + 5 * 3 + 4),
        "{told} messages"
    );
    // Creation, start and end; and at worst each start and end of an event and each host's end by itself.
    assert!(
        commits <= 3 + HOSTS * (2 * EVENTS + 1),
        "{commits} syncs of the orchestrator"
    );
    // Greeting, bundle, order, stream, a lease and the farewell; one lease more and one look at the host, if it takes long.
    assert!(requests <= HOSTS * 8, "{requests} requests");
}

/// The messages that the agents' logs hold.
fn messages(lab: &Lab) -> usize {
    let hosts = std::fs::read_dir(lab.folder().join("hosts")).unwrap();
    let logs =
        hosts.flat_map(|host| std::fs::read_dir(host.unwrap().path().join("agent/log")).unwrap());
    logs.map(|log| std::fs::read_to_string(log.unwrap().path()).unwrap())
        .map(|log| log.matches("\"record\":\"message\"").count())
        .sum()
}

fn agents(lab: &Lab) -> Vec<i32> {
    let text = std::fs::read(lab.folder().join("lab.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let agents = record["agents"].as_array().unwrap();
    let pid = |agent: &serde_json::Value| agent["process"]["pid"].as_i64().unwrap();
    agents
        .iter()
        .map(|agent| i32::try_from(pid(agent)).unwrap())
        .collect()
}
