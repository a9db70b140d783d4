//! Opening a finished rollout of a thousand hosts, and going about in it.

use std::fs::File;

use cutover::model::timestamp::Timestamp;
use cutover::tui::{Entry, Recording};

use crate::child::REPLAY;
use crate::engine::{Rollout, names, spec};
use crate::figures::{Aim, Figure, Samples};
use crate::screen::Screen;
use crate::{ID, project};

const HOSTS: usize = 1_000;
const ROUNDS: usize = 20;

pub fn measure() -> Vec<Figure> {
    let at_once = u32::try_from(HOSTS).unwrap();
    let mut rollout = Rollout::new(
        spec(ID, names(HOSTS), at_once),
        Timestamp(1_900_000_000_000),
    );
    rollout.run(None);
    let deployment = rollout.id().clone();
    let records = std::mem::take(&mut rollout.records).into_iter();
    let recording = Recording {
        project: project(HOSTS),
        entries: records
            .map(|record| Entry::Deployment {
                deployment: deployment.clone(),
                record,
            })
            .collect(),
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    recording.write(File::create(file.path()).unwrap()).unwrap();
    let began = std::time::Instant::now();
    assert_eq!(
        Recording::read(file.path()).unwrap().entries.len(),
        recording.entries.len()
    );
    let reading = began.elapsed().as_secs_f64();

    let screen = Screen::start((120, 40), REPLAY, file.path(), ID);
    let opened = screen.wait("the rollout", |screen| screen.text().contains("REPLAY"));
    let opening = opened.duration_since(screen.begun).as_secs_f64();
    let mut seeks = Samples::default();
    for _ in 0..ROUNDS {
        for (key, at) in [(">", recording.entries.len()), ("<", 1)] {
            let there = format!(" {at}/{} ", recording.entries.len());
            screen.drain();
            let pressed = screen.press(key);
            let came = screen.wait(&there, |screen| screen.text().contains(&there));
            seeks.add(came.duration_since(pressed));
        }
    }
    drop(screen.end());
    let name = |what: &str| {
        format!(
            "replay of {HOSTS} hosts, {} entries: {what}",
            recording.entries.len()
        )
    };
    vec![
        Figure::time(name("opening"), opening)
            .over(reading)
            .aim(Aim::Seconds(0.5)),
        Figure::median(name("seeking, median"), &seeks),
        Figure::time(name("seeking, slowest"), seeks.range().1).aim(Aim::Seconds(0.05)),
    ]
}
