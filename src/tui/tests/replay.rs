//! Replays: the same picture as live at every entry, forwards and backwards, and nothing that changes the world.

use super::{Cockpit, MONO, sample};
use crate::api::afterwards::timeline::is_turn;
use crate::engine::fold;
use crate::engine::ledger::{LedgerEvent, LedgerRecord};
use crate::tui::action::available::available;
use crate::tui::action::{ACTIONS, Grade};
use crate::tui::effect::Effect;
use crate::tui::model::Outcome;
use crate::tui::replay::{Entry, Player, Recording, begin};
use crate::tui::theme::Theme;

pub(super) fn recording() -> Recording {
    let mut run = sample::rollout();
    let mut records = run.records.clone();
    records.extend(run.finish());
    let mut entries = vec![Entry::Group {
        group: sample::production(),
        ledger: LedgerRecord {
            seq: 1,
            at: sample::now(-20_000),
            event: LedgerEvent::Opened {
                deployment: sample::id(sample::LIVE),
            },
        },
    }];
    entries.extend(records.into_iter().map(|record| Entry::Deployment {
        deployment: sample::id(sample::LIVE),
        record,
    }));
    Recording {
        project: sample::project(12),
        entries,
    }
}

pub(super) fn replay(recording: &Recording) -> Cockpit {
    let mut cockpit = Cockpit::new();
    begin(&mut cockpit.model, Player::new(recording));
    // The time at which the replay is looked at is another than the one it shows.
    at(&mut cockpit, 0);
    cockpit
}

/// So many milliseconds of real time after it was opened.
fn at(cockpit: &mut Cockpit, milliseconds: i64) {
    cockpit.at(crate::model::timestamp::Timestamp(
        2_000_000_000_000 + milliseconds,
    ));
}

fn place(cockpit: &Cockpit) -> usize {
    cockpit.model.replay.as_ref().unwrap().place().0
}

/// What the picture must be after the entries that it says it shows.
fn check(cockpit: &Cockpit, recording: &Recording) {
    let records = recording.entries[..place(cockpit)]
        .iter()
        .filter_map(|entry| match entry {
            Entry::Deployment { record, .. } => Some(record),
            Entry::Group { .. } => None,
        });
    let expected = fold(records);
    assert_eq!(cockpit.model.deployment(), expected.as_ref());
    // A replay can stand still between two entries of one decision.
    let next = cockpit.model.ahead.outlook.as_ref();
    let next = next.map(ToString::to_string).unwrap_or_default();
    assert!(!next.contains("a fault of this program"), "{next}");
}

#[test]
fn every_step_forwards_and_backwards_is_the_picture_of_that_entry() {
    let recording = recording();
    let all = recording.entries.len();
    let mut cockpit = replay(&recording);
    cockpit.keys("<");
    for expected in 2..all {
        assert_eq!(place(&cockpit), expected);
        check(&cockpit, &recording);
        assert_eq!(
            cockpit.model.now,
            recording.entries[place(&cockpit) - 1].at()
        );
        cockpit.keys(".");
    }
    // The group's entry before the creation is in every picture.
    for expected in (2..=all).rev() {
        assert_eq!(place(&cockpit), expected);
        check(&cockpit, &recording);
        cockpit.keys(",");
    }
    assert_eq!(place(&cockpit), 2);
    assert!(cockpit.screen().contains("this is the beginning"));
    cockpit.keys(">");
    assert_eq!(place(&cockpit), all);
    check(&cockpit, &recording);
}

#[test]
fn time_passes_at_the_speed_that_was_chosen() {
    let recording = recording();
    let mut cockpit = replay(&recording);
    let start = cockpit.model.now;
    at(&mut cockpit, 5_000);
    assert_eq!(
        cockpit.model.now, start,
        "it stands still until told to go on"
    );
    cockpit.keys("space");
    let after = |cockpit: &Cockpit| cockpit.model.now.since(start).as_millis();
    at(&mut cockpit, 6_000);
    assert_eq!(after(&cockpit), 1000);
    check(&cockpit, &recording);
    cockpit.keys("+ +");
    at(&mut cockpit, 7_000);
    assert_eq!(after(&cockpit), 5000);
    cockpit.keys("- - -");
    at(&mut cockpit, 8_000);
    assert_eq!(after(&cockpit), 5500);
    cockpit.keys("space");
    at(&mut cockpit, 9_000);
    assert_eq!(after(&cockpit), 5500);
    cockpit.keys("space");
    at(&mut cockpit, 10_000_000);
    assert_eq!(cockpit.model.now, recording.entries.last().unwrap().at());
    check(&cockpit, &recording);
}

#[test]
fn it_jumps_to_failures_and_decisions_and_over_long_stretches() {
    let recording = recording();
    let mut cockpit = replay(&recording);
    let turns: Vec<usize> = (3..=recording.entries.len())
        .filter(|place| match &recording.entries[place - 1] {
            Entry::Deployment { record, .. } => is_turn(&record.event),
            Entry::Group { .. } => false,
        })
        .collect();
    assert!(turns.len() > 2);
    for turn in &turns {
        cockpit.keys("}");
        assert_eq!(place(&cockpit), *turn);
        check(&cockpit, &recording);
    }
    cockpit.keys("}");
    assert!(cockpit.screen().contains("nobody decides anything"));
    for turn in turns.iter().rev().skip(1) {
        cockpit.keys("{");
        assert_eq!(place(&cockpit), *turn);
        check(&cockpit, &recording);
    }
    cockpit.keys("> (");
    let stride = recording.entries.len() / 20;
    assert_eq!(place(&cockpit), recording.entries.len() - stride);
    check(&cockpit, &recording);
    for _ in 0..30 {
        cockpit.keys("(");
    }
    assert_eq!(place(&cockpit), 2);
    for _ in 0..30 {
        cockpit.keys(")");
    }
    assert_eq!(place(&cockpit), recording.entries.len());
    check(&cockpit, &recording);
}

#[test]
fn a_long_recording_is_the_same_wherever_one_jumps() {
    let project = sample::project(200);
    let ledger = sample::ledger(200);
    let mut run = sample::Run::new(&project, sample::LIVE, "1.8.0", sample::now(0), &ledger);
    for host in 1..=200 {
        run.walk(&format!("web-{host}"), 7);
    }
    let recording = Recording {
        project,
        entries: run
            .records
            .into_iter()
            .map(|record| Entry::Deployment {
                deployment: sample::id(sample::LIVE),
                record,
            })
            .collect(),
    };
    assert!(recording.entries.len() > 2500);
    let mut cockpit = replay(&recording);
    cockpit.keys("> ( ( ( ( , (");
    check(&cockpit, &recording);
    cockpit.keys("( ( ( ( ( ( ( ( .");
    check(&cockpit, &recording);
}

#[test]
fn nothing_can_be_changed_and_the_reason_is_given() {
    let mut cockpit = replay(&recording());
    cockpit.keys("space");
    at(&mut cockpit, 15_000);
    for entry in ACTIONS.iter().filter(|entry| entry.grade == Grade::Asks) {
        let refused = available(entry.action, &cockpit.model);
        assert_eq!(
            refused,
            Err("this is a replay".to_owned()),
            "{}",
            entry.name
        );
    }
    cockpit.keys("s p b d enter u t S a");
    cockpit.keys("q");
    assert_eq!(
        cockpit.model.outcome,
        Some(Outcome::Idle),
        "it asks nothing"
    );
    assert_eq!(cockpit.effects, [Effect::Quit]);
}

#[test]
fn a_replay_says_that_it_is_one() {
    let mut cockpit = replay(&recording());
    cockpit.keys("space +");
    at(&mut cockpit, 5_000);
    for (width, height) in [(200, 50), (120, 40), (80, 24), (60, 15), (20, 3)] {
        cockpit.resize(width, height);
        assert!(cockpit.screen().contains("REPLAY"), "{width}x{height}");
    }
    cockpit.resize(120, 40);
    insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("replay-120x40", cockpit.screen());
    });
    cockpit.resize(80, 24);
    cockpit.model.theme = Theme {
        unicode: false,
        ..*MONO
    };
    insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("replay-80x24-ascii", cockpit.screen());
    });
}

fn read(text: &str) -> Result<Recording, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace");
    std::fs::write(&file, text).unwrap();
    let shown = file.display().to_string();
    Recording::read(&file).map_err(|error| error.to_string().replace(&shown, "trace"))
}

fn written(recording: &Recording) -> String {
    let mut out = Vec::new();
    recording.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    let recording = recording();
    let again = read(&written(&recording)).unwrap();
    assert_eq!(again.entries, recording.entries);
    assert_eq!(again.project, recording.project);
}

#[test]
fn what_is_wrong_with_a_recording_is_said_with_its_line() {
    let good = written(&recording());
    let lines: Vec<&str> = good.lines().collect();
    let without = |line: usize| {
        let mut kept = lines.clone();
        kept.remove(line - 1);
        kept.join("\n")
    };
    let problem = |text: &str| read(text).unwrap_err();
    assert_eq!(problem(""), "trace:1: the file is empty");
    assert!(problem("x\n").starts_with("trace:1: not a recording"));
    assert!(problem(&good.replacen("\"version\":1", "\"version\":7", 1)).contains("version 7"));
    assert_eq!(
        problem(lines[0]),
        "trace:1: nothing has happened: no line follows the first"
    );
    assert_eq!(
        problem(&without(3)),
        "trace:3: d-7F3KQ21XB does not begin with its creation"
    );
    assert_eq!(
        problem(&without(6)),
        "trace:6: entry 5 of d-7F3KQ21XB comes after its entry 3"
    );
    let torn = good.replacen(lines[9], &lines[9][..lines[9].len() / 2], 1);
    assert!(
        problem(&torn).starts_with("trace:10: column "),
        "{}",
        problem(&torn)
    );
    let mixed = format!("{}\n{{\"deployment\":\"d-7F3KQ21XB\"}}\n", lines[0]);
    assert!(problem(&mixed).starts_with("trace:2: an entry has either"));
}
