//! What the agent costs a host that has other things to do: `cargo bench --bench agent`.
//!
//! Idle, it must be small and sleep. In a rollout, it must add little to what starting the scripts costs anybody. Each
//! figure is printed, and one above its limit fails the run. Needs `/proc`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement fails by panicking, and prints"
)]

#[path = "../agent/support.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use cutover::agent::protocol::{ExecutionEnd, Order, What};
use cutover::model::deployment::ExecutionId;
use cutover::model::lifecycle::LifecycleEvent as E;
use process_wrap::tokio::{CommandWrap, CommandWrapper as _, ProcessSession};
use support::{Host, order};

/// What an idle agent has in memory for itself. What it has mapped of the program's file besides is shared by all who run it, and
/// how much of that counts as resident is the kernel's choice: 14 to 20 MiB of the same program.
const MEMORY_KIB: u64 = 4 * 1024;

/// The agent's own processor time for seven events with a script each, beyond what starting the scripts costs.
const SEVEN_EVENTS: Duration = Duration::from_millis(5);

/// Others on the machine can only make a round dearer, so the cheapest of several series counts.
const SERIES: u32 = 8;

const ROUNDS: u32 = 25;

/// What the kernel counts processor time in.
const TICK: Duration = Duration::from_millis(10);

const EVENTS: [E; 7] = [
    E::BeforeBlockTraffic,
    E::AfterBlockTraffic,
    E::ApplicationStop,
    E::BeforeInstall,
    E::AfterInstall,
    E::ApplicationStart,
    E::ValidateService,
];

fn main() {
    // Cargo also asks for benches to be run as tests; a measurement of an unoptimised program says nothing.
    if cfg!(debug_assertions) {
        println!("the agent is measured in a release build only: cargo bench --bench agent");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut host = Host::new();
        host.start_binary().await;
        let idle = idle(&host).await;
        let busy = seven_events(&host).await;
        assert!(idle && busy, "a figure is above its limit");
    });
}

async fn idle(host: &Host) -> bool {
    // Somebody has listened once, and then all is quiet.
    host.info().await;
    let before = wakeups(host.pid());
    let window = Duration::from_secs(10);
    tokio::time::sleep(window).await;
    let quiet = woken_since(&before, host.pid());
    println!("idle: woke {quiet} times in {window:?} (limit 2)");

    // An orchestrator that listens is shown every three seconds that the agent is alive.
    let mut stream = host.stream(0).await;
    assert!(stream.line().await.is_empty());
    let before = wakeups(host.pid());
    let heartbeats = 3;
    for _ in 0..heartbeats {
        assert!(stream.line().await.is_empty());
    }
    let followed = woken_since(&before, host.pid());
    let limit = heartbeats * 4;
    println!("followed: woke {followed} times in {heartbeats} heartbeats (limit {limit})");

    let memory = memory_of(host.pid(), "RssAnon:");
    let resident = memory_of(host.pid(), "VmRSS:");
    println!("idle: {memory} KiB of its own (limit {MEMORY_KIB}), {resident} KiB resident");
    quiet <= 2 && followed <= limit && memory <= MEMORY_KIB
}

async fn seven_events(host: &Host) -> bool {
    let hooks = EVENTS.map(|event| format!("  {event}: [{{location: run.sh}}]"));
    let spec = format!("version: 0.0\nos: linux\nhooks:\n{}\n", hooks.join("\n"));
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("run.sh", "#!/bin/true\n", 0o755),
    ];
    let revision = host.push("1", &members).await;
    let first = order(1, &revision);
    host.run(&first).await.succeeded();
    let script = host.deployment(&first).join("deployment-archive/run.sh");

    // The deployment's archive is there, so seven events mean seven scripts and nothing else.
    // An orchestrator listens to a host once, not for each order.
    let mut stream = host.stream(host.info().await.seq).await;
    let order = Order {
        events: EVENTS.to_vec(),
        ..first.clone()
    };
    let mut series = Vec::new();
    for number in 0..SERIES {
        let (mut agent, mut reference) = (0, 0);
        for round in 0..ROUNDS {
            let id = ExecutionId(format!("round-{number}-{round}").into());
            let before = processor_time(host.pid());
            host.order(&id, &order).await;
            let ended = stream.wait_for(|what| matches!(what, What::Ended { .. }));
            let finished = What::Ended {
                end: ExecutionEnd::Finished,
            };
            assert_eq!(ended.await.what, finished);
            agent += processor_time(host.pid()) - before;

            let before = processor_time(std::process::id());
            for _ in EVENTS {
                start(&script).await;
            }
            reference += processor_time(std::process::id()) - before;
        }
        let (agent, reference) = (TICK * agent / ROUNDS, TICK * reference / ROUNDS);
        series.push((agent.saturating_sub(reference), agent, reference));
    }
    series.sort();
    let (added, agent, reference) = series[0];
    let dearest = series[series.len() - 1].0;
    println!(
        "seven events: {agent:?} of processor time, starting seven scripts alone {reference:?}, so {added:?} added \
         (limit {SEVEN_EVENTS:?}; the cheapest of {SERIES} series of {ROUNDS} rounds, the dearest added {dearest:?})"
    );
    added <= SEVEN_EVENTS
}

/// Starts a script as plainly as possible, but in a session of its own, as the agent does: that takes a fork, which copies the
/// tables of the memory and later what is written of it, where the kernel could start the script directly otherwise.
async fn start(script: &std::path::Path) {
    let mut command = tokio::process::Command::new(script);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let wrap = CommandWrap::from(tokio::process::Command::new(script));
    ProcessSession.pre_spawn(&mut command, &wrap).unwrap();
    command.spawn().unwrap().wait().await.unwrap();
}

/// How often each of the threads went to sleep and was woken.
fn wakeups(pid: u32) -> BTreeMap<PathBuf, u64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks
        .filter_map(|task| {
            let task = task.unwrap().path();
            let switches = number(&task.join("status"), "voluntary_ctxt_switches:")?;
            Some((task, switches))
        })
        .collect()
}

/// How often threads were woken since then. One that has ended was woken for that.
fn woken_since(before: &BTreeMap<PathBuf, u64>, pid: u32) -> u64 {
    let now = wakeups(pid);
    let ended = before.keys().filter(|task| !now.contains_key(*task));
    let woken = now
        .iter()
        .map(|(task, switches)| switches - before.get(task).unwrap_or(&0));
    woken.sum::<u64>() + ended.count() as u64
}

fn memory_of(pid: u32, kind: &str) -> u64 {
    number(std::path::Path::new(&format!("/proc/{pid}/status")), kind).unwrap()
}

fn number(path: &std::path::Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// What all threads, also ended ones, have used, in ticks; which is why there are many rounds.
fn processor_time(pid: u32) -> u32 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = text.rsplit_once(')').unwrap();
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    fields[11].parse::<u32>().unwrap() + fields[12].parse::<u32>().unwrap()
}
