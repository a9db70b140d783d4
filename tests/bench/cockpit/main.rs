//! What the cockpit costs, and how soon it answers: `cargo bench --bench cockpit`.
//!
//! The real cockpit in a pseudo-terminal, behind a door that tells it of a thousand events a second. The floors are the same
//! cockpit with ten targets, and a program that does nothing but answer. Nothing here fails for being slow: the last column
//! says what is above its aim.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::missing_panics_doc,
    dead_code,
    missing_docs,
    reason = "a measurement prints, takes its time, and fails by panicking"
)]

mod child;
mod door;
#[path = "../rollout/engine.rs"]
mod engine;
#[path = "../rollout/figures.rs"]
mod figures;
mod replay;
mod screen;

use std::sync::atomic::Ordering;
use std::time::Duration;

use cutover::engine::fold;
use cutover::model::project::Project;
use door::Door;
use engine::{Rollout, names, spec};
use figures::{Aim, Figure, Samples, Unit};
use screen::{Screen, Size};

const ID: &str = "d-AAAAAAAAA";
const SIZES: [Size; 2] = [(120, 40), (200, 60)];
const MANY: usize = 10_000;
const FEW: usize = 10;
const LINES: usize = 100_000;
/// Keys that are pressed, and the time between two of them: a person's.
const KEYS: (usize, Duration) = (200, Duration::from_millis(61));
/// How long an idle cockpit is watched.
const IDLE: Duration = Duration::from_secs(30);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .first()
        .is_some_and(|first| [child::COCKPIT, child::REPLAY].contains(&first.as_str()))
    {
        return child::run(&arguments);
    }
    // Cargo also asks for benches to be run as tests; a measurement of an unoptimised program says nothing.
    if cfg!(debug_assertions) {
        println!("the cockpit is measured in a release build only: cargo bench --bench cockpit");
        return;
    }
    let mut figures = Vec::new();
    for size in SIZES {
        figures.extend(live(size));
    }
    figures.extend(replay::measure());
    println!("\n{}", figures::table(&figures));
}

/// A project with one group of so many hosts.
pub fn project(hosts: usize) -> Project {
    let hosts: Vec<_> = names(hosts)
        .map(|name| serde_json::json!({"name": name, "address": "http://127.0.0.1:1"}))
        .collect();
    let group = spec(ID, names(1), 1).group;
    let application = serde_json::json!({"applicationName": "bench", "computePlatform": "Server"});
    let project = serde_json::json!({
        "name": "bench",
        "hosts": hosts,
        "settings": {},
        "applications": {"bench": application},
        "groups": [group],
        "configurations": {},
    });
    serde_json::from_value(project).unwrap()
}

/// What a cockpit does with so many targets.
struct Seen {
    frame: f64,
    paint: f64,
    keys: Samples,
    frames: Samples,
    idle: f64,
    idle_bytes: f64,
    memory: f64,
}

fn watch(size: Size, targets: usize, lines: usize) -> Seen {
    let at_once = u32::try_from(targets).unwrap();
    let now = cutover::clock::now();
    let mut rollout = Rollout::new(spec(ID, names(targets), at_once), now);
    rollout.run(None);
    // Every target is at work when somebody begins to watch.
    let begun = rollout.records.len().min(targets * 2);
    let rest = rollout.records.split_off(begun);
    let deployment = fold(&rollout.records).unwrap();
    let door = Door::open(project(targets), &deployment, rest, lines);
    let screen = Screen::start(size, child::COCKPIT, door.path(), ID);
    let drawn = screen.wait("a frame", |screen| !screen.text().is_empty());
    let frame = drawn.duration_since(screen.begun).as_secs_f64();
    let painted = screen.wait("instances", |screen| {
        screen.behind("\u{276f} host-").is_some()
    });
    let paint = painted.duration_since(screen.begun).as_secs_f64();
    // The output that is shown is whole.
    std::thread::sleep(Duration::from_secs(3));
    let memory = screen.memory();
    let (cost, bytes) = (screen.processor_time(), screen.bytes());
    std::thread::sleep(IDLE);
    let idle = (screen.processor_time() - cost) / IDLE.as_secs_f64();
    let idle_bytes = (screen.bytes() - bytes) as f64 / IDLE.as_secs_f64() * 60.0;
    door.busy.store(targets == MANY, Ordering::Relaxed);
    let mut keys = Samples::default();
    for number in 0..KEYS.0 {
        std::thread::sleep(KEYS.1);
        let before = screen.behind("\u{276f} host-");
        screen.drain();
        let key = if number % (FEW * 2) < FEW - 1 {
            "j"
        } else {
            "k"
        };
        if number % FEW == FEW - 1 {
            continue;
        }
        let pressed = screen.press(key);
        let came = screen.wait("the next row", |screen| {
            screen.behind("\u{276f} host-") != before
        });
        keys.add(came.duration_since(pressed));
    }
    let mut frames = Samples::default();
    for frame in screen.end() {
        frames.push(frame);
    }
    Seen {
        frame,
        paint,
        keys,
        frames,
        idle,
        idle_bytes,
        memory,
    }
}

fn live(size: Size) -> Vec<Figure> {
    let (few, many) = (watch(size, FEW, 10), watch(size, MANY, LINES));
    let echo = echo(size);
    let (columns, rows) = size;
    let name = |what: &str| format!("{columns}x{rows}, {MANY} targets, 1000 events/s: {what}");
    let quiet = |what: &str| format!("{columns}x{rows}, {MANY} targets: {what}");
    let bytes = |name: String, value| Figure {
        unit: Unit::Bytes,
        ..Figure::time(name, value)
    };
    let quantile =
        |name: String, samples: &Samples, percent| Figure::time(name, samples.quantile(percent));
    vec![
        quantile(name("a frame, 99th percentile"), &many.frames, 99)
            .over(few.frames.quantile(99))
            .aim(Aim::Seconds(0.001)),
        Figure::median(name("a frame, median"), &many.frames).over(few.frames.median()),
        Figure::median(name("key to bytes, median"), &many.keys)
            .over(echo.median())
            .aim(Aim::Seconds(0.004)),
        quantile(name("key to bytes, 99th percentile"), &many.keys, 99)
            .over(echo.quantile(99))
            .aim(Aim::Seconds(0.016)),
        Figure::time(quiet("until the first frame"), many.frame)
            .over(few.frame)
            .aim(Aim::Seconds(0.1)),
        Figure::time(quiet("until the instances are shown"), many.paint).over(few.paint),
        Figure::time(quiet("idle, processor time a second"), many.idle).aim(Aim::Seconds(0.005)),
        bytes(quiet("idle, bytes a minute"), many.idle_bytes).aim(Aim::Bytes(20e3)),
        bytes(
            quiet(&format!("memory, with {LINES} lines of output")),
            many.memory,
        )
        .over(few.memory)
        .aim(Aim::Bytes(150e6)),
    ]
}

/// How soon a program answers that only writes back what it reads.
fn echo(size: Size) -> Samples {
    let report = tempfile::NamedTempFile::new().unwrap();
    let screen = Screen::run(
        size,
        "sh",
        &["-c", "stty raw -echo; printf ready; exec cat"],
        report,
    );
    screen.wait("the program", |screen| screen.text().contains("ready"));
    let mut keys = Samples::default();
    for _ in 0..KEYS.0 {
        std::thread::sleep(KEYS.1 / 4);
        let before = screen.text();
        screen.drain();
        let pressed = screen.press("j");
        let came = screen.wait("the key", |screen| screen.text() != before);
        keys.add(came.duration_since(pressed));
    }
    drop(screen.end());
    keys
}
