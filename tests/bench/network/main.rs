//! What many hosts that have joined cost the orchestrator, and what encryption costs a rollout, each against the same over plain
//! loopback in the same run: `cargo bench --bench network`, as root or any user.
//!
//! Nothing fails for being slow: the last column says what is above its aim. `idle` or `rollout` behind `--` measures one part.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    dead_code,
    missing_docs,
    reason = "a measurement prints, and fails by panicking"
)]

#[path = "../rollout/figures.rs"]
mod figures;
mod fleet;
mod idle;
mod rollout;

fn main() {
    // Cargo also asks for benches to be run as tests; a measurement of an unoptimised program says nothing.
    if cfg!(debug_assertions) {
        println!("networks are measured in a release build only: cargo bench --bench network");
        return;
    }
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let named = asked.iter().any(|name| !name.starts_with('-'));
    let wanted = |name: &str| !named || asked.iter().any(|asked| asked == name);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut figures = Vec::new();
    if wanted("idle") {
        figures.extend(runtime.block_on(idle::measure()));
    }
    if wanted("rollout") {
        figures.extend(runtime.block_on(rollout::measure()));
    }
    println!("\n{}", figures::table(&figures));
}
