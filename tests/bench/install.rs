//! How long an agent takes for a bundle, against what anybody would do by hand: `tar -xzf` and `cp -a`.
//!
//! The agent's side is the real agent's: the time of `DownloadBundle` and Install as it reports them. It includes the
//! bundle's digest, the checks of every entry, two syncs of the file system and the agent's own records; the other side
//! leaves its files to the kernel, and syncs nothing. Rounds alternate, so that both sides meet the same machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    missing_docs,
    reason = "a measurement prints, and fails by panicking"
)]

#[path = "../agent/support.rs"]
mod support;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cutover::agent::protocol::Order;
use cutover::model::lifecycle::LifecycleEvent as E;

use support::{Host, Run, appspec, order};

const FILES: usize = 500;
const BYTES: usize = 10 << 20;
const ROUNDS: u32 = 11;
const LIMIT: f64 = 1.5;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let host = Host::started().await;
    let revision = host.path("revision");
    lay_out(&revision);
    let pushed = host.push_folder("1", &revision).await;
    let tarball = host.path("bundle.tgz");
    run(
        "tar",
        &[
            "-czf".as_ref(),
            &tarball,
            "-C".as_ref(),
            &revision,
            ".".as_ref(),
        ],
    );
    let (mut agent, mut hand) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        // What an earlier round left to be written is not this round's.
        run("sync", &[]);
        let hand_took = by_hand(&tarball, &host.path(&format!("hand-{round}")));
        run("sync", &[]);
        let order = Order {
            // Each round installs anew, and cleans up nothing.
            deployment_group_id: format!("group-{round}"),
            events: vec![E::DownloadBundle, E::Install],
            ..order(round, &pushed)
        };
        let done = host.run(&order).await;
        done.succeeded();
        let agent_took = [E::DownloadBundle, E::Install].map(|event| took(&done, event));
        // Out of the way, but not removed: what is removed makes the next files slower on some file systems.
        fs::rename(
            host.installed("/srv/app"),
            host.path(&format!("agent-{round}")),
        )
        .unwrap();
        // The first round warms up.
        if round > 0 {
            hand.push(hand_took);
            agent.push(agent_took);
        }
    }
    report(&agent, &hand);
}

fn report(agent: &[[f64; 2]], hand: &[[f64; 2]]) {
    let sum = |times: &[f64; 2]| times[0] + times[1];
    let whole = |all: &[[f64; 2]]| median(all.iter().map(sum));
    let part = |all: &[[f64; 2]], at: usize| median(all.iter().map(|times| times[at]));
    // Of each round, because the machine may get busier or less busy meanwhile.
    let ratio = median(
        agent
            .iter()
            .zip(hand)
            .map(|(ours, theirs)| sum(ours) / sum(theirs)),
    );
    println!(
        "{FILES} files, {} MB, median of {ROUNDS} alternating rounds",
        BYTES >> 20
    );
    println!(
        "cutover agent {:6.1} ms: DownloadBundle {:.1} (digest, unpack with checks, sync, dry run), Install {:.1} (dry run, copy, sync)",
        whole(agent),
        part(agent, 0),
        part(agent, 1)
    );
    println!(
        "by hand       {:6.1} ms: tar -xzf {:.1}, cp -a {:.1} (nothing is synced)",
        whole(hand),
        part(hand, 0),
        part(hand, 1)
    );
    println!("ratio         {ratio:6.2}, at most {LIMIT}");
    assert!(ratio <= LIMIT, "too slow");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

/// Text, which compresses as programs and pages do: to about a third.
fn lay_out(revision: &Path) {
    let mut state = 1_u32;
    for file in 0..FILES {
        let mut text = String::new();
        while text.len() < BYTES / FILES {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            write!(text, "{:x} ", state >> 12).unwrap();
        }
        let at = revision.join(format!("files/{}/{file}.txt", file % 20));
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
    }
    fs::write(revision.join("appspec.yml"), appspec("")).unwrap();
}

fn by_hand(tarball: &Path, scratch: &Path) -> [f64; 2] {
    let (unpacked, installed) = (scratch.join("unpacked"), scratch.join("installed"));
    fs::create_dir_all(&unpacked).unwrap();
    let start = Instant::now();
    run("tar", &["-xzf".as_ref(), tarball, "-C".as_ref(), &unpacked]);
    let untarred = start.elapsed();
    let start = Instant::now();
    run("cp", &["-a".as_ref(), &unpacked.join("files"), &installed]);
    [untarred, start.elapsed()].map(milliseconds)
}

fn took(run: &Run, event: E) -> f64 {
    let state = run
        .state
        .events
        .iter()
        .find(|state| state.event == event)
        .unwrap();
    milliseconds(state.end_time.unwrap() - state.start_time.unwrap())
}

fn run(program: &str, arguments: &[&Path]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program}: {status}");
}
