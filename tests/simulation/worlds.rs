use std::rc::Rc;

use cutover::sim::{Campaign, Care, Cast, Setting, Tape, run};

#[test]
fn a_few_hundred_worlds_keep_every_invariant() {
    let campaign = Campaign {
        from: 0,
        seeds: 300,
        threads: 2,
        setting: Setting::default(),
        shrink: false,
    };
    let report = campaign.run(|_| {});
    if let Some(failure) = report.failure {
        panic!("seed {}: {}", failure.seed, failure.violation);
    }
    assert_eq!(report.seeds, 300);
    assert!(report.deployments > 300, "{}", report.deployments);
}

#[test]
fn the_same_seed_does_the_same_and_its_tape_too() {
    let cast = Rc::new(Cast::default());
    let (setting, care) = (Setting::default(), Care::default());
    for seed in 0..20 {
        let first = run(&cast, Tape::seeded(seed), setting, care);
        let recorded = run(&cast, Tape::recording(seed), setting, care);
        assert_eq!(first.hash, recorded.hash, "seed {seed}");
        let kept = run(&cast, Tape::kept(recorded.bytes), setting, care);
        assert_eq!(first.hash, kept.hash, "the tape of seed {seed}");
    }
    let other = run(&cast, Tape::seeded(1), setting, care);
    assert_ne!(other.hash, run(&cast, Tape::seeded(2), setting, care).hash);
}

#[test]
fn a_trace_begins_with_its_project_and_holds_every_entry() {
    let cast = Cast::default();
    let outcome = run(
        &Rc::new(Cast::default()),
        Tape::seeded(3),
        Setting::default(),
        Care::default(),
    );
    let project = cast.project(&outcome.shape).unwrap();
    let text = cutover::sim::replay(&project, &outcome.disk).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["cutover"], "replay");
    assert_eq!(lines[0]["version"], 1);
    let header: cutover::model::project::Project =
        serde_json::from_value(lines[0]["project"].clone()).unwrap();
    assert_eq!(header.hosts.len(), outcome.shape.hosts);
    let entries = outcome.disk.deployments.iter().map(Vec::len).sum::<usize>()
        + outcome.disk.ledgers.iter().map(Vec::len).sum::<usize>();
    assert_eq!(lines.len(), 1 + entries);
    for line in &lines[1..] {
        if line["deployment"].is_string() {
            let record = line["record"].clone();
            let _: cutover::engine::event::Record = serde_json::from_value(record).unwrap();
        } else {
            assert!(line["group"].is_object(), "{line}");
            let record = line["ledger"].clone();
            let _: cutover::engine::ledger::LedgerRecord = serde_json::from_value(record).unwrap();
        }
    }
}

/// Only a build with the bugs in it can show that one is found, and that what is found becomes small.
#[cfg(feature = "deliberate-bugs")]
#[test]
fn a_bug_is_found_and_made_small() {
    let found = cutover::sim::bugs::find_all(1, 0, Some("FloorIgnored"), |_| {});
    let violation = found[0].violation.as_ref().expect("nothing noticed it");
    assert_eq!(violation.invariant.id(), "I-1");
    assert!(found[0].small.0 <= 6, "{found:?}");
}
