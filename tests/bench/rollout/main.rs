//! What orchestration adds to a rollout: `cargo bench --bench rollout`.
//!
//! Each figure stands beside a floor that was measured in the same run, in turn with it, so that a busy machine slows
//! both. Nothing here fails for being slow: the last column says what is above its aim.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    dead_code,
    missing_docs,
    reason = "a measurement prints, and fails by panicking"
)]

#[path = "../../traffic/backend.rs"]
mod backend;
mod engine;
mod figures;
mod fleet;
#[path = "../../rollout/lab.rs"]
mod lab;
#[path = "../../traffic/program.rs"]
mod program;
mod restart;
mod shift;
mod stop;
mod throughput;

use figures::Figure;
use fleet::Fleet;

const HOSTS: usize = 100;

fn main() {
    // Cargo also asks for benches to be run as tests; a measurement of an unoptimised program says nothing.
    if cfg!(debug_assertions) {
        println!("rollouts are measured in a release build only: cargo bench --bench rollout");
        return;
    }
    let asked: Vec<String> = std::env::args().skip(1).collect();
    // Without a name everything is measured. Cargo adds a flag of its own.
    let named = asked.iter().any(|name| !name.starts_with('-'));
    let wanted = |name: &str| !named || asked.iter().any(|asked| asked == name);
    let mut figures = Vec::new();
    if wanted("engine") {
        figures.extend(engine::measure());
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(fleets(wanted, &mut figures));
    println!("\n{}", figures::table(&figures));
}

async fn fleets(wanted: impl Fn(&str) -> bool, figures: &mut Vec<Figure>) {
    if wanted("restart") {
        figures.extend(restart::measure().await);
    }
    if wanted("shift") {
        figures.extend(shift::measure().await);
    }
    if wanted("throughput") {
        let fleet = Fleet::up(1, &[("true", "#!/bin/true\n")]).await;
        figures.extend(throughput::measure(&fleet, 1, "host").await);
    }
    if wanted("stop") || wanted("throughput") {
        let revisions = [("true", "#!/bin/true\n"), ("sleep", stop::SCRIPT)];
        for (place, memory) in [("host, a disk each", true), ("host, one disk", false)] {
            let fleet = if memory {
                Fleet::up_in_memory(HOSTS, &revisions).await
            } else {
                Fleet::up(HOSTS, &revisions).await
            };
            if wanted("throughput") {
                figures.extend(throughput::measure(&fleet, HOSTS, place).await);
            }
            if wanted("stop") {
                figures.extend(stop::measure(&fleet, HOSTS, place).await);
            }
        }
    }
}
