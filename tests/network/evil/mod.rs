//! Agents that have joined and mean harm: each harms itself alone. The orchestrator goes on and stays small, other hosts are deployed
//! to meanwhile, nothing is written where it does not belong, no terminal is given anything to obey, and the operator is told what
//! is wrong.

mod agent;
mod tricks;

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::oneshot;

use self::agent::Evil;
use self::tricks::{ELSEWHERE, TRICKS, Told};
use crate::namespaces::Machine;
use crate::world::{World, until};

/// How long `cutover hosts` may take: it is another process each time, on a machine that has much to do.
const PROMPT: Duration = Duration::from_secs(10);

/// How much more memory the orchestrator may have needed at its worst than it did before, in KiB: some answers of 4 MiB at a time.
const MEMORY: u64 = 160 * 1024;

/// What is shown may have lines, and no other character that a terminal obeys.
fn harmless(text: &str) {
    let odd = text.chars().find(|c| {
        let bidi = matches!(*c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (c.is_control() && *c != '\n') || bidi
    });
    assert!(odd.is_none(), "{odd:?} in {text:?}");
}

/// The most memory that a process had, in KiB.
fn most(world: &World) -> u64 {
    let pid = world.orchestrator().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}

/// All files below a folder but the state's.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let of_the_state =
            [".state", "agent", "root"].contains(&&*entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() && !of_the_state {
            all.extend(files(&entry.path()));
        }
        all.insert(entry.path());
    }
    all
}

/// Adds the evil ones to the project, and has them serve on a machine until the sender is dropped.
fn let_in(world: &World, machine: &Machine) -> oneshot::Sender<()> {
    let mut all = Vec::new();
    for (number, (name, trick, _)) in (0..).zip(TRICKS) {
        let at = SocketAddr::new(machine.address.into(), 8000 + number);
        let address = format!("https://{at}");
        let add = [
            "hosts",
            "add",
            name,
            "--address",
            &address,
            "--tag",
            "role=evil",
        ];
        let told = world.ok(&add);
        let token = told.split("--token ").nth(1).unwrap();
        let token = token.split_whitespace().next().unwrap().parse().unwrap();
        all.push((Evil::new(name, trick, token), at));
    }
    let (over, ended) = oneshot::channel();
    machine.thread(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            for (evil, at) in all {
                evil.serve(at).await;
            }
            let _dropped = ended.await;
        });
    });
    over
}

fn joined(world: &World) -> usize {
    let known = std::fs::read_to_string(world.project().join(".state/hosts.json")).unwrap();
    known.matches("\"pin\"").count()
}

/// What is said of these hosts that is not what should be said.
fn wrong(world: &World, deployment: &str, of: &[&str]) -> Vec<(&'static str, String)> {
    let hosts: Value = serde_json::from_str(&world.ok(&["hosts", "--output", "json"])).unwrap();
    let shown = world.shown(deployment);
    let find = |list: &Value, path: &str, name: &str| {
        let mut all = list.as_array().unwrap().iter();
        let found = all.find(|one| one.pointer(path).is_some_and(|found| found == name));
        found.cloned().unwrap_or_default()
    };
    let mut wrong = Vec::new();
    for (name, _, told) in TRICKS.iter().filter(|(name, ..)| of.contains(name)) {
        let status = &find(&hosts["hosts"], "/host/name", name)["status"];
        let target = find(&shown["targets"], "/name", name);
        let is_so = match told {
            Told::Problem(words) => {
                let problem = status["problem"].as_str().unwrap_or_default();
                !problem.is_empty() && problem.contains(words)
            }
            Told::Clock => status["agent"]["clockOffset"].as_i64() > Some(1_000_000_000),
            Told::Status(wanted) => target["status"] == *wanted,
        };
        if !is_so {
            let (problem, target) = (&status["problem"], &target["status"]);
            wrong.push((*name, format!("{problem} {target}, not {told:?}")));
        }
    }
    wrong
}

#[test]
fn agents_that_mean_harm_harm_themselves_alone() {
    let mut world = World::new();
    let machine = world.network.machine();
    assert_eq!(machine.address.octets()[3], 2, "as the redirects say");
    world.serve();
    let good = world.joined("good-1");
    let group = "applicationName: shop\ndeploymentGroupName: evil\ndeploymentConfigName: CodeDeployDefault.AllAtOnce\n\
                 ec2TagFilters:\n  - { Key: role, Value: evil, Type: KEY_AND_VALUE }\n";
    let documents = world.project().join("applications/shop");
    std::fs::write(documents.join("evil.yaml"), group).unwrap();
    world.push("1.0", "0");
    // Nobody is to go there.
    let followed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&followed);
    let elsewhere = SocketAddr::new(machine.address.into(), ELSEWHERE);
    let listener = machine.inside(move || TcpListener::bind(elsewhere).unwrap());
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let over = let_in(&world, &machine);
    let before = (files(world.home()), most(&world));
    until("they have joined", || joined(&world) == TRICKS.len() + 1);

    let deployment = world.ok(&["deploy", "shop", "evil", "1.0"]);
    let deployment = deployment.trim();
    // Somebody else's rollout goes on meanwhile, again and again.
    for round in 1..=3 {
        let label = format!("1.{round}");
        world.push(&label, "0");
        world.ok(&["deploy", "shop", "production", &label, "--wait"]);
        assert_eq!(good.trace().len(), 2 * round);
    }
    // Each is told once at least: what is tried again may fail in another way.
    let all = TRICKS.map(|(name, ..)| name);
    let mut left = wrong(&world, deployment, &all);
    let deadline = Instant::now() + Duration::from_mins(1);
    while !left.is_empty() && Instant::now() < deadline {
        let names: Vec<&str> = left.iter().map(|(name, _)| *name).collect();
        left = wrong(&world, deployment, &names);
    }
    assert!(left.is_empty(), "{left:#?}");

    // Nobody has spoken for them.
    let silent = ["does-nothing", "slow-bundle"];
    assert!(wrong(&world, deployment, &silent).is_empty());

    let began = Instant::now();
    let hosts = world.ok(&["hosts"]);
    assert!(began.elapsed() < PROMPT, "it took {:?}", began.elapsed());
    harmless(&hosts);
    harmless(&world.ok(&["show", deployment]));
    harmless(&world.ok(&["list"]));
    for (name, _, _) in TRICKS {
        harmless(&world.ok(&["hosts", name]));
        if name != "giant-output" {
            harmless(&world.ok(&["logs", deployment, name]));
        }
    }
    assert_eq!(followed.load(Ordering::Relaxed), 0, "it was led elsewhere");
    let added: Vec<PathBuf> = files(world.home()).difference(&before.0).cloned().collect();
    let strange = |path: &PathBuf| !path.to_string_lossy().contains("/revision-1.");
    assert!(!added.iter().any(strange), "{added:#?}");
    let memory = most(&world);
    eprintln!(
        "the orchestrator had {} KiB before, and {memory} KiB at most",
        before.1
    );
    assert!(
        memory < before.1 + MEMORY,
        "{memory} KiB after {} KiB",
        before.1
    );
    let state = world.project().join(".state");
    let kept = std::fs::metadata(state.join(format!("output/{deployment}/giant-output.jsonl")));
    assert!(kept.unwrap().len() <= 17 << 20);
    let journal = std::fs::metadata(state.join("journal.sqlite")).unwrap();
    assert!(journal.len() < 16 << 20, "{} bytes", journal.len());
    drop(over);
}
