//! Hosts go through their seven events at once, five of which run a script that does nothing; against starting the same
//! scripts as many at a time, without anybody to order, record or report them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cutover::model::deployment::DeploymentStatus;

use crate::figures::{Aim, Figure, Samples};
use crate::fleet::{Fleet, HOOKS};

const ROUNDS: usize = 7;

pub async fn measure(fleet: &Fleet, hosts: usize, place: &str) -> Vec<Figure> {
    let script = fleet.lab.folder().join("revisions/true/hook.sh");
    let mut feed = fleet.feed().await;
    let (mut rollout, mut floor) = (Samples::default(), Samples::default());
    // The first round sends the bundle and warms up; the second is the first in which ApplicationStop has a script.
    for round in 0..=ROUNDS {
        let began = Instant::now();
        let id = fleet.deploy("true").await;
        assert_eq!(feed.end(&id).await, DeploymentStatus::Succeeded);
        let took = began.elapsed();
        let bare = bare(&script, hosts);
        if round > 0 {
            rollout.add(took);
            floor.add(bare);
        }
    }
    let events = (hosts * 7) as f64;
    let whole = Figure::median(format!("{hosts} x {place}: 7 events of `true`"), &rollout)
        .over(floor.median());
    // One host waits for every message and sync; a hundred share the machine.
    let each = Aim::Seconds(if hosts == 1 { 0.01 } else { 0.002 });
    vec![
        if hosts == 1 {
            whole
        } else {
            whole.aim(Aim::Ratio(3.0))
        },
        Figure::time("  of it, a host-event", rollout.median() / events).aim(each),
    ]
}

/// How long the scripts alone take.
fn bare(script: &Path, hosts: usize) -> Duration {
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..hosts {
            scope.spawn(|| {
                for _ in HOOKS {
                    let mut command = Command::new(script);
                    command
                        .stdin(Stdio::null())
                        .stdout(Stdio::piped())
                        .stderr(Stdio::piped());
                    assert!(command.output().unwrap().status.success());
                }
            });
        }
    });
    began.elapsed()
}
